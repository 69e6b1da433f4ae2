"""Does one text deny what another one states? Negations with the words that they reach, in four languages.

A "not" surely denies the next content word that its own text does not state elsewhere, and may deny a few more. Takes
tokens (`claims.tokens_of`); knows no sentence and no source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ragedge.answer.claims import BREAKS, is_content
from ragedge.answer.opposites import stem

_NEGATIONS_LIST = """
    not never none neither nor without nothing nobody no nicht nichts kein keine keinen keiner keinem keines nie
    niemals ohne weder pas jamais sans aucun aucune nunca jamás sin ningún ninguna ninguno tampoco
"""
_NEGATIONS = frozenset(_NEGATIONS_LIST.split())
_NOT_A_DENIAL_LIST = """
    only merely just least more less later fewer nur seulement solo sólo
"""
_NOT_A_DENIAL = frozenset(_NOT_A_DENIAL_LIST.split())
_SURE_REACH = 2  # content words after a "not" of which the first that is not stated elsewhere is surely denied
_REACH = 3  # content words after a "not" that it may deny


def is_denied(claim: Sequence[str], quote: Sequence[str]) -> bool:
    """Whether one of both denies what the other states."""
    said, stands = list(_denials(claim)), list(_denials(quote))
    if not said and not stands:
        return False
    if said and not stands and not is_denied_by_prefix(claim, quote):
        return True
    return _is_stated(said, claim, stands, quote) or _is_stated(stands, quote, said, claim)


def _is_stated(
    denials: Sequence[tuple[str, ...]], own: Sequence[str], others: Sequence[tuple[str, ...]], text: Sequence[str]
) -> bool:
    """Whether `text`, with the denials `others`, states what `denials` of the text `own` deny."""
    stated = {stem(token) for token in text}
    denied = {word for words in others for word in words}
    counts = Counter(stem(token) for token in own)
    counts.subtract(word for words in denials for word in words)
    for words in denials:
        for word in words[:_SURE_REACH]:
            if counts[word] > 0:  # "do not use sand; use clay": "use" is stated, too
                continue
            if word in stated and word not in denied:
                return True
            break
        if not words and not others:
            return True
    return False


def _denials(tokens: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """For each negation the stems of the content words that it may reach, nearest first."""
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else ""
        if token not in _NEGATIONS or following in _NOT_A_DENIAL:
            continue
        if token == "no" and (following in BREAKS or following[:1].isdigit()):
            continue  # "No. 4", "No, ..."
        reached: list[str] = []
        for word in tokens[i + 1 :]:
            if word in BREAKS or len(reached) == _REACH:
                break
            if is_content(word):
                reached.append(stem(word))
        yield tuple(reached)


def is_denied_by_prefix(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether each negation of `one` is a prefix in `other`: "not safe" for "unsafe"."""
    denials = list(_denials(one))
    stems = {stem(token) for token in other}
    return bool(denials) and all(
        words and any(f"{prefix}{words[0]}" in stems for prefix in ("un", "in", "im", "ir", "il", "dis", "non"))
        for words in denials
    )


def is_negative(tokens: Sequence[str]) -> bool:
    """Whether a negation stands among the tokens."""
    return any(
        token in _NEGATIONS and not (i + 1 < len(tokens) and tokens[i + 1] in _NOT_A_DENIAL)
        for i, token in enumerate(tokens)
    )
