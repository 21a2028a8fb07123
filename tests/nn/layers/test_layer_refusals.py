"""What a layer does not take is refused by a sentence that says what to do."""

import contextlib
import re

import numpy as np
import pytest

from mulligan.errors import ConfigError, MulliganError, ShapeError
from mulligan.nn import Network
from mulligan.nn import layers as nn


def test_a_class_is_no_layer():
    with pytest.raises(ConfigError, match=r"Sequential: layers must .*got \[<class '"):
        nn.Sequential((nn.Tanh,))


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.Dense(2), (2, 2, 1), "Put a Flatten layer before it"),
        (nn.Projection(2), (2, 2, 1), "Put a Flatten layer before it"),
        (nn.ChannelMean(4), (2, 2, 6), r"a multiple of count = 4, got 6\. Try count = 2\."),
        (nn.Reshape((7, 7, 2)), (100,), "Give the layer before it 98 outputs"),
        (nn.Residual((nn.Dense(3),)), (4,), r"Residual: .*shape of a sample, \(4,\), got \(3,\)"),
    ],
)
def test_samples_that_do_not_fit(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        Network(layer, shape)


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        (None, "shape () and dtype object"),
        (np.array([0, 3, 2]), "0 to 3"),
        (np.array([0, -1, 2]), "-1 to 2"),
        (np.array([0, 1]), "shape (2,)"),
        (np.array([0.0, 1.0, 2.0]), "dtype float64"),
        (np.array([[0], [1], [2]]), "shape (3, 1)"),
    ],
)
@pytest.mark.parametrize("layer", [nn.OneHot(3), nn.Projection(3)], ids=lambda layer: type(layer).__name__)
def test_labels_are_checked_where_they_come_in(layer, labels, got):
    space = Network(nn.Sequential((nn.Tanh(), layer)), (4,)).initialise(np.random.default_rng(0)).workspace()
    with pytest.raises(ShapeError, match=rf"one for each of 3 rows, got .*{re.escape(got)}"):
        space.forward(np.zeros((3, 4), np.float32), labels)
    assert space.forward(np.zeros((3, 4), np.float32), np.array([0, 2, 1], np.uint8)).dtype == np.float32


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint64])
def test_labels_are_classes_whatever_type_of_whole_numbers_holds_them(kind):
    space = Network(nn.OneHot(3), (254,)).initialise(np.random.default_rng(0)).workspace()
    y = space.forward(np.zeros((3, 254), np.float32), np.array([2, 0, 1], kind))  # 254 + 2 is 0 in a byte
    np.testing.assert_array_equal(y[:, 254:], 3.0 * np.eye(3)[[2, 0, 1]])
    assert not y[:, :254].any()


@pytest.mark.parametrize(
    "layer", [layer for cases in nn.EXAMPLES.values() for layer, _ in cases], ids=lambda layer: type(layer).__name__
)
def test_errors_are_our_own_for_any_sample_shape(layer):
    """A layer that cannot take a shape says so in words: no IndexError from inside."""
    for shape in ((5,), (2, 3, 1), (4, 4, 2)):
        with contextlib.suppress(MulliganError):
            Network(layer, shape)
