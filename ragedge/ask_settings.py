"""How answers are made: what the config says, as the pipeline and the tasks beside it take it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ragedge.answer.gate import Thresholds


@dataclass(frozen=True, slots=True)
class AskSettings:
    """How answers are made. Sizes in tokens of the model that speaks, lengths in characters."""

    prompt_tokens: int = 1200
    max_answer_tokens: int = 200
    temperature: float = 0.0
    language: str = "en"
    max_question_chars: int = 2000
    thresholds: Thresholds = field(default_factory=Thresholds)
