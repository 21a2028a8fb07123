import math

import numpy as np
import pytest
from scipy.special import entr

from mulligan.data import Dataset, scale_samples
from mulligan.diagnosis.statistics import spread
from mulligan.nn import Network
from mulligan.nn.rng import stream
from mulligan.training import Run
from mulligan.training.diagnosis import facts_of, probe_of


def latents(run):
    """Return the fixed z and their classes."""
    return run.draw(256, seed=run.config.seed)


def test_a_g_with_layers_inside_layers_is_measured(tiny, digits):
    block = {"kind": "residual", "layers": [{"kind": "conv2d", "channels": 4, "kernel": 1, "stride": 1}, "tanh"]}
    layers = [{"kind": "dense", "units": 256}, {"kind": "reshape", "shape": [8, 8, 4]}, block]
    net = {"layers": [*layers, {"kind": "conv2d", "channels": 1, "kernel": 1, "stride": 1}]}
    judge = {"layers": {"kind": "mlp_discriminator"}}
    signals, _ = probe_of(Run(tiny(generator=net, discriminator=judge), data=digits)).measure()
    assert signals["scale"] == 1.0  # pixels of −1 to 1, and a last layer without bounds


@pytest.mark.parametrize("loss", ["non_saturating", "least_squares", "relativistic_average"])
def test_every_gradient_signal_by_differences_in_float64(tiny, loss):
    run = Run(tiny(loss=loss))
    probe = probe_of(run)
    signals, _ = probe.measure()
    g, d = (Network(m.network.layer, m.network.input_shape, np.float64) for m in (run.gan.g, run.gan.d))
    g.theta[:], d.theta[:] = run.gan.g.network.theta, run.gan.d.network.theta
    for_g, for_d = g.workspace(), d.workspace()
    z, real = latents(run)[0][:64].astype(np.float64), probe.reals.x[:64].astype(np.float64)
    unit = (run.data.range[1] - run.data.range[0]) / 2

    def logits(x):
        return for_d.forward(x, training=False)[:, 0].copy()

    def fake():
        return for_g.forward(z, training=False).copy()

    def d_loss():
        return run.config.loss.discriminator(real=logits(real), fake=logits(fake())).value

    def g_loss(x):
        return run.config.loss.generator(real=logits(real), fake=logits(x)).value

    def slopes(theta, value):
        found, h = np.empty(theta.shape), 1e-6
        for i in np.ndindex(theta.shape):
            kept = theta[i]
            up, down = (value() for theta[i] in (kept + h, kept - h))
            theta[i], found[i] = kept, (up - down) / (2 * h)
        return found

    made = fake()
    for name, x in (("r1", real), ("r2", made)):
        squares = np.square(slopes(x, lambda x=x: logits(x).sum())).sum(axis=1)
        assert signals[name] == pytest.approx(squares.mean() * unit**2, rel=1e-3)
    each = 64 * slopes(made, lambda: g_loss(made))  # the loss is a mean: 64 times a row's slope is that of the row
    assert signals["push"] == pytest.approx(np.linalg.norm(each, axis=1).mean() * unit, rel=1e-3)
    assert signals["ranking"] == np.mean([a > b for a in logits(real) for b in logits(made)])
    assert signals["d_gradient"] == pytest.approx(np.linalg.norm(slopes(d.theta, d_loss)), rel=1e-3)
    of_g = slopes(g.theta, lambda: g_loss(fake()))
    assert signals["g_gradient"] == pytest.approx(np.linalg.norm(of_g), rel=1e-3)
    first = math.sqrt(np.square(g.entries[0].view(of_g)).mean())
    assert signals["g_first"] == pytest.approx(first, rel=1e-3)
    assert signals["g_weights"] == pytest.approx(np.linalg.norm(g.theta), rel=1e-5)
    assert signals["d_weights"] == pytest.approx(np.linalg.norm(d.theta), rel=1e-5)
    assert probe.measure()[0] == signals  # nothing is left of the measurement before


