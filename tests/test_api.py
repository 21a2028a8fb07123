"""The front door: what ``import mulligan`` offers, and `fit`."""

import ast
import copy
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import mulligan
from mulligan import fitting
from mulligan.data import from_arrays
from mulligan.data import load as load_data
from mulligan.errors import CheckpointError, ConfigError, DataError, DivergedError, ShapeError, UnsupportedError
from mulligan.fitting import timed
from mulligan.game.spec import Schedules
from mulligan.museum.cases import case_named
from mulligan.nn import layers as nn
from mulligan.nn.layers.initializers import He
from mulligan.output.images import grid, pillow
from mulligan.output.models import BUNDLED
from mulligan.studies import StudyRun, load_study
from mulligan.training import Recorder, load_config, resume
from mulligan.training.config import dumps_toml, with_overrides
from mulligan.training.tables import KINDS

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (50, 8, 8), dtype=np.uint8)


@pytest.fixture
def tiny():
    """The recipe quick with the smallest networks."""
    changes = ["generator.layers.hidden=[8]", "generator.layers.channels=[4, 2]", "batch_size=8", "threads=1"]
    changes += ["discriminator.layers.hidden=[8]", "discriminator.layers.channels=[2, 4]", "evaluate_every=0"]
    return with_overrides(mulligan.recipe("quick"), changes)


