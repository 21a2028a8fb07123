"""Points instead of pictures: the distances in their own coordinates, and for toys what their known density tells."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from mulligan.data.sources.toys import TOYS, Gaussians
from mulligan.errors import ConfigError
from mulligan.metrics.distances.frechet import moments
from mulligan.metrics.distances.neighbours import manifolds
from mulligan.metrics.evaluate import distances
from mulligan.metrics.toys import divergences, modes
from mulligan.metrics.validation import feature_sets

if TYPE_CHECKING:
    from numpy.typing import NDArray


def evaluate_points(
    fake: NDArray[Any],
    real: NDArray[Any],
    *,
    seed: int = 0,
    data: str = "",
    generator: str = "ema",
    cpu_seconds: float | None = None,
) -> dict[str, Any]:
    """Score one set of points: FD, KID and neighbours in their own coordinates; modes, KL and density for a toy.

    Parameters
    ----------
    fake, real : arrays of shape (n, d)
        As many fakes as held-out reals.
    seed : int
        The one that the fakes were drawn with; it is noted, and seeds KID's subsets.
    data : str
        Where it is the name of a toy, what is known of its density is used.
    generator, cpu_seconds
        Noted, as in `mulligan.metrics.evaluate.evaluate`.

    Returns
    -------
    dict
        Ready for JSON. ``points`` has the distances; ``modes`` those of a mixture in two dimensions (the reals'
        high-quality share beside as ``high_quality_ideal``); ``divergences`` KL and JS in one dimension, in nats;
        ``log_density`` the mean of log p, the reals' beside.

    Raises
    ------
    ConfigError
        Another number of fakes than reals.
    ShapeError, DataError
        Points that do not fit, or are not finite.
    """
    fake, real = feature_sets(fake, real, names=("fake points", "real points"))
    if len(fake) != len(real):
        raise ConfigError(
            f"{len(fake)} fakes against {len(real)} reals; the same number is needed, because every figure depends "
            f"on it. Draw {len(real)} fakes."
        )
    result: dict[str, Any] = {
        "n": len(fake),
        "n_real": len(real),
        "seeds": [int(seed)],
        "data": data,
        "generator": generator,
        **({} if cpu_seconds is None else {"cpu_seconds": float(cpu_seconds)}),
        "points": {**distances(real, fake, moments(real), seed), **asdict(manifolds(real, fake))},
    }
    toy = TOYS.get(data)
    if toy is None:
        return result
    if isinstance(toy, Gaussians) and len(toy.centres) > 1:
        result["modes"] = asdict(modes(fake, toy.modes, toy.std))
    if isinstance(toy, Gaussians) and real.shape[1] == 1:
        (centre,), reach = toy.centres[0], 5.0 * toy.std  # all but 6e-7 of the mass lies inside
        found = divergences(fake, lambda x: np.exp(toy.log_density(x[:, None])), centre - reach, centre + reach)
        result["divergences"] = asdict(found)
    result["log_density"] = {"fake": float(toy.log_density(fake).mean()), "real": float(toy.log_density(real).mean())}
    return result
