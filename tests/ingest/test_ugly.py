"""The evaluation files that are made or known to break readers: each outcome as in the inventory, none a crash or
hang."""

from __future__ import annotations

import pytest

from ragedge.contracts import ReadOptions
from ragedge.ingest.sandbox import Limits, Sandbox
from tests.recipes.ugly_report import DATA, cases, differing

UGLY = DATA / "ugly" / "INVENTORY.tsv"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        not UGLY.is_file(), reason="../shared/data/ugly not found (evaluation data is optional, see its README)"
    ),
]


def test_every_ugly_file_ends_as_the_inventory_says() -> None:
    chosen = cases()
    assert len(chosen) == 289
    # without OCR for speed: scans count as empty then; `python -m tests.recipes.ugly_report` runs with it
    with Sandbox(ReadOptions(ocr="off"), Limits()) as sandbox:
        assert list(differing(sandbox, chosen)) == []
