"""The diagnosis of runs that are really trained: nothing changes, and what is broken is named."""

import json
from functools import partial

import numpy as np
import pytest

from mulligan.data import Dataset
from mulligan.training import (
    Diagnosed,
    Diagnosis,
    Measured,
    Recorder,
    Run,
    load_checkpoint,
    plan,
    read_run,
    recipe,
    save_checkpoint,
    train,
    with_overrides,
)


def reached(run, step):
    return run.step >= step


def watched(config, *, until=None, every=6, data=None):
    run = Run(config, data=data)
    return list(train(run, observers=[Diagnosis(every=every)], stop=lambda: until is not None and run.step >= until))


def test_measuring_does_not_change_the_run(tiny, digits):
    layers = [{"kind": "flatten"}, {"kind": "dense", "units": 8}, {"kind": "batch_norm"}, {"kind": "dense", "units": 1}]
    spectral = [layers[0], {"kind": "dense", "units": 8, "spectral_norm": True}, layers[-1]]
    drop = [{"kind": "flatten"}, {"kind": "dropout"}, {"kind": "dense", "units": 1}]
    g = [{"kind": "dense", "units": 64}, {"kind": "batch_norm"}, "tanh", {"kind": "reshape", "shape": [8, 8, 1]}]
    for d in (layers, spectral, drop):
        config = tiny(
            generator={"layers": g}, discriminator={"layers": d}, penalties=[], update="alternating", data="digits"
        )
        alone, seen = Run(config, data=digits), Run(config, data=digits)
        plain = [e for e in train(alone) if not isinstance(e, (Diagnosed, Measured))]
        told = [e for e in train(seen, observers=[Diagnosis(every=5)]) if not isinstance(e, (Diagnosed, Measured))]
        assert [e.line() for e in told] == [e.line() for e in plain]
        for name, array in alone.gan.arrays().items():
            assert array.tobytes() == seen.gan.arrays()[name].tobytes()


def test_a_resumed_run_is_told_the_same(tiny, tmp_path):
    config = tiny(steps=40)
    whole = [e.line() for e in watched(config)]
    for cut in (6, 7, 13, 24):
        run = Run(config)
        stop = partial(reached, run, cut)
        head = [e.line() for e in train(run, observers=[Diagnosis(every=6)], stop=stop)]
        path = save_checkpoint(run, tmp_path / str(cut))
        again = load_checkpoint(path).run()
        watch = Diagnosis(every=6)
        tail = [e.line() for e in train(again, observers=[watch])]
        assert head + tail == whole
        mirror = Diagnosis(every=6)
        list(train(Run(config), observers=[mirror]))
        assert json.dumps(watch.state()) == json.dumps(mirror.state())
        assert len(watch.taken) == 40 // 6


def ring(*changes, steps=5000):
    base = ["threads=1", "sample_every=0", "save_every=0", f"steps={steps}", "data.limit=2000"]
    return with_overrides(recipe("ring"), [*base, *changes])


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        ("wrong sign", ("penalties=[]", "loss=literal_cost")),
        ("gamma off", ("penalties.0.gamma=1000", "penalties.1.gamma=1000", "schedules.penalty=constant",
                       "generator.layers.activation=leaky_relu", "generator.layers.init.gain=1")),
        ("D wins", ("penalties=[]", "loss=non_saturating", "generator.optimizer.lr=1e-6",
                    "generator.layers.output_init.gain=0.2")),
        ("dead latent", ("generator.layers.init.gain=1e-4", "generator.layers.output_init.gain=1e-4",
                         "generator.optimizer.lr=1e-7", "latent.dim=1")),
        ("standstill", ("generator.optimizer.lr=1e-12",)),
        ("standstill", ('average={kind="ema", half_life=1e5, ramp=1e9}',)),
        ("standstill", ('schedules.lr={kind="cosine", start=1.0, end=0.0, until=0.001}',
                        "generator.layers.activation=leaky_relu", "generator.layers.init.gain=1")),
    ],
)  # fmt: skip
def test_broken_toys_are_named(state, changes):
    found = [e for e in watched(ring(*changes), until=760, every=250) if isinstance(e, Diagnosed)]
    accepted = {"dead latent": {"dead latent", "contrast illusion"}}.get(state, {state})
    assert found
    assert found[0].state in accepted
    assert found[0].remedies
    for evidence in found[0].evidence.values():
        assert evidence.keys() == {"value", "operator", "threshold"}
    json.loads(found[0].line())


def test_a_healthy_toy_is_silent():
    assert [e for e in watched(ring(), until=1500, every=250) if isinstance(e, Diagnosed)] == []


def test_a_grid_of_a_fifth_of_its_length_is_silent_while_it_is_young():
    config = with_overrides(recipe("grid", steps=5000, seed=1), ["threads=1", "sample_every=0", "save_every=0"])
    assert [e for e in watched(config, until=1760, every=None) if isinstance(e, Diagnosed)] == []


def test_a_d_that_learns_nothing_of_a_ring_is_named_in_less_than_half_of_the_run():
    config = ring("discriminator.layers.hidden=[2]", "data.limit=0", steps=3000)
    found = [e for e in watched(config, until=1210, every=150) if isinstance(e, Diagnosed)]
    assert [e.state for e in found] == ["G wins"]
    assert [*map(str, found[0].overrides)] == ["discriminator.layers.hidden=[128]"]


@pytest.mark.parametrize(("output", "beyond"), [("tanh", 0.5), ("sigmoid", 0.75)])
def test_points_that_g_s_last_layer_cannot_draw(output, beyond):
    config = ring(f"generator.layers.output={output}")
    found = [e for e in watched(config, until=510, every=250) if isinstance(e, Diagnosed)]
    assert [e.state for e in found] == ["wrong scale"]
    assert found[0].evidence["beyond"]["value"] == pytest.approx(beyond, abs=0.05)
    assert [*map(str, found[0].overrides)] == ["generator.layers.output=none"]


def test_diagnoses_are_read_back(tmp_path):
    run = Run(with_overrides(ring("penalties=[]", "loss=literal_cost", steps=600), ["save_every=500"]))
    told = [e for e in Recorder(tmp_path / "a").record(run, observers=[Diagnosis()]) if isinstance(e, Diagnosed)]
    assert told
    assert read_run(tmp_path / "a").diagnosed == told
    again = plan(tmp_path / "a")
    assert type(again.config.loss).__name__ == "NonSaturating"


def test_a_point_far_out_does_not_make_a_wrong_scale(tiny):
    points = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    points[7] = (90, -4)
    for data, states in ((points, []), (100 * points, ["wrong scale"])):
        events = watched(tiny(steps=24), data=Dataset("points", data))
        assert [e.state for e in events if isinstance(e, Diagnosed)] == states
