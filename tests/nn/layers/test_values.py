"""The values of every layer by its definition; the checks by differences see only the gradients."""

import numpy as np
import pytest

from mulligan.nn import Network
from mulligan.nn import layers as nn
from mulligan.nn.layers import He

ROWS = 5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normed(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def with_class(x, p, labels):
    plane = 3 * np.eye(4)[labels].reshape(ROWS, *[1] * (x.ndim - 2), 4)
    return np.concatenate([x, np.broadcast_to(plane, (*x.shape[:-1], 4))], axis=-1)


def residual(x, p, labels):
    return np.tanh(x @ p["0.W"] + p["0.b"]) @ p["2.W"] + p["2.b"] + x


DEFINITIONS = {
    "dense": (nn.Dense(3), (4,), lambda x, p, labels: x @ p["W"] + p["b"]),
    "dense of one unit": (nn.Dense(1, bias=False), (4,), lambda x, p, labels: x @ p["W"]),
    "leaky_relu": (nn.LeakyReLU(0.3), (6,), lambda x, p, labels: np.where(x < 0, 0.3 * x, x)),
    "relu": (nn.ReLU(), (6,), lambda x, p, labels: np.maximum(x, 0)),
    "tanh": (nn.Tanh(), (6,), lambda x, p, labels: np.tanh(x)),
    "tanh, cut": (nn.Tanh(1.5), (6,), lambda x, p, labels: np.clip(1.5 * np.tanh(x), -1, 1)),
    "sigmoid": (nn.Sigmoid(), (6,), lambda x, p, labels: sigmoid(x)),
    "arctan": (nn.Arctan(), (6,), lambda x, p, labels: np.arctan(x)),
    "dropout": (nn.Dropout(0.5), (6,), lambda x, p, labels: x),  # in evaluation
    "flatten": (nn.Flatten(), (2, 3, 2), lambda x, p, labels: x.reshape(ROWS, 12)),
    "reshape": (nn.Reshape((2, 2, 3)), (12,), lambda x, p, labels: x.reshape(ROWS, 2, 2, 3)),
    "channel_mean": (nn.ChannelMean(3), (2, 2, 6), lambda x, p, labels: x.reshape(ROWS, 2, 2, 2, 3).mean(axis=-1)),
    "batch_norm rows": (nn.BatchNorm(), (4,), lambda x, p, labels: normed(x, 0, 1e-5) * p["gamma"] + p["beta"]),
    "batch_norm images": (
        nn.BatchNorm(),
        (2, 2, 3),
        lambda x, p, labels: normed(x, (0, 1, 2), 1e-5) * p["gamma"] + p["beta"],
    ),
    "layer_norm": (
        nn.LayerNorm(),
        (2, 2, 3),
        lambda x, p, labels: normed(x, (1, 2, 3), 1e-5) * p["gamma"] + p["beta"],
    ),
    "one_hot rows": (nn.OneHot(4), (3,), with_class),
    "one_hot images": (nn.OneHot(4), (2, 2, 1), with_class),
    "projection": (
        nn.Projection(4, class_init=He()),
        (6,),
        lambda x, p, labels: x @ p["W"] + p["b"] + (p["E"][labels] * x).sum(axis=1, keepdims=True),
    ),
    "residual": (nn.Residual((nn.Dense(6), nn.Tanh(), nn.Dense(4))), (4,), residual),
    "sequential": (
        nn.Sequential((nn.Tanh(), nn.Dense(4), nn.Arctan())),
        (4,),
        lambda x, p, labels: np.arctan(np.tanh(x) @ p["1.W"] + p["1.b"]),
    ),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_layer_computes_its_definition(name):
    layer, shape, definition = DEFINITIONS[name]
    rng = np.random.default_rng(0)
    network = Network(layer, shape, np.float64).initialise(rng)
    network.theta += 0.3 * rng.standard_normal(network.n_params)
    x, labels = rng.standard_normal((ROWS, *shape)), rng.integers(4, size=ROWS)
    y = network.workspace().forward(x, labels, training=name != "dropout")
    np.testing.assert_allclose(y, definition(x, network.tensors(), labels), rtol=1e-12, atol=1e-12)
