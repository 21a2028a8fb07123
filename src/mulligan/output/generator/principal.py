"""Principal directions of a generator's first layer, and walks along them."""

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import UnsupportedError, as_whole
from mulligan.output.generator.generator import Generator

SHOWN = 3
"""Directions that have a slider, in the playground and in the player."""


def directions(generator: Generator) -> NDArray[np.float32]:
    """Find the directions of z that change the first layer most: what a slider should move.

    SeFa (Shen and Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs"): the eigenvectors of W Wᵀ.

    Returns
    -------
    (dim, dim) float32 array
        One direction a row, the strongest first.

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


def walk_along(
    generator: Generator, seed: int, direction: int, frames: int = 60, label: int | None = None, reach: float = 3.0
) -> NDArray[np.uint8]:
    """Show what one of `directions` does: pictures of z + t·v, (frames, height, width, channels) uint8.

    Parameters
    ----------
    generator : Generator
    seed : int
        Of the picture in the middle.
    direction : int
        From 0, the strongest.
    frames : int
        Number of pictures, at least 2.
    label : int, optional
        One class for all; by default the seed's own.
    reach : float
        t goes from −reach to reach; by default three standard deviations of a normal z.

    Raises
    ------
    UnsupportedError
        When the first layer is not Dense.
    """
    as_whole("frames", frames, 2, 100_000)
    v = directions(generator)[as_whole("direction", direction, 0, generator.spec.latent.dim - 1)]
    z = generator.z(1, seed) + np.linspace(-reach, reach, frames, dtype=np.float32)[:, None] * v
    own = generator.label_of(seed) if label is None else label
    return generator._as_pictures(generator._passes(z, generator._labels(frames, 0, own)))
