"""Kills a process that changes an index, over and over, and compares what is left with what was acknowledged.

`python -m tests.index.crash_driver FOLDER SEED KILLS ROWS` prints one line of JSON. Workers are forked from this
process, which has imported everything but opened nothing, so that a cycle costs a few tenths of a second. A worker
first proves that the index is what its predecessor acknowledged (with or without the step it was killed in, whole),
then goes on changing it until it is killed. ROWS chunks are there from the start.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import ragedge.index.vectors  # noqa: F401 - imported once here, not in every worker
from ragedge.index.store import FileRow, Index
from tests.index.make import new_document, settings, unit

PATHS = [f"folder/file {i}.txt" for i in range(12)]
MOMENTS_S = (0.0, 0.15)  # after the proof: steps take 5-40 ms, so a worker does none, one or a few of them
State = dict[str, list[str]]  # path -> the texts of its document; [] = a file that gave none


def texts_of(rng: random.Random, step: int) -> list[str]:
    return [f"marker{step}x{i}q{rng.randrange(10**9)} and other words" for i in range(rng.randint(1, 4))]


def next_step(rng: random.Random, state: State, step: int) -> dict[str, Any]:
    """A random step; `after` is the state it must lead to."""
    kind = rng.choice(["put", "put", "put", "replace", "forget", "rename", "copy", "reject"])
    after, held = dict(state), sorted(path for path in state if path in PATHS and state[path])
    free = sorted(set(PATHS) - set(state))
    if kind in ("replace", "forget", "rename", "copy") and not held:
        kind = "put"
    if kind in ("rename", "copy") and not free:
        kind = "replace"
    done: dict[str, Any] = {"kind": kind}
    if kind in ("put", "replace"):
        paths = rng.sample(PATHS, rng.randint(1, 3)) if kind == "put" else [rng.choice(held)]
        done["new"] = {path: texts_of(rng, step) for path in paths}
        after.update(done["new"])
    elif kind == "forget":
        done["paths"] = rng.sample(held, rng.randint(1, min(3, len(held))))
        for path in done["paths"]:
            del after[path]
    elif kind == "reject":
        done["path"] = rng.choice(PATHS)
        after[done["path"]] = []
    else:
        done["old"], done["path"] = rng.choice(held), rng.choice(free)
        after[done["path"]] = after[done["old"]]
        if kind == "rename":
            del after[done["old"]]
    return {**done, "after": after}


def perform(index: Index, step: dict[str, Any], sources: Path) -> None:
    files = index.files()
    if step["kind"] in ("put", "replace"):
        index.put([new_document(path, texts, folder=sources, replaces=path) for path, texts in step["new"].items()])
    elif step["kind"] == "forget":
        index.forget(step["paths"])
    elif step["kind"] == "reject":
        index.put_files([FileRow(step["path"], 3, 1, "f" * 64, None, "no_text", "scanned")])
    else:
        old = files[step["old"]]
        row = FileRow(step["path"], old.size_bytes, old.mtime_ns, old.sha256, old.document_id)
        if step["kind"] == "rename":
            index.rename(step["old"], row)
        else:
            index.put_files([row])


def observed(index: Index) -> State:
    """What the index holds, read in every way it can be asked; raises AssertionError when the ways disagree."""
    problems = index.check()
    assert problems == [], problems
    assert index.vector_engine == "chroma", index.repairs
    state: State = {}
    documents = {info.id: info for info in index.documents()}
    for path, row in index.files().items():
        state[path] = []
        if row.document_id is not None:
            info = documents[row.document_id]
            assert path in (info.path, *info.other_paths)
            state[path] = [index.page(info.id, number + 1).text for number in range(info.pages)]
            found = index.chunks([f"{info.id}-{i:05d}" for i in range(info.chunks)])
            assert [found[key].text for key in sorted(found)] == state[path]
            assert index.source(info.id).read_bytes().startswith(state[path][0].encode())
    paths = [path for info in documents.values() for path in (info.path, *info.other_paths)]
    assert sorted(paths) == sorted(path for path in state if state[path]), "a document without its file, or held twice"
    for info in documents.values():
        if info.path in PATHS:
            for i, text in enumerate(state[info.path]):
                chunk_id = f"{info.id}-{i:05d}"
                assert [hit[0] for hit in index.search_text([text.split()[0]], [], 5)] == [chunk_id]
                assert index.search_vectors(unit(text), 1)[0][0] == chunk_id
    assert len(list((index.folder / "files").glob("*"))) == len(documents)
    return state


def work(folder: Path, sources: Path, seed: int, number: int, out: int) -> None:
    """A worker: prove, report, change until killed."""

    def say(message: dict[str, Any]) -> None:
        os.write(out, json.dumps(message).encode() + b"\n")

    try:
        rng = random.Random(seed)
        index = Index.open(folder, settings(), mode="write", create=True)
        state = observed(index)
        say({"is": state})
        for offset in range(rng.choice([3, 1000, 1000, 1000])):
            step = next_step(rng, state, number * 1000 + offset)
            say({"begin": step["after"], "kind": step["kind"]})
            perform(index, step, sources)
            state = step["after"]
            say({"done": True})
        index.close()
        say({"closed": True})
    except BaseException as error:
        say({"failed": f"{type(error).__name__}: {error}"})
    os._exit(0)


class Driver:
    """Starts, kills and judges workers; `state` is what was acknowledged, `begun` what a step under way leads to."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng = folder, random.Random(seed)
        self.index, self.sources = folder / "index", folder / "sources"
        self.sources.mkdir()
        self.state: State = {}
        self.begun: State | None = None
        self.killed_in: dict[str, int] = {}
        self.texts: set[str] = set()
        self.slowest_s = 0.0

    def cycle(self, number: int) -> bool:
        """One worker; True when it was killed (not: had closed the index before)."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            work(self.index, self.sources, self.rng.randrange(2**32), number, writer)
        os.close(writer)
        started = time.monotonic()
        is_early = self.rng.random() < 0.15
        deadline = started + (self.rng.uniform(0, 0.2) if is_early else 60.0)
        data, is_killed, is_proven = b"", False, False
        while True:
            wait = max(0.0, deadline - time.monotonic())
            if not select.select([reader], [], [], wait)[0] and not is_killed:
                os.kill(pid, signal.SIGKILL)
                is_killed = True
                deadline = time.monotonic() + 60.0
                continue
            part = os.read(reader, 65536)
            if not part:
                break
            data += part
            if not is_proven and b"\n" in data:
                is_proven = True
                self.slowest_s = max(self.slowest_s, time.monotonic() - started)
                if not is_early:
                    deadline = time.monotonic() + self.rng.uniform(*MOMENTS_S)
        os.close(reader)
        os.waitpid(pid, 0)
        self.judge([json.loads(line) for line in data.split(b"\n")[:-1]], is_killed)
        return is_killed

    def judge(self, messages: list[dict[str, Any]], is_killed: bool) -> None:
        where = "opening"
        for message in messages:
            assert "failed" not in message, message["failed"]
            if "is" in message:
                allowed = [self.state] + ([self.begun] if self.begun is not None else [])
                assert message["is"] in allowed, f"found {message['is']}, acknowledged {allowed}"
                self.state, self.begun, where = message["is"], None, "proof"
            elif "begin" in message:
                self.begun, where = message["begin"], message["kind"]
                self.texts.update(text for texts in message["begin"].values() for text in texts)
            elif "done" in message:
                assert self.begun is not None
                self.state, self.begun, where = self.begun, None, "between"
        if is_killed:
            self.killed_in[where] = self.killed_in.get(where, 0) + 1

    def leavings(self) -> list[str]:
        """Words of documents that are gone, still to be found as bytes anywhere in the folder."""
        kept = {text for texts in self.state.values() for text in texts}
        gone = {text.split()[0].encode() for text in self.texts - kept}
        blobs = [path.read_bytes() for path in self.index.rglob("*") if path.is_file()]
        return [word.decode() for word in sorted(gone) if any(word in blob for blob in blobs)]


def main() -> None:
    folder, seed, kills, rows = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    driver = Driver(folder, seed)
    started = time.monotonic()
    if rows:
        base = {f"base/{i}.txt": [f"base{i}n{j} steady words" for j in range(20)] for i in range(rows // 20)}
        driver.begun = base
        pid = os.fork()
        if pid == 0:
            with Index.open(driver.index, settings(), mode="write", create=True) as index:
                index.put([new_document(path, texts, folder=driver.sources) for path, texts in base.items()])
            os._exit(0)
        os.waitpid(pid, 0)
    killed = cycles = 0
    while killed < kills:
        cycles += 1
        killed += driver.cycle(cycles)
    with contextlib.closing(Index.open(driver.index, settings(), mode="write")) as index:
        driver.judge([{"is": observed(index)}], False)
    result = {
        "killed": killed,
        "cycles": cycles,
        "killed_in": driver.killed_in,
        "documents_seen": len(driver.texts),
        "leavings": driver.leavings(),
        "slowest_open_s": round(driver.slowest_s, 2),
        "seconds": round(time.monotonic() - started, 1),
    }
    shutil.rmtree(driver.index)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
