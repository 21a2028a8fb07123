"""Synthetic gradients: every gradient by differences, and what must hold whatever the models guess."""

import numpy as np
import pytest

from experiments.decoupled import WAYS, Chain, Shape, Way, gradient_errors
from mulligan.metrics.features.judge import softmax_cross_entropy
from mulligan.nn import Network
from mulligan.nn.layers import BatchNorm, Dense, ReLU, Sequential
from mulligan.nn.optimizers import SGD

SYNTHETIC = {name: way for name, way in WAYS.items() if way.gradient == "synthetic"}
SMALL = Shape(7, (6, 5), 4)


def batch(n=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 7)), rng.integers(0, 4, n)


def chain_of(way, optimizer=None, seed=0):
    return Chain(way, SMALL, optimizer or SGD(lr=0.1), seed=seed, dtype=np.float64)


def thetas(learners):
    return [learner.network.theta.copy() for learner in learners]


@pytest.mark.parametrize("way", SYNTHETIC.values(), ids=SYNTHETIC)
@pytest.mark.parametrize("seed", range(3))
def test_every_gradient_of_a_decoupled_step(way, seed):
    errors = gradient_errors(way, seed)
    assert errors.keys() == {"θ1", "θ2", "θ3", "M1", "M2"}
    assert max(errors.values()) < 1e-6


def test_backprop_in_blocks_is_backprop_in_one_net():
    x, y = batch()
    chain = chain_of(Way("true"))
    layers = [layer for units in (6, 5) for layer in (Dense(units), BatchNorm(), ReLU())]
    net = Network(Sequential((*layers, Dense(4))), (7,), np.float64)
    net.theta[:] = np.concatenate(thetas(chain.blocks))
    space = net.workspace()
    for _ in range(3):
        value, dy = softmax_cross_entropy(space.forward(x), y, len(x))
        space.clear_grads()
        space.backward(dy)
        space.grads()
        net.theta -= 0.1 * space.grad
        assert chain.step(x, y) == pytest.approx(value, rel=1e-12)
    assert np.concatenate(thetas(chain.blocks)) == pytest.approx(net.theta, rel=1e-12)


def test_alignment_is_the_cosine_with_the_true_gradient():
    x, y = batch()
    chain = chain_of(Way(hidden=3, labels=True))
    for model in chain.models:
        model.network.theta[:] = np.random.default_rng(1).standard_normal(model.network.n_params)
    found = chain.alignment(x, y)
    h = chain.blocks[0].space.forward(x, training=False).copy()
    guess = chain.models[0].space.forward(h, y).copy()
    step, truth = 1e-6, np.empty_like(h)

    def loss(h):
        for block in chain.blocks[1:]:
            h = block.space.forward(h, training=False)
        return softmax_cross_entropy(h, y, len(h))[0]

    for index in np.ndindex(h.shape):
        up, down = h.copy(), h.copy()
        up[index] += step
        down[index] -= step
        truth[index] = (loss(up) - loss(down)) / (2 * step)
    cosine = (guess * truth).sum() / np.linalg.norm(guess) / np.linalg.norm(truth)
    assert found[0] == pytest.approx(cosine, rel=1e-5)


def test_only_models_that_may_see_the_label_do():
    x, y = batch()
    for name, way in SYNTHETIC.items():
        chain = chain_of(way)
        for model in chain.models:
            model.network.theta[:] = np.random.default_rng(1).standard_normal(model.network.n_params)
        chain.alignment(x, y)
        guess = chain.guesses(0).copy()
        chain.alignment(x, (y + 1) % 4)
        assert np.array_equal(guess, chain.guesses(0)) is not way.labels, name
