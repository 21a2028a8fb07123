"""Principal directions of a generator's first layer, and walks along them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import UnsupportedError, as_whole
from mulligan.output.generator.latents import truncated
from mulligan.output.pictures import to_uint8

if TYPE_CHECKING:  # which takes z from here
    from mulligan.output.generator import Generator

SHOWN = 3
"""Directions that have a slider, in the playground and in the player."""


def directions(generator: Generator) -> NDArray[np.float32]:
    """Return the directions of z that change the first layer most, (dim, dim), the strongest first.

    SeFa (Shen and Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs"): the eigenvectors of W Wᵀ.

    Raises
    ------
    UnsupportedError
        When the first layer is not Dense.
    """
    first, dim = next(iter(generator.network.entries), None), generator.spec.latent.dim
    if first is None or not first.path.endswith("W") or len(first.param.shape) != 2 or first.param.shape[0] < dim:
        raise UnsupportedError(f"directions need a first layer that is Dense, got {first and first.path} first.")
    W = first.view(generator.theta)[:dim].astype(np.float64)
    vectors: NDArray[np.float64] = np.linalg.eigh(W @ W.T)[1][:, ::-1].T
    return np.asarray(vectors * np.sign(vectors.sum(axis=1, keepdims=True)), np.float32)


def steered(generator: Generator, count: int, seed: int, psi: float, along: Sequence[float]) -> NDArray[np.float32]:
    """Return ψ z + Σ aₖ vₖ for a seed's z and `directions` v, sum by sum in float32, as the player's page has it."""
    z = truncated(generator.spec, count, seed, psi)
    if any(along):
        for shift, v in zip(along, directions(generator)):
            z += np.float32(shift) * v
    return z


def walk_along(
    generator: Generator, seed: int, direction: int, frames: int = 60, label: int | None = None, reach: float = 3.0
) -> NDArray[np.uint8]:
    """Return pictures along one of `directions`, through a seed's picture: z + t·v, t from −reach to reach.

    Parameters
    ----------
    generator : Generator
    seed : int
    direction : int
        From 0, the strongest.
    frames, label
        As for `Generator.walk`.
    reach : float
        By default three standard deviations of a normal z.
    """
    as_whole("frames", frames, 2, 100_000)
    v = directions(generator)[as_whole("direction", direction, 0, generator.spec.latent.dim - 1)]
    z = generator.z(1, seed) + np.linspace(-reach, reach, frames, dtype=np.float32)[:, None] * v
    own = generator.label_of(seed) if label is None else label
    return to_uint8(generator.decode(z, own), *generator.spec.data_range)
