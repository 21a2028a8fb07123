"""What a game says of itself."""

import numpy as np
import pytest

from mulligan.errors import ShapeError
from mulligan.game import Latent


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("distribution", "variance", "least", "most"), [("normal", 1, -9, 9), ("uniform", 1 / 3, -1, 1)]
)
def test_z_has_the_distribution_that_its_name_says(distribution, variance, least, most, dtype):
    n = 40_000
    z = Latent(2, distribution).draw(np.random.default_rng(0), np.full((n // 2, 2), np.nan, dtype))
    assert z.dtype == dtype
    assert least <= z.min() < 0 < z.max() <= most
    assert abs(z.mean()) < 5 * np.sqrt(variance / n)
    assert z.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / n))


@pytest.mark.parametrize("shape", [(6, 8, 1), (8, 6, 1), (5, 8, 3), (9, 9, 1)])
def test_height_and_width_must_both_be_halved(shape):
    from mulligan.game.architectures import picture

    with pytest.raises(ShapeError, match="height and width must be multiples of 4, to be halved 2 times"):
        picture(shape, 2)
    assert picture((8, 12, 1), 2) == (8, 12, 1)
