"""What can be asked beside a question, over the same parts: a summary, an answer in other words.

Each is a stream of the same events as a question's, checked by the same code at the end; nothing of it is kept in the
journal or in the store of answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from ragedge.ask_settings import AskSettings
from ragedge.checking import checked_again
from ragedge.contracts import Answer, Embedder, Event, Generator, RewriteRequest, SummaryRequest
from ragedge.energy import EnergyMeter
from ragedge.index.view import IndexView
from ragedge.parts import Parts
from ragedge.rewrite import Rewriter
from ragedge.search.collections import Collections
from ragedge.summarise import Summariser

Request = SummaryRequest | RewriteRequest


class Tasks:
    """Does tasks over one index; safe to use from several threads."""

    def __init__(
        self,
        index: IndexView,
        embedder: Embedder,
        generator: Generator | None,
        settings: AskSettings,
        energy: EnergyMeter | None = None,
        parts: Parts | None = None,
    ) -> None:
        self._embedder = embedder
        self._generator = generator
        self._settings = settings
        self._energy = energy or EnergyMeter()
        self._parts = parts or Parts(index, Collections())

    def stream(
        self,
        request: Request,
        is_cancelled: Callable[[], bool] = lambda: False,
        *,
        client: str = "",
        readable: Sequence[str] | None = None,
    ) -> Iterator[Event]:
        """One `Passages`, then `Piece`s, then one `Answer`; errors as of `Summariser.events` and `Rewriter.events`.

        `readable` names the collections that whoever asks may read (None: all); nothing else is there for them.
        """
        index = self._parts.index(readable)
        if isinstance(request, SummaryRequest):
            summariser = Summariser(index, self._embedder, self._generator, self._settings)
            events = summariser.events(request, is_cancelled, client)
        else:
            events = Rewriter(index, self._generator, self._settings).events(request, is_cancelled, client)
        language = request.language or self._settings.language
        with contextlib.closing(self._energy.measured(events)) as measured:
            for event in measured:
                yield checked_again(event, language, index.page) if isinstance(event, Answer) else event

    def stream_task(self, request: Request) -> Iterator[Event]:
        """`stream`, under the name that `ragedge.client.Client` has for it."""
        return self.stream(request)

    def run(self, request: Request) -> Answer:
        """Drain `stream` and return its answer."""
        for event in self.stream(request):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a stream ends with an Answer")
