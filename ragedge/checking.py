"""What every question passes before it is looked at, and every answer before it goes out.

A question is tidied and its length bounded; an answer's quotes are held against the pages once more, and every number
marked that no source supports. Knows no search and no model.
"""

from __future__ import annotations

from dataclasses import replace

from ragedge.answer.cite import Cited, PageOf, still_there
from ragedge.answer.speech import confirmed_only
from ragedge.contracts import Answer, AnswerSpan, Question
from ragedge.errors import BadQuestion
from ragedge.reviewed import ENGINE as REVIEWED


def tidied(question: Question, max_chars: int) -> Question:
    """The question without unprintable characters and with single blanks.

    Raises:
        BadQuestion: it is empty or too long.
    """
    text = " ".join("".join(c for c in question.text if c.isprintable() or c.isspace()).split())
    if not text:
        raise BadQuestion("the question is empty", "type a question")
    if len(text) > max_chars:
        raise BadQuestion(f"the question has {len(text)} characters; the limit is {max_chars}", "ask it shorter")
    return replace(question, text=text)


def checked_again(answer: Answer, language: str, page_of: PageOf) -> Answer:
    """The answer with its quotes held against the pages once more, and every number marked that none supports."""
    quoted = tuple(AnswerSpan(c.answer_start, c.answer_end, c.support, c.number) for c in answer.citations)
    cited = still_there(answer.text, Cited(answer.citations, answer.sentences or quoted), page_of)
    text = answer.text
    if answer.engine != REVIEWED:  # a person answers for that one, word for word
        text, cited = confirmed_only(text, cited, language)
    return replace(
        answer, text=text, citations=cited.citations, sentences=cited.sentences, unsupported=cited.unsupported
    )
