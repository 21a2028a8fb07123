"""The front door: what ``import mulligan`` offers, and `fit`."""

import ast
import io
import re
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import mulligan
from mulligan import fitting
from mulligan.config.serialization import KINDS
from mulligan.data import from_arrays
from mulligan.errors import ConfigError, DataError, DivergedError, ShapeError
from mulligan.fitting import time_run
from mulligan.nn import layers as nn
from mulligan.nn.layers import He
from mulligan.training import load_config, resume, with_overrides

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
    pages = (Path(__file__).parents[1] / "docs" / "reference" / "api").glob("*.md")
    page = "\n".join(path.read_text("utf-8") for path in pages)
    whole = set(re.findall(r"automodule:: (\S+)\n   :members:\n", page))
    single = set(re.findall(r"auto(?:function|class):: (\S+)", page))
    for module, names in re.findall(r"automodule:: (\S+)\n   :members: (.+)", page):
        single |= {f"{module}.{name}" for name in names.split(", ")}
    missing = set()
    packages = ("training", "data", "game", "nn", "museum", "output.generator", "output.export", "studies")
    for package in ("mulligan", *(f"mulligan.{name}" for name in packages), "mulligan.report"):
        for name in import_module(package).__all__:
            home = getattr(getattr(import_module(package), name), "__module__", None) or ""  # a table has none
            places = {f"{place}.{name}" for place in (package, home, "mulligan")}
            if home.startswith("mulligan") and not {package, home} & whole and not places & single:
                missing.add(f"{package}.{name}")
    for kinds in KINDS.values():
        for cls in kinds.values():
            if not {cls.__module__, cls.__module__.rpartition(".")[0]} & whole:
                missing.add(f"{cls.__module__}.{cls.__name__}")
    assert missing == set()


@pytest.mark.parametrize("package", [mulligan, mulligan.training])
def test_a_type_checker_finds_misspelt_names(package):
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
    assert generator.threads == tiny.threads
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


def test_data_that_is_loaded_may_be_given_as_it_is(tiny):
    data = from_arrays(GREY, np.arange(50) % 5, name="mine")
    made, by_arrays = (mulligan.fit(*given, recipe=tiny, steps=2) for given in ((data,), (GREY, np.arange(50) % 5)))
    assert made.theta.tobytes() == by_arrays.theta.tobytes()
    assert (made.classes, made.spec.data) == (5, "mine")
    with pytest.raises(ConfigError, match="labels must be left out with images = 'mine', which has its own"):
        mulligan.fit(data, np.arange(50), recipe=tiny, steps=2)


def test_the_seed_decides(tiny):
    short = replace(tiny, steps=2)

    def theta(seed):
        return mulligan.fit(GREY, recipe=short, seed=seed).theta.tobytes()

    assert theta(2) == mulligan.fit(GREY, None, short, None, 2).theta.tobytes() != theta(0)
    own = mulligan.fit(GREY, recipe=replace(short, seed=2))  # a recipe may bring its own, as the article's do
    assert own.theta.tobytes() == theta(2)
    assert mulligan.fit(GREY, recipe=short).theta.tobytes() == theta(0)


def test_a_program_may_have_numpy_raise_whatever_it_finds(tiny, tmp_path):
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


class Terminal(io.StringIO):
    """What is shown on a terminal."""

    def isatty(self):
        return True


def test_a_fit_shows_how_it_goes_where_somebody_looks(tiny, monkeypatch, capsys):
    def said(**options):
        mulligan.fit(GREY[:39], recipe=tiny, steps=4, **options)
        return capsys.readouterr()

    assert said() == ("", "")  # a script's log
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)  # a notebook
    out, err = said()
    first, few, *steps = err.splitlines()
    assert out == ""
    assert first.startswith("quick on ")
    assert few.startswith(
        "39 samples to learn from: G soon learns so few by heart and copies them. Start with a few hundred"
    )
    assert [line.partition(" ·")[0] for line in steps] == ["step 4 of 4"]
    assert said(progress=False) == ("", "")
    monkeypatch.delattr(sys, "ps1")
    monkeypatch.setattr(sys, "stderr", Terminal())
    mulligan.fit(GREY, recipe=tiny, steps=4)
    assert "step 4 of 4" in sys.stderr.getvalue()
    assert "samples to learn from" not in sys.stderr.getvalue()


def test_minutes_are_filled_and_not_exceeded(tiny, monkeypatch):
    now, advance = [0.0], mulligan.Run.advance

    def hundredth(run):
        now[0] += 0.3 if run.step == 0 else 0.02 if run.step < 10 else 0.01  # the first allocate and find their ways
        return advance(run)

    monkeypatch.setattr(mulligan.Run, "advance", hundredth)
    monkeypatch.setattr(fitting, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    run = time_run(tiny, 10.0)
    assert now[0] < 1.6  # a twentieth of the time goes into the first steps, a tenth into the timing
    assert 9 < now[0] + 0.01 * run.config.steps < 10


@pytest.mark.parametrize(
    ("images", "labels", "error", "message"),
    [
        (GREY * np.nan, None, DataError, "NaN"),
        (GREY, np.arange(49), DataError, r"for each of the 50 samples, .*shape \(49,\)"),
        ("nothing-here", None, DataError, "no data set and no file named"),
        ("ring", np.arange(3), ConfigError, "has its own"),
        (RNG.random((50, 5, 5)), None, ShapeError, "multiples of 4"),
        (RNG.random((50, 2)), None, ShapeError, "must be pictures"),
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
        ({"recipe": None}, "got None. Try quick"),
        ({"steps": 0}, "steps must be a whole number, at least 1, got 0"),
        ({"seed": -1}, "seed must be .* to 9,223,372,036,854,775,807, got -1"),
        ({"seed": 2**63}, "seed must be .*, got 9223372036854775808"),
        ({"minutes": 0}, "minutes must be .*, got 0"),
        ({"minutes": float("nan")}, "got nan"),
        ({"minutes": 1, "steps": 1}, "both set the length"),
    ],
)
def test_options_that_are_off(options, message):
    with pytest.raises((ConfigError, DataError), match=message):
        mulligan.fit(GREY, **options)


def test_an_array_that_numpy_cannot_read_is_named(tiny):
    class OnAnotherDevice:  # as torch's with a gradient, or on an accelerator
        def __array__(self, *_args, **_options):
            raise TypeError("can't convert cuda:0 device type tensor to numpy")

    with pytest.raises(DataError, match=r"OnAnotherDevice.*cuda:0"):
        mulligan.fit(OnAnotherDevice(), recipe=tiny, steps=1)


def test_a_run_on_a_folder_goes_on_from_another_place(tiny, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    for i, picture in enumerate(GREY[:20]):
        Image.fromarray(picture).save(tmp_path / "mine" / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    mulligan.fit("mine", recipe=tiny, steps=2, out="run")
    monkeypatch.chdir("/")
    assert resume(tmp_path / "run", steps=3).step == 2


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
