"""The models of a box: names, sums, whole files; what a config uses is changed without touching the rest of it."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ragedge import model_catalogue
from ragedge.assemble import make_generator
from ragedge.config import Config, load_config
from ragedge.config_edit import set_model
from ragedge.errors import ConfigError, ModelCorrupt, ModelError, ModelMissing
from ragedge.model_catalogue import CATALOGUE, CatalogueFile, CatalogueModel, is_fitting, memory_bytes
from ragedge.model_registry import ModelRecord, Registry
from tests.tiny_gguf import make_tiny_gguf


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.gguf"
    path.write_bytes(b"weights" * 300_000)
    return path


def test_a_file_is_copied_in_with_its_sum_and_removed_with_its_record(registry: Registry, file: Path) -> None:
    record = registry.add(file, "mine")
    assert registry.path_of(record).read_bytes() == file.read_bytes()
    assert record.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert registry.get("mine") == record and not record.is_linked
    registry.remove("mine")
    assert registry.records() == () and not registry.path_of(record).exists() and file.exists()


def test_a_name_that_is_taken_is_refused(registry: Registry, file: Path) -> None:
    record = registry.add(file, "mine")
    file.write_bytes(b"another")
    for link in (False, True):
        with pytest.raises(ConfigError, match="already"):
            registry.add(file, "mine", link=link)
    assert registry.get("mine") == record and registry.fault(record) == ""


def test_a_linked_file_is_never_copied_nor_deleted(registry: Registry, file: Path) -> None:
    record = registry.add(file, "mine", link=True)
    assert record.is_linked and registry.path_of(record) == file
    registry.remove("mine")
    assert file.exists() and registry.records() == ()


def test_changed_and_missing_files_are_told_apart(registry: Registry, file: Path) -> None:
    record = registry.add(file, "mine")
    assert registry.fault(record) == ""
    registry.path_of(record).write_bytes(b"other")
    assert "sha256" in registry.fault(record)
    registry.path_of(record).unlink()
    assert registry.fault(record) == "its file is gone"


def test_an_unknown_name_names_the_known_ones(registry: Registry, file: Path) -> None:
    registry.add(file, "mine")
    with pytest.raises(ModelMissing) as caught:
        registry.get("yours")
    assert "mine" in caught.value.hint
    with pytest.raises(ModelMissing):
        registry.choose("yours")


def test_what_cannot_be_read_leaves_nothing_behind(registry: Registry, tmp_path: Path) -> None:
    for missing in (tmp_path / "none.gguf", tmp_path):
        with pytest.raises(ModelMissing):
            registry.add(missing, "mine")
    assert registry.records() == () and list(registry.folder.glob(".add-*")) == []


def test_removing_the_chosen_model_leaves_none_chosen(registry: Registry, file: Path) -> None:
    registry.add(file, "mine")
    registry.choose("mine")
    assert registry.chosen == "mine"
    registry.remove("mine")
    assert registry.chosen == ""


def test_a_damaged_list_is_said_and_not_written_over(registry: Registry, file: Path) -> None:
    registry.add(file, "mine")
    (registry.folder / "models.json").write_text('{"version": 1, "models": [')
    for act in (registry.records, lambda: registry.add(file, "other")):
        with pytest.raises(ModelError, match=r"models\.json"):
            act()
    assert (registry.folder / "models.json").read_text().endswith("[")


def test_models_added_at_once_are_all_there(registry: Registry) -> None:
    def put(number: int) -> None:
        registry.put(ModelRecord(f"model-{number}", f"{number}.gguf", "0" * 64, number))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.records()) == 16


# ------------------------------------------------------------------------------------------------- what a config uses


def box(tmp_path: Path, model: str = "", kind: str = "auto") -> Config:
    base = Config(indexes_folder=str(tmp_path / "indexes"))
    return replace(base, answer=replace(base.answer, model=model, kind=kind))  # type: ignore[arg-type]


def test_a_config_names_a_model_by_its_name_and_gets_its_sum_checked(tmp_path: Path) -> None:
    path = make_tiny_gguf(tmp_path / "tiny.gguf", "recite")
    config = box(tmp_path, "mine")
    assert find_model(config) is None and make_generator(config) is None
    with pytest.raises(ModelMissing, match="mine"):
        make_generator(box(tmp_path, "mine", "llama"))
    registry = Registry(config.language_models_folder)
    record = registry.add(path, "mine")
    assert find_model(config) == (registry.path_of(record), record.sha256)
    generator = make_generator(config)
    assert generator is not None and generator.name == "llama:mine"
    assert generator.count_tokens("pump") > 0
    generator.close()
    with registry.path_of(record).open("r+b") as changed:
        changed.seek(-1, 2)
        changed.write(b"x")
    damaged = make_generator(config)
    assert damaged is not None
    with pytest.raises(ModelCorrupt):
        damaged.count_tokens("pump")
    damaged.close()


def test_a_config_that_names_no_model_uses_the_chosen_one(tmp_path: Path) -> None:
    config = box(tmp_path)
    registry = Registry(config.language_models_folder)
    registry.add(make_tiny_gguf(tmp_path / "tiny.gguf"), "mine")
    assert find_model(config) is None
    registry.choose("mine")
    assert find_model(config) is not None
    registry.path_of(registry.get("mine")).unlink()
    assert make_generator(config) is None  # "auto" quotes where the file is gone
    with pytest.raises(ModelMissing):
        make_generator(box(tmp_path, kind="llama"))
    assert make_generator(box(tmp_path, kind="extractive")) is None


def find_model(config: Config) -> tuple[Path, str] | None:
    return Registry(config.language_models_folder).resolve(config.answer.model, config.answer.sha256)


BEFORE = """# my box
name = "box"  # its name

