"""The systems of the article: each trains by its name, and is what the facts say."""

import numpy as np
import pytest

import mulligan
from mulligan.config.serialization import to_table
from mulligan.data import load
from mulligan.game import GAN, LiteralCost, NonSaturating
from mulligan.museum.exhibits import article, digits
from mulligan.museum.kinds import ArticleAdam, AutogradCost, LogOfProbability
from mulligan.nn.layers import Arctan, ReLU, Sequential, walk
from mulligan.nn.optimizers import Adam
from mulligan.training import with_overrides

ARTICLE = [100, 128, 256, 346, 480, 560, 686, 784]


def sizes(player, shape, latent=None):
    """List inputs and outputs of a player's weights, layer by layer."""
    layer, start = Sequential(player.build(shape, 0)), shape if latent is None else (latent,)
    found = [inner.params(at)["W"].shape for _, inner, at in walk(layer, start) if "W" in inner.params(at)]
    return [found[0][0], *(width for _, width in found)]


def both(config, shape):
    return sizes(config.generator, shape, config.latent.dim), sizes(config.discriminator, shape)


def test_the_article():
    config = mulligan.recipe("article")
    assert both(config, (28, 28, 1)) == (ARTICLE, [784, 128, 1])
    assert config.generator.optimizer == config.discriminator.optimizer == ArticleAdam(9e-5, 0.9, 0.999, 1e-8)
    assert [config.schedules.lr(k, 1000) for k in (0, 1, 40, 41)] == pytest.approx([1, 0.01, 0.01, 1e-4])
    assert (config.batch_size, config.seed, config.average, config.d_steps) == (1, 127, None, 1)
    assert config.generator.layers.activations == ("arctan", "relu", "arctan", "relu", "tanh", "relu")
    assert len(load("mnist-test")) == 10_000


@pytest.mark.parametrize(
    ("name", "g", "rate"),
    [
        ("article-gan-adam", [100, 800, 784], 1e-6),
        ("article-gpu-gan", [350, 1024, 784], 1e-6),
        ("article-multi-multi", [300, 356, 512, 686, 784], 3e-5),
    ],
)
def test_the_other_scripts_of_the_article(name, g, rate):
    config = mulligan.recipe(name)
    assert both(config, (28, 28, 1)) == (g, [784, g[1], 1])
    assert config.generator.optimizer == config.discriminator.optimizer == ArticleAdam(lr=rate)
    assert (config.batch_size, config.latent.distribution, config.data.name) == (1, "uniform", "mnist-test")
    rates = [config.schedules.lr(k, config.steps) for k in (0, 1, 30, 31)]
    if name == "article-multi-multi":
        assert config.generator.layers.activations == ("arctan", "relu", "arctan")
        assert rates == pytest.approx([1, 0.01, 0.01, 1e-5])
        assert isinstance(config.loss, NonSaturating)
        assert not isinstance(config.loss, LiteralCost)
    else:
        assert rates == [1, 1, 1, 1]
        assert isinstance(config.loss, LiteralCost)  # of the fake term the gradient has the wrong sign
    assert config.seed == 32432
    assert config.generator.build((28, 28, 1), 0)[1] == (ReLU() if name == "article-gpu-gan" else Arctan())
    fan_ins = {"article-gpu-gan": [100, 128, 784, 128]}.get(name, [*g[:-1], 784, g[1]])
    gan = GAN(config, (28, 28, 1), workers=1)
    drawn = [entry.view(net.theta) for net in (gan.g.network, gan.d.network) for entry in net.entries]
    assert not any(b.any() for b in drawn if b.ndim == 1)
    stds = [float(w.std()) for w in drawn if w.ndim == 2]
    assert stds == pytest.approx([0.002 * np.sqrt(2 / n) for n in fan_ins], rel=0.1)


def test_the_script_with_three_layers_prints_its_first_picture():
    found = article.imprints(range(4), article.pixels(), "article-multi-multi")
    assert [one.nearest for one in found] == [one.first for one in found]
    assert min(one.correlation for one in found) > 0.75


def test_each_mended_recipe_repairs_one_quirk_more():
    repairs = [
        {("generator", "layers", "squared_gradient")},
        {("generator", "optimizer", "kind"), ("discriminator", "optimizer", "kind")},
        {("generator", "layers", "init_scale"), ("discriminator", "layers", "init_scale")},
        {("schedules", "lr")},
        {("batch_size",)},
        {("data", "name")},
        {("generator", "layers", "hidden"), ("generator", "layers", "activations")},
    ]
    cadence = {("steps",), ("report_every",), ("sample_every",), ("evaluate_every",), ("save_every",), ("recipe",)}

    def leaves(table, path=()):
        for key, value in table.items():
            here = (*path, key)
            if isinstance(value, dict) and here != ("schedules", "lr"):
                yield from leaves(value, here)
            else:
                yield here, value

    before = dict(leaves(to_table(mulligan.recipe("article"))))
    for n, changed in enumerate(repairs, 1):
        after = dict(leaves(to_table(mulligan.recipe(f"article-mended-{n}"))))
        assert {k for k in after if after[k] != before.get(k)} - cadence == changed
        before = after
    assert both(mulligan.recipe("article-mended"), (28, 28, 1)) == ([100, 128, 784], [784, 128, 1])


@pytest.mark.parametrize("loss", [AutogradCost(), LogOfProbability()])
def test_mistaken_losses_have_the_gradients_of_their_values(loss):
    rng, h = np.random.default_rng(0), 1e-6
    real, fake, r, s = rng.standard_normal((4, 5))
    by_hand = loss.discriminator(real=real, fake=fake)
    up, down = (loss.discriminator(real=real + t * r, fake=fake + t * s).value for t in (h, -h))
    assert by_hand.real @ r + by_hand.fake @ s == pytest.approx((up - down) / (2 * h), rel=1e-7)
    up, down = (loss.generator(real=real, fake=fake + t * s).value for t in (h, -h))
    assert loss.generator(real=real, fake=fake).fake @ s == pytest.approx((up - down) / (2 * h), rel=1e-7)


def test_autograd_s_example_is_the_published_one():
    config = with_overrides(mulligan.recipe("classic", seed=3, threads=1), digits.EXAMPLE)
    gan = GAN(config, (28, 28, 1), seed=3, dtype=np.float64)
    assert both(config, (28, 28, 1)) == ([10, 200, 784], [784, 200, 1])
    for mover in (gan.g, gan.d):
        for tensor in mover.network.tensors().values():  # W and b alike
            assert tensor.std() == pytest.approx(0.001, rel=0.2) or tensor.size == 1
    theta = [*gan.g.network.tensors().values()]
    assert [each.shape for each in theta] == [(10, 200), (200,), (200, 784), (784,)]
    for each in theta:
        each *= 300  # so that both ReLU and sigmoid bend
    w1, b1, w2, b2 = theta
    z = np.random.default_rng(0).uniform(0, 1, (5, 10))  # the example's
    by_hand = 0.5 * (np.tanh(np.maximum(0, z @ w1 + b1) @ w2 + b2) + 1)
    made = gan.g.network.workspace().forward(2 * z - 1)  # ours is U(−1, 1) before the first layer
    np.testing.assert_allclose(made.reshape(5, 784), by_hand, rtol=0, atol=1e-14)
    assert (config.batch_size, config.latent.dim, config.update) == (100, 10, "simultaneous")
    assert config.generator.optimizer == config.discriminator.optimizer == Adam(0.01, 0.9, 0.999, 1e-8)
