"""Chat formats: each rendered form is pinned, families are found, texts never become special tokens."""

from __future__ import annotations

import itertools

import pytest

from ragedge.answer.chat import FORMATS, SPECIAL_TOKENS, chat_format, render
from ragedge.errors import ConfigError

RENDERED = {
    "chatml": "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n",
    "qwen3": "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"
    "<think>\n\n</think>\n\n",
    "llama3": "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
    "U<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "gemma": "<start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\n",
    "gemma4": "<|turn>system\nS<turn|>\n<|turn>user\nU<turn|>\n<|turn>model\n",
    "phi3": "<|system|>\nS<|end|>\n<|user|>\nU<|end|>\n<|assistant|>\n",
    "phi4-mini": "<|system|>S<|end|><|user|>U<|end|><|assistant|>",
    "phi4": "<|im_start|>system<|im_sep|>S<|im_end|>"
    "<|im_start|>user<|im_sep|>U<|im_end|><|im_start|>assistant<|im_sep|>",
    "mistral": "[INST]S\n\nU[/INST]",
    "mistral7": "[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]U[/INST]",
    "plain": "S\n\nU\n\nAnswer:",
}


@pytest.mark.parametrize("family", sorted(FORMATS))
def test_each_format_renders_as_published(family: str) -> None:
    fragments = render(FORMATS[family], "S", "U")
    assert "".join(fragment.text for fragment in fragments) == RENDERED[family]
    assert {fragment.text for fragment in fragments if fragment.is_special} == set(FORMATS[family].specials)
    assert sum(fragment.user_at is not None for fragment in fragments) == 1


@pytest.mark.parametrize("family", sorted(FORMATS))
def test_marks_in_texts_stay_within_plain_fragments(family: str) -> None:
    evil = "{system}{user}" + "".join(sorted(SPECIAL_TOKENS))
    fragments = render(FORMATS[family], evil, evil)
    honest = render(FORMATS[family], "S", "U")
    assert [f.text for f in fragments if f.is_special] == [f.text for f in honest if f.is_special]
    assert "".join(f.text for f in fragments if not f.is_special).count(evil) == 2


def test_plain_neighbours_are_one_fragment() -> None:
    for entry in FORMATS.values():
        kinds = [fragment.is_special for fragment in render(entry, "S", "U")]
        assert not any(a is False and b is False for a, b in itertools.pairwise(kinds))


@pytest.mark.parametrize(
    ("architecture", "tokenizer", "family"),
    [
        ("qwen2", "gpt2", "chatml"),
        ("qwen3", "gpt2", "qwen3"),
        ("llama", "gpt2", "llama3"),
        ("gemma3", "llama", "gemma"),
        ("gemma4", "llama", "gemma4"),
        ("phi3", "llama", "phi3"),
        ("phi3", "gpt2", "phi4-mini"),
        ("phi3", "gpt2", "phi4"),
        ("llama", "llama", "mistral"),
        ("llama", "gpt2", "mistral7"),
        ("gpt2", "gpt2", "plain"),
    ],
)
def test_the_family_is_found_by_architecture_and_tokens(architecture: str, tokenizer: str, family: str) -> None:
    found = frozenset(FORMATS[family].specials)
    assert chat_format("auto", architecture, tokenizer, found).family == family


def test_a_family_by_name_overrides_what_is_found_and_unknown_names_are_refused() -> None:
    assert chat_format("gemma", "qwen2", "gpt2", frozenset(FORMATS["chatml"].specials)).family == "gemma"
    with pytest.raises(ConfigError) as caught:
        chat_format("jinja", "qwen2", "gpt2", frozenset())
    assert "chatml" in caught.value.hint
