"""The JSON of answers and passages: its keys are a promise to clients, pinned here."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ragedge.contracts import Answer, Hit, ModelStats, Page, Piece
from ragedge.views import answer_view, encode, page_view, passages_view, piece_view, record_view
from tests.server.fakes import make_answer, make_hit, make_passages


def keys(value: object) -> object:
    """The shape of a JSON value: names only, one item standing for a list."""
    if isinstance(value, dict):
        return {name: keys(item) for name, item in value.items()}
    if isinstance(value, list):
        return [keys(value[0])] if value else []
    return ""


SPAN = {"page": "", "start": "", "end": ""}
CHUNK = {
    "id": "", "document_id": "", "document_path": "", "ordinal": "", "text": "", "spans": [SPAN], "headings": [""],
    "tokens": "",
}  # fmt: skip
HIT = {
    "chunk": CHUNK, "score": "", "title": "", "lexical_rank": "", "vector_rank": "", "cosine": "", "rerank_score": "",
    "chunk_ids": [""],
}  # fmt: skip
TIMINGS = {
    "embed_ms": "", "lexical_ms": "", "vector_ms": "", "rerank_ms": "", "read_ms": "", "first_piece_ms": "",
    "total_ms": "", "stored_ms": "", "energy_joules": "",
}  # fmt: skip
EVIDENCE = {"hit_index": "", "text": "", "span": SPAN, "score": "", "cosine": "", "coverage": "", "answer": ""}
SENTENCE = {"start": "", "end": "", "support": "", "citation": "", "objection": "", "unconfirmed": [[""]]}
ANSWER = {
    "text": "",
    "outcome": "",
    "citations": [
        {
            "number": "", "chunk_id": "", "document_id": "", "document_path": "", "title": "", "pages": [""],
            "page_label": "", "span": SPAN, "quote": "", "answer_start": "", "answer_end": "", "support": "",
        }
    ],
    "unsupported": [SENTENCE],
    "hits": [HIT],
    "evidence": [EVIDENCE],
    "engine": "",
    "confidence": "",
    "reason": "",
    "timings": TIMINGS,
    "stats": {
        "total_duration": "", "load_duration": "", "prompt_eval_count": "", "prompt_eval_cached_count": "",
        "prompt_eval_duration": "", "eval_count": "", "eval_duration": "", "prompt_eval_joined_count": "",
        "draft_count": "", "draft_accepted_count": "", "prompt_tokens_per_second": "", "tokens_per_second": "",
    },
    "sentences": [{**SENTENCE, "unconfirmed": []}],
    "short": "",
}  # fmt: skip
QUESTION = {
    "text": "", "collection": "", "history": [], "filters": {}, "top_k": "", "max_answer_tokens": "",
    "temperature": "", "seed": "", "language": "", "prefer": [],
}  # fmt: skip


def test_the_keys_of_an_answer_are_the_golden_ones_in_their_order() -> None:
    view = answer_view(make_answer((make_hit(),)))
    assert keys(view) == ANSWER
    assert list(view) == list(ANSWER)


def test_the_keys_of_passages_are_the_golden_ones() -> None:
    view = passages_view(make_passages((make_hit(),)), {"0123456789abcdef": {1: "iv", 2: None}})
    assert keys(view) == {
        "retrieval": {"question": QUESTION, "search_text": "", "hits": [HIT]},
        "evidence": [EVIDENCE],
        "timings": TIMINGS,
        "page_labels": {"0123456789abcdef": {"1": "", "2": ""}},
    }
    assert view["page_labels"] == {"0123456789abcdef": {"1": "iv", "2": None}}


def test_a_piece_is_its_text() -> None:
    assert piece_view(Piece("so")) == {"text": "so"}


def test_an_answer_survives_the_way_through_json() -> None:
    answer = make_answer((make_hit(text="pump \U0001f527 <b>&amp;"),))
    view = json.loads(encode(answer_view(answer)))
    assert view["hits"][0]["chunk"]["text"] == "pump \U0001f527 <b>&amp;"
    assert view["stats"]["tokens_per_second"] == pytest.approx(20.0)
    assert view["citations"][0]["pages"] == [1]


def test_numpy_scalars_become_numbers_and_what_is_not_finite_becomes_null() -> None:
    hit = replace(make_hit(), score=np.float32(0.5), cosine=float("nan"), rerank_score=float("inf"))
    view = json.loads(encode(record_view(hit)))
    assert (view["score"], view["cosine"], view["rerank_score"]) == (0.5, None, None)
    assert isinstance(hit, Hit)


def test_lone_surrogates_do_not_break_the_reply() -> None:
    answer: Answer = make_answer((), "half \ud83d of a pair")
    data = encode(answer_view(answer))
    assert b"\\ud83d" in data
    assert json.loads(data)["text"] == "half \ud83d of a pair"


def test_encoded_views_hold_no_line_break() -> None:
    assert b"\n" not in encode({"text": "a\nb\r\u2028c"})


def test_rates_are_null_when_nothing_was_read_or_written() -> None:
    view = record_view(ModelStats())
    assert view["prompt_tokens_per_second"] is None
    assert view["tokens_per_second"] is None


@pytest.mark.parametrize(
    ("offset", "limit", "text", "start"),
    [(0, 4, "abcd", 0), (3, 100, "def", 3), (99, 5, "", 6), (-5, 2, "ab", 0)],
)
def test_a_page_is_handed_out_in_windows(offset: int, limit: int, text: str, start: int) -> None:
    view = page_view(Page(2, "ii", "abcdef"), pages=3, offset=offset, limit=limit)
    assert (view["text"], view["text_start"], view["total_chars"]) == (text, start, 6)
    assert (view["previous"], view["next"], view["label"]) == (1, 3, "ii")


def test_first_and_last_page_have_no_neighbour_outside() -> None:
    only = page_view(Page(1, None, "x"), pages=1, offset=0, limit=9)
    assert (only["previous"], only["next"]) == (None, None)


def test_a_value_without_a_place_in_json_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        record_view(Piece(b"raw"))  # type: ignore[arg-type]