[answer]  # who answers
kind = "extractive"   # quotes only
model = "old # one.gguf"   # until spring
sha256 = "abc"

[server]
title = "[answer]"
"""


def test_only_the_lines_that_name_the_model_change(tmp_path: Path) -> None:
    path = tmp_path / "box.toml"
    path.write_text(BEFORE)
    path.chmod(0o640)
    set_model(path, "mine")
    expected = BEFORE.replace('"old # one.gguf"', '"mine"').replace('"abc"', '""').replace('"extractive"', '"auto"')
    assert path.read_text() == expected
    assert path.stat().st_mode & 0o777 == 0o640 and [p.name for p in tmp_path.iterdir()] == ["box.toml"]


@pytest.mark.parametrize("text", ["", 'name = "x"', "[server]\nport = 1\n", "[answer]", "[answer]\nkind = 'auto'\n"])
def test_a_config_without_the_line_gets_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "box.toml"
    path.write_text(text)
    before = load_config(path)
    set_model(path, "mine")
    after = load_config(path)
    assert after.answer.model == "mine"
    assert replace(after, answer=replace(after.answer, model="")) == before


def test_a_config_that_cannot_be_changed_without_guessing_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "box.toml"
    text = "answer = {model = 'old.gguf', kind = 'llama'}\n"
    path.write_text(text)
    with pytest.raises(ConfigError):
        set_model(path, "mine")
    assert path.read_text() == text and [p.name for p in tmp_path.iterdir()] == ["box.toml"]


# ------------------------------------------------------------------------------------------------- the catalogue


def test_the_catalogue_is_well_formed() -> None:
    names = [model.name for model in CATALOGUE]
    assert len(set(names)) == len(names) and {model.family for model in CATALOGUE} >= {
        "Qwen", "Llama", "Gemma", "Phi", "SmolLM", "LFM",
    }  # fmt: skip
    for model in CATALOGUE:
        assert model.repository.count("/") == 1 and model.files
        assert all(entry.file.endswith(".gguf") and len(entry.sha256) in (0, 64) for entry in model.files)
        assert model_catalogue.find(model.name.upper()) is model


def test_what_is_not_known_is_not_guessed() -> None:
    file, sized = CatalogueFile("Q4_0", "a.gguf"), CatalogueFile("Q4_0", "a.gguf", 1000)
    model = CatalogueModel("a", "A", "b/c", "", (file,), 1024)
    assert memory_bytes(model, file, 4096) is None
    assert memory_bytes(replace(model, kv_bytes=None), sized, 4096) is None
    needed = memory_bytes(model, sized, 1_000_000)
    assert needed is not None and needed > 1_000_000_000 + 1_024_000_000
    assert is_fitting(None, 8 * 2**30) is None and is_fitting(needed, 0) is None
    assert is_fitting(needed, 4 * 2**30) is True and is_fitting(needed, 2 * 2**30) is False
    with pytest.raises(ConfigError, match="Q9"):
        model.file("Q9")
