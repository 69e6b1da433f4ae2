"""Turns by client, each in order; the time to come back follows the jobs; threads leave the box a core."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ragedge.answer.turns import Turns
from ragedge.errors import Busy, ModelError
from ragedge.threads import default_threads, usable_cores


def never() -> bool:
    return False


def test_waiters_are_served_in_the_order_they_came() -> None:
    turns = Turns(queue_limit=8)
    assert turns.take(never)
    served: list[int] = []
    threads = []
    for number in range(6):
        is_waiting = threading.Event()

        def wait(number: int = number, is_waiting: threading.Event = is_waiting) -> None:
            assert turns.take(lambda: is_waiting.set() or False)  # type: ignore[func-returns-value]
            served.append(number)
            turns.give()

        threads.append(threading.Thread(target=wait))
        threads[-1].start()
        assert is_waiting.wait(10)
    turns.give()
    for thread in threads:
        thread.join(10)
    assert served == list(range(6))


def wait_in(turns: Turns, client: str, on_turn: Callable[[], None]) -> threading.Thread:
    """A thread that waits for its client's turn; returns when it stands in the queue (or was refused)."""
    is_waiting = threading.Event()

    def wait() -> None:
        try:
            assert turns.take(lambda: is_waiting.set() or False, client)  # type: ignore[func-returns-value]
        except Busy:
            is_waiting.set()
            return
        on_turn()
        turns.give()

    thread = threading.Thread(target=wait)
    thread.start()
    assert is_waiting.wait(10)
    return thread


def test_of_eight_clients_one_that_asks_without_end_delays_nobody_beyond_twice_the_mean() -> None:
    turns = Turns(queue_limit=32)
    assert turns.take(never, "greedy")
    served: list[str] = []
    threads = [wait_in(turns, "greedy", lambda: served.append("greedy")) for _ in range(20)]
    for number in range(7):
        name = f"client-{number}"
        threads.append(wait_in(turns, name, lambda name=name: served.append(name)))  # type: ignore[misc]
    turns.give()
    for thread in threads:
        thread.join(10)
    assert len(served) == 27
    firsts = [served.index(name) + 1 for name in ["greedy", *(f"client-{number}" for number in range(7))]]
    assert max(firsts) == 8
    assert max(firsts) <= 2 * sum(firsts) / len(firsts)
    assert served[8:] == ["greedy"] * 19


def test_in_a_full_queue_the_client_with_the_most_jobs_makes_room_for_one_with_fewer() -> None:
    turns = Turns(queue_limit=4)
    assert turns.take(never, "greedy")
    served: list[str] = []
    threads = [wait_in(turns, "greedy", lambda: served.append("greedy")) for _ in range(4)]
    with pytest.raises(Busy):
        turns.take(never, "greedy")
    threads.append(wait_in(turns, "other", lambda: served.append("other")))
    assert turns.waiting == 4
    threads.append(wait_in(turns, "third", lambda: served.append("third")))
    with pytest.raises(Busy):
        turns.take(never, "third")  # has as many as the greedy one now
    turns.give()
    for thread in threads:
        thread.join(10)
    assert served == ["greedy", "other", "third", "greedy"]
    assert turns.waiting == 0


def test_without_a_queue_the_second_is_told_at_once_and_a_free_turn_is_given() -> None:
    turns = Turns(queue_limit=0)
    for _ in range(3):
        assert turns.take(never)
        with pytest.raises(Busy) as caught:
            turns.take(never)
        assert 1 <= caught.value.retry_after_s <= 120
        turns.give()


def test_closing_wakes_and_refuses_those_who_wait() -> None:
    turns = Turns(queue_limit=2)
    assert turns.take(never)
    is_waiting = threading.Event()
    refused: list[Exception] = []

    def wait() -> None:
        try:
            turns.take(lambda: is_waiting.set() or False)  # type: ignore[func-returns-value]
        except ModelError as error:
            refused.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert is_waiting.wait(10)
    turns.close()
    thread.join(10)
    assert len(refused) == 1
    with pytest.raises(ModelError):
        turns.take(never)


def test_threads_are_physical_cores_less_one_within_a_containers_share(tmp_path: Path) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    for cpu in range(max(allowed) + 1):  # two hyper-threads to a core
        folder = tmp_path / "cpus" / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{cpu - cpu % 2},{cpu - cpu % 2 + 1}\n")
    cores = len({cpu // 2 for cpu in allowed})
    assert default_threads(tmp_path / "cpus", tmp_path / "none") == max(1, cores - 1)
    assert default_threads(tmp_path / "none", tmp_path / "none") == max(1, len(allowed) - 1)
    assert usable_cores(tmp_path / "cpus", tmp_path / "none") == cores
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert usable_cores(tmp_path / "none", tmp_path / "cpu.max") == 1
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert default_threads(tmp_path / "none", tmp_path / "cpu.max") == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert default_threads(tmp_path / "none", tmp_path / "cpu.max") == max(1, len(allowed) - 1)


def test_a_borrowed_turn_takes_nobodys_place_and_is_free_only_where_nobody_waits() -> None:
    turns = Turns(0)
    assert turns.borrow() and not turns.borrow()
    came = threading.Event()
    waiter = threading.Thread(target=lambda: turns.take(lambda: False, "visitor") and came.set())
    waiter.start()  # with a queue of none it would be refused if somebody had the turn
    while not turns.waiting:
        pass
    with pytest.raises(Busy):  # the turn after the borrowed one is the visitor's, and there is no queue
        turns.take(lambda: True, "other")
    turns.give()
    assert came.wait(10) and not turns.borrow()
    waiter.join()
    turns.give()
    assert turns.borrow()
    turns.give()
    turns.close()
    assert not turns.borrow()
