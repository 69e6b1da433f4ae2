"""Before the first question: search and model are loaded, and what cannot be is told once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, cast

from ragedge.assemble import Box
from ragedge.config import Config
from ragedge.errors import ModelCorrupt, RagedgeError
from ragedge.server.boxed import warm_up
from tests.fakes_generator import FakeGenerator


@dataclass
class Calls:
    """A pipeline and a generator that note what is loaded."""

    made: list[str] = field(default_factory=list)

    def warm_up(self) -> None:
        self.made.append("search")


class Loading(FakeGenerator):
    """Notes its first use, which loads it, or fails at it."""

    def __init__(self, calls: Calls, error: RagedgeError | None = None) -> None:
        super().__init__()
        self.calls = calls
        self.error = error

    def count_tokens(self, text: str) -> int:
        self.calls.made.append("model")
        if self.error is not None:
            raise self.error
        return super().count_tokens(text)


def box_with(calls: Calls, generator: FakeGenerator | None) -> Box:
    nothing = cast(Any, None)
    return Box(Config(), nothing, nothing, generator, cast(Any, calls), False)


def test_search_is_loaded_first_and_then_the_model() -> None:
    calls, told = Calls(), []
    warm_up(box_with(calls, Loading(calls)), told.append, threading.Event())
    assert calls.made == ["search", "model"] and told == []
    calls = Calls()
    warm_up(box_with(calls, None), told.append, threading.Event())
    assert calls.made == ["search"] and told == []


def test_a_model_that_cannot_be_loaded_is_told_unless_the_service_is_over() -> None:
    error, told, is_over = ModelCorrupt("damaged", "copy it again"), [], threading.Event()
    calls = Calls()
    warm_up(box_with(calls, Loading(calls, error)), told.append, is_over)
    assert told == [error]
    is_over.set()
    warm_up(box_with(calls, Loading(calls, error)), told.append, is_over)
    assert told == [error]
