"""The read path of an index that has collections: each question goes to the part that its asker may read.

A part is asked by a pipeline of its own over a `Portion`, so that nothing on the way sees more than it may: words,
vectors, spelling, editions, gate, reviewed answers and the language model's prompt. Whoever may read everything and
names no collection gets the pipeline of the whole index, as if there were no collections.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ragedge.ask import Pipeline
from ragedge.contracts import Event, Question, Records
from ragedge.index.view import IndexView
from ragedge.portion import Portion, Sorting
from ragedge.search.collections import Collections

_MOST_PARTS = 64  # kept; three kinds of readers times the collections, each with its caches


class Parts:
    """The parts of one index, made when first asked for; safe to use from several threads."""

    def __init__(self, index: IndexView, collections: Collections) -> None:
        self.collections = collections
        self.sorting = Sorting(index, collections)
        self._index = index
        self._lock = threading.Lock()
        self._portions: OrderedDict[str, Portion] = OrderedDict()

    def index(self, readable: Sequence[str] | None, name: str = "") -> IndexView | Portion:
        """What one who reads the collections `readable` (None: all) finds in collection `name` ("": in all of them).

        Raises:
            NotFound: there is no such collection, or not for them.
        """
        self.collections.check(name, readable)
        key = self.collections.key(readable, name)
        if not key:
            return self._index
        with self._lock:
            if key not in self._portions:
                self._portions[key] = Portion(self.sorting, readable, name)
            self._portions.move_to_end(key)
            while len(self._portions) > _MOST_PARTS:
                self._portions.popitem(last=False)
            return self._portions[key]


class PartedPipeline(Pipeline):
    """The pipeline of the whole index, and behind it one for each part.

    Args:
        parts: of the index.
        make: the pipeline over a part, as the whole one is set now.
        whole: what `Pipeline` takes.
    """

    def __init__(self, *whole: Any, parts: Parts, make: Callable[[Portion, Pipeline], Pipeline], **more: Any) -> None:
        super().__init__(*whole, **more)
        self.parts = parts
        self._make = make
        self._making = threading.Lock()
        self._made: OrderedDict[str, tuple[Portion, Pipeline]] = OrderedDict()

    def stream(
        self,
        question: Question,
        is_cancelled: Callable[[], bool] = lambda: False,
        *,
        question_id: str = "",
        client: str = "",
    ) -> Iterator[Event]:
        """As of `Pipeline`, from the part that the question may see.

        Raises:
            NotFound: there is no such collection, or not for the asker.
        """
        portion = self.parts.index(question.readable, question.collection)
        question = replace(question, portion=self.parts.collections.key(question.readable, question.collection))
        if not isinstance(portion, Portion):
            yield from super().stream(question, is_cancelled, question_id=question_id, client=client)
            return
        pipeline = self._over(question.portion, portion)
        yield from pipeline.stream(question, is_cancelled, question_id=question_id, client=client)

    def change(self, *, language: str, max_answer_tokens: int, top_k: int, journal: Records | None) -> None:
        """Answer the next questions otherwise.

        Raises:
            ConfigError: `top_k` is out of range.
        """
        self.retriever.choose(top_k)
        self.settings = replace(self.settings, language=language, max_answer_tokens=max_answer_tokens)
        self.journal = journal
        with self._making:
            self._made.clear()

    def part(self, readable: Sequence[str] | None, name: str) -> Pipeline:
        """The pipeline that answers who may read the collections `readable` (None: all), in collection `name`.

        Raises:
            NotFound: there is no such collection, or not for them.
        """
        portion = self.parts.index(readable, name)
        return self._over(self.parts.collections.key(readable, name), portion) if isinstance(portion, Portion) else self

    def _over(self, key: str, portion: Portion) -> Pipeline:
        with self._making:
            if key not in self._made or self._made[key][0] is not portion:
                self._made[key] = portion, self._make(portion, self)
            self._made.move_to_end(key)
            while len(self._made) > _MOST_PARTS:
                self._made.popitem(last=False)
            return self._made[key][1]
