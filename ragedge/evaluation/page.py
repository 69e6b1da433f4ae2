"""A report as one HTML file to read and to pass on: figures, marks, break-down by tag, and each failure in full.

No script, no outside address; a Content-Security-Policy in the file forbids both. Every text out of documents,
questions and models is escaped and loses its control characters. Knows no disk: the caller writes it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from ragedge.evaluation.acceptance import Checked
from ragedge.evaluation.comparison import Change, Comparison, faults
from ragedge.evaluation.curve_picture import curve_picture
from ragedge.evaluation.refusing import CURVE_HEADS, ERROR_HEADS, curve_rows, error_rows, off_topic_rows
from ragedge.evaluation.scorecard import QuestionResult, Report, as_json

_MAX_CHARS = 4_000  # of one answer or quote; more is not read
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #b3261e; --good: #1d6b3c; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff9c94; --good: #86d7a2; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .5rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .7rem; text-align: right; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
details { border: 1px solid var(--line); border-radius: 8px; padding: .5rem 1rem; margin: .6rem 0; }
summary { cursor: pointer; } dt { font-weight: 600; margin-top: .5rem; } dd { margin: 0; white-space: pre-wrap; }
dd, summary { overflow-wrap: anywhere; } .bad { color: var(--bad); font-weight: 600; }
svg.curve { max-width: 100%; height: auto; font: 11px system-ui, sans-serif; fill: currentColor; }
.curve .grid { stroke: var(--line); } .curve polyline { fill: none; stroke-width: 2; }
.refused polyline { stroke: var(--good); } .refused circle { fill: var(--good); }
.off polyline { stroke: currentColor; stroke-dasharray: 4 3; }
.good { color: var(--good); font-weight: 600; } .muted { opacity: .75; }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def as_html(report: Report, *, checked: Sequence[Checked] = (), comparison: Comparison | None = None) -> str:
    """The whole report as one HTML document."""
    rows = as_json(report)["results"]
    failed = [(result, faults(row)) for result, row in zip(report.results, rows, strict=True)]
    failed = [(result, found) for result, found in failed if found]
    title = f"Evaluation: {report.name}" if report.name else "Evaluation"
    missed = sum(not item.is_passed for item in checked)
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{report.questions} of {report.drawn_from} questions (seed {report.seed}), {report.chunks:,} passages, "
        f"engine {_text(report.engine)}; {len(failed)} questions with a failure.</p>",
        _marks(checked, missed),
        _finding(report),
        _answering(report),
        _refusing(report),
        _tags(report),
        _speed(report),
        _difference(comparison),
        f"<h2>Failures ({len(failed)})</h2>",
        *(_failure(result, found, report.level) for result, found in failed),
        "" if failed else "<p>None.</p>",
        _lost(report.not_located),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )


def _marks(checked: Sequence[Checked], missed: int) -> str:
    if not checked:
        return ""
    rows = [
        (str(item.mark), _share(item.figure), '<span class="good">passed</span>' if item.is_passed else _bad("missed"))
        for item in checked
    ]
    head = f"{missed} of {len(checked)} missed" if missed else "all passed"
    return f"<h2>Pass marks: {head}</h2>" + _table(("mark", "figure", ""), rows, is_safe=(2,))


def _finding(report: Report) -> str:
    heads = ("found", "by", "n", "hit@1", "hit@3", "hit@5", "hit@10", "MRR@10", "sources@5", "evidence@5")
    rows = [
        (
            s.level, s.mode, str(s.questions),
            *map(_share, (s.hit_at_1, s.hit_at_3, s.hit_at_5, s.hit_at_10, s.mrr_at_10, s.sources_at_5,
                          s.evidence_at_5)),
        )
        for s in report.retrieval
    ]  # fmt: skip
    return "<h2>Finding</h2>" + _table(heads, rows) if rows else ""


def _answering(report: Report) -> str:
    rows: list[tuple[str, ...]] = []
    if (a := report.answers) is not None:
        rows += [
            ("F1", str(a.scored), _share(a.f1)),
            ("exact match", str(a.scored), _share(a.exact)),
            ("gold answer stands in the answer", str(a.scored), _share(a.holds_answer)),
            ("gold quote is cited", str(a.quoted), _share(a.quote_shown)),
            ("gold quote is the first evidence", str(a.quoted), _share(a.evidence_at_1)),
            ("gold quote is among the first two", str(a.quoted), _share(a.evidence_at_2)),
        ]
    if (r := report.refusals) is not None:
        rows += [
            ("answerable: answered", str(r.answerable), _share(r.answered)),
            ("answerable: unsure", str(r.answerable), _share(r.unsure)),
            ("unanswerable: refused", str(r.unanswerable), _share(r.refused)),
            ("unanswerable: unsure", str(r.unanswerable), _share(r.unanswerable_unsure)),
            ("area under the curve of the confidence", str(r.answerable + r.unanswerable), _share(r.auc)),
            ("refused where 90 % stay answered", str(r.unanswerable), _share(r.refused_at_90)),
            *(off_topic_rows(report.refusing) if report.refusing is not None else ()),
        ]
    return "<h2>Answering and refusing</h2>" + _table(("measure", "n", "share"), rows) if rows else ""


def _refusing(report: Report) -> str:
    found = report.refusing
    if found is None or not found.curve:
        return ""
    table = _table(CURVE_HEADS, curve_rows(found)) + _table(ERROR_HEADS, error_rows(found))
    return "<h2>The gate's curve</h2>" + curve_picture(found.curve) + table


def _tags(report: Report) -> str:
    rows = [(t.tag, str(t.questions), _share(t.hit_at_5), _share(t.f1), _share(t.answered)) for t in report.tags]
    return "<h2>By tag</h2>" + _table(("tag", "n", f"{report.level}@5", "F1", "answered"), rows) if rows else ""


def _speed(report: Report) -> str:
    rows = [(s.stage, f"{s.median_ms:.1f}", f"{s.p95_ms or 0:.1f}") for s in report.speed if s.median_ms is not None]
    return "<h2>Speed</h2>" + _table(("stage", "median ms", "p95 ms"), rows) if rows else ""


def _difference(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    rows = [
        (name, _share(old), _share(new), f"{new - old:+.3f}" if old is not None and new is not None else "")
        for name, old, new in comparison.figures
        if "." not in name
    ]
    head = f"<h2>Against the baseline ({comparison.shared} questions in both)</h2>"
    table = _table(("measure", "before", "now", "change"), rows) if rows else "<p>No figure differs.</p>"
    return head + table + _changes("Worse", comparison.worse) + _changes("Better", comparison.better)


def _changes(title: str, changes: Sequence[Change]) -> str:
    items = "".join(
        f"<li>{_text(c.question)} <span class=muted>({_text(c.id)})</span>"
        + "".join(f"<br>{_bad(fault)}" for fault in c.gained)
        + "".join(f'<br><span class="good">no more: {_text(fault)}</span>' for fault in c.lost)
        + "</li>"
        for c in changes
    )
    return f"<details><summary>{title}: {len(changes)}</summary><ul>{items}</ul></details>" if changes else ""


def _failure(result: QuestionResult, found: Sequence[str], level: str) -> str:
    ranks = ", ".join(f"{mode}: {rank if rank is not None else 'not found'}" for mode, rank in result.ranks)
    facts = [
        ("Expected", "\n".join(result.expected) or ("an answer" if result.is_answerable else "a refusal")),
        ("Where it stands", "\n\n".join(result.sources)),
        (f"Rank of the right {level}", ranks),
        ("Answered", f"{result.answer}\n({result.outcome} by {result.engine or 'unknown'})"),
        ("Cited", "\n\n".join(result.cited)),
        ("Reason", f"{result.reason} (confidence {result.confidence:.2f})"),
        ("Tags", ", ".join(result.tags)),
    ]
    rows = "".join(f"<dt>{name}</dt><dd>{_text(text)}</dd>" for name, text in facts if text)
    why = "; ".join(found)
    return (
        f"<details><summary>{_text(result.question)} {_bad(why)} <span class=muted>{_text(result.id)}</span></summary>"
        f"<dl>{rows}</dl></details>"
    )


def _lost(names: Sequence[str]) -> str:
    if not names:
        return ""
    items = "".join(f"<li>{_text(name)}</li>" for name in names)
    return (
        f"<h2>Sources that the index does not hold as quoted ({len(names)})</h2>"
        f"<p>They count as not found.</p><ul>{items}</ul>"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, is_safe: Sequence[int] = ()) -> str:
    """A table; all cells are escaped but those of the columns `is_safe`, which this module made."""
    head = "".join(f"<th>{_text(name)}</th>" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell if i in is_safe else _text(cell)}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _bad(text: str) -> str:
    return f'<span class="bad">{_text(text)}</span>'


def _text(text: str) -> str:
    """Text that is nothing but text: escaped, bounded, without control characters and lone surrogates."""
    cut = text if len(text) <= _MAX_CHARS else text[:_MAX_CHARS] + "…"
    kept = "".join(c if c.isprintable() or c == "\n" else " " for c in cut)
    return html.escape(kept, quote=True)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
