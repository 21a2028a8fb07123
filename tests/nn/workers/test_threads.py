"""Lanes: every share once, errors that pass through, and a process left as it was found."""

import importlib
import signal
import sys
import threading
import time

import pytest
import threadpoolctl

from mulligan.nn.workers import threads as parallel
from mulligan.nn.workers.threads import TURN, Lanes, shares


@pytest.mark.parametrize("n", [0, 1, 2, 7, 64])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_shares_cover_a_range_once_and_evenly(n, count):
    parts = shares(n, count)
    assert [i for part in parts for i in range(n)[part]] == list(range(n))
    assert max(p.stop - p.start for p in parts) - min(p.stop - p.start for p in parts) <= 1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_lane_works_once_in_a_thread_of_its_own(count):
    seen = []
    with Lanes(count) as lanes:
        lanes.run(lambda lane: seen.append((lane, threading.get_ident())))
    assert sorted(lane for lane, _ in seen) == list(range(count))
    assert len({thread for _, thread in seen}) == count
    assert (0, threading.get_ident()) in seen


@pytest.fixture
def interval(monkeypatch):
    """An interval that no `Lanes` sets; lanes that other tests of this process never left do not count."""
    monkeypatch.setattr(parallel, "_restraint", parallel._Restraint())
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.003)
    yield sys.getswitchinterval()
    sys.setswitchinterval(before)


def test_turns_at_the_interpreter_are_short_inside_and_as_before_outside(interval):
    with Lanes(2), Lanes(1):
        assert sys.getswitchinterval() == pytest.approx(TURN)
    assert sys.getswitchinterval() == interval
    with pytest.raises(KeyError), Lanes(2) as lanes:
        lanes.run(lambda lane: {}[lane])
    assert sys.getswitchinterval() == interval


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


def test_lanes_that_are_inside_at_once_may_leave_in_any_order(interval, blas):
    first, second = Lanes(2), Lanes(2)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas() == {1}
    assert sys.getswitchinterval() == pytest.approx(TURN)
    second.__exit__(None, None, None)
    assert blas() == {2}
    assert sys.getswitchinterval() == interval


def test_lanes_may_be_entered_twice(interval, blas):
    lanes = Lanes(2)
    with lanes:
        with lanes:
            lanes.run(lambda lane: None)
        assert blas() == {1}
        lanes.run(lambda lane: None)
    assert blas() == {2}
    assert sys.getswitchinterval() == interval


def test_a_lanes_error_passes_through_and_the_lanes_go_on():
    def fail_in_the_last(lane):
        if lane:
            raise ValueError("bad rows")

    with Lanes(2) as lanes:
        with pytest.raises(ValueError, match="bad rows"):
            lanes.run(fail_in_the_last)
        done = []
        lanes.run(done.append)
    assert sorted(done) == [0, 1]


@pytest.fixture
def pythons_own():
    """Handle SIGINT as Python does; what a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs a signal to one thread")
def test_an_interrupt_while_waiting_leaves_no_lane_at_work(pythons_own):
    def slow(lane):
        if lane:
            time.sleep(0.4)
        done.append(lane)

    done = []
    with Lanes(2) as lanes:
        lanes.run(lambda lane: None)
        threading.Timer(0.1, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            lanes.run(slow)
        assert sorted(done) == [0, 1]
        lanes.run(slow)
    assert sorted(done) == [0, 0, 1, 1]
