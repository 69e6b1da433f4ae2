"""A prompt's text to tokens, and how they are to be read: in place, or passage by passage apart and then joined.

In place, the text is one: batches end before the user's turn and behind the passages, so that what comes before either
can be taken up again. Joined, each passage is read behind the instruction alone, as if it were the only one, so that
its state serves in any order and beside any others; what was read so differs from what is read in place, and its
tokens carry a flag. Passages then bear no number, which would be another one in the next prompt. Knows no states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ragedge.answer.chat import ChatFormat, render
from ragedge.answer.llama_native import JOINED, JOINED_FIRST, batch_ends
from ragedge.answer.prompt import without_numbers
from ragedge.contracts import Prompt


class Words(Protocol):
    """The tokenizer of a model."""

    def first_tokens(self) -> list[int]: ...
    def tokenize(self, text: str, *, is_special: bool = False) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class PassagePlan:
    """A passage to be read apart: its tokens, and how many of its first and last are read in place instead."""

    tokens: tuple[int, ...]
    skipped: tuple[int, int]
    document_id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A prompt as it is to be read, in batches that end at `ends`; `lasting` tokens at its beginning may go to disk.

    Those hold the instruction and text of `documents`, no question and no earlier answer. `head` tokens come before the
    passages to be joined. `epoch` is the state folder's when the passages were put together.
    """

    tokens: Sequence[int]
    ends: Sequence[int]
    lasting: int = 0
    documents: tuple[str, ...] = ()
    epoch: int = 0
    head: int = 0
    passages: tuple[PassagePlan, ...] = ()
    turn: int = 0
    """Tokens before the user's turn."""

    @property
    def joined_tokens(self) -> int:
        """Tokens that are not read in place."""
        return sum(1 for token in self.tokens if token & JOINED)


def plan_in_place(words: Words, chat: ChatFormat, prompt: Prompt, epoch: int) -> Plan:
    """All of the prompt read token after token."""
    chars = _passage_chars(prompt)
    tokens, turn, lasting = words.first_tokens(), 0, 0
    for fragment in render(chat, prompt.system, prompt.user):
        added = words.tokenize(fragment.text, is_special=fragment.is_special)
        if fragment.user_at is not None:
            turn = len(tokens)
            if chars:
                ahead = words.tokenize(fragment.text[: fragment.user_at + chars])
                lasting = turn + _common(ahead, added)  # a token may reach over the end of the passages
        tokens += added
    documents = tuple(sorted({part.document_id for part in prompt.passages}))
    return Plan(tokens, batch_ends(len(tokens), (turn, lasting)), lasting, documents, epoch, turn=turn)


def plan_joined(words: Words, chat: ChatFormat, prompt: Prompt, epoch: int, reread: tuple[int, int] = (0, 0)) -> Plan:
    """Passages apart, but for the first and last `reread` tokens of each; a prompt without passages in place."""
    if not _passage_chars(prompt):
        return plan_in_place(words, chat, prompt, epoch)
    prompt = without_numbers(prompt)
    head, passages, ending = _pieces(words, chat, prompt)
    tokens, ends, apart = list(head), batch_ends(len(head), ()), []
    for part, passage in zip(prompt.passages, passages, strict=True):
        first = min(reread[0], len(passage))
        last = min(reread[1], len(passage) - first)
        stop = len(passage) - last
        flagged = [token | JOINED for token in passage[first:stop]]
        if flagged:
            flagged[0] |= JOINED_FIRST
            apart.append(PassagePlan(tuple(passage), (first, last), part.document_id))
        for piece in (passage[:first], flagged, passage[stop:]):
            start = len(tokens)
            tokens += piece
            inner = [] if piece is flagged else batch_ends(len(piece), ())[:-1]
            ends += [*(start + end for end in inner), *([len(tokens)] if piece else [])]
    start = len(tokens)
    tokens += ending
    ends += [start + end for end in batch_ends(len(ending), ())]
    return Plan(tokens, ends, len(head), (), epoch, len(head), tuple(apart), len(head))


def _pieces(words: Words, chat: ChatFormat, prompt: Prompt) -> tuple[list[int], list[list[int]], list[int]]:
    """Tokens of what comes before the passages, of each of them, and of what follows."""
    head, passages, ending = words.first_tokens(), [], []  # type: list[int], list[list[int]], list[int]
    now = head
    for fragment in render(chat, prompt.system, prompt.user):
        if fragment.user_at is None:
            now += words.tokenize(fragment.text, is_special=fragment.is_special)
            continue
        at = fragment.user_at
        head += words.tokenize(fragment.text[:at])
        for part in prompt.passages:
            passages.append(words.tokenize(fragment.text[at : at + part.chars]))
            at += part.chars
        now = ending
        ending += words.tokenize(fragment.text[at:])
    return head, passages, ending


def _passage_chars(prompt: Prompt) -> int:
    """Characters of the passages; 0 where the user's text does not begin with them as it stands."""
    return sum(part.chars for part in prompt.passages) if prompt.user[:1].strip() else 0


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens at the beginning are the same."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
