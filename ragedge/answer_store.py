"""A repeated question -> its answer out of memory, as long as nothing that could change it has changed.

The key holds the question letter by letter (after the pipeline has tidied its white space), all its other fields, and
what the answer depends on: generation of the index, settings, gate, search, models, reviewed answers. Anything else is
a miss, and no two questions are ever taken for the same because they are alike. Nothing is written to a disk: what
visitors asked is gone with the process, and with the first question after a change of the documents so is every text
that came from them. Bounded by entries and bytes; the longest unused goes first. Knows no index and no model.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ragedge.contracts import Answer, Event, Passages, Piece, Question, Timings

MAX_ENTRIES = 2_000
"""Answers kept; one of eight passages takes about 10 kB."""

_KEPT_OUTCOMES = frozenset(("answered", "unsure", "abstained", "truncated"))
"""All follow from the same index and settings; what was cancelled might end otherwise next time."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """The events of an answer before its last check; `said` is what was streamed, in one."""

    passages: Passages
    said: str
    answer: Answer


class AnswerStore:
    """Answers by key; safe to use from several threads.

    Args:
        generation: of the index, read at every call; when it has changed, everything is dropped.
        max_bytes: of all answers kept, encoded.
        max_entries: answers kept.
    """

    def __init__(self, generation: Callable[[], int], *, max_bytes: int, max_entries: int = MAX_ENTRIES) -> None:
        self._generation = generation
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes_held(self) -> int:
        """Encoded bytes of all answers and their keys."""
        return self._bytes

    def events(
        self,
        question: Question,
        depends_on: Sequence[object],
        fresh: Callable[[], Generator[Event, None, None]],
        started: float,
        *,
        speaker: str = "",
    ) -> Generator[Event, None, None]:
        """The events of the kept answer, else those of `fresh()`, whose answer is then kept if it may be.

        `depends_on`: everything beside question and index that the answer follows from; its `repr` must tell each
        state from every other. `started` is on `time.perf_counter`. `speaker` is the name of the language model, where
        there is one: what was quoted in its stead, because it failed, is not kept. An answer from here has
        `timings.stored_ms`, and no `stats`: the language model spent nothing.
        """
        generation = self._current()
        key = key_of(question, generation, depends_on)
        kept = self._get(key)
        if kept is None:
            yield from self._kept_on_the_way(key, generation, fresh(), speaker)
            return
        timings = Timings(stored_ms=_ms(started), total_ms=_ms(started))
        passages = kept.passages
        yield replace(passages, retrieval=replace(passages.retrieval, question=question), timings=timings)
        if kept.said:
            timings = replace(timings, first_piece_ms=_ms(started))
            yield Piece(kept.said)
        yield replace(kept.answer, timings=replace(timings, total_ms=_ms(started)), stats=None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _kept_on_the_way(
        self, key: bytes, generation: int, events: Generator[Event, None, None], speaker: str
    ) -> Generator[Event, None, None]:
        passages: Passages | None = None
        said: list[str] = []
        try:
            for event in events:
                if isinstance(event, Passages):
                    passages = event
                elif isinstance(event, Piece):
                    said.append(event.text)
                elif passages is not None and _may_be_kept(event, speaker):
                    self._put(key, generation, _Kept(passages, "".join(said), event))
                yield event
        finally:
            events.close()

    def _current(self) -> int:
        """The index's generation; what was kept under another one is dropped."""
        generation = self._generation()
        with self._lock:
            if generation != self._seen:
                self._entries.clear()
                self._bytes = 0
                self._seen = generation
        return generation

    def _get(self, key: bytes) -> _Kept | None:
        with self._lock:
            data = self._entries.get(key)
            if data is None:
                return None
            self._entries.move_to_end(key)
        kept = msgspec.msgpack.decode(data, type=_Kept)
        retrieval = replace(kept.passages.retrieval, hits=kept.answer.hits)
        return replace(kept, passages=replace(kept.passages, retrieval=retrieval))

    def _put(self, key: bytes, generation: int, kept: _Kept) -> None:
        if kept.answer.hits != kept.passages.retrieval.hits or self._generation() != generation:
            return  # the index changed while the answer was made: it may be of neither state
        bare = replace(kept.passages.retrieval, question=Question(""), hits=())  # the question is the key's alone
        try:
            data = msgspec.msgpack.encode(
                replace(kept, passages=replace(kept.passages, retrieval=bare)), enc_hook=_plain_number
            )
        except UnicodeEncodeError:  # half a character out of a damaged file
            return
        size = len(key) + len(data)
        if size > self._max_bytes // 4:  # one answer must not drive out all others
            return
        with self._lock:
            if generation != self._seen:
                return
            self._bytes += size - (len(key) + len(self._entries[key]) if key in self._entries else 0)
            self._entries[key] = data
            self._entries.move_to_end(key)
            while self._bytes > self._max_bytes or len(self._entries) > self._max_entries:
                old_key, old = self._entries.popitem(last=False)
                self._bytes -= len(old_key) + len(old)


def key_of(question: Question, generation: int, depends_on: Sequence[object]) -> bytes:
    """32 bytes that differ whenever anything differs; the order of filters alone does not."""
    asked = replace(question, filters=dict(sorted(question.filters.items())))
    return hashlib.sha256(repr((asked, generation, *depends_on)).encode("utf-8", "surrogatepass")).digest()


def _may_be_kept(answer: Answer, speaker: str) -> bool:
    is_spoken = not speaker or answer.engine == speaker or answer.outcome != "answered"
    return answer.outcome in _KEPT_OUTCOMES and is_spoken


def _plain_number(value: Any) -> Any:
    """A numpy scalar as Python's own."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