@pytest.mark.parametrize(
    ("loss", "balance", "threshold", "least"),
    [
        ("non_saturating", 2 * math.log(2), 0.0, 0.0),
        ({"kind": "non_saturating", "smoothing": 0.1}, 2 * math.log(2), 0.0, sum(entr((0.1, 0.9)))),
        ("least_squares", 0.25, 0.5, 0.0),
        ("wasserstein", 0.0, None, 0.0),
        ("hinge", 2.0, 0.0, 0.0),
        ("relativistic", math.log(2), None, 0.0),
    ],
)
def test_facts_of_a_run(tiny, loss, balance, threshold, least):
    facts = facts_of(Run(tiny(loss=loss, penalties=[])))
    assert (facts.balance, facts.threshold) == (pytest.approx(balance, rel=1e-6), threshold)
    assert facts.least == pytest.approx(least)
    kind = loss if isinstance(loss, str) else loss["kind"]
    assert facts.probabilistic is (kind == "non_saturating")
    assert facts.relativistic is (kind == "relativistic")
    assert (facts.critic, facts.unfading) == (kind == "wasserstein", kind in ("wasserstein", "hinge", "least_squares"))
    assert (facts.penalised, facts.conditional, facts.normalised, facts.steps) == (False, False, False, 24)
    layers = [{"kind": "dense", "units": 4}, {"kind": "layer_norm"}, {"kind": "dense", "units": 1}]
    other = facts_of(Run(tiny(loss=loss, penalties=["r1"], discriminator={"layers": layers}, average="ema")))
    assert (other.penalised, other.normalised, other.smoothed) == (True, True, True)


def test_the_reals_are_a_sample_of_the_data_and_the_fakes_those_of_the_run(tiny):
    run = Run(tiny(average="ema"))
    run.gan.average[:] += 1  # so that which G is asked can be seen
    probe = probe_of(run)
    z, labels = latents(run)
    for average in (True, False):
        np.testing.assert_array_equal(probe.fakes(16, average), run.generate(z[:16], labels, average=average))
    assert len(np.unique(probe.reals.x, axis=0)) == min(256, len(np.unique(run.data.images, axis=0)))  # each once
    assert (probe.samples, list(probe.penalties), probe.averaged) == (len(run.data), ["r1", "r2"], True)
    assert probe_of(Run(tiny(average="none"))).averaged is False


@pytest.mark.parametrize(("output", "reach"), [("sigmoid", (0.0, 1.0)), ("tanh", (-1.0, 1.0))])
def test_pictures_come_with_their_range_and_their_classes(tiny, digits, output, reach):
    g = [{"kind": "one_hot", "classes": 4}, {"kind": "dense", "units": 64}, output]
    g.append({"kind": "reshape", "shape": [8, 8, 1]})
    d = [{"kind": "flatten"}, {"kind": "projection", "classes": 4}]
    data = {"name": "own", "labels": "dataset", "low": reach[0], "high": 1.0}
    run = Run(tiny(generator={"layers": g}, discriminator={"layers": d}, data=data, penalties=[]), data=digits)
    probe = probe_of(run)
    assert (probe.reach, probe.reals.low, probe.reals.x.min()) == (reach, reach[0], reach[0])
    np.testing.assert_array_equal(probe.labels, latents(run)[1])
    rows = stream(run.config.seed, "eval", 1).choice(len(run.data), len(probe.reals.x), replace=False)
    assert probe.reals.spread == spread(probe.reals.x, digits.labels[rows])
    signals, _ = probe.measure()
    assert {"ranking", "r1", "r2", "g_first"} <= signals.keys()
    assert len(probe.track()) == 16 * 8  # pictures are followed in eight directions


@pytest.mark.parametrize(("held", "figure"), [(100, "ct_z"), (99, "nearness"), (0, "nearness")])
def test_copies_are_looked_for_among_all_training_pictures(tiny, held, figure, monkeypatch):
    monkeypatch.setattr("mulligan.training.diagnosis.COPIED", 400)
    rng = np.random.default_rng(2)
    train, test = (rng.integers(0, 256, (n, 8, 8, 1)).astype(np.uint8) for n in (400, max(held, 1)))
    data = Dataset("own", train, test=Dataset("own", test) if held else None)
    g = [{"kind": "dense", "units": 64}, "tanh", {"kind": "reshape", "shape": [8, 8, 1]}]
    d = [{"kind": "flatten"}, {"kind": "dense", "units": 1}]
    probe = probe_of(Run(tiny(generator={"layers": g}, discriminator={"layers": d}, data={"name": "own"}), data=data))
    probe.fakes = lambda n, average: scale_samples(train[-n:])
    assert probe.copying()[figure] < (-10 if held == 100 else 0.01)
