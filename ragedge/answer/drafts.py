"""Guessing the next tokens of an answer: where it copies a passage, the passage says how it goes on.

Tokens of the passages and of the answer so far -> a draft of 3, 7, 11 or 15 tokens, or none. The model verifies a draft
in one go, which costs less than writing that many tokens, yet more than writing one: a draft is made only where the
share of guesses that came true, times what the box measured, says that it pays. Guesses are also checked when nothing
is drafted, so that the shares are learnt for nothing. Whatever they say, drafts never lose more than one of them and 2
% of the time that all answers took: a ledger keeps count. Prompt lookup: Saxena, "Prompt Lookup Decoding" (2023).
Knows no model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ragedge.answer.tuning import GROUPS, Costs

MIN_MATCH = 3
"""Tokens of the answer that must stand in a passage before the passage is believed."""

_LONGEST_MATCH = 24  # tokens; a longer match says no more, and looking back further costs time
_CANDIDATES = 16  # places of the same three tokens that are looked at
_PAYS = 1.1  # a draft must promise this much more than one token at a time: estimates err
_ENDING = b"Question: "  # how a prompt's last part begins, see prompt.py
_BUCKETS = (3, 4, 5, 6, 8, 12, 16)  # match lengths in tokens from which a share of its own is kept
# (came true, did not) before anything was seen: three equal tokens are often chance, sixteen hardly ever
_PRIORS = ((2.0, 2.0), (2.4, 1.6), (2.7, 1.3), (6.0, 2.0), (10.0, 1.8), (19.0, 1.4), (24.0, 1.0))
_MEMORY = 200.0  # guesses that a share remembers
_EARNED = 0.02  # of a token's time that each written token puts by for drafts that fail
_MOST = 8.0  # tokens' time that can be put by or won in advance
_IMAGINED = 0.25  # of what a draft would have won or lost counts where none was allowed


class AcceptRates:
    """How often the passage's next token was the answer's, by the length of the match; kept from answer to answer."""

    def __init__(self) -> None:
        self._seen = [list(prior) for prior in _PRIORS]

    def note(self, match: int, is_right: bool) -> None:
        """One guess after a match of `match` tokens, drafted or not."""
        pair = self._seen[_bucket(match)]
        pair[0 if is_right else 1] += 1
        if (total := sum(pair)) > _MEMORY:
            pair[:] = [value * _MEMORY / total for value in pair]

    def rate(self, match: int) -> float:
        """Share of guesses after such a match that came true, 0 to 1."""
        right, wrong = self._seen[_bucket(match)]
        return right / (right + wrong)

    def expected(self, match: int, draft: int) -> float:
        """Tokens gained by a draft of `draft` tokens: those right in a row, and the one after them."""
        chance, gained = 1.0, 1.0
        for further in range(draft):
            chance *= self.rate(match + further)
            gained += chance
        return gained


class Ledger:
    """What drafts won and lost against one token at a time, in tokens' time; kept from answer to answer."""

    def __init__(self) -> None:
        self._balance = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a draft may be made."""
        return self._balance >= 0

    def write(self) -> None:
        """A token was written, however."""
        self._balance = min(_MOST, self._balance + _EARNED)

    def settle(self, gained: float) -> None:
        """A draft saved so many tokens' time, or cost them (negative)."""
        self._balance = min(_MOST, self._balance + gained)

    def imagine(self, gained: float) -> None:
        """The same, of a draft that was not made."""
        if gained > 0 or self._balance > -_MOST:
            self.settle(_IMAGINED * gained)


def _bucket(match: int) -> int:
    return max(number for number, low in enumerate(_BUCKETS) if match >= low or number == 0)


@dataclass(slots=True)
class _Place:
    """Where in the passages the answer seems to be: the next token, and how many before it were the same."""

    at: int
    match: int


