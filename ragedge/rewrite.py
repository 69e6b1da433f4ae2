"""An answer to the same in plainer words, or in another language; its citations stay where they were.

Each sentence goes through the language model alone, so that the sentence that comes out has the citations of the one
that went in. One that loses or adds a number, a unit, a code or a "not" on the way (`answer.faithful`) is not shown:
the sentence stays as it was, and the answer says how many did. Needs a language model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from ragedge.answer.faithful import loss
from ragedge.answer.phrases import own_phrase
from ragedge.answer.sentences import sentence_spans
from ragedge.answer.speech import whole
from ragedge.answer.task_prompts import LANGUAGES, cleaned, rewriting_prompt
from ragedge.answer.unconfirmed import fact_spans, mark, unmarked
from ragedge.ask_settings import AskSettings
from ragedge.contracts import (
    Answer,
    AnswerSpan,
    Citation,
    CitedPlace,
    Event,
    Evidence,
    Hit,
    ModelStats,
    PageSpan,
    Passages,
    Piece,
    Question,
    Retrieval,
    RewriteRequest,
    Sampling,
    Timings,
)
from ragedge.contracts import (
    Generator as LanguageModel,
)
from ragedge.errors import BadQuestion, ModelMissing, NotFound
from ragedge.index.view import IndexView
from ragedge.model_prompt import epoch_of
from ragedge.portion import Portion

MAX_TEXT_CHARS = 8_000
"""Of a text to be rewritten: the longest summary has a third of it."""
MAX_CITATIONS = 50

_NOT_LITERAL = 0.99  # the most support of a sentence whose letters are not the source's
_MORE_TOKENS = 40  # a sentence may grow by half and so many


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the text that is rewritten as one, with what stands before it and its citations."""

    before: str
    text: str
    ready: str
    citations: tuple[Citation, ...]


@dataclass(slots=True)
class _Written:
    """What has come out so far."""

    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    sentences: list[AnswerSpan] = field(default_factory=list)
    kept: int = 0
    changed: int = 0


class Rewriter:
    """Rewrites texts that rest on one index."""

    def __init__(self, index: IndexView | Portion, generator: LanguageModel | None, settings: AskSettings) -> None:
        self._index = index
        self._generator = generator
        self._settings = settings

    def events(
        self, request: RewriteRequest, is_cancelled: Callable[[], bool], client: str
    ) -> Generator[Event, None, None]:
        """One `Passages` (what is cited), a `Piece` per sentence, one `Answer`.

        Raises:
            ModelMissing: nobody speaks here.
            BadQuestion: there is no text, it is too long, its citations lie outside of it, or no such language.
        """
        started = time.perf_counter()
        language = self._checked(request)
        model, epoch = self._generator, epoch_of(self._generator)
        if model is None:
            what = "translating" if request.kind == "translate" else "saying it simpler"
            raise ModelMissing(
                f"{what} needs a language model, and there is none here",
                "fetch one: ragedge models pull qwen2.5-0.5b, then ragedge models use qwen2.5-0.5b",
            )
        text, moved = unmarked(request.text)
        citations = self._citations(request.citations, moved)
        hits, evidence = self._passages(citations)
        yield Passages(Retrieval(Question(request.kind), "", hits), evidence, Timings(total_ms=_ms(started)))
        written, spent, first = _Written(), ModelStats(), None
        for part in _parts(text, citations, language or self._settings.language):
            if is_cancelled():
                break
            said, stats = part.ready, ModelStats()
            if not said:
                said, stats = self._said(part, language, model, is_cancelled, client, epoch)
            spent += stats
            shown = _written(written, part, said, language or self._settings.language)
            first = first if first is not None else _ms(started)
            yield Piece(shown)
        is_done = written.changed > 0 and not is_cancelled()
        yield Answer(
            text=written.text,
            outcome="cancelled" if is_cancelled() else "answered" if is_done else "unsure",
            citations=tuple(written.citations),
            unsupported=(),
            hits=hits,
            evidence=evidence,
            engine=model.name,
            confidence=1.0,
            reason=_reason(request, language, written),
            timings=Timings(first_piece_ms=first, total_ms=_ms(started)),
            stats=spent,
            sentences=tuple(written.sentences),
        )

    def _checked(self, request: RewriteRequest) -> str:
        """The code of the language to translate into; "" where it is to be said simpler."""
        if not request.text.strip():
            raise BadQuestion("there is no text to rewrite", "ask a question first")
        if len(request.text) > MAX_TEXT_CHARS or len(request.citations) > MAX_CITATIONS:
            raise BadQuestion(
                f"the text has {len(request.text)} characters and {len(request.citations)} citations",
                f"{MAX_TEXT_CHARS} characters and {MAX_CITATIONS} citations are allowed",
            )
        if any(not 0 <= c.answer_start < c.answer_end <= len(request.text) for c in request.citations):
            raise BadQuestion("a citation lies outside of the text", "send the answer as it came")
        if request.kind == "simpler":
            return ""
        code = (request.language or "").lower()[:2]
        if code not in LANGUAGES:
            named = (request.language or "")[:35]
            raise BadQuestion(f'"{named}" is no language that is known here', f"one of: {', '.join(LANGUAGES)}")
        return code

    def _citations(self, places: Sequence[CitedPlace], moved: Callable[[int], int]) -> list[Citation]:
        """The citations as the index has them now; what is gone is left out, and nothing of a quote is believed."""
        chunks = self._index.chunks([place.chunk_id for place in places])
        titles = self._index.titles([chunk.document_id for chunk in chunks.values()])
        found: list[Citation] = []
        for place in sorted(places, key=lambda place: (place.answer_start, place.number)):
            chunk = chunks.get(place.chunk_id)
            try:
                page = self._index.page(chunk.document_id, place.page) if chunk is not None else None
            except NotFound:
                page = None
            if chunk is None or page is None or not page.text[place.start : place.end].strip():
                continue
            found.append(
                Citation(
                    number=place.number,
                    chunk_id=chunk.id,
                    document_id=chunk.document_id,
                    document_path=chunk.document_path,
                    title=titles.get(chunk.document_id, ""),
                    pages=tuple(sorted({span.page for span in chunk.spans})),
                    page_label=page.label,
                    span=PageSpan(page.number, place.start, min(place.end, len(page.text))),
                    quote=page.text[place.start : place.end],
                    answer_start=moved(place.answer_start),
                    answer_end=moved(place.answer_end),
                    support=_NOT_LITERAL,
                )
            )
        return found

    def _passages(self, citations: Sequence[Citation]) -> tuple[tuple[Hit, ...], tuple[Evidence, ...]]:
        ids = list(dict.fromkeys(citation.chunk_id for citation in citations))
        chunks = self._index.chunks(ids)
        titles = {citation.chunk_id: citation.title for citation in citations}
        hits = tuple(Hit(chunks[i], 1.0, titles[i], chunk_ids=(i,)) for i in ids if i in chunks)
        places = {hit.chunk.id: n for n, hit in enumerate(hits)}
        evidence = (Evidence(places[c.chunk_id], c.quote, c.span, 1.0) for c in citations if c.chunk_id in places)
        return hits, tuple(evidence)

    def _said(
        self, part: _Part, language: str, model: LanguageModel, is_cancelled: Callable[[], bool], client: str,
        epoch: int | None,
    ) -> tuple[str, ModelStats]:  # fmt: skip
        """What the model makes of a sentence; "" where that is not the same any more."""
        prompt = replace(rewriting_prompt(part.text, LANGUAGES.get(language, ""), model.count_tokens), epoch=epoch)
        wanted = model.count_tokens(part.text) * 3 // 2 + _MORE_TOKENS
        said, spent = whole(model.stream(prompt, Sampling(wanted), is_cancelled, client=client))
        said = cleaned(said)
        is_whole = spent.eval_count < wanted and not is_cancelled()
        same = " ".join(part.text.split())
        if not is_whole or said == same or loss(same, said, language=language or None) is not None:
            return "", spent
        return said, spent


