"""What people give to ``mulligan`` from Python: likely mistakes are named, NumPy's numbers are as good as Python's."""

import copy
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mulligan
from mulligan.data import from_arrays
from mulligan.data import load as load_data
from mulligan.errors import MulliganError, ShapeError, UnsupportedError
from mulligan.models import BUNDLED
from mulligan.training import Recorder

GREY = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize(
    ("call", "fact"),
    [
        (lambda: load_data(GREY), "from_arrays"),
        (lambda: mulligan.evaluate(GREY), "data must be given"),
        (lambda: mulligan.evaluate(mulligan.load(BUNDLED), GREY, seeds=[-1]), "got -1"),
        (lambda: mulligan.evaluate(mulligan.load(BUNDLED), GREY, seeds=[]), "got 0"),
        (lambda: mulligan.evaluate(mulligan.load(BUNDLED), GREY, count="5"), "got '5'"),
        (lambda: mulligan.evaluate(mulligan.load(BUNDLED), GREY, seeds=10**9), "to 1000"),
        (lambda: mulligan.load(BUNDLED).images(3, psi="x"), "got 'x'"),
        (lambda: mulligan.fit(GREY, minutes="1"), "got '1'"),
        (lambda: mulligan.load("a\0"), "got 'a"),
        (lambda: mulligan.Run(mulligan.recipe("ring", start="\0")), "got '"),
        (lambda: load_data(".", colour="blue"), "got 'blue'"),
        (lambda: mulligan.Run("quick"), r"mulligan\.recipe\('quick'\)"),
        (lambda: replace(mulligan.recipe("ring"), loss="hinge"), "got 'hinge'"),
        (lambda: mulligan.load(BUNDLED).save("x.safetensors", dtype="float64"), "got 'float64'"),
        (lambda: mulligan.load(BUNDLED).class_of("ten"), "got 'ten'"),
        (lambda: mulligan.load(BUNDLED).class_name(10), "got 10"),
        (lambda: from_arrays(GREY).limited(-1), "got -1"),
    ],
)
def test_likely_mistakes_are_named(tmp_path, monkeypatch, call, fact):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MulliganError, match=fact):
        call()


def test_a_run_is_not_copied():
    run = mulligan.Run(mulligan.recipe("ring"))
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(UnsupportedError):
            attempt(run)


def test_figures_of_numpy_are_kept_as_pythons(tmp_path):
    run = mulligan.Run(mulligan.recipe("ring", steps=1))
    list(Recorder(tmp_path / "r").record(run, evaluators=[lambda run: {"share": np.float32(0.5)}]))
    assert '"share": 0.5' in (tmp_path / "r" / "events.jsonl").read_text()


@pytest.mark.parametrize("name", ["ring", "quick"])
def test_of_no_latents_there_are_no_samples(name):
    run = mulligan.Run(mulligan.recipe(name, steps=2))
    assert run.sample(*run.draw(0, seed=0)).shape == (0, *run.data.shape)


def test_numbers_of_numpy_and_paths_are_as_good_as_pythons():
    asked = mulligan.recipe("quick", steps=np.int64(7), batch_size=np.uint8(8), data=Path("mine"))
    assert (asked.steps, asked.batch_size, asked.data.name) == (7, 8, "mine")
    data = from_arrays(GREY)
    generator = mulligan.fit(GREY, recipe=mulligan.recipe("mlp", evaluate_every=0), steps=1)
    assert mulligan.evaluate(generator, data, count=np.int64(20), seeds=np.int64(1))["seeds"] == [0]


@pytest.mark.parametrize("z", [np.nan, 1e300])
def test_latents_that_are_not_finite(z):
    generator = mulligan.load(BUNDLED)
    with pytest.raises(ShapeError, match="finite"):
        generator.decode(np.full((2, generator.spec.latent.dim), z), 3)