def test_the_names_of_the_interface_are_there():
    for name in mulligan.__all__:
        assert getattr(mulligan, name) is not None
        assert name in dir(mulligan)
    assert {"fit", "load", "recipe", "train", "Run", "Generator", "__version__"} <= set(mulligan.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mulligan.nothing  # noqa: B018


def test_the_reference_has_all_that_a_program_may_name():
    """Every name of a package that lists its names, and every kind that a configuration may name."""
    page = (Path(__file__).parents[1] / "docs" / "reference" / "api.md").read_text("utf-8")
    whole = set(re.findall(r"automodule:: (\S+)\n   :members:\n", page))
    single = set(re.findall(r"auto(?:function|class):: (\S+)", page))
    for module, names in re.findall(r"automodule:: (\S+)\n   :members: (.+)", page):
        single |= {f"{module}.{name}" for name in names.split(", ")}
    missing = set()
    for package in ("mulligan", "mulligan.training", "mulligan.data", "mulligan.studies"):
        for name in import_module(package).__all__:
            home = getattr(getattr(import_module(package), name), "__module__", None)  # a table has none
            if home and not {package, home} & whole and not {f"{package}.{name}", f"{home}.{name}"} & single:
                missing.add(f"{package}.{name}")
    for kinds in KINDS.values():
        for cls in kinds.values():
            if not {cls.__module__, cls.__module__.rpartition(".")[0]} & whole:
                missing.add(f"{cls.__module__}.{cls.__name__}")
    assert missing == set()


def test_import_loads_not_even_numpy():
    code = "import sys, mulligan; mulligan.__version__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "mulligan" in loaded
    assert "numpy" not in loaded


@pytest.mark.parametrize("name", ["data.from_arrays", "errors.MulliganError", "training.resume"])
def test_what_messages_name_needs_no_other_import(name):
    code = f"import mulligan; mulligan.{name}"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""


@pytest.mark.parametrize("package", [mulligan, mulligan.training])
def test_a_type_checker_finds_misspelt_names(package):
    """A ``__getattr__`` that it sees at the top of a module says that every name is there."""
    seen = [node for node in ast.parse(Path(package.__file__).read_text()).body if not isinstance(node, ast.If)]
    assert "__getattr__" not in {n.id for node in seen for n in ast.walk(node) if isinstance(n, ast.Name)}


def test_the_example_of_the_interface(tiny, tmp_path):
    generator = mulligan.fit(GREY, labels=np.arange(50) % 5, recipe=tiny, steps=3, seed=4)
    assert isinstance(generator, mulligan.Generator)
    assert generator.sample(64, seed=1).dtype == np.float32
    generator.save(tmp_path / "digits.safetensors")
    assert np.array_equal(mulligan.load(tmp_path / "digits.safetensors").images(9, 1), generator.images(9, 1))
    assert (generator.classes, generator.spec.step) == (5, 3)
    run = mulligan.Run(mulligan.recipe("ring", steps=2, evaluate_every=0))
    assert [event.name for event in mulligan.train(run)][-1] == "finished"


@pytest.mark.parametrize(
    ("images", "low", "high", "shape"),
    [
        (GREY, 0, 255, (8, 8, 1)),
        (GREY.astype(np.float64), 0, 255, (8, 8, 1)),
        (GREY / 255, 0, 1, (8, 8, 1)),
        ((GREY / 127.5 - 1).astype(np.float32)[..., None], -1, 1, (8, 8, 1)),
        (GREY > 127, 0, 1, (8, 8, 1)),
        (GREY.reshape(50, 64), 0, 255, (8, 8, 1)),
        (RNG.random((50, 4, 8, 3)), 0, 1, (4, 8, 3)),
        (RNG.random((50, 3, 8, 8)), 0, 1, (8, 8, 3)),
        (GREY.tolist(), 0, 255, (8, 8, 1)),
    ],
    ids=["uint8", "float 255", "0 1", "-1 1", "bool", "rows", "RGB", "NCHW", "lists"],
)
def test_samples_have_the_range_of_the_data(tiny, images, low, high, shape):
    generator = mulligan.fit(images, recipe=tiny, steps=2)
    assert (generator.spec.shape, generator.spec.data_range, generator.classes) == (shape, (low, high), 0)
    samples = generator.sample(40)
    assert samples.shape == (40, *shape)
    assert low <= samples.min() < samples.max() <= high
    levels = np.rint((samples - low) * (255 / (high - low)))
    assert np.abs(levels - generator.images(40)).max() <= 1


def test_labels_that_a_recipe_leaves_out_are_told(tiny):
    without = with_overrides(tiny, ["data.labels=none"])
    with pytest.warns(UserWarning, match=r"data\.labels = 'none'.* labels are not used.*data\.labels = 'dataset'"):
        assert mulligan.fit(GREY, np.arange(50) % 5, recipe=without, steps=1).classes == 0


def test_points_and_names_and_folders(tmp_path):
    points = RNG.standard_normal((200, 3)).astype(np.float32)
    ring = with_overrides(mulligan.recipe("ring"), ["evaluate_every=0", "threads=1"])
    cloud = mulligan.fit(points, recipe=ring, steps=2)
    assert cloud.sample(5).shape == (5, 3)
    named = mulligan.fit("ring", recipe=ring, steps=2, out=tmp_path / "run")
    assert named.spec.data == "ring"
    assert load_config(tmp_path / "run" / "config.toml").steps == 2
    assert mulligan.load(tmp_path / "run").theta.tobytes() == named.theta.tobytes()
    with pytest.raises(ConfigError, match="holds a run"):
        mulligan.fit("ring", recipe=ring, steps=2, out=tmp_path / "run")


def test_the_seed_decides(tiny):
    def theta(seed):
        return mulligan.fit(GREY, recipe=tiny, steps=2, seed=seed).theta.tobytes()

    assert theta(1) == theta(1) != theta(2)


def test_the_first_five_arguments_may_go_without_their_names(tiny):
    by_place = mulligan.fit(GREY, None, tiny, None, 1)
    by_name = mulligan.fit(GREY, labels=None, recipe=tiny, minutes=None, seed=1)
    assert by_place.theta.tobytes() == by_name.theta.tobytes()


def test_a_program_may_have_numpy_raise_whatever_it_finds(tiny, tmp_path):
    """What is small beyond all numbers is 0 and no error: e⁻ˣ of a saturated σ, a weight in half precision."""
    steep = He(gain=100.0)
    layers = (nn.Dense(64, steep), nn.Sigmoid(), nn.Dense(64, steep), nn.Sigmoid(), nn.Reshape((8, 8, 1)))
    recipe = replace(tiny, generator=replace(tiny.generator, layers=layers))
    with np.errstate(all="raise"):
        generator = mulligan.fit(GREY, recipe=recipe, minutes=0.01)
        generator.theta[:4] = 1e-9
        assert generator.images(40).shape == (40, 8, 8, 1)
        generator.save(tmp_path / "half.safetensors", dtype="float16")
        generator.export(tmp_path / "page.html")
        assert mulligan.evaluate(generator, from_arrays(GREY, np.arange(50) % 2), count=20, seeds=1)["n"] == 20


def test_minutes_become_steps(tiny):
    generator = mulligan.fit(GREY, recipe=tiny, minutes=0.01)
    assert generator.spec.step >= 1
    run = timed(tiny, 0.5)
    assert run.step == 0
    assert run.config.steps >= 1


def test_minutes_are_filled_and_not_exceeded(tiny, monkeypatch):
    now, advance = [0.0], mulligan.Run.advance

    def hundredth(run):
        now[0] += 0.01
        return advance(run)

    monkeypatch.setattr(mulligan.Run, "advance", hundredth)
    monkeypatch.setattr(fitting, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    run = timed(tiny, 10.0)
    assert now[0] < 1.1  # a tenth of the time goes into the timing
    assert 9 < now[0] + 0.01 * run.config.steps < 10


@pytest.mark.parametrize(
    ("images", "labels", "error", "message"),
    [
        (GREY * np.nan, None, DataError, "NaN"),
        (GREY[:0], None, DataError, "at least one"),
        (GREY[0], None, DataError, "rows of 8 whole numbers"),
        (GREY * 3.5, None, DataError, "what is black, what is white"),
        (np.array(["a", "b"]), None, DataError, "numbers are needed"),
        (GREY, np.arange(49), DataError, "labels of shape"),
        (GREY, np.full(50, np.nan), DataError, "labels"),
        ([GREY[0], GREY[0, :7]], None, DataError, "samples of different shapes.*Resize them"),
        ([[1.0, 2.0], [3.0]], None, DataError, "samples of different shapes"),
        (GREY[:2], [[0], [1, 2]], DataError, "labels of different lengths"),
        ("nothing-here", None, DataError, "no data set and no file named"),
        ("ring", np.arange(3), ConfigError, "brings its own"),
        (RNG.random((50, 5, 5)), None, ShapeError, "multiples of 4"),
        (RNG.random((50, 2)), None, ShapeError, "takes pictures"),
    ],
)
def test_arrays_that_are_none(tiny, images, labels, error, message):
    with pytest.raises(error, match=message):
        mulligan.fit(images, labels, recipe=tiny, steps=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "quik"}, "Did you mean 'quick'"),
        ({"recipe": Path("nothing.toml")}, "cannot read nothing.toml"),
        ({"recipe": Path("quik")}, "Did you mean 'quick'"),
        ({"recipe": None}, "there is no recipe None"),
        ({"recipe": 3}, "there is no recipe 3"),
        ({"steps": 0}, "steps = 0"),
        ({"steps": 1.5}, "steps = 1.5"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": 2**63}, "seed = 9223372036854775808 .* 64 bits"),
        ({"minutes": "1"}, "minutes = '1' is not allowed"),
        ({"minutes": 0}, "0 minutes are not allowed"),
        ({"minutes": float("nan")}, "nan minutes"),
        ({"minutes": 1, "steps": 1}, "both set the length"),
    ],
)
def test_options_that_are_off(options, message):
    with pytest.raises(ConfigError, match=message):
        mulligan.fit(GREY, **options)


