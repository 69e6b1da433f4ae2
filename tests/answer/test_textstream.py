"""Streams of bytes to text: no broken characters, no part of a stop string."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ragedge.answer.textstream import TextStream


def pieces(data: bytes, cuts: list[int], stops: tuple[str, ...] = ()) -> list[str]:
    stream = TextStream(stops)
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [stream.feed(data[a:b]) for a, b in itertools.pairwise(at)] + [stream.end()]


@given(st.binary(max_size=60), st.lists(st.integers(0, 100), max_size=10))
def test_text_is_the_same_however_the_bytes_are_cut(data: bytes, cuts: list[int]) -> None:
    assert "".join(pieces(data, cuts)) == data.decode("utf-8", "replace").lstrip()


@given(st.text(max_size=40), st.lists(st.integers(0, 200), max_size=20))
def test_whole_text_never_shows_a_broken_character(text: str, cuts: list[int]) -> None:
    shown = pieces(text.replace("\ufffd", "").encode(), cuts)
    assert not any("\ufffd" in piece for piece in shown)


@given(st.text(alphabet="ab<|>e é", max_size=40), st.lists(st.integers(0, 60), max_size=15))
def test_text_ends_before_a_stop_string_and_shows_no_part_of_it(text: str, cuts: list[int]) -> None:
    stops = ("<|e|>", "ab<")
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    expected = text[: min(ends)] if ends else text
    assert "".join(pieces(text.encode(), cuts, stops)) == expected.lstrip()


def test_what_cannot_become_a_stop_string_is_shown_at_once() -> None:
    stream = TextStream(("<|im_end|>",))
    assert stream.feed(b"Open it <") == "Open it "
    assert stream.feed(b"b") == "<b"
    assert stream.feed(b" <|im_") == " "
    assert stream.feed(b"end|> more") == "" and stream.is_stopped
    assert stream.feed(b"more") == "" and stream.end() == ""
