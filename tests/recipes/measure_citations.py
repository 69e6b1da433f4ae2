"""Precision and recall of citations per sentence, and the share of sentences altered on purpose that are caught.

    python -m tests.recipes.measure_citations QUESTIONS.jsonl=INDEX[:even|:odd] [...] [--limit N] [--errors FILE]

The sentences on which a question's gold quotes lie are an answer's sentences here: verbatim, and rewritten by rule
without a change of meaning (`rewriting`). Each is cited against the passages that the product finds for its question;
right is a citation whose quote lies on the gold sentence, or that holds it letter by letter elsewhere. The same
sentences altered on purpose (`altering`) and sentences of other documents must get no citation. A gold sentence that
was not found cannot be cited: it is counted and left out. ":even" takes the questions 0, 2, 4 .. of a file, ":odd"
the others.
"""

from __future__ import annotations

import argparse
import functools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ragedge import assemble
from ragedge.answer.cite import Sources, cite
from ragedge.answer.facts import normal
from ragedge.answer.opposites import are_opposite
from ragedge.config import load_config
from ragedge.contracts import Citation, Hit, Page, Question
from ragedge.evaluate import place_finder
from ragedge.evaluation.goldens import GoldQuestion, PlaceFinder, draw_sample, read_questions
from tests.recipes.altering import ALTERATIONS, Around, names_of, numbers_of, opposite_word, words_of
from tests.recipes.gold_sentences import Sentence, gold_sentences, holds, sentences_elsewhere
from tests.recipes.rewriting import REWRITES, merged

ANSWER_SENTENCES = 5  # of the answers that are timed


@dataclass
class Tally:
    """Sentences by kind: asked, cited, cited rightly."""

    n: Counter[str] = field(default_factory=Counter)
    cited: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)


@dataclass
class Measure:
    """One case while it is measured."""

    name: str
    page_of: Callable[[str, int], Page]
    embed: Any
    rng: random.Random
    kept: Tally = field(default_factory=Tally)
    altered: Tally = field(default_factory=Tally)
    errors: list[str] = field(default_factory=list)
    times_ms: list[tuple[float, float]] = field(default_factory=list)
    questions: int = 0
    not_found: int = 0
    why: str = ""
    hits: Sequence[Hit] = ()
    sources: Sources | None = None

    def keep(self, kind: str, text: str, hits: Sequence[Hit], gold: Sentence) -> None:
        """A sentence that must be cited with its gold sentence."""
        citations = self._cite(text, hits)
        is_right = bool(citations) and all(_lies_on(citation, gold, self.page_of) for citation in citations)
        self.kept.n[kind] += 1
        self.kept.cited[kind] += bool(citations)
        self.kept.right[kind] += is_right
        if not is_right:
            self._note("WRONG" if citations else "MISSED", kind, text, gold.text, citations)

    def alter(self, kind: str, text: str, hits: Sequence[Hit], original: str) -> None:
        """A sentence that must not be cited."""
        citations = self._cite(text, hits)
        self.altered.n[kind] += 1
        self.altered.cited[kind] += bool(citations)
        if citations:
            self._note("PASSED", kind, text, original, citations)

    def _cite(self, text: str, hits: Sequence[Hit]) -> tuple[Citation, ...]:
        """The citations of a text that is supported as a whole; a list item can be more than one sentence."""
        if hits is not self.hits:  # prepared once per question
            self.hits, self.sources = hits, Sources(hits, page_of=self.page_of, embed=self.embed)
        assert self.sources is not None
        cited = self.sources.cite(text)
        if len(cited.sentences) > len(cited.citations):
            self.why = ", ".join(sorted({str(s.objection) for s in cited.sentences if s.objection}))
            return ()
        return cited.citations

    def _note(self, what: str, kind: str, text: str, gold: str, citations: Sequence[Citation]) -> None:
        cited = " / ".join(f"{c.support:.2f} {' '.join(c.quote.split())}" for c in citations) or self.why
        self.errors.append(f"{what} | {self.name} | {kind}\n  says  {text}\n  gold  {gold}\n  cited {cited}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", metavar="QUESTIONS=INDEX[:even|:odd]")
    parser.add_argument("--limit", type=int, default=200, help="questions per case, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--errors", type=Path, help="write every sentence that came out wrong to this file")
    options = parser.parse_args()
    measures = [_case(name, options) for name in options.cases]
    for measure in measures:
        print(
            f"\n{measure.name}: {measure.questions} questions; {measure.not_found} gold sentences not found, left out"
        )
        _print(measure)
    if len(measures) > 1:
        total = _sum(measures)
        print(f"\nall cases: {total.questions} questions; {total.not_found} gold sentences not found, left out")
        _print(total)
    if options.errors:
        options.errors.write_text("\n".join(e for m in measures for e in m.errors), encoding="utf-8")


