"""Both convolutions against their definition and against each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mulligan.errors import ShapeError
from mulligan.nn import Network, memory
from mulligan.nn.layers import Conv2d, ConvTranspose2d, UpsampleConv2d, convolution, products

BOTH = pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])

# (kernel, stride, padding, height, width, channels in, channels out)
GEOMETRIES = [
    (4, 2, 1, 28, 28, 1, 16),  # the quick recipe's discriminator …
    (4, 2, 1, 14, 14, 16, 32),
    (4, 2, 1, 7, 7, 32, 16),  # … and its generator
    (4, 2, 1, 14, 14, 16, 1),
    (3, 1, 1, 6, 5, 8, 8),
    (3, 1, 1, 6, 5, 3, 4),  # few channels on the fine side, whichever it is: the thin path
    (3, 1, 1, 6, 5, 4, 1),  # one channel from several: seen from the other side
    (5, 2, 2, 9, 8, 3, 1),
]


def built(layer, shape, seed=0):
    """A float64 network of one layer with random parameters, biases too, and a workspace of it."""
    network = Network(layer, shape, np.float64)
    network.theta[:] = np.random.default_rng(seed).normal(size=network.n_params)
    return network, network.workspace()


def passes(network, space, n, seed=1):
    """Copies of y, dx and the flat gradient of one whole pass."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, *network.input_shape))
    dy = rng.normal(size=(n, *network.output_shape))
    y = space.forward(x).copy()
    space.clear_grads()
    dx = space.backward(dy).copy()
    space.network.layer.grads(space.memory)
    space.finish_grads()
    return y, dx, space.grad.copy()


def relative(a, b):
    return np.linalg.norm(np.asarray(a) - np.asarray(b)) / max(np.linalg.norm(b), 1e-300)


def definition(fine, W, stride, before, grid):
    """coarse[i, j, k] = Σ fine[s·i + a − p, s·j + b − p, c] W[a, b, c, k], term by term."""
    coarse = np.zeros((len(fine), *grid, W.shape[3]))
    for i, j, a, b in np.ndindex(*grid, *W.shape[:2]):
        f, g = stride * i + a - before[0], stride * j + b - before[1]
        if 0 <= f < fine.shape[1] and 0 <= g < fine.shape[2]:
            coarse[:, i, j] += fine[:, f, g] @ W[a, b]
    return coarse


@st.composite
def layers(draw):
    kind = draw(st.sampled_from([Conv2d, ConvTranspose2d]))
    kernel = draw(st.integers(1, 5))
    padding = draw(st.just("same") | st.integers(0, 3))
    channels = draw(st.sampled_from([1, 2, 3, 5]))
    return kind(channels, kernel=kernel, stride=draw(st.integers(1, 4)), padding=padding)


@given(layers(), st.tuples(st.integers(1, 8), st.integers(1, 8), st.sampled_from([1, 2, 4])), st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_the_three_products_are_transposes_and_the_first_is_the_definition(layer, shape, n):
    try:
        network, space = built(layer, shape)
    except ShapeError:
        return
    rng, m = np.random.default_rng(2), space.memory
    x, dy = rng.normal(size=(n, *shape)), rng.normal(size=(n, *network.output_shape))
    W, b = m.params["W"], m.params["b"]
    y = space.forward(x) - b
    dx = space.backward(dy).copy()
    space.clear_grads()
    layer.product_w(m, x, dy)

    geometry = layer.correlation(shape)
    if isinstance(layer, Conv2d):
        assert relative(y, definition(x, W, layer.stride, geometry.before, geometry.grid[:2])) < 1e-12
    else:
        back = definition(dy, W.swapaxes(2, 3), layer.stride, geometry.before, shape[:2])
        assert np.linalg.norm(dx - back) <= 1e-12 * max(np.linalg.norm(back), 1.0)

    # ⟨A(x, W), dy⟩ = ⟨x, A_xᵀ(dy, W)⟩ = ⟨W, A_Wᵀ(x, dy)⟩
    scale = np.linalg.norm(y) * np.linalg.norm(dy) + 1e-9
    assert abs(np.vdot(y, dy) - np.vdot(x, dx)) < 1e-12 * scale
    assert abs(np.vdot(y, dy) - np.vdot(W, m.grads["W"])) < 1e-12 * scale


@BOTH
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize(("tile_bytes", "small"), [(1, 3_000), (60_000, 1), (60_000, 50_000)])
def test_tiles_and_small_products_change_nothing(kind, geometry, tile_bytes, small, monkeypatch):
    kernel, stride, padding, height, width, c_in, c_out = geometry
    layer = kind(c_out, kernel, stride, padding)
    network, space = built(layer, (height, width, c_in))
    monkeypatch.setattr(products, "prefers_small", lambda: False)
    products.tile.cache_clear()
    whole = passes(network, space, 7)  # a prime number: the last tile is smaller
    monkeypatch.setattr(convolution, "TILE_BYTES", tile_bytes)
    monkeypatch.setattr(products, "SMALL", small)
    monkeypatch.setattr(products, "prefers_small", lambda: True)
    products.tile.cache_clear()
    for cut, expected in zip(passes(network, network.workspace(), 7), whole):
        assert relative(cut, expected) < 1e-12
    products.tile.cache_clear()


@BOTH
@pytest.mark.parametrize("channels", [1, 6])
def test_repeated_poisoned_and_smaller_batches_give_the_same_bytes(kind, channels, monkeypatch):
    def poisoned(name, size, dtype):
        array = memory.scratch(name, size, dtype)
        array.fill(np.nan)
        return array

    network, space = built(kind(channels, kernel=3), (7, 6, 2))
    fresh = {n: passes(network, network.workspace(), n) for n in (2, 5)}
    monkeypatch.setattr(products, "scratch", poisoned)
    for n in (5, 2, 5, 5, 2):
        for found, expected in zip(passes(network, space, n), fresh[n]):
            assert found.tobytes() == expected.tobytes()
        for buffers in (space.memory.buffers, space.context.buffers):
            for array in buffers.largest.values():
                array.fill(np.nan)
    assert "columns" in space.context.buffers.largest


def test_images_need_not_be_contiguous():
    _, space = built(Conv2d(3, kernel=1, stride=1), (4, 5, 2))
    x = np.random.default_rng(0).normal(size=(3, 2, 4, 5)).transpose(0, 2, 3, 1)
    assert np.array_equal(space.forward(x).copy(), space.forward(np.ascontiguousarray(x)))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [(7, 6), (5, 9)])
