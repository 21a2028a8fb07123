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
from mulligan.game import Schedules
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
        (
            lambda: mulligan.load(None),
            r"^model must be a run folder, a checkpoint folder or a \.safetensors file, as a str or Path, "
            r"got None\. Try 'runs/quick-1'\.$",
        ),
        (lambda: mulligan.load(3), "model must be .*, got 3"),
        (lambda: mulligan.load(b"model"), "model must be .*, got b'model'"),
        (lambda: mulligan.evaluate(3), "generator must be .*, got 3"),
        (
            lambda: mulligan.evaluate(None),
            r"^generator must be a generator, a run, or the run folder, checkpoint folder or "
            r"\.safetensors file of one, as a str or Path, got None\. Try 'runs/quick-1'\.$",
        ),
        (
            lambda: mulligan.load("x.safetensors").save(None),
            r"^path must be the file to be written, as a str or Path, got None\. Try 'mine\.safetensors'\.$",
        ),
        (
            lambda: mulligan.load("x.safetensors").export(3),
            r"^path must be the file to be written, as a str or Path, got 3\. Try 'mine\.html'\.$",
        ),
        (
            lambda: mulligan.fit(GREY, steps=1, out=3),
            r"^folder must be a folder for the run, as a str or Path, got 3\. Try 'runs/mine'\.$",
        ),
        (lambda: resume(3), r"^folder must be a run folder, as a str or Path, got 3\. Try 'runs/quick-1'\.$"),
        (lambda: mulligan.load("x.safetensors").save(""), r"^path must name a file, got '\.'\. Try 'mine'\.$"),
        (
            lambda: mulligan.evaluate(mulligan.load("x.safetensors"), GREY),
            r"^source must be the name of a data set, a folder or a file \(arrays become data by "
            r"mulligan\.data\.from_arrays\), as a str or Path, got an array of shape \(50, 8, 8\)\. Try "
            r"'mnist'\.$",
        ),
        (lambda: load_data(None), "source must be .*, got None"),
        (lambda: mulligan.recipe(["quick"]), r"recipe must be .*, got \['quick'\]"),
        (
            lambda: replace(mulligan.recipe("ring"), data="grid"),
            r"^Config: data must be a kind of DataSpec, got 'grid'\. Try data = DataSpec\(\)\.$",
        ),
        (
            lambda: replace(mulligan.recipe("ring"), data=GREY),
            r"data must be a kind of DataSpec, got an array of shape ",
        ),
        (
            lambda: replace(mulligan.recipe("ring"), data=10**5000),
            "data must be .*, got a number of more than 4,300 digits",
        ),
        (lambda: Schedules(lr=0.5), r"Schedules: lr must be a kind of Schedule, got 0\.5\. Try lr = Constant\(\)"),
        (
            lambda: replace(mulligan.recipe("ring"), loss="hinge"),
            r"^Config: loss must be a kind of Loss, got 'hinge'\. Try loss = NonSaturating\(\)\.$",
        ),
        (lambda: mulligan.Run("quick"), r"config must be .*, got 'quick'.*mulligan\.recipe\('quick'\)"),
        (lambda: mulligan.Run(None), r"^config must be a configuration, got None\. Try mulligan\.recipe\('quick'\)\.$"),
        (
            lambda: next(mulligan.train("quick")),
            r"^run must be a run, got 'quick'\. Try mulligan\.Run\(mulligan\.recipe\('quick'\)\)\.$",
        ),
        (lambda: next(mulligan.train(mulligan.recipe("quick"))), r"run must be .*, got Config\(.{50,250}\.\.\."),
        (
            lambda: list(on_ring(evaluators=[lambda run: None])),
            r"^what the evaluator <.*> returns must be a dict of numbers, texts, lists and dicts, got None\. Try "
            r"return \{'share': 0\.5\}\.$",
        ),
        (
            lambda: list(on_ring(evaluators=[lambda run: {"z": run}])),
            r"the evaluator <.*> returns must be .*, got \{'z'",
        ),
        (
            lambda: mulligan.Generator(None, []),
            r"^spec must be a GeneratorSpec, got None\. Try another generator's \.spec\.$",
        ),
        (lambda: rebuilt(threads="2"), r"^threads must be a whole number from 1 to 1048576, got '2'\. Try 1\.$"),
        (lambda: rebuilt(threads=0), "threads must be .*, got 0"),
        (
            lambda: mulligan.Generator.load(3),
            r"^path must be the file of a generator, as a str or Path, got 3\. Try 'mine\.safetensors'\.$",
        ),
        (lambda: mulligan.load("x.safetensors").class_of(None), "class must be .*, got None"),
        (lambda: mulligan.load("x.safetensors").class_of(2.5), "class must be .*, got 2.5"),
        (
            lambda: mulligan.load("x.safetensors").z(10**5000),
            "count must be .*, got a number of more than 4,300 digits",
        ),
        (lambda: mulligan.evaluate(mulligan.load("x.safetensors"), count=10**5000), "more than 4,300 digits"),
        (
            lambda: mulligan.load("x.safetensors").class_of(10**5000),
            r"^class must be 0 to 9, got a number of more than 4,300 digits\. Try 0\.$",
        ),
        (lambda: mulligan.load("x.safetensors").class_of("9" * 5000), r"class must be .*, got '9{99,300}\.\.\."),
        (lambda: mulligan.load("x.safetensors").save("y", dtype=GREY), "dtype must be .*, got an array of shape"),
        (
            lambda: mulligan.load("x.safetensors").save("y", dtype=10**5000),
            r"^dtype must be 'float32' or 'float16', got a number of more than 4,300 digits\. Try 'float32'\.$",
        ),
        (lambda: load_data(".", size=GREY), "size must be one of 28, 32, 48, 64, got an array of shape"),
        (
            lambda: load_data("ring", size=10**5000),
            r"^size must be one of 28, 32, 48, 64, got a number of more than 4,300 digits\. Try 28\.$",
        ),
        (lambda: load_data(".", size="32"), "size must be one of 28, .*, got '32'"),
        (
            lambda: load_data(".", colour=GREY),
            r"^colour must be one of auto, grey, rgb, got an array of shape \(50, 8, 8\)\. Try 'auto'\.$",
        ),
        (lambda: Sampler("x", 1, RNG), "n must be a whole number from 1 on, got 'x'"),
        (lambda: Sampler(1.5, 1, RNG), "n must be .*, got 1.5"),
        (lambda: Sampler(0, 1, RNG), "n must be .*, got 0"),
        (lambda: Sampler(5, 0, RNG), "batch_size must be .*, got 0"),
        (lambda: mulligan.load("x.safetensors").class_name(10), "label must be .*, got 10"),
        (lambda: mulligan.load("x.safetensors").class_name("3"), "label must be .*, got '3'"),
        (
            lambda: mulligan.load("x.safetensors").export("m.npz", ["npz"]),
            r"^to must be one of onnx, torch, npz, html, got \['npz'\]\. Try html\.$",
        ),
        (lambda: from_arrays(GREY).limited(-1), "count must be .*, got -1"),
        (lambda: from_arrays(GREY).limited("5"), "count must be .*, got '5'"),
        (lambda: on_a_run().draw(1.5, seed=0), r"count must be .*, got 1\.5"),
        (lambda: on_a_run().draw(2, seed=None), "seed must be .*, got None"),
        (
            lambda: on_a_run().adjust("lr=1"),
            r"^overrides must be a dict, or a list of texts, got 'lr=1'\. Try \['steps=100'\]\.$",
        ),
        (lambda: with_overrides(mulligan.recipe("ring"), None), "overrides must be .*, got None"),
        (
            lambda: with_overrides(mulligan.recipe("ring"), [3]),
            r"an override must be path=value, got 3\. Try 'steps=100'",
        ),
        (lambda: load_config(None), r"^path must be a TOML file, as a str or Path, got None\. Try 'mine\.toml'\.$"),
        (lambda: load_config("mine.toml"), r"cannot read mine\.toml"),
        (
            lambda: StudyRun(load_study("cost"), None),
            r"^folder must be a folder, as a str or Path, got None\. Try 'studies/mine'\.$",
        ),
        (
            lambda: case_named(None),
            r"^case must be one of article, literal-cost, autograd, flushed, frozen-d, batch-of-one, "
            "gradient-norm, log-of-probability, raw-pixels, joined-batch, saturating, lazy-penalty, uncalled, got "
            r"None\. Try article\.$",
        ),
        (lambda: grid(GREY, columns="5"), "columns must be .*, got '5'"),
        (lambda: mulligan.recipe("quick", steps=10**5000), "steps must be .*, got a number of more than 4,300 digits"),
        (
            lambda: with_overrides(mulligan.recipe("quick"), ["steps=" + "9" * 5000]),
            r"^steps must be a whole number, got "
            r"'99999999999999999999999999999999999999999999999999999999\.\.\.\.$",
        ),
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
        with pytest.raises(UnsupportedError, match=r"a run cannot be copied or pickled, because .* Make another"):
            attempt(run)


