"""What is given to ``mulligan`` from Python: wrong kinds are refused in a sentence, NumPy's are as good as Python's."""

import copy
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mulligan
from mulligan.data import Sampler, from_arrays
from mulligan.data import load as load_data
from mulligan.errors import CheckpointError, ConfigError, DataError, ShapeError, UnsupportedError
from mulligan.game.spec import Schedules
from mulligan.models import BUNDLED
from mulligan.museum import case_named
from mulligan.output.pictures import grid, pillow
from mulligan.studies import StudyRun, load_study
from mulligan.training import Recorder, load_config, resume, with_overrides

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (50, 8, 8), dtype=np.uint8)


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
        (lambda: mulligan.load(None), r"model must be .*run folder.*, got None\. Try 'runs/quick-1'\."),
        (lambda: mulligan.load(3), "model must be .*, got 3"),
        (lambda: mulligan.load(b"model"), "model must be .*, got b'model'"),
        (lambda: mulligan.evaluate(3), "generator must be .*, got 3"),
        (lambda: mulligan.evaluate(None), "generator must be .*, got None"),
        (lambda: mulligan.load("x.safetensors").save(None), "path must be .*, got None"),
        (lambda: mulligan.load("x.safetensors").export(3), "path must be .*, got 3"),
        (lambda: mulligan.fit(GREY, steps=1, out=3), "folder must be .*, got 3"),
        (lambda: resume(3), "folder must be .*, got 3"),
        (lambda: mulligan.load("x.safetensors").save(""), "path must name a file"),
        (
            lambda: mulligan.evaluate(mulligan.load("x.safetensors"), count="20"),
            "count must be a whole number, got '20'",
        ),
        (
            lambda: mulligan.evaluate(mulligan.load("x.safetensors"), count=20.0),
            "count must be a whole number, got 20.0",
        ),
        (lambda: mulligan.evaluate(mulligan.load("x.safetensors"), seeds=1.5), "seeds must be .*, got 1.5"),
        (lambda: mulligan.evaluate(mulligan.load("x.safetensors"), seeds=None), "seeds must be .*, got None"),
        (
            lambda: mulligan.evaluate(mulligan.load("x.safetensors"), GREY),
            r"source must be .*from_arrays.*, got an array of shape \(50, 8, 8\)",
        ),
        (lambda: load_data(None), "source must be .*, got None"),
        (lambda: mulligan.recipe(["quick"]), r"there is no recipe \['quick'\]"),
        (lambda: next(Recorder("r").record("quick")), "run must be .*, got 'quick'"),
        (lambda: replace(mulligan.recipe("ring"), data="grid"), r"data must be a kind of DataSpec, got 'grid'\. Try"),
        (
            lambda: replace(mulligan.recipe("ring"), data=GREY),
            r"data must be a kind of DataSpec, got an array of shape ",
        ),
        (
            lambda: replace(mulligan.recipe("ring"), data=10**5000),
            "data must be .*, got a number of more than 4,300 digits",
        ),
        (lambda: next(on_ring(observers=GREY)), "observers must be .*, got an array of shape"),
        (lambda: Schedules(lr=0.5), r"Schedules: lr must be a kind of Schedule, got 0\.5\. Try lr = Constant\(\)"),
        (lambda: replace(mulligan.recipe("ring"), loss="hinge"), r"loss must be a kind of Loss, got 'hinge'\. Try"),
        (lambda: mulligan.Run("quick"), r"config must be .*, got 'quick'.*mulligan\.recipe\('quick'\)"),
        (lambda: mulligan.Run(None), r"config must be .*, got None.*Try mulligan\.recipe\('quick'\)"),
        (lambda: mulligan.Run(mulligan.recipe("ring"), data="ring"), "data must be .*, got 'ring'"),
        (lambda: next(mulligan.train("quick")), r"run must be .*, got 'quick'.*Try mulligan\.Run\("),
        (lambda: next(mulligan.train(mulligan.recipe("quick"))), r"run must be .*, got Config\(.{50,250}\.\.\."),
        (lambda: next(on_ring(evaluators=len)), r"evaluators must be a list of functions.*, got <.*Try evaluators=\["),
        (lambda: next(on_ring(evaluators=["kid"])), r"evaluators must be .*, got \['kid'\]"),
        (lambda: next(on_ring(observers=len)), r"observers must be a list of objects with name.*, got <"),
        (lambda: next(on_ring(observers=[len])), r"observers must be .*, got \[<.*\]"),
        (lambda: next(on_ring(save="here")), "save and stop must be functions, got 'here'"),
        (lambda: next(on_ring(stop=True)), "save and stop must be functions, got True"),
        (
            lambda: next(Recorder("r").record(mulligan.Run(mulligan.recipe("ring")), evaluators=len)),
            "evaluators must be ",
        ),
        (
            lambda: list(on_ring(evaluators=[lambda run: None])),
            "the evaluator <.*> returns must be a dict of numbers.*, got None",
        ),
        (
            lambda: list(on_ring(evaluators=[lambda run: {"z": run}])),
            r"the evaluator <.*> returns must be .*, got \{'z'",
        ),
        (lambda: mulligan.Generator(None, []), "spec must be a GeneratorSpec, got None"),
        (lambda: rebuilt(threads="2"), "threads must be a whole number from 1 to [0-9]+, got '2'"),
        (lambda: rebuilt(threads=0), "threads must be .*, got 0"),
        (lambda: mulligan.Generator.load(3), "path must be .*, got 3"),
        (lambda: mulligan.load("x.safetensors").class_of(None), "class must be .*, got None"),
        (lambda: mulligan.load("x.safetensors").class_of(2.5), "class must be .*, got 2.5"),
        (
            lambda: mulligan.load("x.safetensors").z(10**5000),
            "count must be .*, got a number of more than 4,300 digits",
        ),
        (lambda: mulligan.evaluate(mulligan.load("x.safetensors"), count=10**5000), "more than 4,300 digits"),
        (
            lambda: mulligan.load("x.safetensors").class_of(10**5000),
            "class must be .*, got a number of more than 4,300 digits",
        ),
        (lambda: mulligan.load("x.safetensors").class_of("9" * 5000), r"class must be .*, got '9{99,300}\.\.\."),
        (lambda: mulligan.load("x.safetensors").save("y", dtype=GREY), "dtype must be .*, got an array of shape"),
        (
            lambda: mulligan.load("x.safetensors").save("y", dtype=10**5000),
            "dtype must be .*, got a number of more than 4,300 digits",
        ),
        (lambda: load_data(".", size=GREY), "size must be one of 28, 32, 48, 64, got an array of shape"),
        (
            lambda: load_data("ring", size=10**5000),
            "size must be one of 28, .*, got a number of more than 4,300 digits",
        ),
        (lambda: load_data(".", size="32"), "size must be one of 28, .*, got '32'"),
        (lambda: load_data(".", colour=GREY), "colour must be one of auto, grey, rgb, got an array of shape"),
        (lambda: Sampler("x", 1, RNG), "n must be a whole number from 1 on, got 'x'"),
        (lambda: Sampler(1.5, 1, RNG), "n must be .*, got 1.5"),
        (lambda: Sampler(0, 1, RNG), "n must be .*, got 0"),
        (lambda: Sampler(5, 0, RNG), "batch_size must be .*, got 0"),
        (lambda: mulligan.load("x.safetensors").class_name(10), "label must be .*, got 10"),
        (lambda: mulligan.load("x.safetensors").class_name("3"), "label must be .*, got '3'"),
        (lambda: mulligan.load("x.safetensors").export("m.npz", ["npz"]), r"to must be .*, got \['npz'\]"),
        (lambda: from_arrays(GREY).limited(-1), "count must be .*, got -1"),
        (lambda: from_arrays(GREY).limited("5"), "count must be .*, got '5'"),
        (lambda: on_a_run().watch(3), "observers must be a list of objects with name, observe, .*, got 3"),
        (lambda: on_a_run().draw(1.5, seed=0), r"count must be .*, got 1\.5"),
        (lambda: on_a_run().draw(2, seed=None), "seed must be .*, got None"),
        (lambda: on_a_run().adjust("lr=1"), r"overrides must be .*list of texts, got 'lr=1'.*Try \['steps=100'\]"),
        (lambda: with_overrides(mulligan.recipe("ring"), None), "overrides must be .*, got None"),
        (
            lambda: with_overrides(mulligan.recipe("ring"), [3]),
            r"an override must be path=value, got 3\. Try 'steps=100'",
        ),
        (lambda: load_config(None), "path must be a TOML file, .*, got None"),
        (lambda: load_config("mine.toml"), r"cannot read mine\.toml"),
        (lambda: StudyRun("cost", "o"), r"study must be a Study, got 'cost'\. Try load_study\('cost'\)"),
        (lambda: StudyRun(load_study("cost"), None), "folder must be .*, got None"),
        (lambda: case_named(None), "case must be one of .*, got None"),
        (lambda: grid(GREY, columns="5"), "columns must be .*, got '5'"),
        (lambda: mulligan.recipe("quick", steps=10**5000), "steps must be .*, got a number of more than 4,300 digits"),
        (lambda: with_overrides(mulligan.recipe("quick"), ["steps=" + "9" * 5000]), r"steps must be .*, got '999.*"),
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
    for names in ({"name": Path("mine")}, {"name": None}, {"name": 3}, {"name": 10**5000}):
        with pytest.raises(DataError, match=r"must be text, got .*\. Try"):
            from_arrays(GREY, **names)


@pytest.mark.parametrize("name", ["ring", "quick"])
def test_of_no_latents_there_are_no_samples(name):
    run = mulligan.Run(mulligan.recipe(name, steps=2))
    assert run.sample(*run.draw(0, seed=0)).shape == (0, *run.data.shape)


def test_pictures_may_be_lists():
    assert (grid([*GREY[:4]]) == grid(GREY[:4])).all()
    with pytest.raises(ShapeError, match=r"a picture must be .*, got int64"):
        pillow([[0, 255]])


def test_a_name_that_is_too_long_is_no_generator():
    with pytest.raises(CheckpointError, match="File name too long"):
        mulligan.load("x" * 300)


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
