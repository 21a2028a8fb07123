"""What the checks by differences do not see: edges, and what a layer keeps between two passes."""

import numpy as np
import pytest

from mulligan.nn import Network
from mulligan.nn import layers as nn
from mulligan.nn.layers import LeakyReLU, ReLU, Sigmoid, Tanh
from mulligan.nn.layers.activations import above

EDGES = [-np.inf, -1e38, -1.0, -1e-45, -0.0, 0.0, 1e-45, 1.0, 1e38, np.inf, np.nan]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("edge", [0, 0.5, -87.0])
def test_above_is_the_maximum(dtype, edge):
    x = np.array(EDGES, dtype).repeat(9)  # long enough for the vector loops, and a rest
    kept = x.copy()
    out = np.empty_like(x)
    expected = np.maximum(x, dtype(edge))
    np.testing.assert_array_equal(above(x, edge), expected)
    assert above(x, edge, out) is out
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("layer", [LeakyReLU(), ReLU(), Sigmoid(), Tanh()])
def test_first_and_second_order_have_one_slope(layer):
    rng = np.random.default_rng(0)
    x, dy, tx = (rng.standard_normal((6, 5)).astype(np.float32) for _ in range(3))
    space = Network(layer, (5,), np.float32).workspace()
    for x_now in (x, -x[:4], x):
        dy_now, tx_now = dy[: len(x_now)], tx[: len(x_now)]
        slope = np.empty_like(x_now)
        layer.df(x_now, space.forward(x_now), slope)
        np.testing.assert_array_equal(space.backward(dy_now), slope * dy_now)
        np.testing.assert_array_equal(space.tangent(tx_now), slope * tx_now)
    np.testing.assert_array_equal(x, np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32))


class Square(ReLU):
    """A user's layer, whose slope needs x."""

    def f(self, x, out):
        np.multiply(x, x, out=out)

    def df(self, x, y, out):
        np.multiply(x, 2, out=out)


def test_a_layer_made_from_one_of_ours_keeps_its_x():
    space = Network(nn.Sequential((nn.Dense(1), Square())), (1,)).initialise(np.random.default_rng(0)).workspace()
    x, w = np.float32([[1], [-2]]), space.theta[0]
    np.testing.assert_allclose(space.forward(x), (w * x) ** 2)
    np.testing.assert_allclose(space.backward(np.ones_like(x)), 2 * w**2 * x, rtol=1e-6)


@pytest.mark.parametrize("layer", [LeakyReLU(), ReLU(), Sigmoid(), Tanh()])
def test_a_result_is_written_over_what_its_maker_needs_no_more(layer):
    dense, x = nn.Dense(5), np.random.default_rng(1).standard_normal((6, 5)).astype(np.float32)
    network = Network(nn.Sequential((dense, layer, dense)), (5,)).initialise(np.random.default_rng(0))
    space = network.workspace()
    apart = [Network(each, shape).workspace() for each, shape in ((dense, (5,)), (layer, (5,)), (dense, (5,)))]
    apart[0].theta[:], apart[2].theta[:] = np.split(space.theta, 2)
    for _ in range(2):
        for way in ("forward", "tangent", "backward"):
            expected = x
            for each in apart[::-1] if way == "backward" else apart:
                expected = getattr(each, way)(expected)
            np.testing.assert_array_equal(getattr(space, way)(x), expected)
    own = 0 if layer.piecewise_linear else x.nbytes  # a curved f keeps the tangent of x
    assert sum(array.nbytes for array in space.memory.children[1].buffers.largest.values()) == own


class Keeper(nn.Layer):
    """A user's layer that keeps what it is given, and returns that same array."""

    def forward(self, m, x):
        m.x, m.saved["x"] = x, x.copy()
        return x

    def backward(self, m, dy, inputs=True):
        m.dy, m.saved["dy"] = dy, dy.copy()
        return dy

    def tangent(self, m, tx):
        m.tx, m.saved["tx"] = tx, tx.copy()
        return tx


class Around(Keeper):
    """A user's layer that keeps the result of a layer inside it."""

    def children(self, shape):
        return [("0", nn.Dense(5), shape)]

    def forward(self, m, x):
        return super().forward(m, nn.Dense(5).forward(m.children[0], x))

    def backward(self, m, dy, inputs=True):
        return super().backward(m, nn.Dense(5).backward(m.children[0], dy))

    def tangent(self, m, tx):
        return super().tangent(m, nn.Dense(5).tangent(m.children[0], tx))


def test_nothing_is_written_over_what_a_users_layer_keeps():
    inner = nn.Sequential((Keeper(),))
    layers = (nn.Dense(5), Keeper(), LeakyReLU(), nn.Dense(5), inner, Tanh(), Around(), ReLU(), nn.Dense(5))
    space = Network(nn.Sequential(layers), (5,)).initialise(np.random.default_rng(0)).workspace()
    x = np.random.default_rng(1).standard_normal((6, 5)).astype(np.float32)
    for way in ("forward", "backward", "tangent"):
        getattr(space, way)(x)
    keepers = [memory for memory in space.memory.walk() if "tx" in memory.saved]
    assert len(keepers) == 3
    for memory in keepers:
        for name, copy in memory.saved.items():
            np.testing.assert_array_equal(getattr(memory, name), copy, err_msg=name)


@pytest.mark.parametrize(
    "first",
    [nn.LeakyReLU(), nn.Tanh(), nn.Conv2d(2, kernel=3), nn.ConvTranspose2d(1)],
    ids=lambda layer: type(layer).__name__,
)
def test_a_network_takes_numbers_of_other_kinds(first):
    layer = nn.Sequential((first, nn.Flatten(), nn.OneHot(3), nn.Dense(1)))
    space = Network(layer, (4, 4, 1)).initialise(np.random.default_rng(0)).workspace()
    x = np.random.default_rng(1).integers(-9, 9, (2, 4, 4, 1)).astype(np.float32)
    y = space.forward(x, np.array([0, 2])).copy()
    dx = space.backward(np.ones((2, 1), np.float32)).copy()
    for other in (x.astype(np.float64), x.astype(np.int8), x.tolist()):
        np.testing.assert_array_equal(space.forward(other, [0, 2]), y)
        np.testing.assert_array_equal(space.backward([[1], [1]]), dx)


def test_the_slope_at_exactly_zero_is_that_from_below():
    slope = np.full(3, 9.0)
    nn.ReLU().df(np.zeros(3), np.zeros(3), slope)
    assert slope.tolist() == [0.0] * 3
