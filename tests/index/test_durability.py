"""What is acknowledged survives a kill at any moment, and nothing is ever half there.

RAGEDGE_KILLS sets how many kills.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
KILLS = int(os.environ.get("RAGEDGE_KILLS", "200"))


def drive(folder: Path, *, seed: int, kills: int, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.index.crash_driver", str(folder), str(seed), str(kills), str(rows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout)
    print(f"seed {seed}: {result}")
    return result


def test_no_kill_loses_halves_or_doubles_a_document(quick_path: Path) -> None:
    result = drive(quick_path, seed=20_261_121, kills=KILLS, rows=0)
    assert result["killed"] == KILLS
    assert result["leavings"] == []
    if KILLS >= 100:  # the kills really fell into every kind of step, and into openings
        assert {"opening", "put", "replace", "forget"} <= result["killed_in"].keys()


def test_kills_of_a_larger_index_are_mended_through_the_checking_child(quick_path: Path) -> None:
    result = drive(quick_path, seed=7, kills=max(4, KILLS // 25), rows=800)
    assert result["leavings"] == []
    assert result["slowest_open_s"] < 30


def test_the_harness_notices_a_lost_document(tmp_path: Path) -> None:
    from tests.index.crash_driver import Driver

    driver = Driver(tmp_path, 1)
    driver.judge([{"is": {}}, {"begin": {"a": ["x"]}, "kind": "put"}, {"done": True}], True)
    with pytest.raises(AssertionError):
        driver.judge([{"is": {}}], True)
