"""Token buckets, and the limit as a client meets it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragedge.errors import RateLimited
from ragedge.server import rates
from ragedge.server.rates import Buckets, caller_of
from ragedge.server.settings import ServerSettings
from tests.server.keyed import JSON, UNLIMITED, keyed


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_what_it_holds_and_fills_again() -> None:
    clock = Clock()
    buckets = Buckets(2.0, 10.0, clock)
    for _ in range(5):
        buckets.take("a", 2)
    with pytest.raises(RateLimited) as caught:
        buckets.take("a", 3)
    assert caught.value.retry_after_s == 2
    buckets.take("b", 10)  # another client has a bucket of its own
    clock.now = 1.5
    buckets.take("a", 3)
    with pytest.raises(RateLimited):
        buckets.take("a", 0.1)
    clock.now = 1e9
    buckets.take("a", 10)
    with pytest.raises(RateLimited):
        buckets.take("a", 1)


def test_what_costs_more_than_a_full_bucket_can_still_be_had() -> None:
    buckets = Buckets(1.0, 5.0, Clock())
    buckets.take("a", 100)
    with pytest.raises(RateLimited):
        buckets.take("a", 1)


def test_draining_never_refuses_and_never_owes() -> None:
    clock = Clock()
    buckets = Buckets(1.0, 5.0, clock)
    buckets.drain("a", 100)
    clock.now = 1.0
    buckets.take("a", 1)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 8)), max_size=60))
def test_nobody_gets_more_than_the_rate_allows(steps: list[tuple[float, float]]) -> None:
    clock, taken = Clock(), 0.0
    buckets = Buckets(1.5, 10.0, clock)
    for wait, cost in steps:
        clock.now += wait
        try:
            buckets.take("a", cost)
            taken += cost
        except RateLimited as error:
            clock.now += error.retry_after_s
            buckets.take("a", cost)  # what was promised holds
            taken += cost
    assert taken <= 10.0 + 1.5 * clock.now + 1e-6


def test_callers_are_bounded_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_MAX_CALLERS", 3)
    buckets = Buckets(1.0, 1.0, Clock())
    for caller in ("a", "b", "c", "d"):
        buckets.take(caller, 1)
    assert list(buckets._levels) == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.168.1.7", "192.168.1.7"), ("::ffff:192.168.1.7", "192.168.1.7"), ("fd00::1:2:3:4", "fd00::/64"),
        ("fd00:0:0:0:9::1", "fd00::/64"), ("fe80::1%eth0", "fe80::/64"), ("testclient", "testclient"), ("", ""),
    ],
)  # fmt: skip
def test_one_machine_is_one_caller(address: str, caller: str) -> None:
    assert caller_of(address) == caller


def limited(burst: float) -> ServerSettings:
    return replace(UNLIMITED, tokens_per_second=0.001, token_burst=burst)


def test_a_client_that_asks_too_much_is_told_when_to_come_back(tmp_path: Path) -> None:
    with keyed(tmp_path, limited(45)) as box:
        for _ in range(2):
            assert box.send("POST", "/v1/ask", {**JSON, **box.bearer("visitor")}, b'{"text":"q"}').status == 200
        refused = box.send("POST", "/v1/ask", {**JSON, **box.bearer("owner")}, b'{"text":"q"}')
        assert refused.status == 429 and int(refused.headers["retry-after"]) > 0
        assert refused.json()["error"]["code"] == "rate_limited" and "content-security-policy" in refused.headers
        assert box.send("GET", "/v1/health", box.bearer("visitor")).status == 200  # that costs less
        asked = len(box.service.pipeline.questions)  # type: ignore[attr-defined]
        assert asked == 2


def test_wrong_keys_empty_the_bucket(tmp_path: Path) -> None:
    with keyed(tmp_path, limited(100)) as box:
        seen = [box.send("GET", "/v1/health", {"Authorization": f"Bearer x{n}"}).status for n in range(8)]
        assert seen == [401, 401, 401, 401, 401, 429, 429, 429]
        assert box.send("GET", "/v1/health", box.bearer("owner")).status == 429
    with keyed(tmp_path / "b", limited(100)) as box:
        seen = [box.send("POST", "/login", JSON, b'{"key":"x"}').status for n in range(12)]
        assert seen == [401] * 10 + [429] * 2


def test_forwarding_headers_do_not_make_another_client(tmp_path: Path) -> None:
    with keyed(tmp_path, limited(5)) as box:
        seen = [
            box.send("GET", "/login", {"X-Forwarded-For": f"10.0.0.{n}", "Forwarded": f"for=10.0.0.{n}"}).status
            for n in range(8)
        ]
    assert seen == [200] * 5 + [429] * 3
