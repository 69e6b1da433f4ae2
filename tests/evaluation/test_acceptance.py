"""Pass marks and comparisons: strict in what they take, right in what they say."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ragedge.errors import ConfigError, InputError
from ragedge.evaluate import as_json
from ragedge.evaluation.acceptance import Mark, check_marks, marks_text, measures, parse_mark, read_marks
from ragedge.evaluation.comparison import compare, comparison_text, faults, read_report
from ragedge.evaluation.page import as_html
from ragedge.evaluation.scorecard import QuestionResult, Report
from tests.test_evaluate import GOLDS, report

REPORT: Report = report(GOLDS)


def plain(kept: Report = REPORT) -> dict[str, Any]:
    """A report as it comes back from a file."""
    whole: dict[str, Any] = json.loads(json.dumps(as_json(kept)))
    return whole


# ---------------------------------------------------------------------------------------------- marks


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("hit@5>=0.9", Mark("hit@5", ">=", 0.9)),
        (" MRR@10 >= 0.5 ", Mark("mrr@10", ">=", 0.5)),
        ("vector.hit@1>=1", Mark("vector.hit@1", ">=", 1.0)),
        ("page.hit@5>=.9".replace(".9", "0.9"), Mark("page.hit@5", ">=", 0.9)),
        ("lexical.passage.evidence@5>=0.2", Mark("lexical.passage.evidence@5", ">=", 0.2)),
        ("refused@90>=0.6", Mark("refused@90", ">=", 0.6)),
        ("unanswerable_unsure<=0.1", Mark("unanswerable_unsure", "<=", 0.1)),
        ("total_p95_ms<=50", Mark("total_p95_ms", "<=", 50.0)),
    ],
)
def test_a_mark_is_a_figure_of_the_report_and_a_value(text: str, mark: Mark) -> None:
    assert parse_mark(text) == mark


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("hit@6>=0.9", "hit@5"), ("f2>=0.9", "f1"), ("hit@5>0.9", "MEASURE>=VALUE"), ("hit@5", "MEASURE>=VALUE"),
        ("hit@5>=high", "MEASURE>=VALUE"), ("fastest.hit@5>=1", "hit@5"), ("page.f1>=1", "f1"),
        ("vector.>=1", "there are"),
    ],
)  # fmt: skip
def test_another_figure_is_refused_with_the_nearest_one(text: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_mark(text)
    assert hint in caught.value.hint


def test_marks_are_held_against_the_report() -> None:
    found = measures(plain())
    assert found["hit@5"] == 1.0 and found["refused"] == 1.0
    assert found["document.hit@5"] is not None and found["lexical.hit@1"] is not None
    marks = [parse_mark(t) for t in ("hit@5>=1", "f1>=1.0", "refused<=0.5", "vector.hit@5>=0")]
    checked = check_marks(marks, plain())
    assert [item.is_passed for item in checked] == [True, False, False, False]
    assert "MISSED  vector.hit@5>=0  (not measured)" in marks_text(checked)
    assert "passed  hit@5>=1  (1.000)" in marks_text(checked)


def test_every_measured_figure_can_be_a_mark() -> None:
    for name in measures(plain()):
        assert parse_mark(f"{name}>=0.5").measure == name


def marks_file(folder: Path, text: str) -> Path:
    path = folder / "marks.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_marks_is_read(tmp_path: Path) -> None:
    path = marks_file(tmp_path, '[pass]\n"hit@5" = 0.9\nf1 = ">= 0.5"\n"total_median_ms" = "<=50"\n')
    assert read_marks(path) == (
        Mark("hit@5", ">=", 0.9), Mark("f1", ">=", 0.5), Mark("total_median_ms", "<=", 50.0)
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "[pass]", "[pas]\nf1 = 1", "[pass]\nf1 = 1\n[other]\na = 1", "[pass]\nf1 = true", "[pass]\nf1 = [1]",
     "[pass]\nf1 = 'good'", "pass = 1", "[pass]\nfl = 0.5", "a = = b"],
)  # fmt: skip
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        read_marks(marks_file(tmp_path, text))


def test_a_missing_file_of_marks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_marks(tmp_path / "none.toml")


# ---------------------------------------------------------------------------------------------- comparison


def row(**changes: Any) -> dict[str, Any]:
    good = {
        "id": "a", "question": "q", "is_answerable": True, "ranks": [["lexical", None], ["hybrid", 2]],
        "outcome": "answered", "f1": 0.9, "quote_shown": True, "sources": ["s"], "holds_answer": True,
        "is_scored": True,
    }  # fmt: skip
    return {**good, **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"ranks": [["lexical", 1], ["hybrid", 6]]}, ["not among the first 5"]),
        ({"ranks": [["lexical", 1], ["hybrid", None]]}, ["not among the first 5"]),
        ({"ranks": [["hybrid", None]], "sources": []}, []),
        ({"outcome": "abstained", "f1": 0.0, "quote_shown": False, "holds_answer": False}, ["refused"]),
        ({"quote_shown": False}, ["not cited"]),
        ({"f1": 0.1, "holds_answer": False}, ["differ"]),
        ({"f1": 0.1, "holds_answer": True}, []),
        ({"f1": 0.1, "holds_answer": False, "is_scored": False}, []),
        ({"is_answerable": False, "ranks": []}, ["unanswerable, but answered"]),
        ({"is_answerable": False, "ranks": [], "outcome": "unsure"}, []),
        ({"is_answerable": False, "ranks": [], "outcome": "abstained"}, []),
    ],
)
def test_each_kind_of_failure_is_named(changes: dict[str, Any], words: list[str]) -> None:
    found = faults(row(**changes))
    assert len(found) == len(words)
    assert all(word in fault for word, fault in zip(words, found, strict=True))


def test_a_report_against_itself_shows_no_difference() -> None:
    same = compare(plain(), plain())
    assert (same.figures, same.worse, same.better, same.shared) == ((), (), (), 3)
    assert "no figure differs" in comparison_text(same)


def test_what_got_worse_and_better_is_named_by_question() -> None:
    before, now = plain(), plain()
    before["results"] = [row(id="a"), row(id="b", outcome="abstained"), row(id="gone")]
    now["results"] = [row(id="a", quote_shown=False, question="why\x1b?"), row(id="b"), row(id="new")]
    now["retrieval"] = copy.deepcopy(before["retrieval"])
    now["retrieval"][-1]["hit_at_5"] = 0.25
    found = compare(before, now)
    assert found.shared == 2
    assert [(c.id, len(c.gained)) for c in found.worse] == [("a", 1)]
    assert [(c.id, len(c.lost)) for c in found.better] == [("b", 1)]
    assert ("hit@5", 1.0, 0.25) in found.figures
    text = comparison_text(found)
    assert "-0.750" in text and "worse: 1" in text and "\x1b" not in text


def test_an_older_report_without_the_newer_fields_is_compared_by_what_both_know() -> None:
    before = plain()
    for kept in before["results"]:
        for name in ("expected", "sources", "cited", "engine", "reason", "tags", "holds_answer", "is_scored"):
            del kept[name]
    found = compare(before, plain())
    assert (found.worse, found.better) == ((), ())


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"results": 3}', '{"results": [{}]}', '{"results": [], "retrieval": [{}]}', "[" * 100_000,
             '{"results": [3]}']
)  # fmt: skip
def test_what_is_no_report_is_refused_as_a_baseline(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_report(path)
    with pytest.raises(InputError):
        read_report(tmp_path / "none.json")


def test_a_kept_report_is_a_baseline(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(as_json(REPORT)), encoding="utf-8")
    assert read_report(path) == plain()


# ---------------------------------------------------------------------------------------------- the page


class Tags(HTMLParser):
    """Every tag with its attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


