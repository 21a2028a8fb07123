"""The rivals' race: every side computes the same step; what is not the same is refused."""

import importlib.util
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import child
import numpy as np
import pytest
import race
from child import Child
from material import Material, Predrawn, draw
from ours import Ours
from race import SAME, Plan, Race, difference, idle_parameters, judged
from sides import SIDES, Entry
from worker import peak_memory

from mulligan.bench.ours import BATCHES, SEED
from mulligan.bench.workloads import names, workload
from mulligan.errors import RunError, UnsupportedError
from mulligan.game import GAN, R1
from report import table

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
    for one in found.values():
        one.__exit__(None, None, None)


def verified(children, tmp_path, name, side):
    both = Race(name, Plan(("mulligan", side), threads=1, toy=True), tmp_path)
    both.verify({"": children(""), SIDES[side].needs: children(SIDES[side].needs)})
    return both


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("side", ["torch tutorial", "torch tuned", "torch tuned nhwc", "jax jit"])
def test_five_steps_are_the_same_in_float64(children, tmp_path, name, side):
    if side not in Plan((side,)).for_workload(name):
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
    one = children("")
    with pytest.raises(RunError, match="FileNotFoundError"):
        one.ask(do="build", side="mulligan", workload="classic-64", toy=True, material="/no", threads=1, dtype="f4")
    assert one.ask(do="memory")["bytes"] > 1e7


def test_without_a_word_on_memory_there_is_no_figure(monkeypatch):
    def missing(path, **options):
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert math.isnan(peak_memory())


def test_a_worker_that_is_gone_is_an_error_here(monkeypatch):
    begin, begun = subprocess.Popen, []
    monkeypatch.setattr(subprocess, "Popen", lambda *words, **how: begun.append(begin(*words, **how)) or begun[0])
    with Child(1) as one:
        begun[0].kill()
        begun[0].wait()
        with pytest.raises(RunError, match="ended with code -9"):
            one.ask(do="memory")


def test_penalties_that_nobody_wrote_in_torch_are_refused():
    w = workload("mlp-r1r2-64", toy=True)
    side = Ours(w, draw(w), 1)
    side.workload = replace(w, game=replace(w.game, penalties=(R1(1.0),)))
    with pytest.raises(UnsupportedError, match="R1 and R2"):
        _ = side.gamma


@pytest.fixture
def command():
    """The file that ``python benchmarks/rivals`` runs."""
    spec = importlib.util.spec_from_file_location("rivals_command", Path(race.__file__).with_name("__main__.py"))
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    return command


def test_a_missing_library_is_named_and_the_rest_runs(command, monkeypatch, capsys):
    monkeypatch.setattr(command, "LIBRARIES", ("no_such_package",))
    monkeypatch.setitem(SIDES, "jax jit", Entry("jax_side", "Jitted", "no_such_package"))
    words = ["--quick", "--against", "no_such_package", "--workloads", "classic", "--rounds", "1", "--json"]
    assert command.main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert "pip install no_such_package" in " ".join(document["notes"])
    sides = document["workloads"]["classic-64"]["sides"]
    assert list(sides) == ["mulligan", "products", "sgemm"]
    assert sides["mulligan"]["float64"] == sides["mulligan"]["float32"] == 0
    assert 1e7 < sides["mulligan"]["memory"] < 1e9
    assert "float64" not in sides["products"]  # a floor has no parameters to be compared
    lines = table("classic-64", document["workloads"]["classic-64"])
    assert sum("% of the step" in line for line in lines) == 2


@pytest.mark.parametrize(("away", "code"), [(0.0, 0), (1.0, 1)])
def test_the_command_is_1_where_a_side_computes_something_else(command, monkeypatch, capsys, away, code):
    side = judged(away, "float64", 1e-9)
    side.setdefault("why", "RuntimeError: double backward")  # nothing is known of one that could not be built
    changed = {"workloads": {"classic-64": {"title": "", "batch": 6, "wide": False, "sides": {"torch compile": side}}}}
    monkeypatch.setattr(command, "run", lambda *words: iter([changed]))
    assert command.main([]) == code
    assert f"n/a: {side['why']}" in capsys.readouterr().out


def test_a_library_that_nobody_wrote_down_is_refused(command, capsys):
    with pytest.raises(SystemExit):
        command.main(["--against", "tensorflow"])
    assert "tensorflow" in capsys.readouterr().err


def test_kernels_that_are_forced_to_be_slow_are_set_aside(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")  # which a worker would obey
    monkeypatch.setattr(child, "slowed", lambda: "slow")
    assert "OPENBLAS_CORETYPE" not in child.environment(3)
    monkeypatch.setattr(child, "slowed", lambda: "")
    assert child.environment(3)["OPENBLAS_CORETYPE"] == "Nehalem"
    assert child.environment(3)["OPENBLAS_NUM_THREADS"] == "3"
