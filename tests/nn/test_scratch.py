"""Scratch is kept, grows, and belongs to one thread; what is computed tile by tile is what was asked for."""

import copy
import pickle
import threading

import numpy as np
import pytest

from mulligan.nn import Network
from mulligan.nn.layers import Conv2d, convolution
from mulligan.nn.memory import ALIGNMENT, Buffers, allocate, scratch


def test_an_array_is_kept_and_grows():
    first = scratch("a test", 10, np.float32)
    assert first.shape == (10,)
    assert np.shares_memory(first, scratch("a test", 4, np.float32))
    assert scratch("a test", 4, np.float64).dtype == np.float64
    assert scratch("a test", 20, np.float32).shape == (20,)
    assert not np.shares_memory(scratch("a test", 4, np.float32), scratch("another", 4, np.float32))


def test_a_buffer_is_kept_shrinks_and_grows():
    buffers = Buffers(np.dtype(np.float32))
    small = buffers["y", (2, 3)]
    assert buffers["y", (2, 3)] is small
    large = buffers["y", (5, 3)]
    assert large.shape == (5, 3)
    assert np.shares_memory(buffers["y", (2, 3)], large)  # nothing of the smaller one is left
    assert not np.shares_memory(buffers["y", (2, 4)], large)
    assert not np.shares_memory(buffers["x", (2, 4)], buffers["y", (2, 4)])


def test_threads_do_not_share():
    found = []
    thread = threading.Thread(target=lambda: found.append(scratch("a test", 10, np.float32)))
    thread.start()
    thread.join()
    assert not np.shares_memory(found[0], scratch("a test", 10, np.float32))


def test_an_array_begins_on_a_cache_line():
    arrays = [allocate((3, n), np.float32) for n in range(1, 2000, 50)]  # all at once, so that each has its own place
    assert {array.ctypes.data % ALIGNMENT for array in arrays} == {0}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_networks_and_workspaces_can_be_copied(copied):
    network, x = Network(Conv2d(3), (6, 6, 2)).initialise(np.random.default_rng(1)), np.ones((2, 6, 6, 2), np.float32)
    space = network.workspace()
    before = space.forward(x).copy()
    np.testing.assert_array_equal(copied(network).workspace().forward(x), before)
    other = copied(space)
    np.testing.assert_array_equal(other.forward(x), before)
    other.theta *= 2  # its layers have views of its own vector
    np.testing.assert_array_equal(other.forward(x), 2 * before)
    np.testing.assert_array_equal(space.forward(x), before if copied is not copy.copy else 2 * before)


def test_loss_and_penalty_are_mixed_tile_by_tile(monkeypatch):
    network = Network(Conv2d(3), (6, 6, 2), np.float64).initialise(np.random.default_rng(1))
    space = network.workspace()
    x, u, dy, c = map(np.random.default_rng(0).normal, [0] * 4, [1] * 4, [(5, 6, 6, 2)] * 2 + [(5, 3, 3, 3), (5,)])
    found = []
    monkeypatch.setattr(convolution, "KERNEL_ROWS", 0)
    for tile_bytes in (1, 10**9):
        monkeypatch.setattr(convolution, "TILE_BYTES", tile_bytes)
        space.clear_grads()
        space.forward(x)
        space.backward(dy)
        space.tangent(u)
        space.fused_grads(c)
        found.append(space.grad.copy())
    np.testing.assert_allclose(*found, rtol=1e-12)
