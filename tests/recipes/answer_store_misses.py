"""How often does the store of answers take one question for another? Must print 0.

    python -m tests.recipes.answer_store_misses [N]

Questions and settings are changed at random, a letter, a word, a filter, a figure at a time; every answer says in its
text which question, generation and settings it was made for, so that a wrong one is recognised whatever the key was.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Generator
from dataclasses import replace
from functools import partial

from ragedge.answer_store import AnswerStore
from ragedge.ask_settings import AskSettings
from ragedge.contracts import Answer, Event, Passages, Piece, Question, Retrieval, Timings, Turn

_WORDS = (
    "the",
    "how",
    "tight",
    "are",
    "is",
    "not",
    "12",
    "Nm",
    "E-417",
    "E-418",
    "in",
    "2023",
    "Q3",
    "before",
    "after",
)
_FILTERS = (("path", "a.pdf"), ("path", "b.pdf"), ("language", "de"), ("date", "2023"), ("title", "a"))
_LANGUAGES = (None, "en", "de", "de-CH")


def mutated(question: Question, rng: random.Random) -> Question:
    """The question with one thing changed."""
    changes = (
        lambda: replace(question, text=_changed(question.text, rng)),
        lambda: replace(question, filters=dict(rng.sample(_FILTERS, rng.randrange(3)))),
        lambda: replace(question, top_k=rng.choice((None, 1, 2, 3, 8))),
        lambda: replace(question, language=rng.choice(_LANGUAGES)),
        lambda: replace(question, temperature=rng.choice((None, 0.0, 0.1, 1.0)), seed=rng.choice((None, 0, 1))),
        lambda: replace(question, max_answer_tokens=rng.choice((None, 50, 51))),
        lambda: replace(question, prefer=tuple(rng.sample(("a" * 16, "b" * 16, "c" * 16), rng.randrange(3)))),
        lambda: replace(question, history=(Turn(_changed("is it", rng), _changed("12 Nm", rng)),)),
    )
    return rng.choice(changes)()


def _changed(text: str, rng: random.Random) -> str:
    words = text.split()
    place = rng.randrange(len(words) + 1)
    kind = rng.randrange(5)
    if kind == 0:
        words.insert(place, rng.choice(_WORDS))
    elif kind == 1 and len(words) > 1:
        del words[min(place, len(words) - 1)]
    elif kind == 2 and len(words) > 1:
        rng.shuffle(words)
    elif kind == 3:
        words = [word.swapcase() if rng.random() < 0.2 else word for word in words]
    else:
        letters = list(text)
        letters[rng.randrange(len(letters))] = rng.choice("abcdefghij 0123456789-?")
        words = "".join(letters).split() or ["x"]
    return " ".join(words)


def wrong_hits(count: int, seed: int = 0) -> int:
    """Answers out of the store, in `count` questions, that were made for something else."""
    rng = random.Random(seed)
    generation = [1]
    store = AnswerStore(lambda: generation[0], max_bytes=4_000_000)
    question, settings, model = Question("How tight are the pump head bolts?"), AskSettings(), "one.gguf"
    pool: list[tuple[Question, AskSettings, str]] = []
    wrong = served = 0
    for _ in range(count):
        if pool and rng.random() < 0.3:
            question, settings, model = rng.choice(pool)
        else:
            question = mutated(question if rng.random() < 0.9 else Question("How tight?"), rng)
            if rng.random() < 0.2:
                settings = replace(settings, max_answer_tokens=rng.randrange(100, 110), prompt_tokens=1200)
            if rng.random() < 0.1:
                model = rng.choice(("one.gguf", "two.gguf", ""))
            if rng.random() < 0.02:
                generation[0] += 1
        pool.append((question, settings, model))
        mark = repr((replace(question, filters=dict(sorted(question.filters.items()))), settings, model, generation[0]))
        fresh = partial(_events, question, mark)
        (passages, *_, last) = store.events(question, (settings, model), fresh, 0.0)
        assert isinstance(last, Answer) and isinstance(passages, Passages)
        served += last.timings.stored_ms is not None
        wrong += last.text != mark or passages.retrieval.question != question
    assert served > count // 20, "the store was hardly ever used: this measures nothing"
    return wrong


def _events(question: Question, mark: str) -> Generator[Event, None, None]:
    yield Passages(Retrieval(question, mark, ()), (), Timings())
    yield Piece(mark)
    yield Answer(mark, "answered", (), (), (), (), "extractive", 1.0, "", Timings())


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"{wrong_hits(number)} wrong answers out of the store in {number:,} changed questions and settings")
