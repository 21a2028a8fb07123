"""Fine-tuning: a run that begins with the weights of another."""

import logging
from dataclasses import replace

import numpy as np
import pytest

import mulligan
from mulligan.errors import CheckpointError, ConfigError
from mulligan.models import bundled
from mulligan.training import Recorder, Run, RunFolder, resume
from mulligan.training.samples import locate

FLAT = {
    "generator.layers": [{"kind": "dense", "units": 64}, {"kind": "reshape", "shape": [8, 8, 1]}],
    "discriminator.layers": ["flatten", {"kind": "dense", "units": 1}],
}


@pytest.fixture
def first(tiny, tmp_path, record):
    """A finished run, its folder and what it holds."""
    run = Run(tiny(average={"kind": "ema", "half_life": 5}))
    record(tmp_path / "first", run)
    return run


def same(run, arrays, *names):
    return all(np.array_equal(run.gan.arrays()[name], arrays[name]) for name in names)


def test_weights_and_average_are_taken_and_optimisers_begin_anew(tiny, first, tmp_path, caplog):
    old, fresh = first.gan.arrays(), Run(tiny(seed=7))
    with caplog.at_level(logging.INFO, "mulligan"):
        run = Run(tiny(average={"kind": "ema", "half_life": 5}, seed=7, start=str(tmp_path / "first")))
    assert same(run, old, "g.theta", "d.theta", "average")
    assert not same(run, fresh.gan.arrays(), "g.theta", "d.theta")
    assert not any(array.any() for name, array in run.gan.arrays().items() if ".optimizer." in name)
    assert run.step == 0
    assert "generator      4 of 4 arrays" in caplog.text
    assert "anew" not in caplog.text


def test_what_does_not_agree_begins_anew(tiny, first, tmp_path, caplog):
    layers = [{"kind": "dense", "units": 16}, "leaky_relu", {"kind": "dense", "units": 24}, "leaky_relu"]
    layers.append({"kind": "dense", "units": 1})
    wider = tiny(**{"discriminator.layers": layers}, seed=7)
    with caplog.at_level(logging.INFO, "mulligan"):
        run = Run(replace(wider, start=str(tmp_path / "first" / "checkpoints" / "step-000024")))
    own, there, fresh = (r.gan.d.network.tensors() for r in (run, first, Run(wider)))
    names = [*own]
    assert np.array_equal(own[names[0]], there[names[0]])
    assert np.array_equal(own[names[2]], fresh[names[2]])
    assert f"anew: {names[2]} (16, 24)" in caplog.text
    assert "discriminator  3 of 6 arrays" in caplog.text


def test_a_bundled_generator_has_a_name(digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = locate(mulligan.recipe("best", start="mnist", steps=1, threads=1))
    assert config.start == "mnist"
    made = Run(config, data=digits)
    bundled = mulligan.load("mnist").network.tensors()
    assert any(np.array_equal(a, b) for a, b in zip(made.gan.g.network.tensors().values(), bundled.values()))
    (tmp_path / "mnist").mkdir()
    assert locate(config).start == str(tmp_path / "mnist")


def test_the_file_of_a_generator_is_taken_by_g_alone(tiny, first, tmp_path):
    run = Run(tiny(average={"kind": "ema", "half_life": 5}, seed=7, start=str(RunFolder(tmp_path / "first").generator)))
    average = first.gan.average
    assert np.array_equal(run.gan.average, average)
    assert np.array_equal(run.gan.g.network.theta, average)
    assert same(run, Run(tiny(seed=7)).gan.arrays(), "d.theta")


def test_a_run_that_goes_on_does_not_begin_again(tiny, first, tmp_path, record):
    config = tiny(start=str(tmp_path / "first"), seed=3)
    record(tmp_path / "whole", Run(config))
    run = Run(config)
    list(Recorder(tmp_path / "r").record(run, stop=lambda: run.step >= 9))
    (tmp_path / "first").rename(tmp_path / "gone")
    record(tmp_path / "r", resume(tmp_path / "r"))
    whole, own = (RunFolder(tmp_path / name).generator.read_bytes() for name in ("whole", "r"))
    assert whole == own


def test_fit_begins_with_weights(first, tiny, tmp_path):
    points = np.random.default_rng(0).standard_normal((200, 2)).astype(np.float32)
    slow = tiny(steps=1, **{"generator.optimizer.lr": 1e-12})
    made = mulligan.fit(points, recipe=slow, start=tmp_path / "first", progress=False)
    np.testing.assert_allclose(made.theta, first.gan.g.network.theta, atol=1e-6)


def test_the_curve_behind_g_is_no_weight_to_begin_with(tiny, tmp_path, record, digits):
    run = Run(tiny(match_histogram=True, **FLAT), data=digits)
    record(tmp_path / "first", run)
    assert mulligan.load(tmp_path / "first").spec.layers[:2] == run.gan.g.layers != run.generator().spec.layers
    again = Run(tiny(start=str(tmp_path / "first"), seed=7, **FLAT), data=digits)
    assert same(again, run.gan.arrays(), "g.theta", "d.theta")


def test_what_cannot_be_begun_with_is_refused(tiny, first, tmp_path, digits):
    other = tiny(latent={"dim": 5}, start=str(tmp_path / "first"), **FLAT)
    with pytest.raises(ConfigError, match="start must share the shape of a layer with recipe ring on digits"):
        Run(other, data=digits)
    (tmp_path / "empty").mkdir()
    for start, said in (("nowhere", "one of mnist, pixel-faces"), ("empty", "must hold a checkpoint")):
        with pytest.raises((CheckpointError, ConfigError), match=said):
            Run(tiny(start=str(tmp_path / start)))


def test_a_folder_with_the_generator_of_another_run_is_refused(tiny, first, tmp_path):
    bundled().save(tmp_path / "first" / "generator.safetensors")
    with pytest.raises(CheckpointError, match="must be this run's own"):
        Run(tiny(start=str(tmp_path / "first")))
