"""Workers that are processes: they meet, answer, fail and end."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mulligan.errors import RunError
from mulligan.nn.memory import share
from mulligan.nn.workers.limits import can_fork
from mulligan.nn.workers.processes import ProcessTeam

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers are processes on Linux only")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def forked(count, answer=lambda question, worker: os.getpid(), home=lambda answers: None):
    return ProcessTeam(count, answer, home)


@pytest.mark.parametrize("count", [1, 3])
def test_every_worker_works_in_a_process_of_its_own(count):
    seen = share((count,), np.int64)

    def work(worker):
        seen[worker] = os.getpid()

    with forked(count) as team:
        for _ in range(3):
            team.repeat(work)
        assert team.ask("pid") == seen.tolist()
        assert len(set(seen.tolist())) == count
        assert seen[0] == os.getpid()
    assert not any(alive(pid) for pid in seen[1:])


@pytest.mark.parametrize("count", [2, 3])
def test_what_is_written_before_a_meeting_is_read_after(count):
    board, sums = share((count,), np.float64), share((count, 200), np.float64)

    def work(worker):
        for turn in range(200):
            board[worker] = turn * (worker + 1)
            team.meet(worker)
            sums[worker, turn] = board.sum()
            team.meet(worker)

    with forked(count) as team:
        team.repeat(work)
    np.testing.assert_array_equal(sums, np.outer(np.ones(count), np.arange(200) * count * (count + 1) / 2))


@pytest.mark.parametrize(
    "values",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array(3),
        np.eye(3)[:, ::2],
        np.zeros((0, 4), np.float32),
        np.array([1, 0], np.int32),
        np.array(1 + 2j),
    ],
    ids=lambda value: f"{value.dtype} {value.shape}",
)
def test_workers_exchange_what_they_have(values):
    same = share((3,), np.int64)

    def work(worker):
        found = team.gather(worker, values + worker)
        fits = [f.dtype == (values + worker).dtype and np.array_equal(f, values + i) for i, f in enumerate(found)]
        same[worker] = all(fits) and len(found) == 3

    with forked(3) as team:
        team.repeat(work)
    assert same.tolist() == [1, 1, 1]


class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(one + two)


@pytest.mark.parametrize("error", [ValueError("bad rows"), Odd("bad ", "rows")], ids=["plain", "cannot be pickled"])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_an_error_in_any_worker_passes_through_and_the_next_step_has_new_workers(where, error):
    done, fail = share((3,), np.int64), share((1,), np.int64)
    fail[0] = where

    def work(worker):
        if worker == fail[0]:
            raise error
        team.meet(worker)
        done[worker] += 1

    with forked(3) as team:
        with pytest.raises(Exception, match="bad rows") as caught:
            team.repeat(work)
        assert caught.type is (RunError if where and isinstance(error, Odd) else type(error))
        assert done.tolist() == [0, 0, 0]
        fail[0] = -1
        team.repeat(work)
    assert done.tolist() == [1, 1, 1]


def test_a_worker_that_was_killed_is_told_of():
    turn = share((1,), np.int64)

    def work(worker):
        if worker and turn[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    with forked(2) as team:
        team.repeat(work)
        turn[0] = 1
        with pytest.raises(RunError, match=r"has ended: it was killed.*last checkpoint"):
            team.repeat(work)
        turn[0] = 0
        team.repeat(work)
        os.kill(team.ask("pid")[1], signal.SIGKILL)
        with pytest.raises(RunError, match="has ended"):
            team.ask("pid")


def test_what_workers_know_is_brought_home_before_they_end():
    counts, taken = [0, 0], []

    def work(worker):
        counts[worker] += 1

    with forked(2, lambda question, worker: counts[worker], taken.extend) as team:
        team.repeat(work)
        team.repeat(work)
        assert counts == [2, 0]  # the other worker's memory is its own
        team.settle()
        assert taken == [2, 2]
        assert team.ask("home") == [2, 0]
    assert taken == [2, 2]


CRAMPED = """
import os, resource
from mulligan.nn.workers.processes import ProcessTeam
seen = [0, 0]
team = ProcessTeam(2, lambda question, worker: None, lambda answers: None)
own = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (own + (16 << 20),) * 2)
with team:
    team.repeat(lambda worker: seen.__setitem__(worker, os.getpid()))
print(seen == [os.getpid()] * 2)
"""


def test_where_there_is_no_room_for_processes_workers_are_threads():
    played = subprocess.run([sys.executable, "-c", CRAMPED], capture_output=True, text=True, timeout=60)
    assert (played.stdout, played.returncode) == ("True\n", 0), played.stderr


COPIED = """
import os, sys
from mulligan.errors import RunError
from mulligan.nn.workers.processes import ProcessTeam
team = ProcessTeam(2, lambda question, worker: os.getpid(), lambda answers: None)
with team:
    if sys.argv[1] == "begun":
        team.repeat(lambda worker: None)
    pid = os.fork()
    if not pid:
        for use in (lambda: team.repeat(lambda worker: None), lambda: team.ask("pid")):
            try:
                use()
                print("worked", flush=True)
            except RunError as error:
                print(error, flush=True)
        sys.exit()  # leaves the block and calls finalizers, as the end of any process does
    os.waitpid(pid, 0)
    team.repeat(lambda worker: None)
    print(team.ask("pid")[0] == os.getpid())
"""


@pytest.mark.parametrize("begun", ["begun", "not begun"])
def test_a_fork_of_the_programs_own_may_not_use_the_workers(begun):
    """It has the same shared memory, and would train its original's arrays, with its original's workers."""
    played = subprocess.run([sys.executable, "-c", COPIED, begun], capture_output=True, text=True, timeout=60)
    *refusals, goes_on = played.stdout.splitlines()
    assert (goes_on, played.returncode) == ("True", 0), played.stderr
    assert len(refusals) == 2
    assert all("made by another process" in words and "threads = 1" in words for words in refusals)


ORPHAN = """
import os, sys, time
from mulligan.nn.workers.processes import ProcessTeam
team = ProcessTeam(2, lambda question, worker: os.getpid(), lambda answers: None)
team.__enter__()
team.repeat(lambda worker: None)
print(team.ask("pid")[1], flush=True)
"""
HALF_A_QUESTION = "team._team._asked[0] = True\nteam._team._start[1].release()\n"


@pytest.mark.parametrize("last", ["", HALF_A_QUESTION], ids=["idle", "asked"])
def test_no_worker_outlives_its_parent(last):
    script = f"{ORPHAN}{last}time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    until = time.monotonic() + 120
    while alive(child):
        assert time.monotonic() < until
        time.sleep(0.05)
