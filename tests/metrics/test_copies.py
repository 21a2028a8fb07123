import numpy as np
import pytest
from scipy.spatial.distance import cdist

from mulligan.data import Dataset
from mulligan.metrics.copies import copying, ct, nearest_pictures, originals


def authentic(x, train):
    """The share of a set that is authentic."""
    return copying(x, originals(x, train)).authpct / 100


def test_authentic_by_definition(rng):
    x, train = rng.standard_normal((70, 3)), rng.standard_normal((50, 3))
    own = np.sort(cdist(train, train), axis=1)[:, 1]
    d = cdist(x, train)
    expected = np.mean([own[row.argmin()] < row.min() for row in d])
    assert 0.2 < expected < 0.9
    assert authentic(x, train) == pytest.approx(expected, rel=1e-14)


def test_copies_are_not_authentic_and_far_points_are(rng):
    train = rng.standard_normal((60, 4))
    assert authentic(rng.permutation(train), train) == 0.0
    assert authentic(train + 1e-3, train) < 0.05
    assert authentic(train, np.repeat(train, 2, axis=0)) == 0.0  # nor are copies of what is there twice
    assert authentic(train + 1e-3, np.repeat(train, 2, axis=0)) == authentic(train + 1e-3, train)  # its own neighbour
    assert authentic(train + 100.0, train) == 1.0


def test_ct_by_counting_pairs(rng):
    fake, real = rng.integers(0, 30, 55) / 8, rng.integers(0, 30, 48) / 8  # with ties
    fake_cell, real_cell = np.arange(55) % 3, np.arange(48) % 3 // 2  # 32 and 16; cell 2 holds no real
    total = 0.0
    for cell in (0, 1):
        a, b = fake[fake_cell == cell], real[real_cell == cell]
        m, n = len(a), len(b)
        u = sum((p > q) + 0.5 * (p == q) for p in a for q in b)
        total += n * (u - (m * n / 2 - 0.5)) / np.sqrt(m * n * (m + n + 1) / 12)
    assert ct(fake, fake_cell, real, real_cell, least=5) == pytest.approx(total / 48, rel=1e-12)


def test_ct_leaves_out_cells_with_too_few(rng):
    fake, real = rng.random(40), rng.random(40) + 5
    cell = np.repeat([0, 1], [35, 5])
    assert ct(fake, cell, real, cell) == ct(fake[:35], cell[:35], real[:35], cell[:35]) < -3
    assert ct(fake[:9], cell[:9], real[:9], cell[:9]) == 0.0
    assert ct(fake[:20], cell[:20], real[:20], cell[:20]) < -3
    assert ct(fake[:19], cell[:19], real[:20], cell[:20]) == ct(fake[:20], cell[:20], real[:19], cell[:19]) == 0.0


def test_ct_is_a_standard_normal_for_equal_distributions(rng):
    one = np.zeros(80, dtype=int)
    z = [ct(rng.random(80), one, rng.random(80), one) for _ in range(400)]
    assert abs(np.mean(z)) < 3.5 / np.sqrt(400)
    assert np.std(z) == pytest.approx(1.0, abs=3.5 / np.sqrt(800))


def test_the_whole_on_honest_copying_and_bad_fakes(rng):
    draw = lambda n: rng.standard_normal((n, 5))  # noqa: E731
    train, real = draw(1500), draw(800)
    of = originals(real, train)
    assert len(of.centres) == 8
    honest, copied, bad = copying(draw(800), of), copying(train[:800] + 0.01, of), copying(3 * draw(800), of)
    assert abs(honest.authpct - honest.authpct_real) < 8
    assert [honest.ct_z, copied.ct_z, bad.ct_z] == pytest.approx([-0.496, -12.205, 11.543], abs=1e-3)  # as ever
    assert copied.authpct < 2
    assert bad.authpct > honest.authpct
    assert of.authpct_real == pytest.approx(100 * authentic(real, train), rel=1e-14)
    some_copied = copying(np.vstack([train[:200], draw(600)]), of)
    assert copied.ct_z < some_copied.ct_z < -3
    assert some_copied.authpct < honest.authpct - 5


