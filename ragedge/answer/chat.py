"""Chat formats by model family: a prompt as fragments of special tokens and plain text.

A closed table, because a template inside a model file is a program of a stranger. Only the pieces named here become
special tokens; whatever stands in a document or a question stays text, even if it spells one. Plain neighbours are
joined, so that the fragments give the same tokens as the whole string would. Formats as published with each family:
ChatML (Qwen, SmolLM2, LFM2), Llama 3, Gemma 1-3 and 4, Phi 3 and 4, Mistral (tokenizer versions 3 and 7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragedge.errors import ConfigError, PromptTooLong

CHARS_PER_TOKEN = 64
"""Characters; a text longer than this per token of context cannot fit and is not even tokenised."""


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """How one family marks turns: `template` with {system} and {user}, its special tokens, what ends a text."""

    family: str
    template: str
    specials: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fragment:
    """A stretch of a prompt; `is_special`: it is one special token. `user_at`: where in it the user's text begins."""

    text: str
    is_special: bool = False
    user_at: int | None = None


_IM = ("<|im_start|>", "<|im_end|>")
_CHATML = "<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"
_LLAMA3 = (
    "<|start_header_id|>system<|end_header_id|>\n\n{system}<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n{user}<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
_GEMMA = "<start_of_turn>user\n{system}\n\n{user}<end_of_turn>\n<start_of_turn>model\n"
_GEMMA4 = "<|turn>system\n{system}<turn|>\n<|turn>user\n{user}<turn|>\n<|turn>model\n"
_PHI = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
_PHI4 = (
    "<|im_start|>system<|im_sep|>{system}<|im_end|><|im_start|>user<|im_sep|>{user}<|im_end|>"
    "<|im_start|>assistant<|im_sep|>"
)
_INST = ("[INST]", "[/INST]")
_SYSTEM = ("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]")
_MISTRAL7 = "[SYSTEM_PROMPT]{system}[/SYSTEM_PROMPT][INST]{user}[/INST]"
_PHI3 = "<|system|>\n{system}<|end|>\n<|user|>\n{user}<|end|>\n<|assistant|>\n"

FORMATS: dict[str, ChatFormat] = {
    entry.family: entry
    for entry in (
        ChatFormat("chatml", _CHATML, _IM, _IM),
        # Qwen 3 thinks aloud unless its turn begins with an empty thought: the published switch for "no thinking"
        ChatFormat("qwen3", _CHATML + "<think>\n\n</think>\n\n", (*_IM, "<think>", "</think>"), _IM),
        ChatFormat(
            "llama3",
            _LLAMA3,
            ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
            ("<|eot_id|>", "<|start_header_id|>"),
        ),
        ChatFormat("gemma", _GEMMA, ("<start_of_turn>", "<end_of_turn>"), ("<end_of_turn>", "<start_of_turn>")),
        ChatFormat("gemma4", _GEMMA4, ("<|turn>", "<turn|>"), ("<turn|>", "<|turn>")),
        ChatFormat("phi3", _PHI3, _PHI, ("<|end|>", "<|user|>")),
        ChatFormat("phi4-mini", _PHI3.replace("\n", ""), _PHI, ("<|end|>", "<|user|>")),
        ChatFormat("phi4", _PHI4, (*_IM, "<|im_sep|>"), _IM),
        # no blanks around the turns: tokenizers that want one put it there themselves
        ChatFormat("mistral", "[INST]{system}\n\n{user}[/INST]", _INST, ("[INST]",)),
        ChatFormat("mistral7", _MISTRAL7, (*_SYSTEM, *_INST), ("[INST]",)),
        ChatFormat("plain", "{system}\n\n{user}\n\nAnswer:", (), ("\nQuestion:", "\n\n\n")),
    )
}
SPECIAL_TOKENS = frozenset(token for entry in FORMATS.values() for token in entry.specials)


def chat_format(family: str, architecture: str, tokenizer: str, found_tokens: frozenset[str]) -> ChatFormat:
    """The format for a model; with `family` "auto" by its architecture and the special tokens in its vocabulary.

    Raises:
        ConfigError: when `family` is neither "auto" nor in the table.
    """
    if family == "auto":
        return FORMATS[_detect(architecture, tokenizer, found_tokens)]
    if family not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise ConfigError(f'There is no chat format for the family "{family}".', f"Known: auto, {known}.")
    return FORMATS[family]


def _detect(architecture: str, tokenizer: str, found: frozenset[str]) -> str:
    """A family whose special tokens are all there; "plain" for any other."""

    def has(family: str) -> bool:
        return found.issuperset(FORMATS[family].specials)

    if architecture.startswith("phi") and has("phi3"):
        return "phi3" if tokenizer == "llama" else "phi4-mini"
    if architecture.startswith("qwen3") and has("qwen3"):
        return "qwen3"
    for family in ("phi4", "chatml", "llama3", "gemma4", "gemma", "mistral7", "mistral"):
        if has(family):
            return family
    return "plain"


def render(chat: ChatFormat, system: str, user: str) -> tuple[Fragment, ...]:
    """The prompt of one question, up to where the model's answer begins.

    Texts are stripped; without a system text an empty system turn is kept, as the families were trained with one.
    """
    marks = "|".join(re.escape(mark) for mark in sorted((*chat.specials, "{system}", "{user}"), key=len, reverse=True))
    fragments: list[Fragment] = []
    plain, user_at = "", None  # type: tuple[str, int | None]
    for part in re.split(f"({marks})", chat.template):
        if part in chat.specials:
            if plain:
                fragments.append(Fragment(plain, user_at=user_at))
            fragments.append(Fragment(part, is_special=True))
            plain, user_at = "", None
        elif part == "{system}":
            plain += system.strip()
        elif part == "{user}":
            plain, user_at = plain + user.strip(), len(plain)
        else:
            plain += part
    if plain:
        fragments.append(Fragment(plain, user_at=user_at))
    return tuple(fragments)


def check_length(system: str, user: str, context_tokens: int) -> None:
    """Refuse a prompt that cannot fit whatever its tokens are.

    Raises:
        PromptTooLong: it has more characters than the context can hold.
    """
    chars = len(system) + len(user)
    if chars > context_tokens * CHARS_PER_TOKEN:
        raise too_long(chars // CHARS_PER_TOKEN, context_tokens)


def too_long(tokens: int, context_tokens: int) -> PromptTooLong:
    """The error of a prompt of `tokens` tokens or more."""
    message = f"The prompt has {tokens} tokens or more, the model's context holds {context_tokens}."
    return PromptTooLong(message, "Ask a shorter question, or give the model a larger context_tokens.")