def on_ring(**companions):
    return mulligan.train(mulligan.Run(mulligan.recipe("ring", steps=2)), **companions)


def on_a_run():
    return mulligan.Run(mulligan.recipe("ring", steps=2))


def rebuilt(**options):
    made = mulligan.load("x.safetensors")
    return mulligan.Generator(made.spec, made.theta, made.stats, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mulligan.load(None), r"model = None is not allowed; .*run folder.*\. Try 'runs/quick-1'\."),
        (lambda: mulligan.load(3), "model = 3 is not allowed"),
        (lambda: mulligan.load(b"model"), "model = b'model' is not allowed"),
        (lambda: mulligan.evaluate(3), "generator = 3 is not allowed"),
        (lambda: mulligan.evaluate(None), "generator = None is not allowed"),
        (lambda: mulligan.load("x.safetensors").save(None), "path = None is not allowed"),
        (lambda: mulligan.load("x.safetensors").export(3), "path = 3 is not allowed"),
        (lambda: mulligan.fit(GREY, steps=1, out=3), "folder = 3 is not allowed"),
        (lambda: resume(3), "folder = 3 is not allowed"),
        (lambda: mulligan.load("x.safetensors").save(""), "path = '' is not allowed|no name of a file"),
        (lambda: mulligan.evaluate(mulligan.load("x.safetensors"), count="20"), "count = '20' is not allowed"),
        (lambda: mulligan.evaluate(mulligan.load("x.safetensors"), count=20.0), "count = 20.0 is not allowed"),
        (lambda: mulligan.evaluate(mulligan.load("x.safetensors"), seeds=1.5), "seeds = 1.5 is not allowed"),
        (lambda: mulligan.evaluate(mulligan.load("x.safetensors"), seeds=None), "seeds = None is not allowed"),
        (
            lambda: mulligan.evaluate(mulligan.load("x.safetensors"), GREY),
            r"source = array.* is not allowed.*from_arrays",
        ),
        (lambda: load_data(None), "source = None is not allowed"),
        (lambda: mulligan.recipe(["quick"]), r"there is no recipe \['quick'\]"),
        (lambda: next(Recorder("r").record("quick")), "run = 'quick' is not allowed"),
        (lambda: replace(mulligan.recipe("ring"), data="grid"), r"data = 'grid' .*must be a kind of DataSpec\. Try"),
        (lambda: Schedules(lr=0.5), r"Schedules: lr = 0\.5 .*must be a kind of Schedule\. Try lr = Constant\(\)"),
        (lambda: replace(mulligan.recipe("ring"), loss="hinge"), r"loss = 'hinge' .*must be a kind of Loss\. Try"),
        (lambda: mulligan.Run("quick"), r"config = 'quick' is not allowed; .*mulligan\.recipe\('quick'\)"),
        (lambda: mulligan.Run(None), r"config = None is not allowed; .*Try mulligan\.recipe\('quick'\)"),
        (lambda: mulligan.Run(mulligan.recipe("ring"), data="ring"), "data = 'ring' is not allowed"),
        (lambda: next(mulligan.train("quick")), r"run = 'quick' is not allowed; .*Try mulligan\.Run\("),
        (lambda: next(mulligan.train(mulligan.recipe("quick"))), r"run = Config\(.*is not allowed"),
        (lambda: next(on_ring(evaluators=len)), r"evaluators = <.*it must be a list of functions.*Try evaluators=\["),
        (lambda: next(on_ring(evaluators=["kid"])), r"evaluators = \['kid'\] is not allowed"),
        (lambda: next(on_ring(observers=len)), r"observers = <.*it must be a list of objects with name"),
        (lambda: next(on_ring(observers=[len])), r"observers = \[<.*\] is not allowed"),
        (lambda: next(on_ring(save="here")), "'here' cannot be called"),
        (lambda: next(on_ring(stop=True)), "True cannot be called"),
        (lambda: next(Recorder("r").record(mulligan.Run(mulligan.recipe("ring")), evaluators=len)), "evaluators = "),
        (lambda: list(on_ring(evaluators=[lambda run: None])), "the evaluator <.*> returns None.*dict of numbers"),
        (lambda: list(on_ring(evaluators=[lambda run: {"z": run}])), r"the evaluator <.*> returns \{'z'"),
        (lambda: mulligan.Generator(None, []), "spec = None is not allowed"),
        (lambda: rebuilt(threads="2"), "threads = '2' is not allowed; it must be a whole number from 1"),
        (lambda: rebuilt(threads=0), "threads = 0 is not allowed"),
        (lambda: mulligan.Generator.load(3), "path = 3 is not allowed"),
        (lambda: mulligan.load("x.safetensors").class_of(None), "class = None is not allowed"),
        (lambda: mulligan.load("x.safetensors").class_of(2.5), "class = 2.5 is not allowed"),
        (lambda: mulligan.load("x.safetensors").z(10**5000), "count = a number of more than 4,300 digits is not"),
        (lambda: mulligan.evaluate(mulligan.load("x.safetensors"), count=10**5000), "more than 4,300 digits"),
        (lambda: mulligan.load("x.safetensors").class_name(10), "label = 10 is not allowed"),
        (lambda: mulligan.load("x.safetensors").class_name("3"), "label = '3' is not allowed"),
        (lambda: mulligan.load("x.safetensors").export("m.npz", ["npz"]), r"to = \['npz'\] is not allowed"),
        (lambda: from_arrays(GREY).limited(-1), "count = -1 is not allowed"),
        (lambda: from_arrays(GREY).limited("5"), "count = '5' is not allowed"),
        (lambda: on_a_run().draw(1.5, seed=0), r"count = 1\.5 is not allowed"),
        (lambda: on_a_run().draw(2, seed=None), "seed = None is not allowed"),
        (lambda: on_a_run().turn("lr=1"), r"overrides = 'lr=1' is not allowed; .*list of texts.*Try \['steps=100'\]"),
        (lambda: with_overrides(mulligan.recipe("ring"), None), "overrides = None is not allowed"),
        (lambda: with_overrides(mulligan.recipe("ring"), [3]), r"3 is no path=value\. Write it as text"),
        (lambda: load_config(None), "path = None is not allowed; it must be a TOML file"),
        (lambda: load_config("mine.toml"), r"cannot read mine\.toml"),
        (lambda: StudyRun("cost", "o"), r"study = 'cost' is not allowed; .*Try load_study\('cost'\)"),
        (lambda: StudyRun(load_study("cost"), None), "folder = None is not allowed"),
        (lambda: case_named(None), "the museum has no None"),
        (lambda: grid(GREY, columns="5"), "columns = '5' is not allowed"),
        (lambda: mulligan.recipe("quick", steps=10**5000), "steps = a number of more than 4,300 digits is not"),
        (lambda: with_overrides(mulligan.recipe("quick"), ["steps=" + "9" * 5000]), r"steps = '999.* is not allowed"),
    ],
)
def test_arguments_of_the_wrong_kind(tmp_path, monkeypatch, call, message):
    monkeypatch.chdir(tmp_path)
    mulligan.load(BUNDLED).save("x.safetensors")
    with pytest.raises(ConfigError, match=re.compile(message, re.DOTALL)):
        call()


