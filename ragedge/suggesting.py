"""An index -> a few questions that it surely answers: what a page offers to who does not know yet what to ask.

Made by program from headings, records and tables, as calibration makes them, and kept only where the product, asked
without a language model, answers from the very place that the question was made of. Deterministic: the same index gives
the same questions. Knows an index through the read path that is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ragedge.ask import Pipeline
from ragedge.calibration.making import make_questions
from ragedge.calibration.sections import MadeQuestion, Section, sections_of
from ragedge.contracts import Answer, Question
from ragedge.errors import NotFound

SUGGESTED = 4
_MOST_DOCUMENTS = 40  # read for questions; spread over the list, so that a large index is not read whole
_MOST_PAGES = 12  # of one document; the first ones say what it is about
_MOST_MADE = 80
_MOST_TRIED = 16  # each is asked
_WORDS = (4, 14)  # of a question that fits a button and says enough
_KINDS = ("record", "heading", "steps", "definition", "date", "number", "reason", "condition")
_ASKING_TEXT = """
    what which who whose when where why how was welche welcher welches wer wann wo warum wie woraus qui que quel quelle
    quels quelles quand où comment combien qu'est-ce qué cuál cuáles quién cuándo dónde cómo cuánto cuánta
"""
_ASKING = frozenset(_ASKING_TEXT.split())

#: What stands above every mail; nobody begins with that.
_LETTER_HEAD = re.compile(
    r"\s*(?:from|to|cc|bcc|subject|date|sent|reply-to|von|an|betreff|datum|de|à|objet|para|asunto|fecha)\s*:", re.I
)

#: Made questions that calibration can use and a page should not show: of places in the text, in capitals, loose ones.
_CLUMSY = re.compile(
    r"^(?:where can i read|which points are listed|is there anything|what should i know about|what about|what is said"
    r"|what (?:is|are) the (?:what|which|who|whose|when|where|why|how)\b)"
    r"|\b\d+\.\d+\b|\b(?:table|figure|fig|section|chapter|page|tabelle|abbildung|kapitel|seite)\s\d"
    r"|\b(?-i:[A-ZÀ-Þ]{3,}\s[A-ZÀ-Þ]{3,})\b",
    re.I,
)
#: How any field is asked for whose name says nothing to the maker; other questions go first.
_GENERAL = re.compile(r"^(?:what is the .+ of|which .+ does .+ have|what is the .+ for)\b", re.I)


def suggest(pipeline: Pipeline, is_over: Callable[[], bool] = lambda: False) -> tuple[str, ...]:
    """At most `SUGGESTED` questions, each of another document where there are enough; fewer where fewer are sure."""
    quiet = Pipeline(
        pipeline.index,
        pipeline.retriever,
        pipeline.embedder,
        None,
        pipeline.settings,
        evidence_reader=pipeline.weigher.reader,
    )
    made = make_questions(_sections(pipeline, is_over), seed=0, limit=_MOST_MADE, everyday_share=0.0)
    kept: list[str] = []
    for question in in_turn([question for question in made if is_worth_asking(question)])[:_MOST_TRIED]:
        if is_over() or len(kept) == SUGGESTED:
            break
        if is_answered(quiet.ask(Question(question.question)), question):
            kept.append(question.question)
    return tuple(kept)


def is_worth_asking(question: MadeQuestion) -> bool:
    """Whether it reads well, and asks for more than a letter's head or what it says itself. Rows of tables, names and
    values are left to calibration: questions made of them are clear to a program, but seldom good English."""
    says_it = question.answer and question.answer.casefold() in question.question.casefold()
    is_clumsy = _CLUMSY.search(question.question) or _LETTER_HEAD.match(question.quote)
    return question.kind in _KINDS and reads_well(question.question) and not says_it and not is_clumsy


def reads_well(question: str) -> bool:
    """Whether it is a whole question as a person puts it, and of a length to be read at a glance."""
    words = question.split()
    asks = words[0].strip("¿").casefold() if words else ""
    return (
        question.endswith("?")
        and question.count("?") == 1
        and _WORDS[0] <= len(words) <= _WORDS[1]
        and (asks in _ASKING or asks.startswith("qu'"))
    )


def in_turn(questions: Sequence[MadeQuestion]) -> list[MadeQuestion]:
    """The best of each document first, then the second best; kinds as people would ask, short ones first."""
    by_document: dict[str, list[MadeQuestion]] = {}
    for question in questions:
        by_document.setdefault(question.document_id, []).append(question)
    turns = [
        (turn, _rank(question), question)
        for one in by_document.values()
        for turn, question in enumerate(sorted(one, key=_rank))
    ]
    return [question for *_, question in sorted(turns, key=lambda item: item[:2])]


def _rank(question: MadeQuestion) -> tuple[bool, int, int, str]:
    return (
        bool(_GENERAL.match(question.question)),
        _KINDS.index(question.kind),
        len(question.question),
        question.question,
    )


def is_answered(answer: Answer, question: MadeQuestion) -> bool:
    """Whether the answer begins, without a word of doubt, with a quote of what the question was made of."""
    if answer.outcome != "answered" or not answer.citations:
        return False
    first, span = answer.citations[0], question.span
    is_there = first.document_id == question.document_id and first.span.page == span.page
    return is_there and first.answer_start == 0 and first.span.start < span.end and span.start < first.span.end


def _sections(pipeline: Pipeline, is_over: Callable[[], bool]) -> Iterator[Section]:
    index = pipeline.index
    names = index.names()
    step = max(1, len(names) // _MOST_DOCUMENTS)
    for name in names[::step][:_MOST_DOCUMENTS]:
        if is_over():
            return
        try:
            last = min(index.document(name.id).pages, _MOST_PAGES)
            pages = [index.page(name.id, number) for number in range(1, last + 1)]
        except NotFound:  # removed meanwhile
            continue
        yield from sections_of(name.id, name.title, pages)
