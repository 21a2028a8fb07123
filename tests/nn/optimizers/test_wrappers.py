"""Optimisers around an optimiser."""

import numpy as np
import pytest

from mulligan.errors import ConfigError
from mulligan.nn.optimizers import SGD, Adam, Extragradient, Lookahead


def test_extragradient_of_adam_is_extra_adam():
    """Gidel et al. 2019, Extra-Adam, on a bilinear game, where the gradient depends on the iterate."""
    lr, b1, b2, eps = 0.02, 0.5, 0.9, 1e-3
    A = np.random.default_rng(3).standard_normal((4, 4))

    def field(w):  # min over x, max over y of x'Ay
        return np.r_[A @ w[4:], -A.T @ w[:4]]

    w = first = np.random.default_rng(4).standard_normal(8)
    m, v = np.zeros(8), np.zeros(8)
    for t in range(1, 26):
        g = field(w)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        tried = w - lr * (m / (1 - b1 ** (2 * t - 1))) / (np.sqrt(v / (1 - b2 ** (2 * t - 1))) + eps)
        g = field(tried)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        w = w - lr * (m / (1 - b1 ** (2 * t))) / (np.sqrt(v / (1 - b2 ** (2 * t))) + eps)

    optimizer = Extragradient(Adam(lr=lr, beta1=b1, beta2=b2, eps=eps))
    theta, state = first.copy(), optimizer.init(8, np.float64)
    for _ in range(25 * optimizer.evaluations):
        optimizer.step(theta, field(theta), state)
    np.testing.assert_allclose(theta, w, rtol=1e-12)


def test_wrappers_pass_rate_and_beta2_to_the_base():
    wrapped, other = (Lookahead(Extragradient(Adam(lr=rate)), k=3) for rate in (1e-3, 5e-4))
    assert wrapped.rates(0.5, 0.9) == {"lr": 5e-4, "beta2": 0.9}
    (one, state), (two, same) = ((np.ones(5), wrapped.init(5, np.float64)) for _ in range(2))
    for _ in range(6):
        wrapped.step(one, one.copy(), state, lr=5e-4)
        other.step(two, two.copy(), same)
    assert np.array_equal(one, two)
    with pytest.raises(ConfigError, match="SGD must have an option beta2"):
        Extragradient(SGD()).rates(1.0, 0.9)


@pytest.mark.parametrize(
    ("cls", "base"),
    [
        (Extragradient, Extragradient()),
        (Extragradient, Lookahead()),
        (Lookahead, Lookahead()),
        (Lookahead, "adam"),
    ],
)
def test_wrappers_refuse_what_they_cannot_wrap(cls, base):
    one = r"The only wrapper of a wrapper is Lookahead\(Extragradient\(base\)\)"
    wraps = rf"an optimiser that is no wrapper itself, got .*\. {one}"
    words = r"a kind of Optimizer, got 'adam'" if base == "adam" else wraps
    with pytest.raises(ConfigError, match=rf"^{cls.__name__}: base must be {words}\. Try base = Adam\(\)\.$"):
        cls(base)
