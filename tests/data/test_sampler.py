import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.data import Sampler
from mulligan.errors import ConfigError

sizes = st.integers(1, 40)


def drawn(sampler, batches):
    return np.concatenate([sampler.next_indices().copy() for _ in range(batches)])


@given(n=sizes, batch_size=sizes, seed=st.integers(0, 9))
def test_every_index_once_an_epoch(n, batch_size, seed):
    sampler = Sampler(n, batch_size, np.random.default_rng(seed))
    numbers = drawn(sampler, n)  # n batches are batch_size whole epochs
    for epoch in numbers.reshape(batch_size, n):
        assert sorted(epoch) == list(range(n))
    assert (sampler.epoch, sampler.position) == (batch_size - 1, n)


@given(n=sizes, batch_size=sizes, k=sizes, other=sizes)
def test_a_restored_sampler_goes_on_exactly(n, batch_size, k, other):
    whole = Sampler(n, batch_size, np.random.default_rng(1))
    drawn(whole, k)
    state = json.loads(json.dumps(whole.state()))
    resumed = Sampler(n, batch_size, np.random.default_rng(2))
    drawn(resumed, other)
    resumed.restore(state)
    assert (drawn(resumed, 2 * n + 1) == drawn(whole, 2 * n + 1)).all()
    assert resumed.state() == whole.state()


def test_the_state_is_small_and_does_not_move_with_the_sampler():
    sampler = Sampler(60_000, 64, np.random.default_rng(0))
    state = sampler.state()
    text = json.dumps(state)
    drawn(sampler, 1000)
    assert len(text) < 500
    assert json.dumps(state) == text


def test_all_places_are_equally_likely():
    # 6 permutations of 3 numbers, 6000 epochs: each count is within 5 standard deviations (29) of 1000.
    epochs = drawn(Sampler(3, 3, np.random.default_rng(0)), 6000).reshape(-1, 3)
    _, counts = np.unique(epochs, axis=0, return_counts=True)
    assert len(counts) == 6
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(6000 * 1 / 6 * 5 / 6)


def test_the_batch_is_one_buffer():
    sampler = Sampler(10, 4, np.random.default_rng(0))
    batch = sampler.next_indices()
    assert batch.dtype == np.int64
    assert sampler.next_indices() is batch


@pytest.mark.parametrize(("n", "size"), [(0, 1), (1, 0)])
def test_nonsense_is_refused(n, size):
    with pytest.raises(ConfigError):
        Sampler(n, size, np.random.default_rng(0))
