"""Documents that are editions of one: recognised by name and metadata, the one asked for or the newest goes first."""

from __future__ import annotations

import pytest

from ragedge.contracts import Document, DocumentName, Question
from ragedge.search.editions import Described, find_date
from ragedge.search.library import MAX_EDITIONS, Library
from ragedge.search.retriever import Retriever, Steps
from tests.fakes import HashEmbedder, document
from tests.search.list_index import ListIndex


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2023 Q3 ACME", (2023, 9, 0)),
        ("report-q1_2024", (2024, 3, 0)),
        ("minutes 2021-03-12", (2021, 3, 12)),
        ("D:20190301120000", (2019, 3, 1)),
        ("12. März 2020", (2020, 3, 12)),
        ("May 7, 2018", (2018, 5, 7)),
        ("Rev2022-12", (2022, 12, 0)),
        ("November 2017", (2017, 11, 0)),
        ("manual 2016", (2016, 0, 0)),
        ("object 37.1940.86", None),
        ("E-2417 has 12019 parts", None),
    ],
)
def test_dates_are_read_out_of_names(text: str, date: tuple[int, int, int] | None) -> None:
    assert find_date(text) == date


def named(path: str, title: str = "", **metadata: str) -> DocumentName:
    return DocumentName(path, path, title, "text/plain", None, metadata, 10)


def test_versions_and_editions_are_read() -> None:
    assert Described(named("pump v2.1.pdf")).version == (2, 1)
    assert Described(named("pump rev B.pdf")).version == (2,)
    assert Described(named("pump.pdf", edition="3rd edition")).version == (3,)
    assert Described(named("pump.pdf", "Pump manual, 2nd edition")).version == (2,)


REPORTS = [named(f"{period} {firm}.pdf", "10-Q") for firm in ("ACME", "Globex") for period in ("2022 Q4", "2023 Q1")]


@pytest.mark.parametrize(
    ("question", "others", "text"),
    [
        ("What was the turnover of Acme in Q1 2023?", "2022 Q4", "What was the turnover of Acme?"),
        ("What was the turnover of Acme in the first quarter of 2023?", "2022 Q4", "What was the turnover of Acme?"),
        ("In Q4 2022, what did Acme pay?", "2023 Q1", "what did Acme pay?"),
        ("What did Acme pay in 2022?", "2023 Q1", "What did Acme pay?"),
        ("What does the latest report of Acme say?", "2022 Q4", "What does report of Acme say?"),
    ],
)
def test_a_period_or_the_latest_means_an_edition(question: str, others: str, text: str) -> None:
    meant = Library(REPORTS).meant(question)
    assert meant.is_asked and meant.text == text
    assert {name.rpartition(" ")[0] for name in meant.others} == {others}


def test_a_period_that_no_edition_has_is_left_in_the_question() -> None:
    meant = Library(REPORTS).meant("What did Acme pay in 1999?")
    assert not meant.is_asked and meant.text == "What did Acme pay in 1999?"


def test_documents_without_editions_and_diaries_are_never_touched() -> None:
    diary = [named(f"diary/2023-{month:02}-{day:02}.txt") for month in (1, 2) for day in range(1, 28)]
    assert len(diary) > MAX_EDITIONS
    for names in ([named("a.txt"), named("b 2020.txt")], diary):
        meant = Library(names).meant("What is the latest news of 2023?")
        assert meant.text == "What is the latest news of 2023?" and not meant.others


def test_words_of_few_documents_tell_what_a_document_is_about() -> None:
    ids = [name.id for name in REPORTS]
    typical = Library(REPORTS).typical({"acme": {ids[0]: 9, ids[1]: 9}, "turnover": dict.fromkeys(ids, 5)})
    assert typical[ids[0]] > 0.9 and typical[ids[2]] < 0.1


