"""Scratch is kept, grows, and belongs to one thread."""

import threading

import numpy as np

from mulligan.nn.layers.scratch import scratch


def test_an_array_is_kept_and_grows():
    first = scratch("a test", 10, np.float32)
    assert first.shape == (10,)
    assert np.shares_memory(first, scratch("a test", 4, np.float32))
    assert scratch("a test", 4, np.float64).dtype == np.float64
    assert scratch("a test", 20, np.float32).shape == (20,)
    assert not np.shares_memory(scratch("a test", 4, np.float32), scratch("another", 4, np.float32))


def test_threads_do_not_share():
    found = []
    thread = threading.Thread(target=lambda: found.append(scratch("a test", 10, np.float32)))
    thread.start()
    thread.join()
    assert not np.shares_memory(found[0], scratch("a test", 10, np.float32))