def _parts(text: str, citations: Sequence[Citation], language: str) -> list[_Part]:
    """The text in sentences; what we say ourselves above quotes is ready in every language."""
    parts: list[_Part] = []
    own, ready = own_phrase(text, language)
    position = len(own)
    if own:
        parts.append(_Part("", own, ready, ()))
    for start, end in sentence_spans(text[position:]):
        start, end = start + len(own), end + len(own)
        cited = tuple(c for c in citations if c.answer_start < end and start < c.answer_end)
        parts.append(_Part(text[position:start], text[start:end], "", cited))
        position = end
    return parts


def _written(written: _Written, part: _Part, said: str, language: str) -> str:
    """Add a part to what is written, as said or else as it was; gives what may be shown of it."""
    is_own = bool(part.ready)
    written.kept += not said
    written.changed += bool(said) and not is_own
    start = len(written.text) + len(part.before)
    sentence = said or part.text
    end = start + len(sentence)
    written.text += part.before + sentence
    if is_own:
        return part.before + sentence
    facts = [] if part.citations else fact_spans(sentence)
    for citation in dict.fromkeys(part.citations):
        support = _NOT_LITERAL if said else citation.support
        written.citations.append(replace(citation, answer_start=start, answer_end=end, support=support))
    number = part.citations[0].number if part.citations else None
    unconfirmed = tuple((start + a, start + b) for a, b in facts)
    written.sentences.append(
        AnswerSpan(start, end, _NOT_LITERAL if part.citations else 0.0, number,
                   None if part.citations else "words_not_found", unconfirmed)
    )  # fmt: skip
    return part.before + mark(sentence, facts, language)[0]


def _reason(request: RewriteRequest, language: str, written: _Written) -> str:
    what = f"translated into {LANGUAGES[language]}" if request.kind == "translate" else "said simpler"
    total = written.changed + written.kept
    if not written.kept:
        return f"{what}, sentence by sentence; numbers, units and codes compared"
    return f"{what}; {written.kept} of {total} sentences stayed as they were, since what came out did not say the same"


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
