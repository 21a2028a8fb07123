"""Optimisers against their papers, and against the promises of `Optimizer`."""

import math
import threading
from dataclasses import fields, replace

import numpy as np
import pytest

from mulligan.nn import optimizers
from mulligan.nn.memory import BLOCK
from mulligan.nn.optimizers import OPTIMIZERS, SGD, Adam, Momentum, Nesterov

N = 300
STEPS = 50
EVERY = [cls() for cls in OPTIMIZERS.values()] + [Adam(lr=2e-3, beta1=0.0, beta2=0.99)]
name = repr


def gradients(n=N, steps=STEPS, dtype=np.float64, seed=0):
    """Give gradients of many sizes, with an exact zero here and there."""
    rng = np.random.default_rng(seed)
    g = rng.standard_normal((steps, n)) * 10.0 ** rng.uniform(-4, 2, n)
    g[:, ::7] = np.where(rng.random(g[:, ::7].shape) < 0.3, 0, g[:, ::7])
    return g.astype(dtype)


def start(n=N, dtype=np.float64):
    return np.random.default_rng(1).standard_normal(n).astype(dtype)


def run(optimizer, g, theta=None):
    theta = start(g.shape[1], g.dtype) if theta is None else theta
    state = optimizer.init(theta.size, theta.dtype)
    for row in g:
        optimizer.step(theta, row.copy(), state)
    return theta, state


def assert_close(ours, theirs):
    """Agree to 1e-12 of the way that was gone, element by element."""
    way = np.abs(theirs - start()) + np.abs(start()) * 1e-2
    assert np.max(np.abs(ours - theirs) / way) < 1e-12


# --- against the paper's own lines ---------------------------------------------------------------------------


def paper_adam_directions(g, b1, b2, eps):
    """Kingma & Ba, Algorithm 1, the quotient at every t."""
    m = v = np.zeros(N)
    for t, row in enumerate(g, 1):
        m = b1 * m + (1 - b1) * row
        v = b2 * v + (1 - b2) * row**2
        yield (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)


def paper_adam(g, lr, b1, b2, eps):
    return start() - lr * sum(paper_adam_directions(g, b1, b2, eps))


def paper_adamax(g, lr, b1, b2):
    theta, m, u = start(), 0.0, np.zeros(N)
    for t, row in enumerate(g, 1):
        m, u = b1 * m + (1 - b1) * row, np.maximum(b2 * u, abs(row))
        theta = theta - lr / (1 - b1**t) * np.divide(m, u, out=np.zeros(N), where=u > 0)
    return theta


def paper_adagrad(g, lr, eps):
    theta, squares = start(), 0.0
    for row in g:
        squares = squares + row**2
        theta = theta - lr * row / (np.sqrt(squares) + eps)
    return theta


def paper_amsgrad(g, lr, b1, b2, eps):
    theta, m, v, v_hat = start(), 0.0, 0.0, np.zeros(N)
    for row in g:
        m = b1 * m + (1 - b1) * row
        v = b2 * v + (1 - b2) * row**2
        v_hat = np.maximum(v_hat, v)
        theta = theta - lr * m / (np.sqrt(v_hat) + eps)
    return theta


def paper_nadam(g, lr, b1, b2, eps, psi):
    theta, m, v = start(), 0.0, 0.0
    mu = [b1 * (1 - 0.5 * 0.96 ** (t * psi)) for t in range(len(g) + 2)]
    for t, row in enumerate(g, 1):
        m = mu[t] * m + (1 - mu[t]) * row
        v = b2 * v + (1 - b2) * row**2
        m_hat = mu[t + 1] * m / (1 - math.prod(mu[1 : t + 2])) + (1 - mu[t]) * row / (1 - math.prod(mu[1 : t + 1]))
        theta = theta - lr * m_hat / (np.sqrt(v / (1 - b2**t)) + eps)
    return theta


def paper_nesterov(g, lr, momentum):
    """Sutskever et al., Eqs. 3 and 4; gives the point of the next gradient, φ + μ·v."""
    phi, v = start(), np.zeros(N)
    for row in g:
        v = momentum * v - lr * row
        phi = phi + v
    return phi + momentum * v


def paper_polyak(g, lr, momentum):
    before = theta = start()
    for row in g:
        before, theta = theta, theta - lr * row + momentum * (theta - before)
    return theta


def paper_rmsprop(g, lr, rho, eps):
    """Tieleman & Hinton, slide 29: MeanSquare = ρ·MeanSquare + (1−ρ)·g²; divide by its root."""
    theta, mean_square = start(), 0.0
    for row in g:
        mean_square = rho * mean_square + (1 - rho) * row**2
        theta = theta - lr * row / (np.sqrt(mean_square) + eps)
    return theta


def paper_adadelta(g, lr, rho, eps):
    theta, e_g, e_x = start(), 0.0, 0.0
    for row in g:
        e_g = rho * e_g + (1 - rho) * row**2
        delta = -np.sqrt(e_x + eps) / np.sqrt(e_g + eps) * row
        e_x = rho * e_x + (1 - rho) * delta**2
        theta = theta + lr * delta
    return theta


