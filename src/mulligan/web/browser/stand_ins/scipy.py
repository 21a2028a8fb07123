"""The function of SciPy that a run in training needs: the library is 20 MB to load."""

import math


def gammainc(a: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function, x^a e^−x Σₙ xⁿ / Γ(a + n + 1)."""
    term = math.exp(a * math.log(x) - x - math.lgamma(a + 1)) if x > 0 else 0.0
    total, n = term, 0
    while term > 1e-17 * total:
        n += 1
        term *= x / (a + n)
        total += term
    return total
