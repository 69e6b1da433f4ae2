"""Threads that share jobs: every job once, results in order, errors heard, nobody waits for a thread that is busy."""

from __future__ import annotations

import threading

import pytest

from ragedge.search.crew import Crew


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("jobs", [0, 1, 3, 50])
def test_every_job_is_done_once_and_results_keep_their_order(size: int, jobs: int) -> None:
    done: list[int] = []

    def do(place: int, job: int) -> tuple[int, int]:
        done.append(job)
        return place, job * job

    found = Crew(size).run(range(jobs), do)
    assert [square for _, square in found] == [job * job for job in range(jobs)]
    assert sorted(done) == list(range(jobs))
    assert {place for place, _ in found} <= set(range(size))


def test_jobs_run_at_the_same_time_and_each_at_a_place_of_its_own() -> None:
    together = threading.Barrier(3, timeout=30)  # opens only where three are at work

    def do(place: int, _: int) -> int:
        together.wait()
        return place

    assert sorted(Crew(3).run(range(3), do)) == [0, 1, 2]


@pytest.mark.parametrize("bad", [0, 1, 7])
def test_an_error_is_raised_once_what_had_begun_is_done(bad: int) -> None:
    running = 0
    lock = threading.Lock()

    def do(_: int, job: int) -> None:
        nonlocal running
        with lock:
            running += 1
        try:
            if job == bad:
                raise ValueError("bad job")
        finally:
            with lock:
                running -= 1

    crew = Crew(2)
    with pytest.raises(ValueError, match="bad job"):
        crew.run(range(8), do)
    assert running == 0
    assert crew.run([1, 2], lambda _, job: job) == [1, 2]


def test_a_caller_whose_helpers_are_busy_does_its_jobs_alone() -> None:
    crew = Crew(2)
    is_busy, may_end = threading.Event(), threading.Event()

    def hold(_: int, job: int) -> int:
        if threading.current_thread().name.startswith("crew"):
            is_busy.set()
        assert (is_busy if job == 0 else may_end).wait(30)
        if job == 0:
            assert may_end.wait(30)
        return job

    first = threading.Thread(target=crew.run, args=([0, 1], hold))
    first.start()
    assert is_busy.wait(30)
    try:
        assert crew.run([2, 3, 4], lambda place, job: (place, job)) == [(0, 2), (0, 3), (0, 4)]
    finally:
        may_end.set()
        first.join(30)
