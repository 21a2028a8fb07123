"""Give a generator's samples the greys of real pictures."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.nn.layers import Conv2d, LeakyReLU
from mulligan.nn.workers.limits import rows_at_once
from mulligan.output.generator.generator import Generator

FAKES, REALS = 4000, 10_000
KNOTS = np.array([0, 4, 6, 8, 10, 12, 16, 24, 32, 64, 96, 128, 160, 192, 224, 232, 240, 244, 248, 250, 252, 254, 255])
"""Levels between which a curve is straight."""


def match_histogram(generator: Generator, real: NDArray[np.uint8]) -> Generator:
    """Append a curve for each channel, t₀ + Σ turnᵢ · max(0, x − kᵢ), that gives samples the levels of real pictures.

    A tanh never quite arrives at black and white, and a net sees it. The curve sends each level to the real one of the
    same rank (Gonzalez and Woods 2018, §3.3).
    """
    (low, high), shape = generator.spec.output_range, generator.spec.shape
    fake = generator.images(rows_at_once(FAKES, shape), 1)
    knots, channels = low + KNOTS / 255 * (high - low), range(shape[-1])
    levels = low + np.array([_levels(fake[..., c], real[..., c]) for c in channels]) / 255 * (high - low)
    turns = np.diff(np.diff(levels) / np.diff(knots), prepend=0)
    own = np.eye(len(turns))  # each channel has its own units between the two layers
    into, out_of = own.repeat(turns.shape[1], axis=1), (turns[:, :, None] * own[:, None]).reshape(-1, len(turns))
    curve = Conv2d(turns.size, kernel=1, stride=1), LeakyReLU(0.0), Conv2d(len(turns), kernel=1, stride=1)
    tensors = generator.theta, into, np.tile(-knots[:-1], len(turns)), out_of, levels[:, 0]
    spec = replace(generator.spec, layers=(*generator.spec.layers, *curve))
    theta = np.concatenate([np.ravel(tensor) for tensor in tensors])
    return Generator(spec, theta, generator.stats, threads=generator.threads)


def _levels(fake: NDArray[np.uint8], real: NDArray[np.uint8]) -> NDArray[Any]:
    """Return where the curve of one channel sends each knot."""
    fakes, reals = (np.bincount(x.ravel(), minlength=256) / x.size for x in (fake, real))
    return np.searchsorted(np.cumsum(reals), np.cumsum(fakes) - fakes / 2).clip(0, 255)[KNOTS]
