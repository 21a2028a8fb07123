"""Workers: every share once, errors that pass through, and a process left as it was found."""

import importlib
import signal
import sys
import threading
import time

import pytest
import threadpoolctl

from mulligan.nn.workers import ThreadTeam, shares, threads
from mulligan.nn.workers.threads import SWITCH_INTERVAL


@pytest.mark.parametrize("n", [0, 1, 2, 7, 64])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_shares_cover_a_range_once_and_evenly(n, count):
    parts = shares(n, count)
    assert len(parts) == count
    assert [i for part in parts for i in range(n)[part]] == list(range(n))
    assert max(p.stop - p.start for p in parts) - min(p.stop - p.start for p in parts) <= 1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_worker_works_once_in_a_thread_of_its_own(count):
    seen = []
    with ThreadTeam(count) as team:
        team.run(lambda worker: (team.meet(worker), seen.append((worker, threading.get_ident()))))
    assert sorted(worker for worker, _ in seen) == list(range(count))
    assert len({thread for _, thread in seen}) == count
    assert (0, threading.get_ident()) in seen


@pytest.fixture
def interval(monkeypatch):
    """An interval that no `ThreadTeam` sets; workers that other tests of this process never left do not count."""
    # Private, because a team's holders are counted for the whole process: other tests' workers would be among them.
    monkeypatch.setattr(threads, "_settings", threads._ProcessSettings())
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.003)
    yield sys.getswitchinterval()
    sys.setswitchinterval(before)


@pytest.fixture
def blas():
    """Return how many threads BLAS may use, which are two to begin with."""
    importlib.import_module("numpy")  # brings BLAS

    def threads():
        return {lib["num_threads"] for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"}

    with threadpoolctl.threadpool_limits(2, "blas"):
        if threads() != {2}:
            pytest.skip("this BLAS has no second thread")
        yield threads


def test_workers_that_are_inside_at_once_may_leave_in_any_order(interval, blas):
    first, second = ThreadTeam(2), ThreadTeam(2)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas() == {1}
    assert sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL)
    second.__exit__(None, None, None)
    assert blas() == {2}
    assert sys.getswitchinterval() == interval


def test_workers_may_be_entered_twice(interval, blas):
    team = ThreadTeam(2)
    with team:
        with team:
            team.run(lambda worker: None)
        assert blas() == {1}
        team.run(lambda worker: None)
    assert blas() == {2}
    assert sys.getswitchinterval() == interval


def test_a_workers_error_passes_through_and_the_workers_go_on():
    def fail_in_the_last(worker):
        if worker:
            raise ValueError("bad rows")

    with ThreadTeam(2) as team:
        with pytest.raises(ValueError, match="bad rows"):
            team.run(fail_in_the_last)
        done = []
        team.run(done.append)
    assert sorted(done) == [0, 1]


@pytest.fixture
def pythons_own():
    """Handle SIGINT as Python does; what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs a signal to one thread")
def test_an_interrupt_while_waiting_leaves_no_worker_at_work(pythons_own):
    def slow(worker):
        if worker:
            time.sleep(0.4)
        done.append(worker)

    done = []
    with ThreadTeam(2) as team:
        team.run(lambda worker: None)
        threading.Timer(0.1, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            team.run(slow)
        assert sorted(done) == [0, 1]
        team.run(slow)
    assert sorted(done) == [0, 0, 1, 1]
