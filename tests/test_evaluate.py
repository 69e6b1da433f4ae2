from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragedge.contracts import (
    Answer,
    Citation,
    Event,
    Evidence,
    PageSpan,
    Passages,
    Question,
    Retrieval,
    Timings,
    Verdict,
)
from ragedge.errors import InputError
from ragedge.evaluate import as_json, as_text, evaluate
from ragedge.evaluation.goldens import (
    GoldQuestion,
    GoldSource,
    PlaceFinder,
    covered_share,
    draw_sample,
    fold,
    read_questions,
)
from ragedge.evaluation.judging import is_right
from ragedge.evaluation.measures import (
    exact_match,
    hit_rate,
    holds_answer,
    mean_reciprocal_rank,
    refused_at,
    separation,
    token_f1,
)
from ragedge.evaluation.page import as_html
from ragedge.search.retriever import Retriever
from tests.fakes import HashEmbedder, documents_pages
from tests.search.list_index import ListIndex

MANUAL = documents_pages(
    ["The pump runs on twelve volts.\nThe filter is changed\nevery 30 days.", "The housing is grey.\nOil it weekly."],
    path="manual.txt",
    title="Manual",
)
LABELS = documents_pages(["A clay lamp from the river."], path="labels.txt", title="Labels")
INDEX = ListIndex([MANUAL, LABELS], HashEmbedder())
FINDER = PlaceFinder({d.path: d.id for d in (MANUAL, LABELS)}, {MANUAL.id: 2, LABELS.id: 1}, INDEX.page)


# ---------------------------------------------------------------------------------------------- measures


def test_ranks_become_hit_rates_and_reciprocal_ranks() -> None:
    ranks = [1, 2, None, 11]
    assert hit_rate(ranks, 1) == 0.25 and hit_rate(ranks, 5) == 0.5
    assert mean_reciprocal_rank(ranks) == pytest.approx((1 + 0.5) / 4)
    assert hit_rate([], 1) is None


def test_answers_are_compared_as_squad_does() -> None:
    assert exact_match("The 30 days.", ["30 days"]) == 1.0
    assert exact_match("30 days or so", ["30 days"]) == 0.0
    assert token_f1("every 30 days", ["30 days", "a month"]) == pytest.approx(0.8)
    assert token_f1("", ["30 days"]) == 0.0 and token_f1("nothing shared", ["30 days"]) == 0.0


def test_an_answer_is_held_by_whole_words_only() -> None:
    assert holds_answer("It takes 30 days in all.", ["30 days"]) == 1.0
    assert holds_answer("It takes 130 days in all.", ["30 days"]) == 0.0


def test_separation_is_one_half_for_noise_and_one_for_order() -> None:
    assert separation([0.8, 0.9], [0.1, 0.2]) == 1.0
    assert separation([0.1, 0.2], [0.8, 0.9]) == 0.0
    assert separation([0.5, 0.5], [0.5]) == 0.5
    assert separation([], [0.5]) is None


def test_refused_at_counts_what_falls_below_the_kept_share() -> None:
    positives = [i / 10 for i in range(1, 11)]
    assert refused_at(positives, [0.05, 0.15, 0.95]) == pytest.approx(2 / 3)


# ---------------------------------------------------------------------------------------------- gold files


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_a_questions_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    file = write(tmp_path / "q.jsonl", {"id": "a", "question": "Which?"})
    assert read_questions(file) == (GoldQuestion("a", "Which?", (), True, (), ()),)


@pytest.mark.parametrize(
    "row",
    ["no object", {"id": "a"}, {"id": 1, "question": "x"}, {"id": "a", "question": "x", "sources": [{"page": 1}]},
     {"id": "a", "question": "x", "sources": [{"path": "p", "page": 0}]}, {"id": "a", "question": "x", "answers": [1]}],
)  # fmt: skip
def test_a_line_that_is_no_question_is_named(tmp_path: Path, row: object) -> None:
    file = write(tmp_path / "q.jsonl", {"id": "ok", "question": "Which?"}, row)
    with pytest.raises(InputError, match="line 2"):
        read_questions(file)


