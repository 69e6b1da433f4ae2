"""The file of reviewed answers, changed while it is in use: what stays, what is refused, and who comes second."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ragedge.answer.pinned import PinnedAnswer, PinnedAnswers, PinnedSource, load_pinned, parse_pinned
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import Question
from ragedge.errors import ConfigError, EditConflict, InputError, NotFound
from ragedge.index.store import Index
from ragedge.pinned_file import PinnedFile
from ragedge.pinned_text import with_added, with_changed, with_removed
from ragedge.reviewed import Reviewed
from ragedge.search.retriever import Retriever
from tests.fakes import HashEmbedder
from tests.test_ask import HEAD, SETTINGS, put

BY_HAND = '''# Reviewed by the workshop
[[answer]]   # the first
# what people type
questions = [
  "How tight are the pump head bolts?",  # the usual
  "bolts [of the \\"pump\\"]",
]
text = """
12 Nm, # no comment
crosswise."""
source = {path = "pump.pdf", page = 2}
valid_from = 2026-01-01      # both days

# a note between two answers

[[answer]]
text = 'Every winter.'
questions=["When is it drained?"]
source.path = "winter.pdf"
[[answer]]
questions = ["Third one?"]
text = "Third."
[answer.source] # deep
path = "pump.pdf"
# in the table
page = 1
'''
ANSWERS = parse_pinned(BY_HAND, "x").answers
SOURCE = PinnedSource("pump.pdf", 2, HEAD)
NEW = PinnedAnswer(0, ("Which torque for the head?",), "12 Nm.", SOURCE, reviewed_by="workshop")
CHANGES = [
    {"text": 'New "text"\nin two lines \\ with a # mark'},
    {"questions": ("Other?", "words")},
    {"source": PinnedSource("winter.pdf", 1, "A quote")},
    {"source": PinnedSource("winter.pdf")},
    {"valid_from": None, "valid_until": date(2026, 12, 31)},
    {"reviewed_by": "front desk", "valid_from": date(2026, 2, 1)},
]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_change_says_what_was_meant_and_leaves_all_else(number: int, change: dict[str, object], end: str) -> None:
    text = BY_HAND.replace("\n", end)
    before = parse_pinned(text, "x").answers
    after = replace(before[number - 1], **change)  # type: ignore[arg-type]
    changed = with_changed(text, before[number - 1], after)
    assert parse_pinned(changed, "x").answers == tuple(after if a.number == number else a for a in before)
    for comment in ("Reviewed by the workshop", "what people type", "a note between two answers", "in the table"):
        assert f"# {comment}" in changed
    others = [block for block in text.split("[[answer]]") if block not in text.split("[[answer]]")[number]]
    assert all(block in changed for block in others)
    assert changed.count("\n") == changed.count(end)


def test_a_comment_beside_a_changed_value_stays() -> None:
    changed = with_changed(BY_HAND, ANSWERS[0], replace(ANSWERS[0], valid_from=date(2027, 1, 1), questions=("a b?",)))
    assert "valid_from = 2027-01-01  # both days" in changed
    assert '# the usual\nquestions = ["a b?"]' in changed
    assert 'text = """\n12 Nm, # no comment\ncrosswise."""\n' in changed


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_removed_answer_is_gone_and_nothing_else(number: int) -> None:
    left = parse_pinned(with_removed(BY_HAND, ANSWERS[number - 1]), "x").answers
    assert [a.text for a in left] == [a.text for a in ANSWERS if a.number != number]
    assert "# a note between two answers" in with_removed(BY_HAND, ANSWERS[number - 1])


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", BY_HAND, BY_HAND.rstrip("\n")])
def test_an_added_answer_comes_last(text: str) -> None:
    before = parse_pinned(text, "x").answers
    added = with_added(text, NEW)
    assert added.startswith(text)
    assert parse_pinned(added, "x").answers == (*before, replace(NEW, number=len(before) + 1))


# ---------------------------------------------------------------------------------------------- the file in use


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as opened:
        put(opened, HashEmbedder(), {})
        yield opened


def file_of(path: Path, index: Index) -> PinnedFile:
    return PinnedFile(path, Reviewed(PinnedAnswers(()), index))


def test_an_answer_is_given_with_the_next_question_and_not_after_its_removal(index: Index, tmp_path: Path) -> None:
    embedder = HashEmbedder()
    reviewed = Reviewed(PinnedAnswers(()), index)
    pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, AskSettings(), reviewed=reviewed)
    file = PinnedFile(tmp_path / "new" / "pinned.toml", reviewed)
    asked = Question("which torque for the head")
    assert pipeline.ask(asked).engine != "reviewed"
    assert file.add(NEW, file.state().revision) == 1
    answer = pipeline.ask(asked)
    assert (answer.engine, answer.text, answer.citations[0].quote) == ("reviewed", "12 Nm.", HEAD)
    file.change(1, replace(NEW, text="Twelve."), file.state().revision)
    assert pipeline.ask(asked).text == "Twelve."
    file.remove(1, file.state().revision)
    assert pipeline.ask(asked).engine != "reviewed"
    assert load_pinned(file.path).answers == ()


def test_answers_shared_with_another_reader_change_there_too(index: Index, tmp_path: Path) -> None:
    reviewed = Reviewed(PinnedAnswers(()), index)
    other = Reviewed(reviewed.answers, index)
    file = PinnedFile(tmp_path / "pinned.toml", reviewed)
    file.add(NEW, file.state().revision)
    found = other.find(NEW.questions[0])
    assert found is not None and found.text == "12 Nm."


