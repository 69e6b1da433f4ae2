"""Every record that crosses a module border, and the Protocols behind which a part can be exchanged.

Records are frozen and slotted; sequences are tuples; units stand in the names. Pages and ranks count from 1, ordinals
and character offsets from 0, spans are half-open. Pages stay pages: the page of a citation is carried along from the
reader, never counted back from an offset. This module knows no file, no model and no index.
"""

from ragedge.contracts.asking import (
    Answer,
    AnswerSpan,
    Citation,
    Event,
    Evidence,
    Hit,
    ModelStats,
    Outcome,
    Passages,
    Piece,
    Prompt,
    Question,
    Retrieval,
    Source,
    Timings,
    Turn,
    Verdict,
)
from ragedge.contracts.documents import (
    Block,
    BlockKind,
    Chunk,
    Document,
    DocumentName,
    Page,
    PageOrigin,
    PageProblem,
    PageSpan,
    ParsedFile,
    Reason,
)
from ragedge.contracts.seams import (
    Embedder,
    Generator,
    Reader,
    ReadOptions,
    Sampling,
    VectorStore,
)

__all__ = [
    "Answer",
    "AnswerSpan",
    "Block",
    "BlockKind",
    "Chunk",
    "Citation",
    "Document",
    "DocumentName",
    "Embedder",
    "Event",
    "Evidence",
    "Generator",
    "Hit",
    "ModelStats",
    "Outcome",
    "Page",
    "PageOrigin",
    "PageProblem",
    "PageSpan",
    "ParsedFile",
    "Passages",
    "Piece",
    "Prompt",
    "Question",
    "ReadOptions",
    "Reader",
    "Reason",
    "Retrieval",
    "Sampling",
    "Source",
    "Timings",
    "Turn",
    "VectorStore",
    "Verdict",
]
