import numpy as np
import pytest

from mulligan.data import cluster_labels, load
from mulligan.data.kmeans import principal_components, seed_centres
from mulligan.errors import ConfigError

BLOBS = np.random.default_rng(0)
CENTRES = BLOBS.integers(40, 216, (6, 12))
TRUTH = np.repeat(np.arange(6), 30)
PICTURES = (CENTRES[TRUTH] + BLOBS.integers(-5, 6, (180, 12))).astype(np.uint8).reshape(180, 3, 4, 1)


def test_plain_clusters_are_found():
    labels, frequencies = cluster_labels(PICTURES, k=6, components=5)
    assert labels.dtype == np.int64
    assert frequencies.tolist() == [1 / 6] * 6
    pairs = set(zip(labels.tolist(), TRUTH.tolist()))
    assert len(pairs) == 6  # one cluster per blob and one blob per cluster


def test_the_seed_decides():
    first, again, other = (cluster_labels(PICTURES, k=20, components=5, seed=s)[0] for s in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize(("n", "k", "components"), [(1, 1, 50), (7, 7, 50), (180, 1, 50), (180, 6, 1)])
def test_as_few_as_one(n, k, components):
    labels, frequencies = cluster_labels(PICTURES[:n], k, components)
    assert sorted(set(labels.tolist())) == list(range(len(frequencies)))


def test_equal_pictures_share_a_cluster_and_no_cluster_is_empty():
    pictures = np.repeat(PICTURES[:3] * np.uint8(1), 10, axis=0)
    labels, frequencies = cluster_labels(pictures, k=8)
    assert (labels.reshape(3, 10) == labels[::10, None]).all()
    assert frequencies.min() > 0
    labels, frequencies = cluster_labels(np.zeros((20, 2, 2, 1), np.uint8), k=4)
    assert labels.tolist() == [0] * 20
    assert frequencies.tolist() == [1.0]


def test_clusters_that_lost_all_their_pictures_leave_no_gap(monkeypatch):
    monkeypatch.setattr("scipy.cluster.vq.kmeans2", lambda *_, **__: (None, np.array([3, 0, 3, 3, 2])))
    labels, frequencies = cluster_labels(PICTURES[:5], k=4)
    assert labels.tolist() == [2, 0, 2, 2, 1]
    assert frequencies.tolist() == [0.2, 0.2, 0.6]


@pytest.mark.parametrize("k", [0, 181])
def test_nonsense_is_refused(k):
    with pytest.raises(ConfigError, match=f"got {k}"):
        cluster_labels(PICTURES, k, 5)


def test_principal_components_hold_nearly_all_the_variance_there_is():
    rows = np.asarray(load("mnist").test.images).reshape(10_000, -1)
    found = principal_components(rows, 20, np.random.default_rng(0))
    centred = rows - rows.mean(axis=0)
    best = np.linalg.eigvalsh(centred.T @ centred)[::-1][:20]
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=0.05)
    scatter = found.astype(float).T @ found
    np.testing.assert_allclose(np.diag(scatter), best, rtol=0.01)
    off = scatter - np.diag(np.diag(scatter))
    assert np.abs(off).max() < 1e-4 * best[0]


def test_the_pictures_are_never_all_floats_at_once(peak_of):
    rows = np.zeros((40_000, 256), np.uint8)
    assert peak_of(principal_components, rows, 4, np.random.default_rng(0)) < rows.nbytes * 4 / 2


def test_first_centres_are_drawn_by_squared_distance():
    # From 0 the second centre is 1 or 3 with odds 1 : 9; from 1, 0 or 3 with odds 1 : 4; from 3, 0 or 1 with 9 : 4.
    x = np.array([[0.0], [1.0], [3.0]], np.float32)
    pairs = [tuple(seed_centres(x, 2, np.random.default_rng(s)).ravel()) for s in range(6000)]
    odds = {(0, 1): 1 / 10, (0, 3): 9 / 10, (1, 0): 1 / 5, (1, 3): 4 / 5, (3, 0): 9 / 13, (3, 1): 4 / 13}
    for pair, p in odds.items():
        assert abs(pairs.count(pair) / 6000 - p / 3) < 5 * np.sqrt(p / 3 / 6000)