def test_an_answer_that_takes_the_number_of_another_has_its_own_source(index: Index, tmp_path: Path) -> None:
    file = file_of(tmp_path / "pinned.toml", index)
    file.add(replace(NEW, questions=("Other question?",), source=PinnedSource("winter.pdf")), file.state().revision)
    file.add(NEW, file.state().revision)
    reviewed = file._reviewed
    assert all(reviewed.grounds(answer).citation for answer in reviewed.answers.answers)
    file.remove(1, file.state().revision)
    citation = reviewed.grounds(reviewed.answers.answers[0]).citation
    assert citation is not None and citation.document_path == "pump.pdf"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (replace(NEW, source=PinnedSource("pump.pdf", 2, "The pump head bolts take 14 Nm.")), "stands no longer"),
        (replace(NEW, source=PinnedSource("pump.pdf", 1, HEAD)), "now stands on page 2"),
        (replace(NEW, source=PinnedSource("gone.pdf")), "not in the index"),
        (replace(NEW, questions=("the?",)), "without any word"),
        (replace(NEW, valid_from=date(2026, 2, 1), valid_until=date(2026, 1, 1)), "ends before"),
        (replace(NEW, text="a\x07b"), "control characters"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    index: Index, tmp_path: Path, answer: PinnedAnswer, message: str
) -> None:
    path = tmp_path / "pinned.toml"
    file = file_of(path, index)
    with pytest.raises(InputError, match=message):
        file.add(answer, file.state().revision)
    assert not path.exists() and file.state().answers == ()


def test_two_answers_to_one_question_are_refused(index: Index, tmp_path: Path) -> None:
    file = file_of(tmp_path / "pinned.toml", index)
    file.add(NEW, file.state().revision)
    content = file.path.read_bytes()
    with pytest.raises(InputError, match="answer the same question"):
        file.add(replace(NEW, text="13 Nm."), file.state().revision)
    assert file.path.read_bytes() == content


def test_of_many_who_saw_the_same_file_one_writes_and_the_others_are_told(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "pinned.toml"
    files = [file_of(path, index) for _ in range(3)] * 3  # three services, three people each
    revision = files[0].state().revision
    barrier, done, told = threading.Barrier(len(files)), [], []

    def write(number: int) -> None:
        answer = replace(NEW, questions=(f"Question about torque {number}?",))
        barrier.wait()
        try:
            done.append(files[number].add(answer, revision))
        except EditConflict as error:
            told.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(told)) == (1, len(files) - 1)
    assert len(load_pinned(path).answers) == 1


def test_a_change_by_hand_is_seen_taken_over_and_never_written_over(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "pinned.toml"
    file = file_of(path, index)
    file.add(NEW, file.state().revision)
    seen = file.state().revision
    path.write_text(path.read_text() + "# by hand\n" + BY_HAND, encoding="utf-8")
    with pytest.raises(EditConflict):
        file.remove(1, seen)
    assert len(file.state().answers) == 4
    file.remove(1, file.state().revision)
    assert path.read_text().endswith("# by hand\n" + BY_HAND)


def test_a_file_broken_by_hand_is_named_and_the_answers_read_last_go_on(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "pinned.toml"
    file = file_of(path, index)
    file.add(NEW, file.state().revision)
    good = path.read_text()
    path.write_text(good + "oops", encoding="utf-8")
    state = file.state()
    assert "cannot be read" in state.fault and [a.text for a in state.answers] == ["12 Nm."]
    with pytest.raises(ConfigError):
        file.remove(1, state.revision)
    assert path.read_text() == good + "oops"


def test_answers_written_as_one_list_are_not_guessed_at(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "pinned.toml"
    text = f'answer = [{{questions = ["A torque?"], text = "B", source = {{path = "pump.pdf"}}}}] # {HEAD}\n'
    path.write_text(text, encoding="utf-8")
    file = file_of(path, index)
    state = file.state()
    for change in (
        lambda: file.remove(1, state.revision),
        lambda: file.change(1, replace(NEW, text="C"), state.revision),
    ):
        with pytest.raises(ConfigError, match="without guessing"):
            change()
    with pytest.raises(InputError):
        file.add(NEW, state.revision)
    assert path.read_text() == text


def test_numbers_that_are_not_there_links_and_rights(index: Index, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.toml"
    real.parent.mkdir()
    real.write_text("# mine\n", encoding="utf-8")
    real.chmod(0o600)
    link = tmp_path / "pinned.toml"
    link.symlink_to(real)
    file = file_of(link, index)
    file.add(NEW, file.state().revision)
    assert link.is_symlink() and real.read_text().startswith("# mine\n")
    assert real.stat().st_mode & 0o777 == 0o600
    for number in (0, 2, -1):
        with pytest.raises(NotFound):
            file.remove(number, file.state().revision)
    assert sorted(p.name for p in real.parent.iterdir()) == ["real.toml"]


def test_problems_are_those_of_the_index_as_it_is_now(index: Index, tmp_path: Path) -> None:
    file = file_of(tmp_path / "pinned.toml", index)
    file.add(NEW, file.state().revision)
    assert file.state().problems == {}
    index.forget(["pump.pdf"])
    assert "not in the index" in file.state().problems[1]