def test_the_subject_is_the_document_asked_for_that_the_words_are_typical_of() -> None:
    acme_old, acme_new, globex_old, globex_new = (name.id for name in REPORTS)
    asked = Library(REPORTS).meant("What did Acme pay in Q1 2023?")
    shares = {acme_old: 1.0, acme_new: 0.95, globex_old: 0.9, globex_new: 0.5}
    assert asked.subject_of(shares) == (acme_new,), "an older edition is not asked for, whatever its share"
    assert asked.subject_of(shares | {globex_new: 0.9}) == tuple(sorted((acme_new, globex_new)))
    assert asked.subject_of({}) == () == asked.subject_of({acme_new: 0.0})
    assert Library(REPORTS).meant("What did Acme pay?").subject_of(shares) == (), "no edition is asked for"
    firms = [named(f"{period} {firm}.pdf") for firm in "ABCD" for period in ("2022 Q4", "2023 Q1")]
    asked = Library(firms).meant("What was paid in Q1 2023?")
    assert asked.subject_of({name.id: 0.8 for name in firms}) == (), "words of all firms name none"


def test_in_the_report_of_a_firm_its_name_says_nothing() -> None:
    def report(firm: str, text: str, year: int) -> Document:
        return document(text, path=f"{year} {firm}.txt", title="")

    acme = "Acme is Acme.\n\nThe dividend fell to four.\n\n" + "".join(f"Acme has hall {i}.\n\n" for i in range(6))
    others = "The dividend.\n\nA dividend again.\n\nOf the dividend.\n\nNo dividend.\n"
    index = ListIndex(
        [report("Acme", acme, 2023), report("Acme", acme.replace("four", "five"), 2022)]
        + [
            report(firm, f"{others}\n\n{firm} {year}.\n", year)
            for firm in ("Globex", "Initech")
            for year in (2022, 2023)
        ],
        HashEmbedder(),
    )
    best = {}
    for is_used in (True, False):
        steps = Steps(own_rarity=is_used, nearby=False)
        retriever = Retriever(index, index.embedder, top_k=3, candidates=30, mode="lexical", steps=steps)
        best[is_used] = retriever.retrieve(Question("Acme dividend in 2023"))[0].hits[0].chunk
    assert "dividend fell" in best[True].text and best[True].document_path == "2023 Acme.txt"
    assert "dividend" not in best[False].text


def edition(year: int, text: str) -> object:
    return document(text, path=f"rules/fire {year}.txt", title="")


def hits(question: str, years: tuple[int, int] = (2019, 2023), **settings: object) -> list[str]:
    documents = [
        edition(years[0], "The alarm is tested each quarter by the caretaker.\n\nThe hydrant is in the yard.\n"),
        edition(years[1], "The alarm is tested each month by the caretaker.\n\nThe gate is open.\n"),
        document("The alarm clock of the kitchen.\n", path="kitchen.txt"),
    ]
    index = ListIndex(documents, HashEmbedder())  # type: ignore[arg-type]
    retriever = Retriever(index, index.embedder, top_k=3, candidates=10, **settings)  # type: ignore[arg-type]
    return [hit.chunk.document_path for hit in retriever.retrieve(Question(question))[0].hits]


def test_the_newest_edition_goes_first_and_the_older_one_stays_in_sight() -> None:
    alike = "When is the alarm tested by the caretaker?"
    for years in ((2019, 2023), (2023, 2019)):  # whichever of the two texts it is
        assert hits(alike, years)[:2] == ["rules/fire 2023.txt", "rules/fire 2019.txt"]
    without = {hits(alike, years, steps=Steps(editions=False))[0] for years in ((2019, 2023), (2023, 2019))}
    assert len(without) == 2


def test_the_edition_asked_for_goes_before_a_newer_one() -> None:
    assert hits("When was the alarm tested by the caretaker in 2019?")[0] == "rules/fire 2019.txt"


def test_what_only_an_older_edition_says_is_still_found() -> None:
    assert hits("Where is the hydrant?")[0] == "rules/fire 2019.txt"


def test_the_latest_edition_is_preferred_even_where_an_older_one_fits_better() -> None:
    asked = "Each quarter the alarm is tested by the caretaker: latest rules?"
    assert hits(asked)[0] == "rules/fire 2023.txt"
    assert hits(asked, steps=Steps(editions=False))[0] == "rules/fire 2019.txt"
