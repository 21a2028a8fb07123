"""Every side computes the same step; what is not the same is refused."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mulligan.bench.child import Child
from mulligan.bench.material import BATCHES, SEED, Material, Predrawn, draw
from mulligan.bench.ours import Ours
from mulligan.bench.race import SAME, Plan, Race, difference, idle_parameters, judged
from mulligan.bench.side import SIDES
from mulligan.bench.worker import peak_memory
from mulligan.bench.workloads import FAMILIES, names, workload
from mulligan.errors import ConfigError, RunError, UnsupportedError
from mulligan.game import GAN

TOYS = names([], toy=True)


@pytest.fixture(scope="module")
def children():
    """One process for each library, for all tests here."""
    found = {}

    def get(library):
        if library not in found:
            if library:
                pytest.importorskip(library)
            found[library] = Child(1)
        return found[library]

    yield get
    for child in found.values():
        child.__exit__(None, None, None)


def verified(children, tmp_path, name, side):
    race = Race(name, Plan(("mulligan", side), threads=1, toy=True), tmp_path)
    race.verify({"": children(""), SIDES[side].needs: children(SIDES[side].needs)})
    return race


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("side", ["torch tutorial", "torch tuned", "torch tuned nhwc", "jax jit"])
def test_five_steps_are_the_same_in_float64(children, tmp_path, name, side):
    if not name.startswith(SIDES[side].only):
        pytest.skip("for pictures only")
    result = verified(children, tmp_path, name, side).results[side]
    assert "why" not in result
    assert result["float64"] < SAME


def compiled(children, tmp_path, name):
    result = verified(children, tmp_path, name, "torch compile").results["torch compile"]
    if "No working C++ compiler" in result.get("why", ""):
        pytest.skip("torch.compile needs a C++ compiler")
    return result


def test_compile_refuses_the_second_derivative_and_says_so(children, tmp_path):
    result = compiled(children, tmp_path, "mlp-r1r2-64")
    if "why" in result:
        assert "double backward" in result["why"]
    else:
        assert result["float64"] < SAME


@pytest.mark.slow
def test_compile_is_the_same_where_it_can(children, tmp_path):
    assert compiled(children, tmp_path, "classic-64")["float64"] < SAME


@pytest.mark.parametrize("name", TOYS)
def test_our_side_is_the_step_that_training_takes(name):
    w = workload(name, toy=True)
    material = draw(w)
    side = Ours(w, material, 1)
    gan = GAN(w.game, w.sample_shape, seed=SEED, total=w.steps, workers=1)
    side.rewind()
    for k in range(3):
        side.step()
        gan.step(material.real[k], None if material.labels is None else material.labels[k])
    for name, array in gan.arrays().items():
        np.testing.assert_array_equal(side.gan.arrays()[name], array, name)


@pytest.mark.parametrize("name", TOYS)
def test_rewinding_takes_the_same_steps_again(name):
    w = workload(name, toy=True)
    side = Ours(w, draw(w), 1)
    side.rewind()
    runs = []
    for _ in range(2):
        for _ in range(4):
            side.step()
        runs.append({k: v.copy() for k, v in side.gan.arrays().items()})
        side.rewind()
    for name in runs[0]:
        np.testing.assert_array_equal(runs[0][name], runs[1][name], name)


def test_predrawn_rows_come_in_order_and_begin_again():
    rows = tuple(np.full((2, 3), k, np.float32) for k in range(3))
    latent, out = Predrawn(3, rows=rows), np.empty((2, 3), np.float32)
    rng = np.random.default_rng(0)
    assert [latent.draw(rng, out)[0, 0] for _ in range(4)] == [0, 1, 2, 0]
    latent.rewind()
    assert latent.draw(rng, out)[0, 0] == 0


def test_material_survives_the_file(tmp_path):
    w = workload("quick-64", toy=True)
    material = draw(w)
    material.save(tmp_path / "m.npz")
    found = Material.load(tmp_path / "m.npz", np.float64)
    assert found.real.shape == (BATCHES, w.batch, *w.sample_shape)
    assert found.z.dtype == found.start["g.1.W"].dtype == np.float64
    np.testing.assert_array_equal(found.labels, material.labels)
    assert found.start.keys() == material.start.keys()


def test_full_size_batches_are_real_digits():
    w = workload("mlp-64")
    real = draw(w).real
    assert real.min() == -1
    assert real.max() == 1
    assert 0.7 < (real == -1).mean() < 0.9  # MNIST is four fifths black


def test_difference_sees_each_array():
    b = {"g": np.ones(4), "d": np.full(9, 1e-3)}
    for name in b:
        a = {k: v.copy() for k, v in b.items()}
        a[name][0] *= 1 + 1e-6
        assert 1e-7 < difference(a, b) < 1e-6
    assert difference(b, b) == 0


@pytest.mark.parametrize("a", [{"g": np.ones(3)}, {"g": np.ones(4), "d": np.full(9, np.nan)}, {}])
def test_difference_is_infinite_for_what_cannot_be_compared(a):
    assert difference(a, {"g": np.ones(4), "d": np.ones(9)}) == np.inf


def test_only_the_bias_that_a_relativistic_loss_cannot_see_is_left_out():
    assert idle_parameters(workload("mlp-r1r2-64")) == {"d.4.b"}
    assert not idle_parameters(workload("mlp-64"))
    assert not idle_parameters(workload("quick-64"))
    a, b = {"d.4.b": np.ones(1)}, {"d.4.b": np.zeros(1)}
    assert difference(a, b, frozenset(["d.4.b"])) == 0


@pytest.mark.parametrize(("dtype", "allowed"), [("float64", SAME), ("float32", 0.05)])
def test_a_side_that_differs_is_refused(dtype, allowed):
    near, far, broken = (judged(found, dtype, allowed) for found in (allowed / 2, allowed * 2, np.nan))
    assert near == {dtype: allowed / 2}
    assert "computes something else" in far["why"]
    assert "computes something else" in broken["why"]


def test_an_error_in_a_worker_is_an_error_here_and_the_worker_lives_on(children):
    child = children("")
    with pytest.raises(RunError, match="FileNotFoundError"):
        child.ask(do="build", side="mulligan", workload="classic-64", toy=True, material="/no", threads=1, dtype="f4")
    assert child.ask(do="memory")["bytes"] > 1e7


def test_every_side_begins_a_round(tmp_path, monkeypatch):
    names, turns = ("mulligan", "products", "sgemm"), []

    class Noted:
        """A worker that computes nothing, and notes its turns."""

        def __init__(self, threads):
            self.side = ""

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def ask(self, do, side="", out="", **order):
            self.side = side or self.side
            if do == "check":
                np.savez(out)
            if do == "block":
                turns.append(self.side)
            return {"ms": 1.0, "low": 1.0, "high": 1.0, "bytes": 0}

    monkeypatch.setattr("mulligan.bench.race.Child", Noted)
    Race("classic-64", Plan(names, rounds=3, pause=0, toy=True), tmp_path).run()
    assert turns[::3] == list(names)
    assert sorted(turns) == sorted(names * 3)


def test_without_a_word_on_memory_there_is_no_figure(monkeypatch):
    """On Windows neither Linux's files nor the module of Unix's limits is there; a bench ends with what it has."""

    def missing(path, **options):
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert math.isnan(peak_memory())


def test_a_worker_that_is_gone_is_an_error_here(monkeypatch):
    begin, begun = subprocess.Popen, []
    monkeypatch.setattr(subprocess, "Popen", lambda *words, **how: begun.append(begin(*words, **how)) or begun[0])
    with Child(1) as child:
        begun[0].kill()
        begun[0].wait()
        with pytest.raises(RunError, match="ended with code -9"):
            child.ask(do="memory")


def test_words_for_workloads():
    assert names(["mlp", "mlp-64"]) == ["mlp-64", "mlp-128", "mlp-256"]
    assert len(names([])) == sum(len(batches) for _, batches in FAMILIES.values())
    with pytest.raises(ConfigError, match=r"got 'mpl'\. Try --workloads classic"):
        names(["mpl"])


@pytest.mark.parametrize(("name", "classes"), [("quick", 10), ("faces", 1000)])
def test_a_recipe_is_timed_at_a_constant_rate(name, classes):
    from dataclasses import replace

    from mulligan.training import recipe

    game, published = workload(f"{name}-64").game, recipe(name)
    assert game.classes == classes
    assert replace(game, schedules=published.schedules, classes=0) == published
    assert [game.schedules.lr(k, 4000) for k in (0, 1999)] == [published.schedules.lr(k, 4000) for k in (0, 1999)]


def test_penalties_that_nobody_wrote_in_torch_are_refused():
    from dataclasses import replace

    from mulligan.game import R1

    w = workload("mlp-r1r2-64", toy=True)
    side = Ours(w, draw(w), 1)
    side.workload = replace(w, game=replace(w.game, penalties=(R1(1.0),)))
    with pytest.raises(UnsupportedError, match="R1 and R2"):
        _ = side.gamma
