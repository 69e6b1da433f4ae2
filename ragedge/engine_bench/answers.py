"""What a person waits for: the first word of a prompt never read, read just before, or with another end; and drafts.

Through the model's process, as the service uses it. The models' answers are known (see shapes), so that a copied answer
is one that stands in a passage, and free text one of which only pieces of a few words stand there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from ragedge.answer.process_generator import ProcessGenerator
from ragedge.answer.tuning import Tuning
from ragedge.contracts import ModelStats, PassagePart, Piece, Prompt, Sampling
from ragedge.engine_bench.compare import Sizes
from ragedge.engine_bench.rows import Row, compared
from ragedge.engine_bench.shapes import SAID, words

SYSTEM = "Answer from the sources."
CONTEXT_TOKENS = 2048
PROMPT_TOKENS = 1000
"""Tokens of four or five passages: what a first word waits for in real use."""

ANSWER_TOKENS = 96
"""Tokens of an answer written with and without drafts: two or three sentences."""

_ANSWERS = 2  # of each process
_PIECE_WORDS = 5  # of the answer that stand together in the passages of free text: enough to be believed, then wrong


def never() -> bool:
    """No cancel."""
    return False


@contextmanager
def running(
    path: Path, tuning: Tuning, *, is_drafting: bool = False, queue_limit: int = 64
) -> Iterator[ProcessGenerator]:
    """The model in its process, loaded."""
    generator = ProcessGenerator(
        path, context_tokens=CONTEXT_TOKENS, tuning=tuning, is_drafting=is_drafting, queue_limit=queue_limit
    )
    try:
        generator.count_tokens("load")
        yield generator
    finally:
        generator.close()


def passage(count: int, seed: int) -> str:
    """`count` words, each a token, none of which the models say."""
    return "".join(random.Random(seed).choices(words()[SAID:], k=count))


def asked(body: str, question: str) -> Prompt:
    """A prompt as the product makes them: passages first, which are said to be such, the question last."""
    passages = f"{body.strip()}\n"
    part = PassagePart("made-up", len(passages))
    return Prompt(SYSTEM, f"{passages}Question: {question}", (), 0, passages=(part,))


def timed(generator: ProcessGenerator, prompt: Prompt, tokens: int) -> tuple[float, str, ModelStats]:
    """Seconds to the first word, the text, and what it took."""
    started = time.perf_counter()
    first_s, text, stats = 0.0, "", ModelStats()
    for part in generator.stream(prompt, Sampling(tokens), never):
        if isinstance(part, Piece):
            first_s = first_s or time.perf_counter() - started
            text += part.text
        else:
            stats = part
    return first_s, text, stats


def first_words(model: str, path: Path, tuning: Tuning, sizes: Sizes) -> list[Row]:
    """Two rows: the same prompt again, and another question at the end of the same passages, each to a cold one."""
    cold: list[float] = []
    again: list[float] = []
    other: list[float] = []
    texts = []
    with running(path, tuning) as generator:
        for turn in range(sizes.rounds):
            body = passage(PROMPT_TOKENS, turn)
            for series, question in ((cold, "one"), (again, "one"), (other, "two")):
                seconds, text, _ = timed(generator, asked(body, question), 8)
                series.append(seconds * 1e3)
                texts.append(text)
    same = f"same text in {texts.count(texts[0])} of {len(texts)} answers"
    name = "first word, "
    return [
        compared(model, name + "same prompt again", "cold", "ms", again, cold, at_most=0.02, gate=same),
        compared(model, name + "same passages, other question", "cold", "ms", other, cold, at_most=0.10, gate=same),
    ]


def bodies() -> dict[str, tuple[str, float | None]]:
    """Name of a row -> passages for it and its goal: all of the answer stands there, half of it, or pieces alone."""
    said = words()[:SAID]
    half = ANSWER_TOKENS // 2
    whole = passage(60, 1) + "".join(said[: ANSWER_TOKENS + 20]) + passage(60, 2)
    mixed = passage(60, 1) + "".join(said[:half]) + passage(60, 2) + _spread(said[half:ANSWER_TOKENS])
    return {
        "copied answer, drafts": (whole, 1.25),
        "half copied, drafts": (mixed, 0.97),
        "free text, drafts": (_spread(said[:ANSWER_TOKENS]), 0.97),
    }


def _spread(said: list[str]) -> str:
    """Pieces of what is said, in any order, with words between them that are not."""
    pieces = [said[start : start + _PIECE_WORDS] for start in range(0, len(said), _PIECE_WORDS - 2)]
    random.Random(3).shuffle(pieces)
    return "".join("".join(piece) + passage(3, number) for number, piece in enumerate(pieces))


def drafts(model: str, path: Path, tuning: Tuning, sizes: Sizes) -> list[Row]:
    """Three rows, writing with drafts to writing without, see `bodies`; and what the first answer of a process gave.

    Each round has two processes with two answers each, one after the other and in turn first: of two equal processes
    that are loaded side by side the first one is 3 to 8 % slower.
    """
    rows = []
    for name, (body, goal) in bodies().items():
        speeds: tuple[list[float], list[float]] = ([], [])
        texts: tuple[list[str], list[str]] = ([], [])
        drafted, accepted = 0, 0
        for turn in range(sizes.rounds):
            for side in (0, 1) if turn % 2 else (1, 0):
                with running(path, tuning, is_drafting=side == 0) as generator:
                    for number in range(_ANSWERS):
                        _, text, stats = timed(generator, asked(body, f"{turn} {number}"), ANSWER_TOKENS)
                        speeds[side].append(stats.tokens_per_second or 0.0)
                        texts[side].append(text)
                        drafted, accepted = drafted + stats.draft_count, accepted + stats.draft_accepted_count
        same = sum(ours == theirs for ours, theirs in zip(*texts, strict=True))
        first = median(speeds[0][::_ANSWERS]) / median(speeds[1][::_ANSWERS])
        gate = (
            f"same text in {same} of {len(texts[0])}; {accepted} of {drafted} guessed tokens were right; "
            f"the first answer of a process alone {first:.3f} (n {sizes.rounds})"
        )
        rows.append(compared(model, name, "without", "tokens/s", *speeds, at_least=goal, gate=gate))
    return rows
