import numpy as np
import pytest
from scipy.stats import norm

from mulligan.metrics import real_or_fake
from mulligan.metrics.two_sample import logistic_loss


def test_it_is_a_half_within_its_deviation_when_nobody_can_tell(rng):
    seen = [real_or_fake(rng.standard_normal((60, 2)), rng.standard_normal((60, 2)), seed=i) for i in range(80)]
    z = (np.array(seen) - 0.5) / np.sqrt(1 / 240)  # 60 tested rows
    assert abs(z.mean()) < 3.5 / np.sqrt(80)
    assert z.std() == pytest.approx(1.0, abs=3.5 / np.sqrt(160))


def test_another_spread_is_told_with_the_accuracy_of_bayes(rng):
    # σ = 1 against 2: the likelihood ratio cuts at |x| = √(8 ln 2 / 3).
    x, y = rng.standard_normal((6000, 1)), 2 * rng.standard_normal((6000, 1))
    cut = np.sqrt(8 * np.log(2) / 3)
    best = 0.5 * (2 * norm.cdf(cut) - 1) + norm.sf(cut / 2)
    assert abs(real_or_fake(x, y) - best) < 4 * np.sqrt(best * (1 - best) / 6000)


@pytest.mark.parametrize("ridge", [5.0, 300.0])
def test_the_same_decisions_as_scikit_learn(rng, ridge, monkeypatch):
    monkeypatch.setattr("mulligan.metrics.two_sample.RIDGE", ridge)
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y = rng.standard_normal((400, 3)), 1.2 * rng.standard_normal((400, 3)) + 0.3
    draw = np.random.default_rng(9)
    a, b = x[draw.permutation(400)], y[draw.permutation(400)]
    both = lambda part: np.vstack([np.hstack([s[part], s[part] ** 2]) for s in (a, b)])  # noqa: E731
    fit, held = both(slice(200)), both(slice(200, None))
    mean, sd = fit.mean(axis=0), fit.std(axis=0)
    truth = np.repeat([1, 0], 200)
    model = linear_model.LogisticRegression(C=1 / ridge, tol=1e-8, max_iter=1000).fit((fit - mean) / sd, truth)
    assert real_or_fake(x, y, seed=9) == model.score((held - mean) / sd, truth)


def test_the_gradient_by_central_differences(rng):
    x, sign, w = rng.standard_normal((20, 4)), rng.choice([-1.0, 1.0], 20), rng.standard_normal(4)
    loss, gradient = logistic_loss(w, x, sign)
    assert loss == pytest.approx(np.log1p(np.exp(-sign * (x @ w))).sum() + 0.5 * (w[:3] ** 2).sum(), rel=1e-12)
    h = 1e-5
    for i, step in enumerate(h * np.eye(4)):
        slope = (logistic_loss(w + step, x, sign)[0] - logistic_loss(w - step, x, sign)[0]) / (2 * h)
        assert gradient[i] == pytest.approx(slope, rel=1e-8)


def test_separable_and_constant_features(rng):
    x = rng.standard_normal((50, 2))
    assert real_or_fake(x, x + 100.0) == 1.0
    assert real_or_fake(np.hstack([x, np.ones((50, 1))]), np.hstack([x + 100, np.ones((50, 1))])) == 1.0


def test_the_larger_set_is_cut_and_the_seed_decides(rng):
    x, y = rng.standard_normal((200, 2)), rng.standard_normal((80, 2))
    found = real_or_fake(x, y, seed=1)
    assert found == real_or_fake(x, y, seed=1)
    assert found * 80 == pytest.approx(round(found * 80))  # the share of 80 tested rows, half of each


@pytest.mark.parametrize(("n", "m"), [(40, 40), (41, 57)])
def test_rows_on_the_boundary_are_right_by_half(n, m):
    assert real_or_fake(np.ones((n, 3)), np.ones((m, 3))) == 0.5
    assert real_or_fake(np.zeros((n, 3)), np.zeros((m, 3))) == 0.5
    assert real_or_fake(np.ones((n, 3)), np.zeros((m, 3))) == 1.0
