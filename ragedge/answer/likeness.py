"""Which quotes share the most words with a claim? One look over all passages through an index of their words.

A word counts once, a name and a number more; a word that only title or headings hold counts half. Two neighbouring
units count as one quote where that adds much. Pure; knows nothing of what speaks against a quote.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from ragedge.answer.claims import Claim, Context, Quote, is_form

_CONTEXT_WEIGHT = 0.5  # of a word that stands in the title or a heading of the quote, not in the quote
_NAME_WEIGHT = 2.0  # of a word with a capital within a sentence: a wrong name is a wrong answer
_PAIR_GAIN = 0.1  # share by which two neighbouring units must beat the better one: short quotes are checked faster
_DIGITS = re.compile(r"\d+")


class Likeness:
    """The quotes of all hits, and which of them hold which word."""

    def __init__(self, quotes: Sequence[Sequence[Quote]], contexts: Sequence[Context]) -> None:
        self._quotes = [quote for units in quotes for quote in units]
        self._contexts = contexts
        self._holders: dict[str, list[int]] = defaultdict(list)
        for number, quote in enumerate(self._quotes):
            for word in quote.words:
                self._holders[word].append(number)
        self._vocabulary = sorted(self._holders)
        self._digits = [frozenset(_DIGITS.findall(quote.text)) for quote in self._quotes]

    def nearest(self, claim: Claim, limit: int) -> list[tuple[float, Quote]]:
        """The quotes with the largest share of a claim's words, best first; at a tie the earlier hit, then the shorter.

        `limit` by words alone, `limit` by words and digits, and the pairs of neighbours among them that share more.
        """
        weights = {word: _NAME_WEIGHT if word in claim.names else 1.0 for word in claim.words}
        facts = float(len(claim.numbers) + len(claim.codes))
        total = facts + sum(weights.values())
        held = [dict[str, float]() for _ in self._quotes]
        for word, weight in weights.items():
            for number in self._having(word):
                held[number][word] = weight
        for number, quote in enumerate(self._quotes):
            context = self._contexts[quote.hit_index].words
            for word, weight in weights.items() if context else ():
                if word not in held[number] and word in context:
                    held[number][word] = weight * _CONTEXT_WEIGHT
        shares = [(facts + sum(words.values())) / total for words in held]
        order = sorted(
            range(len(shares)), key=lambda i: (-shares[i], self._quotes[i].hit_index, self._quotes[i].length)
        )
        chosen = dict.fromkeys([*order[:limit], *self._with_digits(claim, order, shares, limit)])
        found = [(shares[i], self._quotes[i]) for i in chosen if shares[i] > 0]
        found += self._pairs(list(chosen), shares, held, facts, total)
        return sorted(found, key=lambda pair: (-pair[0], pair[1].hit_index, pair[1].length))

    def _with_digits(self, claim: Claim, order: Sequence[int], shares: Sequence[float], limit: int) -> list[int]:
        """The nearest ones among the quotes that hold most of the claim's digits."""
        wanted = frozenset(_DIGITS.findall(claim.plain))
        if not wanted:
            return []
        return sorted(order, key=lambda i: -len(wanted & self._digits[i]) / len(wanted) - shares[i])[:limit]

    def _having(self, word: str) -> set[int]:
        """Numbers of the quotes that hold the word or another form of it."""
        found = set(self._holders.get(word, ()))
        for other in self._vocabulary[bisect_left(self._vocabulary, word[:5]) :] if len(word) >= 5 else ():
            if not other.startswith(word[:5]):
                break
            if is_form(word, other):
                found.update(self._holders[other])
        return found

    def _pairs(
        self, near: Sequence[int], shares: Sequence[float], held: Sequence[dict[str, float]], facts: float, total: float
    ) -> list[tuple[float, Quote]]:
        """Neighbouring units on one page that share clearly more as one."""
        found: list[tuple[float, Quote]] = []
        for i, j in sorted({pair for n in near for pair in pairwise((n - 1, n, n + 1)) if pair[0] >= 0}):
            if j >= len(self._quotes):
                continue
            first, second = self._quotes[i], self._quotes[j]
            if first.hit_index != second.hit_index or first.page is not second.page or first.end > second.start:
                continue
            words = {w: max(held[i].get(w, 0), held[j].get(w, 0)) for w in held[i].keys() | held[j].keys()}
            share = (facts + sum(words.values())) / total
            if share > max(shares[i], shares[j]) + _PAIR_GAIN or (facts and share >= max(shares[i], shares[j])):
                found.append((share, Quote(first.hit_index, first.page, first.start, second.end, (first, second))))
        return found
