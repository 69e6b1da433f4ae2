"""Citations are made by code: exact quotes, literal facts, unsupported sentences marked."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ragedge.answer.cite import THRESHOLD, Embed, cite, still_there
from ragedge.contracts import AnswerSpan, Block, Chunk, Citation, Hit, Page, PageSpan
from ragedge.errors import NotFound


class Shelf:
    """Pages by document and number, and hits that cover them."""

    def __init__(self, *documents: tuple[str, ...]) -> None:
        self.pages = {
            (f"d{d}", p): Page(p, f"{p}-x", text)
            for d, texts in enumerate(documents)
            for p, text in enumerate(texts, start=1)
        }
        self.hits = []
        for d, texts in enumerate(documents):
            spans = tuple(PageSpan(p, 0, len(text)) for p, text in enumerate(texts, start=1))
            chunk = Chunk(f"d{d}-00000", f"d{d}", f"d{d}.pdf", 0, "\n".join(texts), spans, (), 9)
            self.hits.append(Hit(chunk, 1.0 - d / 10, f"Manual {d}"))

    def page_of(self, document_id: str, number: int) -> Page:
        if (document_id, number) not in self.pages:
            raise NotFound("gone")
        return self.pages[document_id, number]

    def cite(self, text: str) -> tuple[tuple[Citation, ...], tuple[AnswerSpan, ...]]:
        cited = cite(text, self.hits, page_of=self.page_of)
        citations, unsupported = cited.citations, cited.unsupported
        for citation in citations:
            page = self.page_of(citation.document_id, citation.span.page)
            assert citation.quote == page.text[citation.span.start : citation.span.end] != ""
            assert THRESHOLD <= citation.support <= 1.0
        return citations, unsupported


def supported(answer: str, source: str) -> bool:
    citations, unsupported = Shelf((source,)).cite(answer)
    assert len(citations) + len(unsupported) == 1
    return bool(citations)


SOURCE = "Tighten the four housing bolts crosswise to 12.5 Nm. Wait 10 minutes before you open the valve."


def test_a_literal_sentence_has_full_support_and_its_place() -> None:
    answer = "First: wait. Wait 10 minutes before you open the valve."
    citations, _ = Shelf((SOURCE,)).cite(answer)
    found = citations[-1]
    assert found.support == 1.0
    assert found.quote == "Wait 10 minutes before you open the valve."
    assert answer[found.answer_start : found.answer_end] == found.quote
    assert (found.number, found.chunk_id, found.page_label, found.title) == (1, "d0-00000", "1-x", "Manual 0")


def test_a_reworded_sentence_is_supported_below_one() -> None:
    citations, unsupported = Shelf((SOURCE,)).cite("The housing bolts are tightened crosswise to 12.5 Nm.")
    assert unsupported == () and citations[0].quote.startswith("Tighten the four") and citations[0].support < 1.0


@pytest.mark.parametrize(
    ("answer", "source", "expected"),
    [
        ("The pump holds 1,000 litres.", "The pump holds 1 000 l.", True),
        ("The pump holds 1000 l.", "The pump holds 1,000 litres.", True),
        ("Die Pumpe hält 12,5 bar.", "Die Pumpe hält 12.5 bar.", True),
        ("The pump holds 12.50 bar.", "The pump holds 12.5 bar.", True),
        ("The pump weighs 1.250 kg.", "The pump weighs 1,250 kg.", False),
        ("The pump weighs 1,250 kg.", "The pump weighs 1,250 kg.", True),
        ("The pump holds 1,234.5 l.", "The pump holds 1.234,5 l.", True),
        ("The pump holds 12.5 bar.", "The pump holds 125 bar.", False),
        ("The pump holds 5 bar.", "The pump holds 15 bar.", False),
        ("The pump holds 12 bar.", "The pump holds 12 psi.", False),
        ("The pump runs 5 minutes.", "The pump runs 5 min.", True),
        ("The pump runs 5 hours.", "The pump runs 5 minutes.", False),
        ("The pump runs at 5 mm.", "The pump runs at 5mm.", True),
        ("The pump runs at 10 bar.", "The pump runs at 5-10 bar.", True),
        ("The pump runs at 5 bar.", "The pump runs at 5 to 10 bar.", True),
        ("The pump runs at 7 bar.", "The pump runs at 5-10 bar.", False),
        ("The plant cost 2 billion.", "The plant cost 2 million.", False),
        ("The plant cost $2.5 million.", "The plant cost $2,500,000.", True),
        ("The plant cost $2.5 million.", "The plant cost 2.5 million dollars.", True),
        ("The plant cost two million euros.", "The plant cost 2 million euros in all.", True),
        ("The plant cost 2.5 million.", "The plant cost 2.5 in all, others a million.", False),
        ("Result | -448 | (478)", "Result | -448 | (448)", False),
        ("The pump costs $40.", "The pump costs 40 USD.", True),
        ("The pump costs €40.", "The pump costs 40 USD.", False),
        ("The pump runs at -5 °C.", "The pump runs at 5 °C.", False),
        ("The pump has three valves.", "The pump has 3 valves.", True),
        ("The pump has five valves.", "The pump has four valves.", False),
        ("Fault E-417 means low flow.", "Fault E-417 means low flow of water.", True),
        ("Fault E-471 means low flow.", "Fault E-417 means low flow.", False),
        ("Part 4.510.210 is a seal.", "Part 4.510.210 is a seal ring.", True),
        ("Part 4.510.211 is a seal.", "Part 4.510.210 is a seal.", False),
        ("The pump starts at 10:30.", "The pump starts at 10:30.", True),
        ("The pump starts at 10:30.", "The pump starts at 10:45, valve 30.", False),
        ("The pump was built in 1953.", "The pump was built in 1935.", False),
        ("Die 2. Pumpe ist 19 Jahre alt.", "Die 2. Pumpe ist 19 Jahre alt.", True),
    ],
)
def test_numbers_units_and_codes_must_stand_in_the_quote(answer: str, source: str, expected: bool) -> None:
    assert supported(answer, source) is expected


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("Open the valve while the pump runs.", "Never open the valve while the pump runs."),
        ("Do not open the valve while the pump runs.", "Open the valve while the pump runs."),
        ("Das Ventil darf nicht geöffnet werden.", "Das Ventil darf geöffnet werden."),
        ("Il ne faut pas ouvrir la vanne.", "Il faut ouvrir la vanne."),
        ("No abra nunca la válvula.", "Abra la válvula."),
        ("You can't open the valve.", "You can open the valve."),
    ],
)
def test_a_sentence_that_denies_its_source_is_not_supported(answer: str, source: str) -> None:
    assert not supported(answer, source)


def test_number_four_is_no_negation() -> None:
    assert supported("Open valve No. 4 of the pump.", "Open valve No. 4 of the pump slowly.")


def test_other_words_than_the_source_are_unsupported() -> None:
    answer = "Close the inlet valve. The moon is made of green cheese."
    citations, unsupported = Shelf(("Close the inlet valve.",)).cite(answer)
    assert len(citations) == 1
    assert [answer[s.start : s.end] for s in unsupported] == ["The moon is made of green cheese."]


def test_marks_that_a_model_writes_are_not_believed() -> None:
    shelf = Shelf(("The pump is blue.",), ("The valve is red.",))
    citations, unsupported = shelf.cite(
        "The valve is red [1]. According to Source 2, the pump is blue (Source 2). [1] [2, 3]"
    )
    assert unsupported == ()
    assert [(c.number, c.document_id) for c in citations] == [(1, "d1"), (2, "d0")]


def test_a_chunk_keeps_its_number_and_numbers_follow_first_use() -> None:
    shelf = Shelf(("The pump is blue. The pump is loud.",), ("The valve is red.",))
    citations, _ = shelf.cite("The valve is red. The pump is blue. The pump is loud. The valve is red.")
    assert [c.number for c in citations] == [1, 2, 2, 1]


def test_at_a_tie_the_better_hit_is_cited() -> None:
    citations, _ = Shelf(("The pump is blue.",), ("The pump is blue.",)).cite("The pump is blue.")
    assert citations[0].document_id == "d0"


def test_two_neighbouring_sentences_are_quoted_where_one_is_not_enough() -> None:
    source = "The filter sits behind the left cover. It is washed with 2 litres of warm water. Then dry it."
    citations, _ = Shelf((source,)).cite("The filter behind the left cover is washed with 2 litres of warm water.")
    assert citations[0].quote == source.removesuffix(" Then dry it.")


def test_the_page_is_the_one_the_quote_stands_on() -> None:
    citations, _ = Shelf(("The pump is blue.", "The valve is red.")).cite("The valve is red.")
    assert (citations[0].span.page, citations[0].page_label, citations[0].pages) == (2, "2-x", (1, 2))


def test_a_table_row_is_quoted_alone_with_its_unit_in_the_head() -> None:
    text = "Bolt | Torque (Nm)\nhousing | 12.5\ncover | 8"
    shelf = Shelf((text,))
    shelf.pages["d0", 1] = Page(1, None, text, blocks=(Block("table", 0, len(text), has_header=True),))
    citations, _ = shelf.cite("The torque of the housing bolt is 12.5 Nm.")
    assert citations[0].quote == "Bolt | Torque (Nm)\nhousing | 12.5"
    citations, _ = shelf.cite("housing: 12.5 Nm")
    assert citations[0].quote == "housing | 12.5"


def test_words_of_title_and_headings_help_but_facts_must_be_in_the_quote() -> None:
    text = "Clean the inlet sieve."
    chunk = Chunk("d-0", "d", "d.txt", 0, text, (PageSpan(1, 0, len(text)),), ("Fault E-417", "Low flow"), 9)
    hits = [Hit(chunk, 1.0, "Pump manual")]

    def page_of(document_id: str, number: int) -> Page:
        return Page(1, None, text)

    assert cite("At low flow, clean the inlet sieve.", hits, page_of=page_of).citations
    assert not cite("At fault E-417, clean the inlet sieve.", hits, page_of=page_of).citations


def test_saying_that_the_sources_do_not_answer_is_neither_cited_nor_marked() -> None:
    for answer in ("The sources do not contain the answer.", "Die Quellen enthalten dazu keine Angabe."):
        assert Shelf((SOURCE,)).cite(answer) == ((), ())
    answer = "The sources do not say it, but it is 5 bar."
    (span,) = Shelf((SOURCE,)).cite(answer)[1]
    assert (span.start, span.end, span.objection) == (0, len(answer), "number_missing")
    assert [answer[a:b] for a, b in span.unconfirmed] == ["5 bar"]


def test_a_document_that_is_gone_is_passed_over() -> None:
    shelf = Shelf(("The pump is blue.",), ("The pump is blue.",))
    del shelf.pages["d0", 1]
    assert shelf.cite("The pump is blue.")[0][0].document_id == "d1"


def test_spans_beyond_the_page_do_no_harm() -> None:
    shelf = Shelf(("The pump is blue.",))
    chunk = Chunk("d0-0", "d0", "d", 0, "x", (PageSpan(1, 4, 9999), PageSpan(1, 500, 600), PageSpan(7, 0, 3)), (), 1)
    shelf.hits = [Hit(chunk, 1.0)]
    assert shelf.cite("pump is blue")[0][0].quote == "pump is blue."


@given(st.text(alphabet=st.sampled_from("The pump. 12,5E-[1]\n|not é٣²½"), max_size=120), st.text(max_size=80))
def test_every_sentence_is_cited_marked_or_empty_and_quotes_are_exact(answer: str, source: str) -> None:
    citations, unsupported = Shelf((source, answer[::-1])).cite(answer)
    spans = sorted([(c.answer_start, c.answer_end) for c in citations] + [(u.start, u.end) for u in unsupported])
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    assert all(0 <= start < end <= len(answer) for start, end in spans)


def test_a_long_answer_over_many_passages_is_cited_in_bounded_time() -> None:
    page = " ".join(f"Sentence {i} says that part P-{i} is tightened to {i} Nm with care." for i in range(60))
    shelf = Shelf(*[(page,)] * 8)
    answer = " ".join(f"Part P-{i} is tightened to {i} Nm." for i in range(40))
    started = time.perf_counter()
    citations, unsupported = shelf.cite(answer)
    assert time.perf_counter() - started < 3.0
    assert len(citations) == 40 and unsupported == ()


def judged(answer: str, *sources: str, embed: Embed | None = None) -> AnswerSpan:
    shelf = Shelf(*((source,) for source in sources))
    (sentence,) = cite(answer, shelf.hits, page_of=shelf.page_of, embed=embed).sentences
    return sentence


def meaning(*same: str) -> Embed:
    """An embedder for which the texts with one of these words mean the same, and all others nothing alike."""

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.eye(len(texts) + 1, dtype=np.float32)[1:]
        for i, text in enumerate(texts):
            if any(word in text for word in same):
                rows[i] = np.eye(len(texts) + 1, dtype=np.float32)[0]
        return rows

    return embed


def test_meaning_decides_where_words_alone_do_not_and_never_against_a_fact() -> None:
    source = "The kitchen crew rinses every dish twice before closing at 22 h."
    answer = "Staff must rinse dishes and plates, always cleaning two times."
    assert judged("Each night the crew rinses plates thoroughly.", source).objection == "words_not_found"
    found = judged("Each night the crew rinses plates thoroughly.", source, embed=meaning("crew"))
    assert found.citation == 1 and THRESHOLD <= found.support < 1
    assert judged("Each night the crew rinses plates thoroughly.", source, embed=meaning("moon")).citation is None
    assert judged("Each night the crew rinses 5 plates thoroughly.", source, embed=meaning("crew")).citation is None
    assert judged(answer, "The moon is far away.", embed=meaning("dishes", "moon")).citation is None


def test_a_word_in_another_s_place_must_have_to_do_with_it() -> None:
    source = "Rinse the copper filter with warm water before you use it."
    assert judged("Rinse the copper strainer with warm water before you use it.", source).citation == 1
    near = meaning("strainer", "filter")
    assert judged("Rinse the copper strainer with warm water before you use it.", source, embed=near).citation == 1
    far = judged("Rinse the copper teacher with warm water before you use it.", source, embed=near)
    assert (far.citation, far.objection) == (None, "word_exchanged")


def test_a_source_that_says_otherwise_outweighs_one_that_shares_fewer_words() -> None:
    near = "The main pump of the north station was replaced in 1998 by the district."
    far = "The main pump of the south mill was replaced in 2004."
    answer = "The main pump of the north station was replaced in 2004 by the district."
    assert judged(answer, far).citation is None
    assert judged(answer, near, far).objection == "number_missing"
    assert judged(answer.replace("2004", "1998"), near, far).citation == 1


def test_no_more_is_embedded_than_an_answer_may_cost() -> None:
    embedded: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        embedded.extend(texts)
        return np.ones((len(texts), 1), dtype=np.float32)

    names = ["".join(letters) for letters in itertools.product("abcd", repeat=3)]
    source = " ".join(f"The {name} crew rinses every dish twice before closing." for name in names)
    shelf = Shelf((source,))
    answer = " ".join(f"Each night the {name} crew rinses plates thoroughly with sand." for name in names)
    cited = cite(answer, shelf.hits, page_of=shelf.page_of, embed=embed)
    assert len(cited.sentences) == len(names)
    assert 0 < sum(map(len, embedded)) <= 2000


def test_a_quote_that_changed_or_went_is_no_citation_any_more() -> None:
    shelf = Shelf(("The pump is blue. The valve takes 5 bar.",))
    text = "The pump is blue. The valve takes 5 bar."
    cited = cite(text, shelf.hits, page_of=shelf.page_of)
    assert still_there(text, cited, shelf.page_of) is cited
    shelf.pages["d0", 1] = Page(1, None, "The pump is blue. The valve takes 6 bar.")
    left = still_there(text, cited, shelf.page_of)
    assert [c.quote for c in left.citations] == ["The pump is blue."]
    assert [(s.citation, s.objection) for s in left.sentences] == [(1, None), (None, "source_gone")]
    assert [text[a:b] for s in left.unsupported for a, b in s.unconfirmed] == ["5 bar"]
    del shelf.pages["d0", 1]
    assert still_there(text, cited, shelf.page_of).citations == ()