def test_same_padding_divides_and_multiplies_sizes_by_the_stride(kernel, stride, size):
    up = ConvTranspose2d(3, kernel, stride)
    assert up.output_shape((*size, 2)) == (size[0] * stride, size[1] * stride, 3)
    assert Conv2d(3, kernel, stride).output_shape((*size, 2)) == (-(-size[0] // stride), -(-size[1] // stride), 3)
    # Up, then down, are transposes of each other: the same zeros on the same sides.
    down = Conv2d(2, kernel, stride).correlation((size[0] * stride, size[1] * stride, 3))
    assert up.correlation((*size, 2)) == down


def test_same_padding_puts_the_odd_zero_last():
    assert Conv2d(1, kernel=4, stride=1).correlation((5, 5, 1)).before == (1, 1)
    assert Conv2d(1, kernel=2, stride=1).correlation((5, 5, 1)).before == (0, 0)


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (Conv2d(2, kernel=5, padding=1), (2, 9)),
        (Conv2d(2, kernel=4, padding=0), (3, 3)),
        (ConvTranspose2d(2, kernel=2, stride=1, padding=3), (3, 3)),
        (ConvTranspose2d(2, kernel=1, stride=3, padding=1), (1, 4)),
    ],
)
def test_an_image_that_is_too_small_is_told_the_least_size_that_fits(layer, size):
    with pytest.raises(ShapeError) as caught:
        layer.output_shape((*size, 1))
    least = int(str(caught.value).split("must be ")[1].split()[0])
    assert min(layer.output_shape((least, least, 1))) >= 1
    with pytest.raises(ShapeError):
        layer.output_shape((least - 1, least, 1))


@BOTH
def test_rows_of_numbers_are_no_images(kind):
    with pytest.raises(ShapeError, match="Reshape"):
        Network(kind(2), (784,))


@pytest.mark.parametrize(("layer", "shape"), [(UpsampleConv2d(3), (3, 4, 2)), (UpsampleConv2d(1, 2), (2, 5, 3))])
def test_upsample_conv_computes_what_its_two_parts_do(layer, shape):
    rng, (h, w, c) = np.random.default_rng(0), shape
    one = Network(layer, shape, np.float64)
    two = Network(Conv2d(layer.channels, layer.kernel, 1), (2 * h, 2 * w, c), np.float64)
    one.theta[:] = two.theta[:] = rng.normal(size=one.theta.size)
    x, dy = rng.normal(size=(5, *shape)), rng.normal(size=(5, *one.output_shape))
    spaces = [net.workspace() for net in (one, two)]
    np.testing.assert_allclose(spaces[0].forward(x), spaces[1].forward(x.repeat(2, 1).repeat(2, 2)), atol=1e-12)
    windows = spaces[1].backward(dy).reshape(5, h, 2, w, 2, c)
    np.testing.assert_allclose(spaces[0].backward(dy), windows.sum((2, 4)), atol=1e-12)
    for space in spaces:
        space.clear_grads()
        space.grads()
    np.testing.assert_allclose(*(space.grad for space in spaces), atol=1e-12)


def test_upsample_conv_keeps_flat_colour_flat():
    net = Network(UpsampleConv2d(2), (6, 6, 3), np.float64).initialise(np.random.default_rng(0))
    made = net.workspace().forward(np.ones((1, 6, 6, 3)))
    assert np.ptp(made[0, 1:-1, 1:-1], axis=(0, 1)).max() < 1e-12
