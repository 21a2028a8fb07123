"""The race of `benchmarks/speed`: every side computes the same step, and the floors are its products."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import race
from floor import Products, step_products
from material import batches
from race import SAME, Plan, Race, difference, idle_parameters, judged
from sides import SIDES, Entry
from timing import is_wide, take_turns
from worker import Child
from workloads import names, workload

from mulligan.errors import RunError
from mulligan.game import GAN
from mulligan.nn.layers import dense

TOYS = names([], toy=True)


@pytest.fixture(scope="module")
def children():
    """One process for each library, for all tests here."""
    started = {}

    def get(library):
        if library not in started:
            if library:
                pytest.importorskip(library)
            started[library] = Child(1)
        return started[library]

    yield get
    for one in started.values():
        one.__exit__(None, None, None)


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("side", ["torch tuned", "jax jit"])
def test_five_steps_are_the_same_in_float64(children, tmp_path, name, side):
    both = Race(name, Plan(("mulligan", side), threads=1, toy=True), tmp_path)
    both.verify({"": children(""), SIDES[side].needs: children(SIDES[side].needs)})
    assert "why" not in both.results[side]
    assert both.results[side]["float64"] < SAME


def test_the_difference_sees_each_array_but_a_bias_that_no_loss_depends_on():
    b = {"g": np.ones(4), "d": np.full(9, 1e-3)}
    for name in b:
        a = {k: v.copy() for k, v in b.items()}
        a[name][0] *= 1 + 1e-6
        assert 1e-7 < difference(a, b) < 1e-6
    assert difference(b, b) == 0
    assert idle_parameters(workload("mlp-r1r2-64")) == {"d.4.b"}
    assert not idle_parameters(workload("quick-64"))
    assert difference({"d.4.b": np.ones(1)}, {"d.4.b": np.zeros(1)}, frozenset(["d.4.b"])) == 0


@pytest.mark.parametrize("found", [2 * SAME, np.nan])
def test_a_side_that_differs_is_refused(found):
    assert judged(SAME / 2, "float64", SAME) == {"float64": SAME / 2}
    assert "computes something else" in judged(found, "float64", SAME)["why"]


def test_an_error_in_a_worker_is_an_error_here_and_the_worker_lives_on(children):
    one = children("")
    with pytest.raises(RunError, match="FileNotFoundError"):
        one.ask("build", "mulligan", "classic-64", True, Path("/no"), 1, "f4")
    assert one.ask("peak_memory") > 1e7


@pytest.mark.slow
def test_a_missing_library_is_named_and_the_rest_runs(monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("speed_command", Path(race.__file__).with_name("__main__.py"))
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    monkeypatch.setattr(command, "LIBRARIES", ("no_such_package",))
    monkeypatch.setitem(SIDES, "jax jit", Entry("jax_side", "Jitted", "no_such_package"))
    words = ["--quick", "--against", "no_such_package", "--workloads", "classic", "--rounds", "1", "--json"]
    assert command.main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert "pip install no_such_package" in " ".join(document["machine"]["notes"])
    sides = document["workloads"]["classic-64"]["sides"]
    assert list(sides) == ["mulligan", "products", "sgemm"]
    assert sides["mulligan"]["float64"] == sides["mulligan"]["float32"] == 0
    assert 1e7 < sides["mulligan"]["memory"] < 1e9
    assert (
        sum("% of the step" in line for line in command.table("classic-64", document["workloads"]["classic-64"])) == 2
    )


def test_every_side_begins_a_round():
    turns = []
    sides = {name: lambda name=name: turns.append(name) or {"ms": 1.0} for name in ("mulligan", "products", "sgemm")}
    taken = take_turns(sides, 3, 0.0)
    assert turns[::3] == list(sides)
    assert [len(blocks) for blocks in taken.values()] == [3, 3, 3]


def test_a_wide_spread_is_marked_whoever_it_favours():
    def blocks(*ms, spread=0.0):
        return [{"ms": m, "low": m * (1 - spread / 2), "high": m * (1 + spread / 2)} for m in ms]

    assert not is_wide(blocks(1, 1.05, 0.98), [1.5, 1.52, 1.48])
    assert is_wide(blocks(1, 1.3, 1), [1.5, 1.5, 1.5])
    assert is_wide(blocks(1, 1, 1), [0.8, 1.0, 1.0])
    assert is_wide(blocks(1, 1, 1, spread=0.5), [1, 1, 1])


@pytest.mark.parametrize("name", ["classic-64", "mlp-64", "mlp-r1r2-64"])
def test_the_floor_lists_and_times_the_products_of_a_step(monkeypatch, name):
    w, done, multiply = workload(name, toy=True), [], dense.multiply
    (real, labels), gan = batches(w), GAN(w.game, w.sample_shape, workers=1)
    gan.step(real[0], None if labels is None else labels[0])

    def counted(a, b, out):
        if 1 not in (*a.shape, *b.shape):  # the logit's one column is done by other means
            done.append((*a.shape, b.shape[1]))
        multiply(a, b, out)

    monkeypatch.setattr(dense, "multiply", counted)
    gan.step(real[1], None if labels is None else labels[1])
    monkeypatch.undo()
    products = [(p.kind, p.rows * p.places, p.inputs, p.outputs) for p in step_products(w, w.batch)]
    shapes = {
        "forward": lambda M, K, N: (M, K, N),
        "inputs": lambda M, K, N: (M, N, K),
        "weights": lambda M, K, N: (K, M, N),
    }
    listed = [shapes[kind](M, K, N) for kind, M, K, N in products if N > 1]

    def either_way(product):  # a product and the turned one, (AB)ᵀ = BᵀAᵀ, are the same work
        M, K, N = product
        return K, min(M, N), max(M, N)

    assert sorted(map(either_way, listed)) == sorted(map(either_way, done))
    floor = Products(w, 1)
    floor.step()
    assert sum(a.size * b.shape[1] for work in floor.work for a, b, _ in work) == sum(
        M * K * N for _, M, K, N in products
    )
    floor.team.close()