def test_reals_of_the_training_set_are_left_out_one_at_a_time(rng):
    train = rng.standard_normal((60, 2))
    train[7] = train[50]  # a picture that is there twice is a copy of the other
    inside = rng.permutation(60)[:40]
    inside[0] = 7
    distance, is_authentic = [], []
    for row in inside:
        others = np.delete(train, row, axis=0)
        d = cdist(train[[row]], others)[0]
        distance.append(d.min())
        is_authentic.append(np.sort(cdist(others[[d.argmin()]], others)[0])[1] < d.min())
    of = originals(train[inside], train, inside=inside)
    spacing = 8 * np.sqrt(2) * 2.0**-25  # of the grid of `nearest`
    np.testing.assert_allclose(of.real_distance, distance, rtol=0, atol=spacing)
    assert of.real_distance[0] == 0.0
    assert 0.2 < np.mean(is_authentic) < 0.9
    assert of.authpct_real == pytest.approx(100 * np.mean(is_authentic), rel=1e-14)


def test_what_is_there_many_times_is_no_neighbour_of_itself(rng):
    once, real = rng.standard_normal((40, 3)), rng.standard_normal((90, 3))
    many = rng.permutation(np.vstack([np.repeat(once[:30], 5, axis=0), once[30:]]))
    alone = np.array([np.flatnonzero((many == x).all(axis=1))[0] for x in once[30:]])
    near = once[rng.integers(40, size=90)] + 1e-3 * rng.standard_normal((90, 3))
    found, expected = (copying(near, originals(real, train, cells=1)) for train in (many, once))
    assert found.authpct == expected.authpct < 10 < found.authpct_real == expected.authpct_real
    assert found.ct_z == expected.ct_z < -3
    left_out = [originals(t[rows], t, inside=rows) for t, rows in ((many, alone), (once, np.arange(30, 40)))]
    assert left_out[0].authpct_real == left_out[1].authpct_real > 0
    assert copying(near, originals(real, once[np.zeros(30, int)])).authpct == 100.0  # one alone has no other neighbour


def test_the_cells_are_of_all_that_was_trained_on(rng):
    sorted_by_class = np.repeat([[0.0, 0.0], [9.0, 9.0]], [10_001, 2000], axis=0) + rng.random((12_001, 2))
    assert (originals(rng.random((30, 2)), sorted_by_class, cells=2).centres > 8).any()


def test_the_cells_are_lloyds_from_rows_of_the_training_set(rng):
    train = np.repeat([[0.0, 0.0], [9.0, 9.0], [0.0, 9.0]], 40, axis=0) + rng.random((120, 2))
    centres = originals(train[:30], train, cells=3).centres
    cell = cdist(train, centres).argmin(axis=1)
    np.testing.assert_allclose(centres, [train[cell == k].mean(axis=0) for k in range(3)])
    repeated = np.repeat([[0.0], [8.0]], [9, 1], axis=0)
    assert np.isin(originals(repeated, repeated, cells=4).centres, [0.0, 8.0]).all()  # one without a row stays


@pytest.mark.parametrize("block", [1, 7 * 60, 10**6], ids=["a picture", "seven", "all"])
def test_they_are_those_of_the_definition_and_a_copy_is_at_no_distance(rng, monkeypatch, block):
    monkeypatch.setattr("mulligan.metrics.copies.BLOCK", block)
    images = rng.integers(0, 256, (40, 5, 4, 3), dtype=np.uint8)
    asked = rng.integers(0, 256, (3, 5, 4, 3), dtype=np.uint8)
    asked[1] = images[17]
    images[16] = images[17] ^ 1  # nearly as near
    distances, numbers = nearest_pictures(asked, Dataset("x", images), 4)
    every = np.sqrt(np.square(asked.reshape(3, 1, -1) / 255 - images.reshape(40, -1) / 255).sum(-1))
    assert numbers.tolist() == np.argsort(every, axis=1)[:, :4].tolist()
    assert distances == pytest.approx(np.sort(every, axis=1)[:, :4], rel=1e-12)
    assert (distances[1, 0], numbers[1, 0]) == (0, 17)


def test_who_is_as_near_as_the_next_training_picture_is_not_authentic():
    train = np.array([[0.0, 0.0], [2.0, 0.0], [9.0, 9.0], [9.0, 12.0]])
    assert authentic(np.array([[0.0, 2.0], [-2.0, 0.0]]), train) == 0.0  # 2 away, as the other is
    assert authentic(np.array([[0.0, 2.0], [0.0, 2.5]]), train) == 0.5