def _case(name: str, options: argparse.Namespace) -> Measure:
    path, _, index = name.rpartition("=")
    index, _, half = index.partition(":")
    golds = read_questions(Path(path))
    golds = {"even": golds[::2], "odd": golds[1::2], "": golds}[half]
    golds = draw_sample([g for g in golds if g.is_answerable], options.limit, options.seed)
    config = load_config(None)
    config = replace(config, index=index, embedder=replace(config.embedder, kind="llama"))
    label = f"{Path(path).parent.name}{' [' + half + ']' if half else ''}"
    with assemble.open_box(config) as box:
        page_of = functools.lru_cache(maxsize=4096)(box.index.page)
        measure = Measure(label, page_of, box.embedder.embed_passages, random.Random(options.seed))
        _run(measure, box, golds, place_finder(box.index))
    return measure


def _run(measure: Measure, box: Any, golds: Sequence[GoldQuestion], finder: PlaceFinder) -> None:
    pages = {info.id: info.pages for info in box.index.documents()}
    elsewhere = sentences_elsewhere(box, pages, measure.rng)
    names_elsewhere = sorted({name for s in elsewhere for name in names_of(s.text)})
    seen: set[tuple[str, int, int]] = set()
    answer: list[str] = []
    for gold in golds:
        hits = box.pipeline.retriever.retrieve(Question(gold.question))[0].hits
        measure.questions += 1
        here = " ".join(" ".join(hit.chunk.text.split()) for hit in hits)
        around = Around(names_of(here), names_elsewhere, numbers_of(here), words_of(here))
        for sentence in gold_sentences(gold, finder, measure.page_of):
            key = (sentence.document_id, sentence.span.page, sentence.span.start)
            if key in seen:
                continue
            seen.add(key)
            if not any(holds(hit, sentence, sentence.span) for hit in hits):
                measure.not_found += 1
                continue
            answer = [*answer[1 - ANSWER_SENTENCES :], _one(measure, sentence, around, hits)]
            _off_source(measure, elsewhere, hits)
            if len(answer) == ANSWER_SENTENCES:
                _time(measure, answer, hits)


def _one(measure: Measure, sentence: Sentence, around: Around, hits: Sequence[Hit]) -> str:
    """One gold sentence in all forms; gives one of the rewritten ones."""
    text, rng, last = sentence.text, measure.rng, sentence.text
    measure.keep("verbatim", text, hits, sentence)
    for kind, rewrite in REWRITES.items():
        changed = rewrite(text, rng)
        if changed is not None:
            measure.keep(kind, changed, hits, sentence)
            last = changed
    if sentence.following_span and any(holds(hit, sentence, sentence.following_span) for hit in hits):
        measure.keep("merged", merged(text, sentence.following, rng), hits, sentence)
    for kind, alter in ALTERATIONS.items():
        changed = alter(text, around, rng)
        if changed is None or normal(changed) in normal(" ".join(hit.chunk.text for hit in hits)):
            continue  # by chance another true sentence
        measure.alter(_kind_of_opposite(text, changed) if alter is opposite_word else kind, changed, hits, text)
    return last


