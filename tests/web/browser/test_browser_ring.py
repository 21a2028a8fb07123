"""The ring as a browser runs it: the recipe's game, no threads, no forks, nothing that Pyodide lacks."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import mulligan
from mulligan.errors import ConfigError
from mulligan.game import Game
from mulligan.nn import stream
from mulligan.web.browser.ring import BATCH, EDGE, STEPS, Ring, game


def test_it_is_the_recipes_game():
    recipe = mulligan.recipe("ring")
    for field in dataclasses.fields(Game):
        assert getattr(game(), field.name) == getattr(recipe, field.name), field.name
    assert (recipe.steps, recipe.batch_size) == (STEPS, BATCH)


def test_a_seed_is_a_run():
    one, other = Ring(seed=3, total=20), Ring(seed=3, total=20)
    assert one.train(4) == other.train(4)
    other.frame()  # looking changes nothing
    assert one.train(3) == other.train(3)
    assert np.array_equal(one.heat(), other.heat())
    assert Ring(seed=4, total=20).train(4) != Ring(seed=3, total=20).train(4)


def test_the_run_ends_where_it_should():
    ring = Ring(total=5)
    assert ring.train(3).keys() == {"d_loss", "g_loss"}
    ring.train(30)
    assert ring.steps == 5
    assert ring.train(1) == {}


def test_a_frame_is_flat_arrays_and_numbers():
    ring = Ring(size=12, points=30)
    ring.train(2)
    frame = ring.frame()
    assert (frame["step"], frame["total"], frame["size"]) == (2, STEPS, 12)
    assert frame["heat"].shape == (144,)
    assert frame["fakes"].shape == (60,)
    assert ring.reals.shape == (30, 2)
    assert frame["heat"].dtype == frame["fakes"].dtype == ring.reals.dtype == np.float32
    assert np.isfinite(frame["heat"]).all()


def test_the_map_is_what_d_says_there_top_row_first():
    ring = Ring(size=8)
    ring.train(5)
    heat = ring.heat().reshape(8, 8)
    space = ring.gan.d.network.workspace()
    at = {}
    for name, point in {"top left": (-2.625, 2.625), "bottom right": (2.625, -2.625)}.items():
        at[name] = float(space.forward(np.array([point], np.float32), training=False)[0, 0])
    assert EDGE - EDGE / 8 == 2.625
    assert heat[0, 0] - heat[-1, -1] == pytest.approx(at["top left"] - at["bottom right"], abs=1e-5)
    reals = float(space.forward(ring.reals, training=False).mean())
    fakes = float(space.forward(ring.fakes(), training=False).mean())
    assert heat[0, 0] == pytest.approx(at["top left"] - (reals + fakes) / 2, abs=1e-5)


def test_modes_are_counted_within_three_deviations(monkeypatch):
    ring = Ring(points=4)
    modes, std = ring.toy.modes, ring.toy.std
    points = np.stack([modes[0], modes[3] + [2.9 * std, 0], modes[5] + [3.1 * std, 0], modes[0]])
    monkeypatch.setattr(ring, "fakes", lambda: points.astype(np.float32))
    assert ring.modes() == (2, 0.75)


def test_it_shows_the_averaged_generator():
    ring, eyes = Ring(seed=3, points=50), stream(3, "eval")
    ring.toy.sample(50, eyes)
    z = eyes.standard_normal((50, 2), dtype=np.float32)
    ring.train(10)
    network = ring.gan.g.network
    assert np.array_equal(ring.fakes(), network.workspace(theta=ring.gan.average).forward(z, training=False))
    assert not np.array_equal(ring.fakes(), network.workspace().forward(z, training=False))


@pytest.mark.parametrize("wrong", [{"total": 0}, {"size": 1}, {"points": 0}])
def test_wrong_sizes_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"Try Ring\(\)"):
        Ring(**wrong)


WITHOUT = """
import os, sys, threading

class Lacking:
    "What Pyodide has not, or only as packages of their own; and everything that is installed, but NumPy."
    names = {"lzma", "_lzma", "ssl", "_ssl", "sqlite3", "curses", "dbm", "tkinter", "fcntl", "termios"}
    names |= {"multiprocessing.synchronize", "_multiprocessing", "_posixshmem", "resource"}
    def find_spec(self, name, path=None, target=None):
        first = name.split(".")[0]
        if first in ("numpy", "threadpoolctl", "mulligan"):
            return None
        if name in self.names or first not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"{name} is not in Pyodide", name=name)

def refuse(*words, **named):
    raise RuntimeError("can't start new thread")

import numpy, numpy.random, threadpoolctl
threadpoolctl.threadpool_limits(1, "blas")  # two threads sum in another order
before = set(sys.modules)
sys.meta_path.insert(0, Lacking())
for name in Lacking.names & set(sys.modules):
    del sys.modules[name]
threading.Thread.start = refuse
del os.sched_getaffinity, os.fork
os.cpu_count = lambda: 1
sys.setswitchinterval = refuse

from mulligan.web.browser.ring import Ring
ring = Ring(seed=1)
print(ring.train(3), ring.modes())
"""


def test_it_runs_without_threads_forks_and_what_pyodide_lacks():
    found = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    ring = Ring(seed=1)
    with threadpool_limits(1, "blas"):
        assert found.stdout.strip() == f"{ring.train(3)} {ring.modes()}"


@pytest.mark.parametrize("line", ["import lzma", "import scipy", "threading.Thread(target=print).start()", "os.fork()"])
def test_that_test_can_fail(line):
    planted = WITHOUT.replace("ring = Ring(seed=1)", line)
    found = subprocess.run([sys.executable, "-c", planted], capture_output=True, text=True, check=False)
    assert found.returncode != 0
