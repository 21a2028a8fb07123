"""The article's script, written a second time from the facts alone, against the recipe on our engine."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

import mulligan
from mulligan.diagnosis import Evidence, Finding
from mulligan.errors import ConfigError, UnsupportedError
from mulligan.game import GAN, Latent
from mulligan.museum.kinds import ArticleGenerator, ArticleOutput
from mulligan.nn import Network
from mulligan.nn.layers import Dense, Sequential, Sigmoid
from mulligan.output.export.plan import plan_of
from mulligan.training import with_overrides
from mulligan.training.diagnosis import probe_of
from mulligan.training.remedies import remedy_for

GENERATOR = [100, 128, 256, 346, 480, 560, 686, 784]
ACTIVATIONS = ["arctan", "relu", "arctan", "relu", "tanh", "relu", "sigmoid"]
F = {
    "arctan": (np.arctan, lambda a: 1 / (1 + a**2)),
    "relu": (lambda a: np.maximum(a, 0), lambda a: (a > 0) * 1.0),
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2),
}


def passes(x, weights, kinds):
    """Give the inputs of every layer and the products before every activation, and the output."""
    inputs, sums = [], []
    for (W, b), kind in zip(weights, kinds):
        inputs.append(x)
        sums.append(x @ W + b)
        x = F[kind][0](sums[-1])
    return inputs, sums, x


def gradients(upstream, inputs, sums, weights, kinds, squared=False):
    """Give [dW, db] of every layer, and the gradient of the input."""
    found = []
    for i in reversed(range(len(weights))):
        delta = upstream * F[kinds[i]][1](sums[i])
        wrong = squared and i == len(weights) - 1
        found.insert(0, [inputs[i].T @ (upstream * upstream if wrong else delta), delta.sum(axis=0)])
        upstream = delta @ weights[i][0].T
    return found, upstream


class Script:
    """The facts' table, step by step, in float64."""

    def __init__(self, g, d, lr=9e-5, squared=True, corrected=False, decay=(0, 40)):
        self.g, self.d, self.lr, self.squared, self.corrected, self.decay = g, d, lr, squared, corrected, decay
        self.moments = {}
        self.t = 0

    def adam(self, who, weights, grads):
        for i, (pair, grad) in enumerate(zip(weights, grads)):
            for j in range(2):
                m, v = self.moments.get((who, i, j), (0.0, 0.0))
                m, v = 0.9 * m + 0.1 * grad[j], 0.999 * v + 0.001 * grad[j] ** 2
                self.moments[who, i, j] = m, v
                power = self.t + 1 if self.corrected else 1
                m_hat, v_hat = m / (1 - 0.9**power), v / (1 - 0.999**power)
                pair[j] = pair[j] - self.lr * m_hat / (np.sqrt(v_hat) + 1e-8)

    def step(self, x, z_d, z_g):
        kinds = ["relu", "sigmoid"]
        fake = passes(z_d, self.g, ACTIVATIONS)[2]
        grads = []
        for sample, slope in ((x, lambda p: -1 / p), (fake, lambda p: 1 / (1 - p))):
            inputs, sums, p = passes(sample, self.d, kinds)
            grads.append(gradients(slope(p) / len(x), inputs, sums, self.d, kinds)[0])
        self.adam("d", self.d, [[a + b for a, b in zip(r, f)] for r, f in zip(*grads)])
        inputs, sums, fake = passes(z_g, self.g, ACTIVATIONS)
        d_inputs, d_sums, p = passes(fake, self.d, kinds)
        _, upstream = gradients(-1 / p / len(x), d_inputs, d_sums, self.d, kinds)
        self.adam("g", self.g, gradients(upstream, inputs, sums, self.g, ACTIVATIONS, self.squared)[0])
        self.lr *= 0.01 if self.t in self.decay else 1.0
        self.t += 1


@dataclass(frozen=True)
class Recorded(Latent):
    """A latent that keeps what it has drawn."""

    drawn: list = field(default_factory=list)

    def draw(self, rng, out):
        self.drawn.append(super().draw(rng, out).copy())
        return out


