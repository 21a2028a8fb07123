import numpy as np
import pytest
from scipy.stats import norm

from mulligan.metrics import TwoSampleTest, c2st
from mulligan.metrics.distances.c2st import logistic_loss


def test_accuracy_is_a_half_and_z_a_standard_normal_when_nobody_can_tell(rng):
    seen = [c2st(rng.standard_normal((60, 2)), rng.standard_normal((60, 2)), seed=i) for i in range(80)]
    z = np.array([s.z for s in seen])
    assert abs(z.mean()) < 3.5 / np.sqrt(80)
    assert z.std() == pytest.approx(1.0, abs=3.5 / np.sqrt(160))
    # 60 held-out rows (30 of each): (accuracy − ½)/√(1/240).
    assert seen[0].z == pytest.approx((seen[0].accuracy - 0.5) / np.sqrt(1 / 240))


def test_another_spread_is_told_with_the_accuracy_of_bayes(rng):
    # σ = 1 against 2: the likelihood ratio cuts at |x| = √(8 ln 2 / 3).
    x, y = rng.standard_normal((6000, 1)), 2 * rng.standard_normal((6000, 1))
    cut = np.sqrt(8 * np.log(2) / 3)
    best = 0.5 * (2 * norm.cdf(cut) - 1) + norm.sf(cut / 2)
    assert abs(c2st(x, y).accuracy - best) < 4 * np.sqrt(best * (1 - best) / 6000)


@pytest.mark.parametrize("ridge", [5.0, 300.0])
def test_the_same_decisions_as_scikit_learn(rng, ridge):
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y = rng.standard_normal((400, 3)), 1.2 * rng.standard_normal((400, 3)) + 0.3
    draw = np.random.default_rng(9)
    a, b = x[draw.permutation(400)], y[draw.permutation(400)]
    both = lambda part: np.vstack([np.hstack([s[part], s[part] ** 2]) for s in (a, b)])  # noqa: E731
    fit, held = both(slice(200)), both(slice(200, None))
    mean, sd = fit.mean(axis=0), fit.std(axis=0)
    truth = np.repeat([1, 0], 200)
    model = linear_model.LogisticRegression(C=1 / ridge, tol=1e-8, max_iter=1000).fit((fit - mean) / sd, truth)
    assert c2st(x, y, ridge=ridge, seed=9).accuracy == model.score((held - mean) / sd, truth)


def test_the_gradient_by_central_differences(rng):
    x, sign, w = rng.standard_normal((20, 4)), rng.choice([-1.0, 1.0], 20), rng.standard_normal(4)
    loss, gradient = logistic_loss(w, x, sign, 3.0)
    assert loss == pytest.approx(np.log1p(np.exp(-sign * (x @ w))).sum() + 1.5 * (w[:3] ** 2).sum(), rel=1e-12)
    h = 1e-5
    for i, step in enumerate(h * np.eye(4)):
        slope = (logistic_loss(w + step, x, sign, 3.0)[0] - logistic_loss(w - step, x, sign, 3.0)[0]) / (2 * h)
        assert gradient[i] == pytest.approx(slope, rel=1e-8)


def test_separable_and_constant_features(rng):
    x = rng.standard_normal((50, 2))
    assert c2st(x, x + 100.0).accuracy == 1.0
    assert c2st(np.hstack([x, np.ones((50, 1))]), np.hstack([x + 100, np.ones((50, 1))])).accuracy == 1.0


def test_the_larger_set_is_cut_and_the_seed_decides(rng):
    x, y = rng.standard_normal((200, 2)), rng.standard_normal((80, 2))
    found = c2st(x, y, seed=1)
    assert found == c2st(x, y, seed=1)
    assert found.z == pytest.approx((found.accuracy - 0.5) * np.sqrt(4 * 80))


@pytest.mark.parametrize(("n", "m"), [(40, 40), (41, 57)])
def test_rows_on_the_boundary_are_right_by_half(n, m):
    assert c2st(np.ones((n, 3)), np.ones((m, 3))) == TwoSampleTest(0.5, 0.0)
    assert c2st(np.zeros((n, 3)), np.zeros((m, 3))) == TwoSampleTest(0.5, 0.0)
    assert c2st(np.ones((n, 3)), np.zeros((m, 3))).accuracy == 1.0
