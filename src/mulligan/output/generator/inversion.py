"""Find z whose picture is nearest to a given one, by Adam through the generator's own backward pass."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import ShapeError, as_whole
from mulligan.nn.optimizers import Adam
from mulligan.nn.schedules import Cosine
from mulligan.nn.workers.limits import check_size
from mulligan.output.generator.generator import Generator

RATE, PRIOR, ROWS = 0.1, 1e-3, 256
"""Adam's rate; the weight of the mean of z², which keeps z in the region of training; and rows of one pass."""
MANY = 32
"""Up to this many classes, each is tried. Of more, as many as `starts` are drawn, by their shares."""


class Inversion(NamedTuple):
    """What `invert` has found for n pictures."""

    z: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    images: NDArray[np.uint8]
    """G's pictures of z and labels."""
    error: NDArray[np.float64]
    """Root mean square of the difference, in grey levels from 0 to 255."""


def invert(
    generator: Generator,
    pictures: NDArray[np.uint8],
    *,
    label: int | None = None,
    starts: int = 4,
    steps: int = 200,
    seed: int = 0,
) -> Inversion:
    """Find the z and the class whose picture is nearest to each of yours, to see what a generator can make.

    Adam through G's backward pass minimises the mean of (G(z) − picture)² + 0.001 z², from several random z.

    Parameters
    ----------
    generator : Generator
    pictures : (n, height, width, channels) uint8 array
        In the generator's own shape.
    label : int, optional
        The class of all pictures; by default each class is tried.
    starts : int
        Number of random z from which each search starts; at least one for each class.
    steps : int
        Steps of Adam, whose rate falls to 0.
    seed : int
        Of the starts.

    Raises
    ------
    ShapeError
        When the pictures do not have the generator's shape.
    """
    spec, network = generator.spec, generator.network
    if np.ndim(pictures) != 4 or np.shape(pictures)[1:] != spec.shape or np.asarray(pictures).dtype != np.uint8:
        raise ShapeError(f"pictures must be uint8 (n, *{spec.shape}), got {pictures.dtype} of shape {pictures.shape}.")
    as_whole("steps", steps, 1)
    own, few = generator.classes and label is None, generator.classes <= MANY
    starts = max(as_whole("starts", starts, 1), generator.classes if own and few else 1)
    n, (low, high) = len(pictures), spec.output_range
    check_size(f"{n * starts:,} starts", 4 * n * starts * spec.latent.dim)
    z, error = generator.z(n * starts, seed), np.empty(n * starts)
    labels: NDArray[np.int64] | None = None
    if generator.classes:
        some = np.arange(starts) % generator.classes if few else np.asarray(generator.labels(starts, seed))
        labels = np.repeat(some, n) if own else np.full(n * starts, generator.class_of(label or 0))
    target = low + pictures.reshape(n, -1).astype(np.float32) * ((high - low) / 255)
    space, falls = network.workspace(), Cosine(1.0, 0.0)
    for rows in (slice(first, min(first + ROWS, len(z))) for first in range(0, len(z), ROWS)):
        own_picture = np.arange(rows.start, rows.stop) % n
        part, goal = z[rows], target[own_picture]
        chosen, flat, rule = None if labels is None else labels[rows], part.reshape(-1), Adam(RATE, 0.9)
        state = rule.init(flat.size, np.float32)
        for step in range(steps):
            made = space.forward(part, chosen, training=False)
            slope = (made.reshape(goal.shape) - goal) * np.float32(2 / goal.shape[1])
            gradient = space.backward(slope.reshape(made.shape)) + np.float32(2 * PRIOR / part.shape[1]) * part
            rule.step(flat, gradient.reshape(-1).copy(), state, lr=RATE * falls(step, steps))
            if spec.latent.distribution == "uniform":
                np.clip(part, -1, 1, out=part)
        difference = generator._as_pictures(generator._pass(part, chosen)).astype(np.float64) - pictures[own_picture]
        error[rows] = np.sqrt(np.square(difference).mean(axis=(1, 2, 3)))
    best = error.reshape(starts, n).argmin(axis=0) * n + np.arange(n)
    classes = None if labels is None else labels[best]
    return Inversion(z[best], classes, generator._as_pictures(generator._pass(z[best], classes)), error[best])
