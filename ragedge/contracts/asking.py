"""Records of a question and its answer, and the events between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ragedge.contracts.documents import Chunk, PageSpan

Outcome = Literal["answered", "unsure", "abstained", "truncated", "cancelled"]

Objection = Literal[
    "number_missing",
    "code_missing",
    "date_changed",
    "name_missing",
    "negation_flipped",
    "opposite_word",
    "order_changed",
    "word_exchanged",
    "words_not_found",
    "source_gone",
]
"""Why no source supports a sentence: what stands in none, or how the nearest source says otherwise."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks, and how. `None` means: as the config says.

    `collection` names the part of the index that is asked ("": all that the asker may read). `readable` names the
    collections that the asker may read (None: all), said by whoever lets the question in, never by the asker. `portion`
    is set by the read path: it names the part that both lead to, so that no answer kept for one is shown to another.
    """

    text: str
    collection: str = ""
    history: tuple[Turn, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    top_k: int | None = None
    max_answer_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    language: str | None = None
    #: Ids of documents whose passages go first where the question fits them, as of the exhibit one stands before.
    prefer: tuple[str, ...] = ()
    readable: tuple[str, ...] | None = None
    portion: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found: a chunk, or neighbouring chunks merged under the id of the best one.

    `score` is higher for better, always. `cosine` is the similarity of question and chunk in [-1, 1] (None: not
    computed); the ranks count from 1 in their own list (None: not in that list).
    """

    chunk: Chunk
    score: float
    title: str = ""
    lexical_rank: int | None = None
    vector_rank: int | None = None
    cosine: float | None = None
    rerank_score: float | None = None
    chunk_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Hits, best first, for `search_text` (the question after rewriting)."""

    question: Question
    search_text: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence, list item or table row that may answer the question: an exact part of one page.

    `text` == the page's text[start:end]; `score` in [0, 1], higher is better; `hit_index` points into `Retrieval.hits`.
    `answer` is the place of the short answer inside it, where the evidence model is sure enough of one.
    """

    hit_index: int
    text: str
    span: PageSpan
    score: float
    cosine: float | None = None
    coverage: float | None = None
    answer: PageSpan | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's decision, with the figure in [0, 1] it was made on and its reason in plain words."""

    outcome: Literal["answered", "unsure", "abstained"]
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as it stands in a prompt; source i of `Prompt.sources` is cited as number i+1."""

    chunk: Chunk
    title: str


@dataclass(frozen=True, slots=True)
class PassagePart:
    """How many characters of a prompt are a passage, label and all, and of which document."""

    document_id: str
    chars: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a generator reads. `tokens` counts the whole prompt, `dropped` the passages that did not fit.

    `passages` are the parts at the beginning of `user` that hold text of documents and nothing else, in their order;
    empty where a prompt is put together in another way. `epoch` is the generator's from before its passages were
    searched for: what is read of documents that have gone since is not kept; None: as when the generator gets it.
    """

    system: str
    user: str
    sources: tuple[Source, ...]
    tokens: int
    dropped: int = 0
    passages: tuple[PassagePart, ...] = ()
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A statement `[answer_start, answer_end)` of the answer, tied to an exact quote of a source.

    `quote` is a substring of the text of page `span.page`; `pages` are all pages the cited chunk touches;
    `page_label` is what is printed on the quoted page. `support` in [0, 1] is 1.0 for a literal quote.
    """

    number: int
    chunk_id: str
    document_id: str
    document_path: str
    title: str
    pages: tuple[int, ...]
    page_label: str | None
    span: PageSpan
    quote: str
    answer_start: int
    answer_end: int
    support: float


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """A sentence `[start, end)` of an answer, or a quote shown whole, and how far the documents support it.

    `citation` is the number of its citation, None where no source supports it; then `objection` says why, and
    `unconfirmed` are the half-open spans of the answer in which its numbers and codes stand. `support` in [0, 1].
    """

    start: int
    end: int
    support: float = 0.0
    citation: int | None = None
    objection: Objection | None = None
    unconfirmed: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall clock of our own stages in milliseconds; None where a stage did not run.

    `stored_ms` is there only where the answer came out of the store of answers. `energy_joules` is what the whole box
    took from question to answer, other work included; None where it cannot be measured.
    """

    embed_ms: float | None = None
    lexical_ms: float | None = None
    vector_ms: float | None = None
    rerank_ms: float | None = None
    read_ms: float | None = None
    first_piece_ms: float | None = None
    total_ms: float | None = None
    stored_ms: float | None = None
    energy_joules: float | None = None


@dataclass(frozen=True, slots=True)
class ModelStats:
    """What the language model spent, in the names and units of Ollama: nanoseconds and token counts.

    `prompt_eval_joined_count` tokens of the prompt stood in passages that were read apart and joined, see `[answer]
    passage_states`: not the same as reading them in place.
    """

    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    prompt_eval_cached_count: int = 0
    prompt_eval_duration: int = 0
    eval_count: int = 0
    eval_duration: int = 0
    prompt_eval_joined_count: int = 0
    draft_count: int = 0
    """Tokens guessed from the passages and verified in one go; not Ollama's."""
    draft_accepted_count: int = 0
    """Those of them that were right."""

    def __add__(self, other: ModelStats) -> ModelStats:
        """What both spent."""
        return ModelStats(
            self.total_duration + other.total_duration,
            self.load_duration + other.load_duration,
            self.prompt_eval_count + other.prompt_eval_count,
            self.prompt_eval_cached_count + other.prompt_eval_cached_count,
            self.prompt_eval_duration + other.prompt_eval_duration,
            self.eval_count + other.eval_count,
            self.eval_duration + other.eval_duration,
        )

    @property
    def prompt_tokens_per_second(self) -> float | None:
        """Prompt tokens read per second, cached ones not counted; None when nothing was read."""
        return _rate(self.prompt_eval_count - self.prompt_eval_cached_count, self.prompt_eval_duration)

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens written per second; None when nothing was written."""
        return _rate(self.eval_count, self.eval_duration)


def _rate(count: int, duration_ns: int) -> float | None:
    return count / duration_ns * 1e9 if count > 0 and duration_ns > 0 else None


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of the one read path. `engine` names who spoke: "extractive", "llama:<file>", "none".

    `sentences` are all that say something, in order; `unsupported` are those of them that no source supports. `short`:
    the words of the first quote that answer, where quotes speak and the evidence model marks some.
    """

    text: str
    outcome: Outcome
    citations: tuple[Citation, ...]
    unsupported: tuple[AnswerSpan, ...]
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    engine: str
    confidence: float
    reason: str
    timings: Timings
    stats: ModelStats | None = None
    sentences: tuple[AnswerSpan, ...] = ()
    short: str = ""


@dataclass(frozen=True, slots=True)
class Passages:
    """First event of a stream: what was found. `evidence` is scored by words alone, to mark what to look at."""

    retrieval: Retrieval
    evidence: tuple[Evidence, ...]
    timings: Timings


@dataclass(frozen=True, slots=True)
class Piece:
    """A further bit of the answer's text."""

    text: str


Event = Passages | Piece | Answer
