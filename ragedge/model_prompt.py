"""Question and evidence -> what the language model of a read path reads: how long it may be, and in which order.

Made when somebody asks, and ahead of that for questions that are likely to come; both must be the same, so that what
was read ahead serves. Knows neither search nor queue.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragedge.answer.prompt import build_prompt
from ragedge.answer.reader import in_evidence_order
from ragedge.ask_settings import AskSettings
from ragedge.contracts import Evidence, Generator, Hit, Prompt, Question


def model_prompt(
    question: Question, hits: Sequence[Hit], evidence: Sequence[Evidence], settings: AskSettings, generator: Generator
) -> Prompt:
    """The prompt within the settings' tokens, and with room for the answer; loads the model, which counts.

    Raises:
        PromptTooLong: instruction and question alone are over the budget.
        ModelError: the model cannot be loaded.
    """
    room = generator.context_tokens - answer_tokens(question, settings)
    return build_prompt(
        question,
        in_evidence_order(hits, evidence),
        count_tokens=generator.count_tokens,
        budget_tokens=min(settings.prompt_tokens, room),
    )


def epoch_of(generator: Generator | None) -> int | None:
    """What `Prompt.epoch` is to be, asked before anything is searched for; None where a model keeps nothing it read."""
    epoch: int | None = getattr(generator, "epoch", lambda: None)()
    return epoch


def answer_tokens(question: Question, settings: AskSettings) -> int:
    """How long an answer may be."""
    return question.max_answer_tokens or settings.max_answer_tokens