def test_a_run_is_not_copied():
    run = mulligan.Run(mulligan.recipe("ring"))
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(UnsupportedError, match=r"a run .* cannot be copied or pickled\. Make another"):
            attempt(run)


def test_figures_of_numpy_are_kept_as_pythons(tmp_path):
    run = mulligan.Run(mulligan.recipe("ring", steps=1))
    list(Recorder(tmp_path / "r").record(run, evaluators=[lambda run: {"share": np.float32(0.5)}]))
    assert '"share": 0.5' in (tmp_path / "r" / "events.jsonl").read_text()


def test_names_of_data_are_text():
    for names in ({"name": Path("mine")}, {"name": None}, {"name": 3}):
        with pytest.raises(DataError, match=r"is no text\. Try"):
            from_arrays(GREY, **names)


@pytest.mark.parametrize("name", ["ring", "quick"])
def test_of_no_latents_there_are_no_samples(name):
    run = mulligan.Run(mulligan.recipe(name, steps=2))
    assert run.sample(*run.draw(0, seed=0)).shape == (0, *run.data.shape)


def test_pictures_may_be_lists():
    assert (grid([*GREY[:4]]) == grid(GREY[:4])).all()
    with pytest.raises(ShapeError, match="a picture of int64"):
        pillow([[0, 255]])


