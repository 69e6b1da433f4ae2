"""One document anew: read again, replaced, described; and what is there never goes because something failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragedge.contracts import GIVEN_DATE, ReadOptions
from ragedge.errors import IndexCorrupt, InputError, NotFound, UnreadableDocument
from ragedge.index.records import Details
from ragedge.index.store import Index
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from ragedge.search.editions import Described
from ragedge.search.filters import chosen
from tests.fakes import HashEmbedder
from tests.ingest.test_sync import SETTINGS, age, folder, index, make_sync, paths

__all__ = ["folder", "index"]  # fixtures


def id_of(index: Index, path: str) -> str:
    return next(info.id for info in index.documents() if path in (info.path, *info.other_paths))


def upload(sync: Sync, tmp_path: Path, name: str, text: str) -> str:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return sync.add_file(tmp_path / name, name).path


def only_locked(index: Index) -> Sync:
    """A sync whose readers take no file at all."""
    return Sync(
        index, HashEmbedder(), lambda: Sandbox(ReadOptions(), Limits(file_bytes=1)), chunk_tokens=64
    )  # fmt: skip


def test_a_document_is_read_again_from_its_kept_copy(folder: Path, index: Index) -> None:
    sync = make_sync(index)
    sync.run(folder)
    before = index.document(id_of(index, "pump.md"))
    for path in folder.iterdir():
        path.unlink()
    row = sync.read_again("pump.md")
    assert (row.path, row.document_id) == ("pump.md", before.id)
    assert index.document(before.id) == before and index.check() == []
    assert index.source(before.id).read_text(encoding="utf-8").startswith("# Pump")


def test_what_cannot_be_read_any_more_stays(folder: Path, index: Index) -> None:
    make_sync(index).run(folder)
    before = index.documents()
    with pytest.raises(UnreadableDocument, match="stays as it was"):
        only_locked(index).read_again("pump.md")
    assert index.documents() == before
    with pytest.raises(NotFound):
        make_sync(index).read_again("nowhere.md")


def test_many_are_read_again_in_one_go_and_each_failure_keeps_its_document(folder: Path, index: Index) -> None:
    sync = make_sync(index)
    sync.run(folder)
    before, told = index.documents(), []
    index.source(id_of(index, "filter.txt")).unlink()
    failed = sync.read_each(["prices.csv", "filter.txt", "pump.md", "nowhere.md"], told.append)
    assert told == ["prices.csv", "pump.md"] and set(failed) == {"filter.txt", "nowhere.md"}
    assert index.documents() == before
    failed = only_locked(index).read_each(["pump.md"], told.append)
    assert "stays as it was" in failed["pump.md"] and index.documents() == before


def test_a_rejected_file_is_read_again_out_of_the_folder(folder: Path, index: Index, tmp_path: Path) -> None:
    only_locked(index).run(folder)
    assert index.documents() == []
    row = make_sync(index).read_again("pump.md")
    assert row.document_id is not None and paths(index) == ["pump.md"]
    (tmp_path / "empty.txt").write_text("")
    assert make_sync(index).add_file(tmp_path / "empty.txt", "empty.txt").document_id is None
    with pytest.raises(NotFound, match="no copy"):
        make_sync(index).read_again("@uploads/empty.txt")


def test_an_upload_is_replaced_under_its_name(index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    path = upload(sync, tmp_path, "prices.txt", "The gasket costs nine euros.")
    old = id_of(index, path)
    new = tmp_path / "new prices.txt"
    new.write_text("The gasket costs eleven euros.", encoding="utf-8")
    row = sync.replace(path, new)
    assert row.path == path and paths(index) == [path]
    assert [info.title for info in index.documents()] == ["prices"]
    with pytest.raises(NotFound):
        index.document(old)
    with pytest.raises(NotFound):
        index.source(old)
    assert index.check() == []


def test_another_kind_of_file_brings_its_own_ending(index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    path = upload(sync, tmp_path, "prices.txt", "The gasket costs nine euros.")
    new = tmp_path / "x.md"
    new.write_text("# Prices\n\nEleven euros.", encoding="utf-8")
    assert sync.replace(path, new).path == "@uploads/prices.md"
    assert paths(index) == ["@uploads/prices.md"] and list(index.files()) == ["@uploads/prices.md"]


def test_a_replacement_never_takes_the_place_of_a_second_file(index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    path = upload(sync, tmp_path, "prices.txt", "The gasket costs nine euros.")
    upload(sync, tmp_path, "prices.md", "# Prices\n\nOf last year.")
    new = tmp_path / "x.md"
    new.write_text("# Prices\n\nEleven euros.", encoding="utf-8")
    before = index.documents()
    with pytest.raises(InputError, match="another"):
        sync.replace(path, new)
    assert index.documents() == before


def test_a_replacement_that_gives_no_text_changes_nothing(index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    path = upload(sync, tmp_path, "prices.txt", "The gasket costs nine euros.")
    before = (index.documents(), index.files())
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(UnreadableDocument, match="stays as it was"):
        sync.replace(path, broken)
    assert (index.documents(), index.files()) == before


def test_a_replacement_with_the_bytes_of_another_document_is_one_with_it(index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    path = upload(sync, tmp_path, "a.txt", "The gasket costs nine euros.")
    upload(sync, tmp_path, "b.txt", "The gasket costs eleven euros.")
    new = tmp_path / "c.txt"
    new.write_text("The gasket costs eleven euros.", encoding="utf-8")
    sync.replace(path, new)
    assert index.counts().documents == 1 and sorted(index.files()) == ["@uploads/a.txt", "@uploads/b.txt"]


def test_a_file_of_the_folder_is_replaced_in_the_folder(folder: Path, index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    sync.run(folder)
    new = tmp_path / "new.md"
    new.write_text("# Pump\n\n14 Nm.", encoding="utf-8")
    with pytest.raises(InputError, match="lies in"):
        sync.replace("pump.md", new)
    assert new.is_file() and "pump.md" in paths(index)


def test_details_go_before_what_a_file_declares_and_survive_reading_again(folder: Path, index: Index) -> None:
    sync = make_sync(index)
    sync.run(folder)
    pump = id_of(index, "pump.md")
    details = Details("Ersatzteile der Pumpe", "2019-04", "3.1", "de")
    sync.describe(pump, details)
    index.close()
    with Index.open(index.folder, SETTINGS, mode="write") as again:
        sync = make_sync(again)
        assert again.details(pump) == details
        info = again.document(pump)
        assert (info.title, info.language) == (details.title, "de")
        name = next(name for name in again.names() if name.id == pump)
        described = Described(name)
        assert (described.date, described.version) == ((2019, 4, 0), (3, 1)) and name.metadata[GIVEN_DATE] == "2019-04"
        everything = [Described(name) for name in again.names()]
        assert chosen({"date": "2019"}, everything) == chosen({"language": "de"}, everything) == [pump]
        sync.read_again("pump.md")
        age(folder)
        (folder / "pump.md").touch()
        sync.run(folder)
        assert again.details(pump) == details and again.document(pump).title == details.title
        assert again.check() == []


def test_a_title_given_by_hand_is_found_and_its_own_comes_back(folder: Path, index: Index) -> None:
    sync = make_sync(index)
    sync.run(folder)
    pump = id_of(index, "pump.md")

    def found() -> list[str]:
        return [chunk_id[:16] for chunk_id, _ in index.search_text(["Ersatzteile"], [], 5)]

    assert found() == []
    sync.describe(pump, Details(title="Ersatzteile"))
    assert found() == [pump]
    assert index.document(pump).added_at and index.source(pump).is_file()
    sync.describe(pump, Details())
    assert index.document(pump).title == "Pump" and index.all_details() == {}
    assert found() == []


def test_details_go_with_their_document_and_not_over_to_its_next_version(folder: Path, index: Index) -> None:
    sync = make_sync(index)
    sync.run(folder)
    sync.describe(id_of(index, "pump.md"), Details(date="2019"))
    sync.describe(id_of(index, "filter.txt"), Details(date="2020"))
    sync.remove("filter.txt")
    assert list(index.all_details().values()) == [Details(date="2019")]
    (folder / "pump.md").write_text("# Pump\n\nThe pump head takes 14 Nm.\n", encoding="utf-8")
    sync.run(folder)
    assert index.all_details() == {}
    with pytest.raises(NotFound):
        sync.describe("0" * 16, Details(date="2019"))


def test_a_new_index_adopts_what_was_said_in_the_old(folder: Path, index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    sync.run(folder)
    upload(sync, tmp_path, "note.txt", "The key hangs in the hall.")
    pump, note = id_of(index, "pump.md"), id_of(index, "@uploads/note.txt")
    sync.describe(pump, Details(title="Ersatzteile", date="2019"))
    sync.describe(note, Details(edition="2"))
    with Index.open(tmp_path / "fresh", SETTINGS, mode="write", create=True) as fresh:
        new = make_sync(fresh)
        new.run(folder)
        new.adopt_uploads(index)
        assert fresh.all_details() == index.all_details()
        assert fresh.document(pump).title == "Ersatzteile" and fresh.check() == []


def test_damaged_details_are_an_error_and_never_a_wrong_date(folder: Path, index: Index) -> None:
    sync = make_sync(index)
    sync.run(folder)
    sync.describe(id_of(index, "pump.md"), Details(date="2019"))
    with index._catalog.transaction() as (db, _):
        db.execute("UPDATE meta SET value = replace(value, '2019', '2018') WHERE key GLOB 'given:*'")
    with pytest.raises(IndexCorrupt):
        index.names()


def test_pages_tell_what_was_got_out_of_them(index: Index, tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(tmp_path / "scan.pdf"))
    for page in ("The seal is worn.", "", "The seal is worn.", "The hose is new."):
        if page:
            canvas.drawString(50, 500, page)
        else:
            canvas.rect(50, 50, 200, 200, fill=1)
        canvas.showPage()
    canvas.save()
    sync = Sync(index, HashEmbedder(), lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64)
    row = sync.add_file(tmp_path / "scan.pdf", "scan.pdf")
    assert row.document_id is not None
    pages = index.page_summaries(row.document_id)
    assert [(page.number, page.origin, page.same_as) for page in pages] == [
        (1, "text", None), (2, "text", None), (3, "text", 1), (4, "text", None),
    ]  # fmt: skip
    assert [page.chars for page in pages] == [17, 0, 17, 16] and pages[0].chunks >= 1 and pages[1].chunks == 0
    assert [(problem.page, problem.reason) for problem in index.document(row.document_id).problems] == [(2, "no_text")]
