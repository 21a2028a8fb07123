"""Workers that are fresh interpreters, as on macOS and Windows: the bytes of threads, and an end with their parent."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mulligan.errors import RunError
from mulligan.game import GAN, R1, R2, Game, Latent, Player, Relativistic
from mulligan.nn import layers as nn
from mulligan.nn import state_of
from mulligan.nn.optimizers import Adam
from mulligan.nn.schedules import Constant

SHAPE = (4,)
G = (nn.OneHot(3), nn.Dense(5, spectral_norm=True), nn.BatchNorm(), nn.LeakyReLU(), nn.Dropout(0.2), nn.Dense(4))
D = (nn.Dense(6, spectral_norm=True), nn.LeakyReLU(), nn.Dropout(0.3), nn.Projection(3))
ADAM = Adam(1e-2, beta1=0.5)
GAME = Game(Player(G, ADAM), Player(D, ADAM), Latent(3), Relativistic(), (R1(), R2()), classes=3)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    """No fork, and no second of patience before processes are started."""
    for module in ("memory", "workers", "workers.processes"):
        monkeypatch.setattr(f"mulligan.nn.{module}.can_fork", lambda: False)
    monkeypatch.setattr("mulligan.nn.workers.started.WARM", 0)


def batch(n, seed=5):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, *SHAPE)), rng.integers(3, size=n)


def until_processes(gan):
    """Take steps until the workers are processes; return their number."""
    count, until = 0, time.monotonic() + 60
    while gan.team._team is None:
        assert time.monotonic() < until
        gan.step(*batch(8, count))
        count += 1
        time.sleep(0.02)  # leave the cores to the interpreters that start
    return count


def ended(pid):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def story(gan, count, kind):
    """Take steps, read the streams, change the rules, take more steps; return all that came of it."""
    slow = replace(GAME, schedules=replace(GAME.schedules, lr=Constant(0.1)))
    found = []
    for game in (GAME, slow):
        gan.game = game
        for k in range(count):
            gan.step(*batch(8, k))
        assert type(getattr(gan.team, "_team", None)).__name__ == kind
        found += [repr(gan.outputs()), *map(state_of, gan.streams.values())]  # ends no process; the game is sent again
    gan.step(*batch(12))  # in memory that no process has open
    return found, [array.tobytes() for array in gan.arrays().values()]


def test_started_workers_give_the_bytes_of_threads(caplog):
    started, threads = GAN(GAME, SHAPE, workers=2, processes=True), GAN(GAME, SHAPE, workers=2)
    with started, threads:
        for k in range(until_processes(started)):
            threads.step(*batch(8, k))
        assert story(started, 3, "_Started") == story(threads, 3, "NoneType")
    assert ["a batch must be as large" in record.getMessage() for record in caplog.records] == [True]


class Own(nn.LeakyReLU):
    pass


Own.__module__ = "__main__"


def test_what_the_script_defines_keeps_workers_threads_and_is_told_once(caplog):
    d = (nn.Dense(6), Own(), nn.Dense(1))
    gan = GAN(replace(GAME, discriminator=Player(d, ADAM)), SHAPE, workers=2, processes=True)
    with gan:
        for _ in range(3):
            gan.step(*batch(8))
    [record] = caplog.records
    assert "Own must not be defined in the script" in record.getMessage()


def test_a_started_worker_that_was_killed_is_told_of():
    gan = GAN(GAME, SHAPE, workers=2, processes=True)
    with gan:
        until_processes(gan)
        os.kill(gan.team._team._children[0].pid, signal.SIGKILL)
        with pytest.raises(RunError, match=r"has ended: it was killed"):
            gan.step(*batch(8))
        until_processes(gan)


SCRIPT = """
import time
print("imported", flush=True)
from mulligan.nn import memory, workers
from mulligan.nn.workers import processes, started
memory.can_fork = workers.can_fork = processes.can_fork = lambda: False
started.WARM = 0
from mulligan.training import Run, recipe
run = Run(recipe("ring", threads=2, steps=10**9))
with run.gan:
    while run.gan.team._team is None:
        run.advance()
        time.sleep(0.02)
    print(run.gan.team._team._children[0].pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_the_script_runs_once_and_no_worker_or_memory_outlives_it(tmp_path, end):
    (tmp_path / "mine.py").write_text(SCRIPT)  # without "if __name__"
    with subprocess.Popen([sys.executable, "mine.py"], cwd=tmp_path, stdout=-1, stderr=-1, text=True) as parent:
        assert parent.stdout.readline() == "imported\n"
        child = int(parent.stdout.readline())
        mapped = {line.split()[-1] for line in Path(f"/proc/{child}/maps").read_text().splitlines() if "/shm" in line}
        assert any("sem" in name for name in mapped)
        parent.send_signal(end)
        parent.wait()
        assert ended(child)
        assert parent.stdout.read() == ""
    until = time.monotonic() + 60
    while any(Path(name).exists() for name in mapped):
        assert time.monotonic() < until
        time.sleep(0.02)