def test_a_name_that_is_too_long_is_no_generator():
    with pytest.raises(CheckpointError, match="File name too long"):
        mulligan.load("x" * 300)


class OnAnotherDevice:
    """An array that NumPy cannot read, as torch's with a gradient or on an accelerator."""

    def __array__(self, *_args, **_options):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (OnAnotherDevice(), "OnAnotherDevice cannot be read as an array .*cuda:0.*Convert"),
        (np.ma.masked_array(GREY, mask=GREY > 250), "masked.*Fill them in"),
    ],
)
def test_arrays_that_are_no_plain_ones(tiny, images, message):
    with pytest.raises(DataError, match=message):
        mulligan.fit(images, recipe=tiny, steps=1)


def test_numbers_of_numpy_and_paths_are_as_good_as_pythons():
    asked = mulligan.recipe("quick", steps=np.int64(7), batch_size=np.uint8(8), data=Path("mine"))
    assert (asked.steps, asked.batch_size, asked.data.name) == (7, 8, "mine")
    data = from_arrays(GREY)
    generator = mulligan.fit(GREY, recipe=mulligan.recipe("mlp", evaluate_every=0), steps=1)
    assert mulligan.evaluate(generator, data, count=np.int64(20), seeds=np.int64(1))["seeds"] == [0]