PAPERS = [
    (SGD(lr=0.03), lambda g, lr: start() - lr * g.sum(axis=0)),
    (Momentum(lr=0.03, momentum=0.8), paper_polyak),
    (Adam(lr=3e-3, beta1=0.5, beta2=0.9, eps=1e-3), paper_adam),
    (Adam(beta1=0.0, beta2=0.99), paper_adam),
    (optimizers.AdaMax(lr=3e-3, beta1=0.8, beta2=0.9), paper_adamax),
    (optimizers.Adagrad(lr=0.1, eps=1e-3), paper_adagrad),
    (optimizers.RMSprop(lr=3e-3, rho=0.8, eps=1e-3), paper_rmsprop),
    (optimizers.Adadelta(lr=1.0, rho=0.8, eps=1e-3), paper_adadelta),
    (optimizers.AMSGrad(lr=3e-3, beta1=0.5, beta2=0.9, eps=1e-3), paper_amsgrad),
    (optimizers.Nadam(lr=3e-3, beta1=0.8, beta2=0.9, eps=1e-3, psi=0.1), paper_nadam),
    (Nesterov(lr=0.03, momentum=0.8), paper_nesterov),
    (Momentum(lr=0.03, momentum=-0.3), paper_polyak),
]


@pytest.mark.parametrize(("ours", "paper"), PAPERS, ids=[repr(case[0]) for case in PAPERS])
def test_agrees_with_the_paper(ours, paper):
    values = [getattr(ours, field.name) for field in fields(ours)]
    assert_close(run(ours, gradients())[0], paper(gradients(), *values))


@pytest.mark.parametrize(("optimizer", "moves"), [(Momentum(0.1, 0.9), -0.09), (Nesterov(0.1, 0.9), -0.081)])
def test_a_change_of_rate_leaves_the_way_so_far(optimizer, moves):
    theta = np.zeros(1)
    state = optimizer.init(1, np.float64)
    optimizer.step(theta, np.ones(1), state)  # v = −0.1
    before = theta.copy()
    optimizer.step(theta, np.full(1, 5.0), state, lr=0.0)  # v = 0.9·(−0.1), whatever the rate is now
    np.testing.assert_allclose(state["v"], -0.09, rtol=1e-12)
    np.testing.assert_allclose(theta - before, moves, rtol=1e-12)


def test_adamax_leaves_alone_what_never_had_a_gradient():
    theta, _ = run(optimizers.AdaMax(), np.zeros((3, 5), np.float32))
    assert np.array_equal(theta, start(5, np.float32))


# --- promises of every optimiser -----------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", EVERY, ids=name)
def test_two_workers_equal_one_sweep(optimizer):
    n, cut = BLOCK + 501, 30_011
    g = gradients(n, 3, np.float32)
    expected, expected_state = run(optimizer, g)
    theta, state = start(n, np.float32), optimizer.init(n, np.float32)
    for row in g:
        spent = row.copy()
        optimizer.advance(state)
        workers = [
            threading.Thread(target=optimizer.update, args=(theta, spent, state, part))
            for part in (slice(0, cut), slice(cut, n))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert theta.tobytes() == expected.tobytes()
    assert state.keys() == expected_state.keys()
    assert all(state[key].tobytes() == expected_state[key].tobytes() for key in state)


@pytest.mark.parametrize("optimizer", EVERY, ids=name)
def test_float32_stays_float32_and_near_float64(optimizer):
    g = gradients(steps=10)
    theta, state = run(optimizer, g.astype(np.float32))
    assert theta.dtype == np.float32
    assert all(value.dtype == np.float32 for value in state.values() if value.size == N)
    np.testing.assert_allclose(theta, run(optimizer, g)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("optimizer", EVERY, ids=name)
def test_state_is_all_there_is_to_remember(optimizer):
    g = gradients()
    whole = run(optimizer, g)[0]
    half = STEPS // 2
    theta, state = run(optimizer, g[:half])
    stored = {key: np.frombuffer(value.tobytes(), value.dtype).copy() for key, value in state.items()}
    again = replace(optimizer)
    for row in g[half:]:
        again.step(theta, row.copy(), stored)
    assert theta.tobytes() == whole.tobytes()


@pytest.mark.parametrize("optimizer", EVERY, ids=name)
def test_allocates_nothing_that_grows(optimizer, peak_of):
    n = 3 * BLOCK
    theta, g = start(n, np.float32), gradients(n, 1, np.float32)[0]
    state = optimizer.init(n, np.float32)

    def steps(count):
        for _ in range(count):
            optimizer.step(theta, g, state)
            g[:] = 1

    steps(2)
    assert peak_of(steps, 6) < 10_000  # a block alone is 262,144 bytes


# --- rates under a schedule ----------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [cls() for cls in OPTIMIZERS.values()], ids=name)
def test_rates_of_every_step_are_those_of_an_optimizer_with_these_options(optimizer):
    theta, state = start(), optimizer.init(N, np.float64)
    for row in gradients():
        optimizer.step(theta, row.copy(), state, lr=0.3)
    assert_close(theta, run(replace(optimizer, lr=0.3), gradients())[0])