def _kind_of_opposite(text: str, changed: str) -> str:
    before, after = text.split(), changed.split()
    words = [(a.strip(".,;:()"), b.strip(".,;:()")) for a, b in zip(before, after, strict=False) if a != b]
    is_known = any(are_opposite(a.casefold(), b.casefold()) for a, b in words)
    return "opposite word, known" if is_known else "opposite word, not in the product's table"


def _off_source(measure: Measure, elsewhere: Sequence[Sentence], hits: Sequence[Hit]) -> None:
    """A sentence of a document of which no passage was found."""
    there = {hit.chunk.document_id for hit in hits}
    others = [s for s in measure.rng.sample(elsewhere, min(40, len(elsewhere))) if s.document_id not in there]
    if others:
        measure.alter("from another document", others[0].text, hits, "-")


def _time(measure: Measure, answer: Sequence[str], hits: Sequence[Hit]) -> None:
    started, worked = time.perf_counter(), time.process_time()
    cite(" ".join(answer), hits, page_of=measure.page_of, embed=measure.embed)
    measure.times_ms.append(((time.perf_counter() - started) * 1e3, (time.process_time() - worked) * 1e3))


def _lies_on(citation: Citation, gold: Sentence, page_of: Callable[[str, int], Page]) -> bool:
    """Whether the quote shares half of the shorter of both with the gold sentence, or says the same elsewhere."""
    span = citation.span
    page = page_of(citation.document_id, span.page)
    assert citation.quote == page.text[span.start : span.end], "a quote must be exact"
    if normal(gold.text) in normal(citation.quote):
        return True
    if (citation.document_id, span.page) != (gold.document_id, gold.span.page):
        return False
    shared = min(span.end, gold.span.end) - max(span.start, gold.span.start)
    return shared * 2 >= min(span.end - span.start, gold.span.end - gold.span.start)


# ------------------------------------------------------------------------------------------------- report


def _sum(measures: Sequence[Measure]) -> Measure:
    total = replace(
        measures[0], name="all", kept=Tally(), altered=Tally(), errors=[], times_ms=[], questions=0, not_found=0
    )
    for one in measures:
        for mine, theirs in ((total.kept, one.kept), (total.altered, one.altered)):
            mine.n.update(theirs.n)
            mine.cited.update(theirs.cited)
            mine.right.update(theirs.right)
        total.times_ms += one.times_ms
        total.questions += one.questions
        total.not_found += one.not_found
    return total


def _print(measure: Measure) -> None:
    kept, altered = measure.kept, measure.altered
    print(f"  {'meaning kept':<44} {'n':>5} {'precision':>10} {'recall':>7}")
    groups = [(kind, [kind]) for kind in kept.n]
    groups += [("= rewritten", [k for k in kept.n if k != "verbatim"]), ("= verbatim and rewritten", list(kept.n))]
    for kind, parts in groups:
        n, cited, right = (sum(counter[p] for p in parts) for counter in (kept.n, kept.cited, kept.right))
        print(f"  {kind:<44} {n:>5} {_share(right, cited):>10} {_share(right, n):>7}")
    off = "from another document"
    cited = kept.cited.total() + altered.cited[off]
    print(f"  {'= precision with those of other documents':<44} {kept.n.total() + altered.n[off]:>5} "
          f"{_share(kept.right.total(), cited):>10}")  # fmt: skip
    print(f"  {'meaning changed':<44} {'n':>5} {'caught':>10}")
    kinds = [kind for kind in altered.n if kind != off]
    for kind, parts in [*((k, [k]) for k in kinds), ("= altered", kinds), (off, [off])]:
        n, passed = sum(altered.n[p] for p in parts), sum(altered.cited[p] for p in parts)
        print(f"  {kind:<44} {n:>5} {_share(n - passed, n):>10}")
    for name, times in zip(("wall clock", "processor"), zip(*measure.times_ms, strict=True), strict=False):
        ordered = sorted(times)
        high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        middle = ordered[len(ordered) // 2]
        print(f"  cite() of {ANSWER_SENTENCES} sentences, {name}: median {middle:.0f} ms, 95 % below {high:.0f} ms")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


if __name__ == "__main__":
    print(" ".join(sys.argv[1:]))
    main()
