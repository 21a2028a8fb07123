"""Compute z and a class from a seed. The rule is part of the interface and will not change.

- z of picture i of seed s is row i of one (count, dim) float32 draw from ``stream(s, "sample")``, N(0, 1) or U(−1, 1);
- its class, if there are classes and none is asked for, is the k with Σ_{j<k} shares ≤ uᵢ < Σ_{j≤k} shares, with uᵢ
  number i of ``stream(s, "sample.class").random()`` and the classes' shares in the training data.

So picture 0 of seed 42 is the same in a draw of one picture or of ten thousand. `mulligan.output.export.facts` has the
rule as lines of NumPy, for users of an exported generator.
"""

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import as_whole
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream
from mulligan.output.generator import LARGEST_SEED
from mulligan.output.generator.file import GeneratorSpec


def z_of(spec: GeneratorSpec, count: int, seed: int) -> NDArray[np.float32]:
    """Return the first `count` latents of a seed, (count, dim) float32."""
    _check(count, seed)
    return spec.latent.draw(stream(int(seed), "sample"), np.empty((count, spec.latent.dim), np.float32))


def labels_of(spec: GeneratorSpec, count: int, seed: int) -> NDArray[np.int64] | None:
    """Return the first `count` classes of a seed, (count,) int64; None for a generator without labels."""
    _check(count, seed)
    if not spec.classes:
        return None
    u = stream(int(seed), "sample.class").random(count)
    return np.searchsorted(class_edges(spec), u, side="right").astype(np.int64)


def class_edges(spec: GeneratorSpec) -> NDArray[np.float64]:
    """Return the ends of the classes' shares in [0, 1), without the last: (classes − 1,)."""
    counts = np.asarray(spec.class_counts or np.ones(spec.classes), np.float64)
    return np.cumsum(counts / counts.sum())[:-1]


def between(spec: GeneratorSpec, start: Array, end: Array, t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return latents on the way from one to another.

    Normal ones take the great circle, z(t) = sin((1−t)ω)/sin ω · z₀ + sin(tω)/sin ω · z₁ with ω the angle between them,
    because a straight line would pass through lengths that training never saw. Uniform ones take a straight line, which
    stays inside their cube. The viewer does the same in JavaScript. `t`, (n,), is the fraction of the way, from 0 to 1;
    both ends are exact.
    """
    a, b, t = start.astype(np.float64), end.astype(np.float64), t[:, None]
    straight: NDArray[np.float64] = (1.0 - t) * a + t * b
    if spec.latent.distribution == "uniform":
        return straight
    lengths = np.linalg.norm(a, axis=-1, keepdims=True) * np.linalg.norm(b, axis=-1, keepdims=True)
    angle = np.arccos(((a * b).sum(axis=-1, keepdims=True) / lengths).clip(-1.0, 1.0))
    parallel = np.sin(angle) < 1e-6
    sine = np.where(parallel, 1.0, np.sin(angle))
    return np.where(parallel, straight, np.sin((1.0 - t) * angle) / sine * a + np.sin(t * angle) / sine * b)


def _check(count: int, seed: int) -> None:
    as_whole("count", count, 1, 2**40)
    as_whole("seed", seed, 0, LARGEST_SEED)
