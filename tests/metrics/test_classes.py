import numpy as np
import pytest
import scipy.stats

from mulligan.metrics import classifier_score, count_classes, kl, labels, within_class_variance
from mulligan.metrics.classes import JUNK


def sure(label, count=10, p=0.91):
    """Probabilities of a classifier that gives each picture its class with probability p."""
    rows = np.full((len(label), count), (1 - p) / (count - 1))
    rows[np.arange(len(label)), label] = p
    return rows


UNIFORM = np.full(10, 0.1)


def test_junk_is_what_no_class_has_for_sure():
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.9, 0.0], [0.49, 0.31, 0.2]])
    assert labels(p).tolist() == [0, 1, JUNK]
    assert labels(p, sure=0.95).tolist() == [JUNK, JUNK, JUNK]
    found = count_classes(p, np.array([1.0, 1.0, 1.0]))
    assert found.histogram == pytest.approx((1 / 3, 1 / 3, 0.0))
    assert found.junk == pytest.approx(1 / 3)
    assert sum(found.histogram) + found.junk == pytest.approx(1.0)
    # Two classes of three, evenly, among the two pictures that have one.
    assert found.kl == pytest.approx(np.log(3 / 2))
    assert found.kl_floor == pytest.approx(2 / (2 * 2))
    assert found.effective_modes == pytest.approx(2.0)


def test_kl_against_scipy(rng):
    q, p = rng.random(7), rng.random(7) + 0.1
    assert kl(q, p) == pytest.approx(scipy.stats.entropy(q, p), rel=1e-12)
    assert kl(q, 5 * q) == pytest.approx(0.0, abs=1e-15)
    assert kl(np.array([1.0, 1.0]), np.array([1.0, 0.0])) == np.inf
    assert kl(np.array([1.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(np.log(2))
    assert kl(p, q) != pytest.approx(kl(q, p), rel=1e-3)


def test_floor_of_kl_against_monte_carlo(rng):
    prior = rng.dirichlet(np.full(10, 20.0))
    seen = [count_classes(sure(rng.choice(10, 400, p=prior)), prior).kl for _ in range(400)]
    floor = count_classes(sure(np.arange(400) % 10), prior).kl_floor
    assert floor == 9 / 800
    assert abs(np.mean(seen) - floor) < 3.5 * np.std(seen) / np.sqrt(400)


def test_modes_and_effective_modes():
    even = count_classes(sure(np.arange(1000) % 10), UNIFORM)
    assert (even.modes, even.effective_modes) == (10, pytest.approx(10.0))
    assert even.kl == pytest.approx(0.0, abs=1e-15)
    one = count_classes(sure(np.full(1000, 3)), UNIFORM)
    assert (one.modes, one.effective_modes, one.kl) == (1, pytest.approx(1.0), pytest.approx(np.log(10)))
    # 1 % counts as a mode, less does not.
    few = count_classes(sure(np.repeat([0, 1, 2], [981, 10, 9])), UNIFORM)
    assert few.modes == 2
    assert few.effective_modes == pytest.approx(np.exp(scipy.stats.entropy([0.981, 0.010, 0.009])))


def test_all_junk_is_as_bad_as_all_in_the_rarest_class():
    prior = np.array([0.5, 0.3, 0.2])
    junk = count_classes(np.full((50, 3), 1 / 3), prior)
    assert (junk.junk, junk.modes, junk.effective_modes) == (1.0, 0, 0.0)
    assert junk.kl == pytest.approx(count_classes(sure(np.full(50, 2), 3), prior).kl) == pytest.approx(-np.log(0.2))


def test_order_does_not_matter(rng):
    p = rng.dirichlet(np.full(10, 0.1), 500)
    assert count_classes(p, UNIFORM) == count_classes(rng.permutation(p), UNIFORM)
    assert classifier_score(p) == pytest.approx(classifier_score(rng.permutation(p)), rel=1e-12)


def test_within_class_variance_sees_what_balance_hides(rng):
    label = np.arange(300) % 3
    real = rng.standard_normal((300, 6)) + 10 * label[:, None]
    fake = real.copy()
    fake[label == 1] = real[label == 1].mean(axis=0) + 0.5 * (real[label == 1] - real[label == 1].mean(axis=0))
    fake[label == 2] = real[2]
    found = within_class_variance(fake, label, real, label, 3)
    assert found == pytest.approx((1.0, 0.25, 0.0), abs=1e-12)
    # Twice the same pictures: variance is unbiased, divided by n − 1.
    twice = within_class_variance(np.tile(real, (2, 1)), np.tile(label, 2), real, label, 3)
    assert twice == pytest.approx([(2 / 199) / (1 / 99)] * 3, rel=1e-12)
    # A class without fakes, a class without reals; junk takes no part.
    lone = np.where(label == 0, JUNK, label)
    assert within_class_variance(fake, lone, real, label, 4) == pytest.approx((0.0, 0.25, 0.0, 1.0), abs=1e-12)


def test_classifier_score_against_scipy(rng):
    p = rng.dirichlet(np.full(6, 0.3), 200)
    expected = np.exp(np.mean([scipy.stats.entropy(row, p.mean(axis=0)) for row in p]))
    assert classifier_score(p) == pytest.approx(expected, rel=1e-12)
    assert classifier_score(np.eye(10)[np.arange(500) % 10]) == pytest.approx(10.0)
    assert classifier_score(np.eye(10)[np.zeros(500, int)]) == pytest.approx(1.0)
    assert classifier_score(np.full((9, 10), 0.1)) == pytest.approx(1.0)
