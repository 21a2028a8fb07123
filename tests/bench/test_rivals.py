"""The rivals' race: every side computes the same step; what is not the same is refused."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import race
from child import Child
from race import SAME, Plan, Race, difference, idle_parameters, judged
from sides import SIDES, Entry

from mulligan.bench.workloads import names, workload
from mulligan.errors import RunError
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


def test_difference_sees_each_array():
    b = {"g": np.ones(4), "d": np.full(9, 1e-3)}
    for name in b:
        a = {k: v.copy() for k, v in b.items()}
        a[name][0] *= 1 + 1e-6
        assert 1e-7 < difference(a, b) < 1e-6
    assert difference(b, b) == 0


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


@pytest.mark.parametrize("name", ["dcgan", "fastgan", "r3gan"])
def test_a_rival_on_pictures_takes_a_step_and_draws(name):
    torch = pytest.importorskip("torch")
    from picture_nets import RIVALS

    side, channels = 24, 4
    rival = RIVALS[name](side, channels, seed=0)
    before = [torch.cat([p.detach().flatten() for p in net.parameters()]) for net in (rival.G, rival.D)]
    rival.step(torch.rand(8, channels, side, side) * 2 - 1, 0.5)
    for net, old in zip((rival.G, rival.D), before):
        assert not torch.equal(torch.cat([p.detach().flatten() for p in net.parameters()]), old)
    with torch.no_grad():  # the first steps are not averaged away
        moved = torch.cat([p.flatten() for p in rival.average.parameters()]) - before[0]
        whole = torch.cat([p.flatten() for p in rival.G.parameters()]) - before[0]
    assert moved.norm() >= 0.89 * whole.norm()
    made = rival.images(3, seed=1)
    assert (made.shape, made.dtype) == ((3, side, side, channels), np.uint8)
    assert np.array_equal(made, rival.images(3, seed=1))


def test_pictures_are_held_back_from_all(tmp_path):
    from pictures import split
    from PIL import Image

    shades = np.random.default_rng(0).integers(0, 256, (90, 16, 16, 3), np.uint8)
    for i, shade in enumerate(shades):
        Image.fromarray(shade).save(tmp_path / f"{i:02}.png")
    data = split(tmp_path, 16)
    assert (len(data), len(data.test)) == (68, 22)
    rows = {image.tobytes() for part in (data, data.test) for image in part.images}
    assert rows == {shade.tobytes() for shade in shades}
    few = split(tmp_path, 16, most=30)
    assert len(few) == 30
    assert np.array_equal(few.test.images, data.test.images)