PAYLOAD = "<script>alert(1)</script><img src=x onerror=alert(1)> \"'&\x1b[2J\x00\ud800 https://evil.example/x"


def hostile() -> Report:
    failed = QuestionResult(
        PAYLOAD, PAYLOAD, True, (("hybrid", None),), "abstained", 0.5, 0.0, False, PAYLOAD, (PAYLOAD,), (PAYLOAD,),
        (PAYLOAD,), PAYLOAD, PAYLOAD, (PAYLOAD,),
    )  # fmt: skip
    tags = tuple(replace(tag, tag=PAYLOAD) for tag in REPORT.tags)
    return replace(REPORT, name=PAYLOAD, engine=PAYLOAD, not_located=(PAYLOAD,), results=(failed,), tags=tags)


def test_a_failure_shows_question_expectation_answer_and_rank() -> None:
    wrong = QuestionResult(
        "q7", "How hot?", True, (("lexical", 3), ("hybrid", 9)), "answered", 0.7, 0.0, False, "Cold.", ("80 °C",),
        ("manual.pdf, page 4: It gets 80 °C hot.",), ("manual.pdf, page 2: Cold.",), "extractive", "words", ("number",),
    )  # fmt: skip
    text = "".join(Tags(as_html(replace(REPORT, results=(wrong,)))).texts)
    for part in ("Failures (1)", "How hot?", "80 °C", "manual.pdf, page 4", "lexical: 3, hybrid: 9", "Cold.", "number"):
        assert part in text


def test_no_text_becomes_markup_script_or_address() -> None:
    checked = check_marks([parse_mark("f1>=1")], plain())
    changes = compare({**plain(), "results": [row(id=PAYLOAD)]}, {**plain(), "results": [
        row(id=PAYLOAD, question=PAYLOAD, outcome="abstained")]})  # fmt: skip
    page = as_html(hostile(), checked=checked, comparison=changes)
    found = Tags(page)
    assert not {"script", "img", "link", "iframe", "a", "form", "object"} & {tag for tag, _ in found.tags}
    for tag, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "style")], tag
    policies = [a["content"] for _, a in found.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1 and "default-src 'none'" in str(policies[0])
    assert "\x1b" not in page and "\x00" not in page
    page.encode("utf-8")
    assert PAYLOAD[:25] in "".join(found.texts)


def test_a_clean_report_says_so_and_shows_its_tables() -> None:
    page = as_html(replace(REPORT, results=()), checked=check_marks([parse_mark("hit@5>=1")], plain()))
    text = " ".join(Tags(page).texts)
    assert "Failures (0)" in text and "None." in text
    assert "all passed" in text and "By tag" in text and "number" in text and "gold quote is cited" in text