def test_a_file_that_is_absent_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_questions(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(InputError):
        read_questions(tmp_path / "empty.jsonl")


def test_a_sample_depends_on_the_seed_alone_and_keeps_the_order() -> None:
    golds = [GoldQuestion(str(i), "x", (), True, (), ()) for i in range(50)]
    first = draw_sample(golds, 10, 7)
    assert first == draw_sample(golds, 10, 7) and first != draw_sample(golds, 10, 8)
    assert [int(g.id) for g in first] == sorted(int(g.id) for g in first)
    assert draw_sample(golds, None, 7) == tuple(golds)
    with pytest.raises(InputError):
        draw_sample(golds, 0, 7)


def test_a_quote_is_located_across_line_breaks_hyphens_and_ligatures() -> None:
    place = FINDER.find(GoldSource("manual.txt", None, "The ﬁlter is changed every 30 days"))
    span = place.spans[0]
    assert MANUAL.pages[span.page - 1].text[span.start : span.end] == "The filter is changed\nevery 30 days"
    hyphened = documents_pages(["delin-\nquency notice"])
    finder = PlaceFinder({"a.txt": hyphened.id}, {hyphened.id: 1}, lambda d, n: hyphened.pages[n - 1])
    assert finder.find(GoldSource("a.txt", None, "delinquency notice")).spans == (PageSpan(1, 0, 20),)


def test_a_quote_is_looked_for_on_its_page_only() -> None:
    assert FINDER.find(GoldSource("manual.txt", 2, "Oil it weekly.")).spans
    assert FINDER.find(GoldSource("manual.txt", 1, "Oil it weekly.")).spans == ()
    assert FINDER.find(GoldSource("elsewhere.txt", None, "Oil it weekly.")).document_id is None


def test_folding_maps_back_to_the_text() -> None:
    text = "Aﬃx: ½ – Straße"
    folded, offsets = fold(text)
    assert folded == "affix12strasse" and len(offsets) == len(folded)
    assert offsets == sorted(offsets) and text[offsets[-1]] == "e"


def test_covered_share_counts_overlaps_once() -> None:
    span = PageSpan(1, 10, 20)
    assert covered_share(span, [PageSpan(1, 0, 15), PageSpan(1, 12, 15), PageSpan(2, 10, 20)]) == 0.5
    assert covered_share(span, [PageSpan(1, 0, 30)]) == 1.0 and covered_share(span, []) == 0.0


# ---------------------------------------------------------------------------------------------- the whole


class Answers:
    """A pipeline that quotes its first passage, and refuses questions about the moon."""

    def __init__(self, retriever: Retriever) -> None:
        self.retriever = retriever

    def stream(self, question: Question) -> Iterator[Event]:
        retrieval, _ = self.retriever.retrieve(question)
        refuses = "moon" in question.text
        verdict = Verdict("abstained" if refuses else "answered", 0.1 if refuses else 0.9, "")
        yield Passages(retrieval, (), Timings(total_ms=1.0))
        best = retrieval.hits[0].chunk
        text = "Not here." if refuses else best.text
        evidence = Evidence(0, best.text, best.spans[0], 0.9)
        citation = Citation(
            1, best.id, best.document_id, best.document_path, "", (1,), None, best.spans[0], best.text, 0, 1, 1.0
        )
        yield Answer(
            text, verdict.outcome, () if refuses else (citation,), (), retrieval.hits, (evidence,), "extractive",
            verdict.confidence, "", Timings(),
        )  # fmt: skip


def gold(question: str, *answers: str, quote: str | None = None, page: int | None = None, tags: tuple[str, ...] = ()):  # type: ignore[no-untyped-def]
    sources = (GoldSource("manual.txt", page, quote),) if quote else ()
    return GoldQuestion(question, question, answers, bool(answers), sources, tags)


GOLDS = (
    gold("pump volts", "twelve volts", quote="The pump runs on twelve volts.", page=1, tags=("number",)),
    gold("housing colour grey", "grey", quote="The housing is grey.", page=2),
    gold("how far is the moon"),
)


def report(golds: tuple[GoldQuestion, ...] = GOLDS, off_topic: tuple[GoldQuestion, ...] = ()):  # type: ignore[no-untyped-def]
    modes = {m: Retriever(INDEX, INDEX.embedder, top_k=3, candidates=10, mode=m) for m in ("lexical", "hybrid")}  # type: ignore[arg-type]
    return evaluate(Answers(modes["hybrid"]), modes, golds, FINDER, name="case", off_topic=off_topic)


def test_finding_is_scored_per_level_and_mode() -> None:
    found = {(s.level, s.mode): s for s in report().retrieval}
    assert set(found) == {(level, mode) for level in ("document", "page", "passage") for mode in ("lexical", "hybrid")}
    assert all(score.questions == 2 and score.hit_at_5 == 1.0 for score in found.values())
    assert found["passage", "hybrid"].evidence_at_5 == 1.0 and found["page", "hybrid"].evidence_at_5 is None


def test_answers_and_refusals_are_scored_apart() -> None:
    result = report()
    assert result.refusals is not None and result.answers is not None
    assert (result.refusals.answerable, result.refusals.answered) == (2, 1.0)
    assert (result.refusals.unanswerable, result.refusals.refused, result.refusals.auc) == (1, 1.0, 1.0)
    assert result.answers.holds_answer == 1.0 and 0 < (result.answers.f1 or 0) < 1
    # the second passage is merged with the line before it, and that line is what the answer cites
    assert result.answers.quote_shown == 0.5 and result.answers.evidence_at_1 == 0.5


def test_a_wrong_page_or_passage_is_not_a_hit() -> None:
    hit = Retriever(INDEX, INDEX.embedder, top_k=1, candidates=9).retrieve(Question("pump volts"))[0].hits[0]
    right = FINDER.find(GoldSource("manual.txt", 1, "The pump runs on twelve volts."))
    wrong = FINDER.find(GoldSource("manual.txt", 2, "Oil it weekly."))
    assert all(is_right(hit, right, level) for level in ("document", "page", "passage"))
    assert is_right(hit, wrong, "document")
    assert not is_right(hit, wrong, "page") and not is_right(hit, wrong, "passage")


def test_what_the_index_does_not_hold_is_reported_and_counts_as_not_found() -> None:
    result = report((gold("pump volts", "twelve", quote="No such words stand anywhere."),))
    assert len(result.not_located) == 1
    assert [s.hit_at_10 for s in result.retrieval if s.level == "passage"] == [0.0, 0.0]


def test_a_case_without_unanswerable_questions_has_no_refusal_figures() -> None:
    result = report(GOLDS[:2])
    assert result.refusals is not None and result.refusals.refused is None and result.refusals.auc is None
    assert "-" in as_text(result)


def test_long_answers_and_yes_no_are_not_scored_by_their_words() -> None:
    result = report((gold("pump volts", "yes", quote="The pump runs on twelve volts.", tags=("yes-no",)),))
    assert result.answers is not None and result.answers.scored == 0 and result.answers.f1 is None


def test_the_report_reads_as_text_and_as_json() -> None:
    result = report()
    text = as_text(result)
    assert "words (BM25)" in text and "hybrid" in text and "MRR@10" in text and "3 questions" in text
    assert "number" in text  # the tag
    whole = json.loads(json.dumps(as_json(result)))
    assert whole["questions"] == 3 and len(whole["results"]) == 3
    assert {"retrieval", "answers", "refusals", "tags", "speed", "not_located"} <= set(whole)


def test_the_gate_is_reported_as_a_curve_with_off_topic_questions_beside() -> None:
    others = (gold("when does the train leave", "at noon"), gold("pump volts of another corpus", "six"))
    result = report(off_topic=others)
    assert result.refusing is not None and result.refusing.off_topic is not None
    assert result.refusing.off_topic.questions == 2 and result.questions == 3
    assert [point.answered for point in result.refusing.curve] == [1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.5]
    text = as_text(result)
    assert "answerable answered" in text and "off-topic: refused" in text and "errors of the gate" in text
    assert as_json(result)["refusing"]["off_topic"]["questions"] == 2
    page = as_html(result)
    assert "<svg" in page and "off-topic refused" in page and "<h2>The gate" in page


def test_without_unanswerable_or_off_topic_questions_there_is_no_curve_to_draw() -> None:
    result = report(GOLDS[:2])
    assert result.refusing is not None and result.refusing.curve == ()
    assert "<svg" not in as_html(result)


def test_retrieval_type_is_the_contracts() -> None:
    assert isinstance(Retriever(INDEX, INDEX.embedder).retrieve(Question("pump"))[0], Retrieval)
