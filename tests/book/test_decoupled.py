"""Synthetic gradients: every gradient by differences, and what must hold whatever the models guess."""

from dataclasses import replace

import numpy as np
import pytest

from experiments import decoupled
from experiments.decoupled import WAYS, Chain, Shape, Way, gradient_errors
from mulligan.metrics.features.judge_training import softmax_cross_entropy
from mulligan.nn import Network
from mulligan.nn.layers import BatchNorm, Dense, ReLU, Sequential
from mulligan.nn.optimizers import SGD, Adam

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


def test_the_check_can_fail(monkeypatch):
    right = decoupled.Learner.backward

    def wrong(self, dy, inputs=True):
        dx = right(self, dy, inputs)
        self.space.grad[3] *= 1.01
        return dx

    monkeypatch.setattr(decoupled.Learner, "backward", wrong)
    assert max(gradient_errors(Way(labels=True)).values()) > 1e-6


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


@pytest.mark.parametrize("way", SYNTHETIC.values(), ids=SYNTHETIC)
def test_the_first_step_moves_the_top_and_the_models_only_as_far_as_true_gradients_go(way):
    x, y = batch()
    chain = chain_of(way)
    before, models = thetas(chain.blocks), thetas(chain.models)
    chain.step(x, y)
    moved = [not np.array_equal(a, b) for a, b in zip(before, thetas(chain.blocks))]
    taught = [not np.array_equal(a, b) for a, b in zip(models, thetas(chain.models))]
    assert moved == [False, False, True]
    assert taught == [False, True]


@pytest.mark.parametrize("names", [("linear", "backprop"), ("one hidden layer, label", "frozen")])
def test_all_ways_start_alike(names):
    one, other = (chain_of(WAYS[name], seed=5) for name in names)
    assert all(np.array_equal(a, b) for a, b in zip(thetas(one.blocks), thetas(other.blocks)))
    x, y = batch()
    assert one.step(x, y) == other.step(x, y)


def test_with_right_guesses_it_is_backpropagation(monkeypatch):
    x, y = batch()
    plain, chain = chain_of(Way("true")), chain_of(Way(labels=True))
    _, dy = softmax_cross_entropy(plain.logits(x, training=True), y, len(x))
    truths = []
    for block in plain.blocks[:0:-1]:
        dy = block.space.backward(dy)
        truths.insert(0, dy * len(x))
    truths = [t.copy() for t in truths]
    for model, truth in zip(chain.models, truths):
        monkeypatch.setattr(model.space, "forward", lambda x, labels=None, truth=truth: truth.copy())
    monkeypatch.setattr(chain, "guesses", lambda i: truths[i])
    plain = chain_of(Way("true"))
    handed = []
    monkeypatch.setattr(chain, "teach", lambda i, target: handed.append(target.copy()))
    assert chain.step(x, y) == plain.step(x, y)
    assert np.concatenate(thetas(chain.blocks)) == pytest.approx(np.concatenate(thetas(plain.blocks)), rel=1e-12)
    for target, truth in zip(handed, truths):
        assert target == pytest.approx(truth, rel=1e-10, abs=1e-14)


def test_a_model_learns_the_gradient_that_is_handed_down(monkeypatch):
    x, y = batch(n=200)
    chain = chain_of(Way(labels=True), Adam(lr=0.05))
    for block in chain.blocks:
        monkeypatch.setattr(block, "learn", lambda: None)
    before = chain.alignment(x, y)
    for _ in range(300):
        chain.step(x, y)
    after = chain.alignment(x, y)
    assert before == [0.0, 0.0]
    assert after[1] > 0.9
    assert after[0] > 0.5


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


def test_looking_changes_nothing():
    x, y = batch()
    one, other = chain_of(WAYS["linear, label"]), chain_of(WAYS["linear, label"])
    for _ in range(4):
        one.step(x, y)
        one.alignment(x[:5], y[:5])
        one.logits(x)
        other.step(x, y)
    for a, b in zip((*one.blocks, *one.models), (*other.blocks, *other.models)):
        assert np.array_equal(a.network.theta, b.network.theta)
        assert np.array_equal(a.network.stats, b.network.stats)


def test_frozen_layers_stay_and_the_top_learns():
    x, y = batch(n=60)
    chain = chain_of(WAYS["frozen"])
    before = thetas(chain.blocks)
    losses = [chain.step(x, y) for _ in range(40)]
    moved = [not np.array_equal(a, b) for a, b in zip(before, thetas(chain.blocks))]
    assert moved == [False, False, True]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", WAYS)
def test_every_way_learns_what_can_be_separated(name):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 128)
    x = (3 * np.eye(4, 7)[y] + 0.3 * rng.standard_normal((128, 7))).astype(np.float32)
    chain = Chain(WAYS[name], Shape(7, (16, 16), 4), Adam(lr=1e-2))
    for _ in range(300):
        chain.step(x, y)
    assert (chain.logits(x).argmax(axis=1) == y).mean() > 0.9


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


def test_a_way_says_what_it_is():
    assert replace(Way(), labels=True) == WAYS["linear, label"]
    assert Way(hidden=9).model(5, 4).output_shape((5,)) == (5,)
    assert Way(hidden=9, labels=True).model(5, 4).output_shape((5,)) == (5,)
    assert WAYS["linear, label, no norm"].block(3) == Sequential((Dense(3), ReLU()))