def test_figures_of_numpy_are_kept_as_pythons(tmp_path):
    run = mulligan.Run(mulligan.recipe("ring", steps=1))
    list(Recorder(tmp_path / "r").record(run, evaluators=[lambda run: {"share": np.float32(0.5)}]))
    assert '"share": 0.5' in (tmp_path / "r" / "events.jsonl").read_text()


def test_names_of_data_are_text():
    for names in ({"name": Path("mine")}, {"name": None}, {"name": 3}, {"name": 10**5000}):
        with pytest.raises(
            DataError, match=r"^the name of data or of a class must be text, got .*\. Try its str\(\)\.$"
        ):
            from_arrays(GREY, **names)


@pytest.mark.parametrize("name", ["ring", "quick"])
def test_of_no_latents_there_are_no_samples(name):
    run = mulligan.Run(mulligan.recipe(name, steps=2))
    assert run.sample(*run.draw(0, seed=0)).shape == (0, *run.data.shape)


def test_pictures_may_be_lists():
    assert (grid([*GREY[:4]]) == grid(GREY[:4])).all()
    with pytest.raises(
        ShapeError,
        match=r"^a picture must be uint8 \(H, W\), \(H, W, 1\) or \(H, W, 3\), got int64 \(1, 2\)\. Try "
        r"to_uint8 first, or grid for several\.$",
    ):
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