@pytest.mark.parametrize("z", [np.nan, [["a"]], [[1.0], [2.0, 3.0]], 1e300, 1j], ids=str)
def test_latents_that_are_no_numbers(z):
    generator = mulligan.load(BUNDLED)
    given = z if isinstance(z, list) else np.full((2, generator.spec.latent.dim), z)
    with pytest.raises(ShapeError, match="finite numbers"):
        generator.decode(given, 3)


def test_a_recipe_may_be_a_path(tiny, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(dumps_toml(tiny))
    assert mulligan.recipe(path) == mulligan.recipe(str(path))
    assert mulligan.fit(GREY, recipe=path, steps=1).spec.recipe == "mine"


def test_a_run_that_diverges_says_so(tiny, tmp_path):
    wild = with_overrides(tiny, ["discriminator.optimizer={kind='sgd', lr=1e30}", "loss=wasserstein"])
    with pytest.raises(DivergedError, match="diverged"):
        mulligan.fit(GREY, recipe=wild, steps=50, out=tmp_path / "wild")
    assert Path(tmp_path, "wild", "config.toml").is_file()


def test_a_run_on_an_array_says_how_its_samples_can_be_given_again(tiny, tmp_path):
    mulligan.fit(GREY, recipe=tiny, steps=2, out=tmp_path / "run")
    for ask in (resume, mulligan.evaluate):
        with pytest.raises(DataError, match=r"were an array.*from_arrays\(images, labels\)"):
            ask(tmp_path / "run")
    data = from_arrays(GREY)
    assert resume(tmp_path / "run", steps=3, data=data).step == 2
    assert mulligan.evaluate(mulligan.load(tmp_path / "run"), data, count=20, seeds=1)["n"] == 20


@pytest.mark.parametrize(
    "z", [None, 3, "x", [[1], [1, 2]], np.array(3.0), np.array([1, "a"], object), {1, 2}, object()]
)
def test_a_run_draws_from_numbers_alone(z):
    run = mulligan.Run(mulligan.recipe("ring", steps=1, threads=1))
    with pytest.raises(mulligan.errors.ShapeError):
        run.generate(z)


@pytest.mark.parametrize(
    "call", [mulligan.load, mulligan.recipe, mulligan.Run, lambda v: mulligan.fit("ring", minutes=v)]
)
def test_a_number_too_long_to_be_written_is_refused_in_a_sentence(call):
    with pytest.raises(mulligan.errors.ConfigError, match="a number of more than 4,300 digits"):
        call(10**5000)