class Drafter:
    """Follows one answer through the passages of its prompt."""

    def __init__(self, passages: Sequence[int], rates: AcceptRates, costs: Costs, ledger: Ledger | None = None) -> None:
        """`costs`: tokens decoded at once -> time, in units of one token alone; rising, see `Tuning`."""
        self._passages = tuple(passages)
        self._rates = rates
        self._ledger = ledger or Ledger()
        self._imagined = 0  # tokens of a draft that would pay, were the ledger open
        self._came_true = 0  # of them
        self._costs = {size: cost for size in GROUPS if (cost := _cost(costs, size)) > 0}
        self._said: list[int] = []
        self._place: _Place | None = None
        self._starts: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for start in range(len(passages) - MIN_MATCH):
            places = self._starts[self._passages[start : start + MIN_MATCH]]
            if len(places) < _CANDIDATES:
                places.append(start + MIN_MATCH)

    def follow(self, token: int) -> None:
        """The answer has gone on with `token`."""
        self._said.append(token)
        self._ledger.write()
        place = self._place
        if place is not None:
            is_right = self._passages[place.at] == token
            self._rates.note(place.match, is_right)
            self._compare(is_right)
            if is_right and place.at + 1 < len(self._passages):
                place.at, place.match = place.at + 1, min(place.match + 1, _LONGEST_MATCH)
                return
        self._place = self._find()

    def draft(self, room: int) -> tuple[int, ...]:
        """Tokens worth verifying, at most `room`; mostly none."""
        if self._place is None:
            return ()
        at, match = self._place.at, self._place.match
        room = min(room, len(self._passages) - at)
        best, size = _PAYS, 0
        for tokens, cost in self._costs.items():
            if tokens - 1 <= room and (gain := self._rates.expected(match, tokens - 1) / cost) > best:
                best, size = gain, tokens - 1
        if size and not self._ledger.is_open:
            self._imagined = self._imagined or size
            return ()
        return self._passages[at : at + size]

    def settle(self, size: int, found: int) -> None:
        """`size` tokens were decoded at once, and gave `found` of the answer."""
        self._ledger.settle(found - self._costs[size])

    def lose(self, tokens: int) -> None:
        """So many tokens were decoded a second time."""
        self._ledger.settle(-float(tokens))

    def _compare(self, is_right: bool) -> None:
        """One more token of a draft that was not allowed is known."""
        if not self._imagined:
            return
        self._came_true += is_right
        if not is_right or self._came_true == self._imagined:
            self._ledger.imagine(self._came_true + 1 - self._costs[self._imagined + 1])
            self._imagined = self._came_true = 0

    def _find(self) -> _Place | None:
        """The longest match of the answer's end; of equal ones the first, as passages come best first."""
        best: _Place | None = None
        for at in self._starts.get(tuple(self._said[-MIN_MATCH:]), ()):
            match = MIN_MATCH
            while match < min(_LONGEST_MATCH, at, len(self._said)) and (
                self._passages[at - match - 1] == self._said[-match - 1]
            ):
                match += 1
            if best is None or match > best.match:
                best = _Place(at, match)
        return best


def _cost(costs: Costs, size: int) -> float:
    """The cost of `size` tokens, between its neighbours where it was not measured; 0 where nothing was."""
    known = sorted(costs)
    below = max((pair for pair in known if pair[0] <= size), default=None)
    above = min((pair for pair in known if pair[0] >= size), default=None)
    if below is None or above is None:
        return 0.0
    share = 0.0 if above[0] == below[0] else (size - below[0]) / (above[0] - below[0])
    return below[1] + share * (above[1] - below[1])


def passage_tokens(turn: Sequence[tuple[int, bytes]]) -> list[int]:
    """The tokens of a user's turn (each with its bytes) that stand before the question."""
    end = b"".join(data for _, data in turn).rfind(_ENDING)
    tokens: list[int] = []
    length = 0
    for token, data in turn:
        length += len(data)
        if 0 <= end < length:
            break
        if data:
            tokens.append(token)
    return tokens
