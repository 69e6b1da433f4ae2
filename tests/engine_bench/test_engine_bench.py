"""The measurements run on real files and say what they compare; calibration keeps what it found and it is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragedge.answer.llama import LlamaGenerator
from ragedge.answer.llama_native import NativeModel
from ragedge.cli import main
from ragedge.config import AnswerConfig, Config
from ragedge.contracts import Piece, Prompt, Sampling
from ragedge.device_profile import find_profile
from ragedge.engine_bench import answers, binding, shapes
from ragedge.engine_bench.compare import Sizes
from ragedge.engine_bench.rows import Row, as_text, compared, live, p95, single
from ragedge.engine_bench.run import PARTS, Wanted, run, text_of
from ragedge.engine_bench.tune import Tuner
from ragedge.errors import InputError
from tests.tiny_gguf import make_tiny_gguf

TINY = shapes.SHAPES["tiny"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bench")
    assert shapes.make(made, TINY, ("Q4_0",), binding.quantize) == 1
    return made


@pytest.fixture
def path(folder: Path) -> Path:
    return shapes.file_of(folder, TINY, "Q4_0")


def quiet(what: str, share: float) -> None:
    assert what and 0.0 <= share <= 1.0


def test_the_shapes_are_those_of_the_public_models() -> None:
    small, large = shapes.SHAPES["qwen2.5-0.5b"], shapes.SHAPES["llama-3.2-1b"]
    assert small.weights_read == pytest.approx(0.494e9, rel=0.01)  # as published, with the shared vocabulary
    assert large.weights_read == pytest.approx(1.236e9, rel=0.01)


def test_a_model_is_made_once_and_what_a_stopped_run_left_is_removed(folder: Path, path: Path) -> None:
    before = path.stat().st_mtime_ns
    assert shapes.make(folder, TINY, ("Q4_0",), binding.quantize) == 0
    assert path.stat().st_mtime_ns == before and not list(folder.glob("*.part"))


def test_a_word_is_a_token_and_the_model_says_its_words_in_order(path: Path) -> None:
    model = NativeModel(path, 512, 1)
    words = shapes.words()
    assert len(set(words)) == shapes.WORDS
    assert [len(model.tokenize(word)) for word in words] == [1] * shapes.WORDS
    assert len(model.tokenize("".join(words[:200]))) == 200
    model.close()
    made = LlamaGenerator(path, context_tokens=512, threads=1)
    parts = made.stream(Prompt("Answer.", "".join(words[900:950]), (), 0), Sampling(40), lambda: False)
    text = "".join(part.text for part in parts if isinstance(part, Piece))
    made.close()
    assert text.strip() == "".join(words[:40]).strip()


def test_a_written_token_reads_all_weights_but_the_embedding(path: Path) -> None:
    size = path.stat().st_size
    assert 0.4 * size < shapes.bytes_per_token(path) < 0.8 * size


def test_a_row_says_whether_its_goal_is_reached() -> None:
    assert compared("m", "x", "y", "u", [10.0, 12.0, 11.0], [10.0, 10.0, 10.0], at_least=1.05).is_reached is True
    assert compared("m", "x", "y", "u", [10.0, 10.0], [10.0, 10.0], at_least=1.05).is_reached is False
    assert compared("m", "x", "y", "u", [1.0], [100.0], at_most=0.02).is_reached is True
    assert compared("m", "x", "y", "u", [1.0], [2.0]).is_reached is None
    assert single("m", "x", "ms", [1.0, 30.0], shown=p95([1.0, 30.0]), at_most=20).is_reached is False


def test_what_was_not_measured_is_no_figure() -> None:
    text = as_text([Row("m", "prefill", "peer", goal=">= 1x", missing="not measured: get it")])
    assert "not measured: get it" in text and "reached" not in text


def test_without_llama_bench_its_rows_say_how_to_get_it(folder: Path) -> None:
    report = run(Wanted(folder, ("tiny",), ("Q4_0",), parts=("llama-bench",)), quiet)
    assert [row["ours"] for row in report["rows"]] == [None, None, None]
    assert text_of(report).count("make llama-bench") == 3


def test_llama_bench_is_told_to_do_what_ours_does(folder: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    program = tmp_path / "llama-bench"
    program.write_text(
        f'#!/bin/sh\necho "$GLIBC_TUNABLES $*" >> {calls}\necho \'[{{"avg_ts": 5.0}}]\'\n', encoding="utf-8"
    )
    program.chmod(0o755)
    wanted = Wanted(folder, ("tiny",), ("Q4_0",), program=program, sizes=Sizes(64, 12, 2), parts=("llama-bench",))
    rows = run(wanted, quiet)["rows"]
    assert [row["measure"] for row in rows] == ["prefill", "decode", "decode, large pages on both sides"]
    assert all(row["ours"] > 0 and row["theirs"] == 5.0 and row["n"] == 2 for row in rows)
    assert rows[1]["ours"] == rows[2]["ours"] and "hugetlb=1" in rows[2]["against"]
    read, write, large = [line.split() for line in calls.read_text(encoding="utf-8").splitlines()][:3]
    assert read[read.index("-p") :] == ["-p", "64", "-n", "0"] and "-fa auto -lm none --repack 1" in " ".join(read)
    assert write[write.index("-p") :] == ["-p", "0", "-n", "12", "-d", "64"]
    assert large == ["glibc.malloc.hugetlb=1", *write]


def test_parts_give_figures_with_their_quality_beside_them(folder: Path) -> None:
    parts = ("defaults", "first-word", "drafts")
    report = run(Wanted(folder, ("tiny",), ("Q4_0",), sizes=Sizes(64, 12, 1), parts=parts), quiet)
    rows = {row["measure"]: row for row in report["rows"]}
    assert len(rows) == 9 and all(row["ours"] > 0 and row["theirs"] > 0 and row["n"] for row in rows.values())
    assert "same greedy tokens in 1 of 1" in rows["prefill, tuned"]["gate"]
    for name in ("copied answer, drafts", "half copied, drafts", "free text, drafts"):
        assert "same text in 2 of 2" in rows[name]["gate"]
    assert "0 of 0 guessed" in rows["free text, drafts"]["gate"]
    assert "same text in 3 of 3" in rows["first word, same prompt again"]["gate"]
    text = text_of(report)
    assert "PROJECTION" in text and "nothing was measured there" in text
    json.dumps(report)


def test_eight_clients_get_their_own_answers(folder: Path) -> None:
    report = run(Wanted(folder, ("tiny",), ("Q4_0",), cancels=2, kills=1, parts=("cancel", "kill", "clients")), quiet)
    rows = {row["measure"]: row for row in report["rows"]}
    assert rows["8 clients, one abusive: slowest / fastest first word"]["gate"].startswith("0 of ")
    kill = rows["killed to next first word, beyond a plain start"]
    assert kill["gate"].startswith("1 of 1 next answers right")


def test_stored_states_stand_beside_the_other_first_words(folder: Path) -> None:
    report = run(Wanted(folder, ("tiny",), ("Q4_0",), sizes=Sizes(64, 12, 1), parts=("states",)), quiet)
    restart, known = report["rows"]
    assert restart["goal"] == "<= 0.15x" and known["goal"] == "<= 0.1x"
    for row in (restart, known):
        share = row["gate"].split(" tokens were known")[0].split(" of ")
        assert int(share[0]) > 0.9 * int(share[1]) and row["ratio"] > 0


def test_rows_come_one_by_one_and_what_there_is_no_time_for_is_said(folder: Path) -> None:
    told: list[Row] = []
    steps: list[str] = []
    wanted = Wanted(folder, ("tiny",), ("Q4_0",), parts=("llama-bench", "rest"), seconds=1e-6)
    report = run(wanted, lambda what, share: steps.append(what), told.append)
    assert [row.as_dict() for row in told] == report["rows"]
    assert [row.measure for row in told] == ["llama-bench", "rest"] and all(
        "--minutes 0" in row.missing for row in told
    )
    assert report["part_seconds"] == {} and any("at most 0 s left" in step for step in steps)
    assert "not measured" in live(told[0]) and "--only rest" in text_of(report, has_table=False)


@pytest.mark.parametrize(
    "wanted", [{"shapes": ("gpt-9",)}, {"quantizations": ("Q1",)}, {"parts": ("magic",)}, {"program": Path("none")}]
)
def test_what_is_not_known_is_refused_with_what_is(tmp_path: Path, wanted: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"there is no") as caught:
        run(Wanted(tmp_path, **wanted), quiet)  # type: ignore[arg-type]
    assert caught.value.hint
    assert PARTS


# ------------------------------------------------------------------------------------------------- calibration


def test_only_what_changes_no_answer_is_taken(path: Path) -> None:
    tuned = Tuner(path, 60, quiet).run("Answer.")
    assert tuned.is_complete and tuned.tuning.kv_type == "f16"
    assert {"weights not rearranged", "flash attention on", "slices of 32"} <= {tried.name for tried in tuned.tried}
    assert [size for size, _ in tuned.tuning.verify_costs] == [4, 8, 12, 16]
    difference, (close, seen) = tuned.tuning.verify_difference, tuned.tuning.choices
    assert difference is not None and difference < 0.1 and close <= seen and (seen > 0 or difference == 0)
    assert tuned.prompt_tokens_per_second > 0 and tuned.tokens_per_second > 0


def test_when_time_runs_out_what_was_found_so_far_is_kept_and_the_threads_asked_for_stay(path: Path) -> None:
    tuned = Tuner(path, 0, quiet, threads=1).run("Answer.")
    assert not tuned.is_complete and tuned.tried == () and tuned.tuning.threads == 1


def test_the_command_keeps_a_profile_that_the_engine_then_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_tiny_gguf(tmp_path / "model.gguf")
    settings = tmp_path / "box.toml"
    settings.write_text(f'indexes_folder = "{tmp_path}"\n', encoding="utf-8")
    command = ["--config", str(settings), "bench", "--calibrate", "--model", str(model), "--seconds", "1"]
    assert main(command) == 0
    assert "from now on" in capsys.readouterr().out
    config = Config(indexes_folder=str(tmp_path), answer=AnswerConfig(model=str(model)))
    profile, note = find_profile(config.profile_file, model)
    assert profile is not None and note == "" and profile.instruction_tokens > 20


def test_calibration_without_a_model_says_what_to_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "box.toml"
    settings.write_text(f'indexes_folder = "{tmp_path}"\n', encoding="utf-8")
    assert main(["--config", str(settings), "bench", "--calibrate"]) == 5
    assert "--model FILE.gguf" in capsys.readouterr().err


def test_the_command_deletes_only_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "mine.gguf"
    other.write_bytes(b"x")
    command = ["bench", "engine", "--shapes", "tiny", "--quantizations", "Q4_0", "--parts", "llama-bench"]
    assert main([*command, "--folder", str(tmp_path), "--delete"]) == 0
    assert list(tmp_path.iterdir()) == [other]
    assert "random weights" in capsys.readouterr().out


def test_prompts_say_where_their_passages_end_as_those_of_the_product_do() -> None:
    prompt = answers.asked(" one two three\n", "why")
    (part,) = prompt.passages
    assert prompt.user[: part.chars] == "one two three\n" and prompt.user[part.chars :] == "Question: why"
