"""What `python -m tests.recipes.fuzz_api` does at length, bounded: requests out of the schema, real parts, no 500."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("schemathesis", reason="fuzzing by the schema needs schemathesis: pip install schemathesis")

from ragedge.server.access import Access
from ragedge.server.described import ROUTES
from ragedge.server.settings import ServerSettings
from tests.server.clients import serving
from tests.server.fuzzing import fuzz, real_service, with_desk
from tests.server.keyed import UNLIMITED, make_keys, with_kiosk


def test_no_request_out_of_the_schema_ends_in_a_failure_or_an_undescribed_reply(tmp_path: Path) -> None:
    with (
        real_service(tmp_path) as service,
        serving(service, with_kiosk(tmp_path, ServerSettings())) as port,
    ):
        outcome = fuzz(port, 300)
    assert outcome.failures == []
    assert outcome.cases >= 300 and set(outcome.operations) == set(ROUTES)
    assert all(outcome.successes[name] for name in ROUTES if "kiosk" in name)
    assert {200, 400, 404} <= set(outcome.statuses) and outcome.statuses[200] >= 30


def test_the_same_behind_keys_as_a_visitor(tmp_path: Path) -> None:
    file, tokens = make_keys(tmp_path)
    with real_service(tmp_path) as service:
        behind = replace(service, access=Access(file))
        with serving(behind, with_kiosk(tmp_path, UNLIMITED)) as port:
            outcome = fuzz(port, 100, key=tokens["visitor"])
        assert len(behind.index.documents()) == 1
    assert outcome.failures == []
    assert 401 not in outcome.statuses and outcome.statuses[403] >= 3


def test_the_same_where_there_is_a_desk(tmp_path: Path) -> None:
    with real_service(tmp_path) as service:
        curated = with_desk(service, tmp_path)
        with serving(curated, ServerSettings()) as port:
            outcome = fuzz(port, 300)
    assert outcome.failures == []
    desk = [name for name in ROUTES if "/v1/admin/" in name]
    assert all(outcome.successes[name] for name in desk if name.startswith("GET") and "{" not in name)