def pairs(network):
    """Copy a network's parameters as [W, b] per layer."""
    arrays = [e.view(network.theta).copy() for e in network.entries]
    return [[arrays[i], arrays[i + 1]] for i in range(0, len(arrays), 2)]


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("article", {}),
        ("article-mended-1", {"squared": False}),
        ("article-mended-2", {"squared": False, "corrected": True}),
        ("article-mended-5", {"squared": False, "corrected": True, "decay": ()}),
    ],
)
def test_the_recipe_is_the_script(name, facts):
    config = mulligan.recipe(name)
    drawn = []
    latent = Recorded(config.latent.dim, config.latent.distribution, drawn=drawn)
    gan = GAN(replace(config, latent=latent), (28, 28, 1), seed=config.seed, workers=1, dtype=np.float64)
    script = Script(pairs(gan.g.network), pairs(gan.d.network), **facts)
    assert [len(W) for W, _ in script.g] == GENERATOR[:-1]
    assert [W.shape for W, _ in script.d] == [(784, 128), (128, 1)]
    rng = np.random.default_rng(0)
    steps = 43 if name == "article" else 5
    for _ in range(steps):
        x = rng.random((config.batch_size, 784))
        drawn.clear()
        gan.step(x.reshape(-1, 28, 28, 1))
        script.step(x, *drawn)
    for network, weights in ((gan.g.network, script.g), (gan.d.network, script.d)):
        for ours, theirs in zip(pairs(network), weights):
            for a, b in zip(ours, theirs):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_the_squared_gradient_is_an_option():
    """Repaired, G ends in Dense and Sigmoid; broken, only dW differs."""
    rng = np.random.default_rng(1)
    x, dy = rng.standard_normal((3, 5)), rng.standard_normal((3, 4))
    found = {}
    for name, layer in {
        "right": Sequential((Dense(4), Sigmoid())),
        "broken": ArticleOutput(4),
    }.items():
        network = Network(layer, (5,), np.float64).initialise(np.random.default_rng(2))
        space = network.workspace()
        y, dx = space.forward(x).copy(), space.backward(dy).copy()
        space.grads()
        W, b = (e.view(space.grad) for e in network.entries)
        found[name] = y, dx, b, W
    for ours, right in zip(found["broken"][:3], found["right"]):
        np.testing.assert_allclose(ours, right, rtol=1e-13)
    np.testing.assert_allclose(found["broken"][3], x.T @ dy**2, rtol=1e-13)
    broken, right = (ArticleGenerator((3,), ("tanh",), squared_gradient=each).build((4,), 0) for each in (True, False))
    assert broken[-1] == ArticleOutput(4, right[-2].init)
    assert right[-1] == Sigmoid()
    assert type(right[-2]) is Dense


@pytest.mark.parametrize("name", ["article", "article-mended"])
def test_what_it_has_learned_can_be_taken_elsewhere(name):
    run = mulligan.Run(mulligan.recipe(name, steps=1, threads=1))
    assert [op.kind for op in plan_of(run.generator()).ops][-3:] == ["dense", "sigmoid", "reshape"]


@pytest.mark.parametrize("name", ["article", "article-mended"])
def test_raw_pixels_are_to_be_scaled_to_what_a_sigmoid_gives(name):
    run = mulligan.Run(with_overrides(mulligan.recipe(name, steps=1, threads=1), ["data.high=255"]))
    beyond = probe_of(run).measure()[0]["beyond"]
    assert beyond == pytest.approx(254 / 255)
    finding = Finding("wrong scale", (Evidence("beyond", beyond, ">", 0.1),))
    assert tuple(map(str, remedy_for(finding, run.config, (28, 28, 1)).changes)) == ("data.high=1",)


def test_what_is_not_allowed_is_said():
    with pytest.raises(ConfigError, match="init_scale"):
        ArticleGenerator(init_scale=float("nan"))
    with pytest.raises(UnsupportedError, match="gradient penalty"):
        Network(ArticleOutput(4), (5,)).workspace().tangent(np.ones((2, 5), np.float32))
