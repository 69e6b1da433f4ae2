"""What the evidence model says reaches the right units, characters and figures."""

from __future__ import annotations

from collections.abc import Sequence

from ragedge.answer.readings import read_units, reader_figures
from ragedge.answer.short import page_span
from ragedge.answer.units import Unit
from ragedge.contracts import Chunk, Hit, SpanReading, UnitReading, WindowReading, WindowText

HIT = Hit(Chunk("d-00000", "d", "d.md", 0, "text", (), (), 1), 1.0, "Pump")


class WordReader:
    """Finds the one word it was made for: that unit answers, and the word is the answer."""

    sha256 = "0" * 64

    def __init__(self, word: str) -> None:
        self.word = word
        self.shown: list[WindowText] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def read(self, question: str, windows: Sequence[WindowText]) -> list[WindowReading]:
        self.shown += windows
        readings = []
        for window in windows:
            units = []
            for text in window.units:
                at = text.find(self.word)
                found = at >= 0
                spans = (SpanReading(at, at + len(self.word), 8.0),) if found else ()
                units.append(UnitReading(4.0 if found else -6.0, spans))
            readings.append(WindowReading(2.0 if any(u.score > 0 for u in units) else -4.0, tuple(units)))
        return readings


def unit(start: int, text: str, kind: str = "text") -> Unit:
    return Unit(0, "d", 1, start, start + len(text), kind, text)  # type: ignore[arg-type]


def test_the_answers_place_is_counted_on_the_page_over_line_breaks() -> None:
    text = "The head bolts\n   take 45 Nm\tin a cross."
    page = "Upkeep\n" + text
    reader = WordReader("45 Nm")
    readings = read_units(reader, "torque?", [unit(7, text)], [HIT], [0.5])
    read = readings.of(unit(7, text))
    assert read is not None
    place = page_span(unit(7, text), read.spans[0].start, read.spans[0].end)
    assert place is not None and page[place.start : place.end] == "45 Nm"
    assert reader.shown[0].units == ("The head bolts take 45 Nm in a cross.",)


def test_an_answer_over_a_line_break_keeps_the_pages_characters() -> None:
    text = "It weighs 34\n    kg without water."
    read = read_units(WordReader("34 kg"), "weight?", [unit(0, text)], [HIT], [0.5]).of(unit(0, text))
    assert read is not None
    place = page_span(unit(0, text), read.spans[0].start, read.spans[0].end)
    assert place is not None and text[place.start : place.end] == "34\n    kg"


def test_where_nothing_answers_there_is_no_span_and_figures_are_low() -> None:
    units = [unit(0, "Open daily."), unit(20, "Closed on Mondays.")]
    readings = read_units(WordReader("torque"), "torque?", units, [HIT], [0.5, 0.4])
    assert all(not read.spans for read in readings.by_place.values())
    low = reader_figures(readings, readings.of(units[0]))
    high = reader_figures(read_units(WordReader("daily"), "when?", units, [HIT], [0.5, 0.4]), None)
    assert low["reader_unit"] < 0 < high["reader_unit"] and low["reader_passage"] < 0 < high["reader_passage"]
    assert set(low) == set(high)


def test_units_that_were_not_read_count_as_the_lowest() -> None:
    units = [unit(0, "a b c"), unit(10, "d e f")]
    readings = read_units(WordReader("a"), "?", units, [HIT], [0.5, 0.4])
    assert readings.of(unit(99, "elsewhere")) is None
    assert readings.unread == min(read.unit for read in readings.by_place.values())
    empty = read_units(WordReader("a"), "?", [], [], [])
    assert empty.passages == () and reader_figures(empty, None)["reader_unit"] < 0


def test_a_unit_is_as_far_behind_as_its_span_and_no_further_than_the_limit() -> None:
    class Spans(WordReader):
        def read(self, question: str, windows: Sequence[WindowText]) -> list[WindowReading]:
            scores = iter((9.0, 1.0, -50.0))
            return [
                WindowReading(
                    0.0, tuple(UnitReading(0.0, (SpanReading(0, 1, next(scores)),)) for _ in windows[0].units)
                )
            ]

    units = [unit(0, "a b c"), unit(10, "d e f"), unit(20, "g h i")]
    readings = read_units(Spans("a"), "?", units, [HIT], [0.5, 0.4, 0.3])
    assert [readings.behind(u) for u in units] == [0.0, -2.0, -6.0]
    assert readings.behind(unit(99, "elsewhere")) == -6.0
    assert read_units(WordReader("a"), "?", [], [], []).behind(units[0]) == 0.0
