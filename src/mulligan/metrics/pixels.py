"""What the pixels decide: how often a fresh discriminator, trained from nothing, tells fakes from reals; sharpness."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import ShapeError
from mulligan.metrics.validation import blocks, pictures
from mulligan.nn.averaging import EMA
from mulligan.nn.layers import Conv2d, Dense, Flatten, He, LeakyReLU, Scaled, Sequential
from mulligan.nn.network import Network
from mulligan.nn.optimizers import Adam
from mulligan.nn.rng import stream
from mulligan.nn.schedules import Linear

FEWEST = 200
"""Fewer pictures of a kind teach the net nothing, so that ½ would say nothing."""
STEPS = 4000
BATCH = 32
PIXELS = STEPS * BATCH * 32**2
"""Pixels that the net sees: larger pictures than 32×32 get fewer steps."""
ROUNDS, PATIENCE = 24, 12
"""Number of looks at the pictures held back, and without improvement before the training stops."""
SHIFT = 1
RATE = Linear(start=6e-3, end=3e-4, from_=0.5)

_LEVELS = (4 / np.pi * np.arcsin(np.sqrt(np.arange(256) / 255)) - 1).astype(np.float32)


def real_or_fake(real: NDArray[np.uint8], fake: NDArray[np.uint8], *, seed: int = 0) -> float:
    """Train a small discriminator on 60 % of both sets; return its accuracy on 30 % (Lopez-Paz and Oquab 2017, §3).

    One convolution at full size, two strided ones and a logit see pictures (n, h, w[, c]), uint8, shifted by up to a
    pixel. The other 10 % choose the moment at which its averaged weights are best. Pixels are 4/π · arcsin √(p/255) −
    1: one level is a larger step near black and white, where a generator's tanh never quite arrives. The larger set is
    cut to the size of the smaller. The same call gives the same answer. For equal distributions it is N(½, 1/(4k)), for
    k tested pictures.
    """
    real, fake = pictures(real, "reals"), pictures(fake, "fakes")
    n = min(len(real), len(fake))
    if n < FEWEST:
        raise ShapeError(f"reals and fakes must be {FEWEST} or more of each, got {n}. Fewer teach the net nothing.")
    rng = stream(seed, "real_or_fake")
    both = [each[rng.permutation(len(each))[:n]] for each in (real, fake)]
    edges = 0, 6 * n // 10, 7 * n // 10, n
    parts = [np.concatenate([each[start:stop] for each in both]) for start, stop in zip(edges, edges[1:])]
    (seen, truth), held, tested = [(part, np.repeat(np.array([1, -1], np.float32), len(part) // 2)) for part in parts]

    shares = np.bincount(seen[:: max(1, len(seen) // 2000)].ravel(), minlength=256)
    mean = np.average(_LEVELS, weights=shares)
    deviation = np.sqrt(np.average((_LEVELS - mean) ** 2, weights=shares)) or 1
    levels = ((_LEVELS - mean) / deviation).astype(np.float32)
    fine = Conv2d(4, kernel=3, stride=1), LeakyReLU()  # at full size: without it a net misses what another one sees
    halving = Conv2d(12, kernel=3), LeakyReLU(), Conv2d(24, kernel=3), LeakyReLU()
    layers = *fine, *halving, Flatten(), Dense(1, Scaled(He(), 0.1))
    net = Network(Sequential(layers), real.shape[1:]).initialise(rng)
    optimizer, average, weights = Adam(), EMA(half_life=100, ramp=0.1), slice(0, net.n_params)
    state, smooth = optimizer.init(net.n_params, np.float32), net.theta.copy()
    space, averaged = net.workspace(), net.workspace(theta=smooth)

    def margins(images: NDArray[np.uint8], truth: NDArray[Any]) -> NDArray[Any]:
        """Return the averaged net's logits, positive where they are right."""
        some = (images[start : start + 64] for start in range(0, len(images), 64))
        logits: NDArray[Any] = np.concatenate([averaged.forward(levels[x], training=False)[:, 0].copy() for x in some])
        logits *= truth
        return logits

    steps = min(STEPS, PIXELS // (BATCH * real[0, ..., 0].size))
    least, since, best, order = np.inf, 0, smooth.copy(), rng.permutation(len(seen))
    for step in range(steps):
        chosen = np.take(order, range(step * BATCH, (step + 1) * BATCH), mode="wrap")
        x = np.roll(seen[chosen], rng.integers(-SHIFT, SHIFT + 1, 2), (1, 2))
        sign = truth[chosen, None]
        logits = space.forward(levels[x])
        space.clear_grads()
        space.backward(-sign * np.exp(-np.logaddexp(0, sign * logits)) / BATCH, inputs=False)  # d/dl log(1 + e⁻ˢˡ)
        space.grads()
        optimizer.advance(state)
        optimizer.update(net.theta, space.grad, state, weights, RATE(step, steps))
        average.update(smooth, net.theta, step, weights)
        if (step + 1) % max(1, steps // ROUNDS) == 0:
            loss, since = float(np.logaddexp(0, -margins(*held)).mean()), since + 1
            if loss < least:
                least, since, best = loss, 0, smooth.copy()
            elif since == PATIENCE:
                break
    smooth[:] = best
    return float(0.5 + 0.5 * np.sign(margins(*tested)).mean(dtype=np.float64))


BLOCK = 1 << 19  # pixel values of one block: each takes eight bytes in several arrays


def sharpness(fake: NDArray[np.uint8], real: NDArray[np.uint8]) -> float | None:
    """Variance of the Laplacian, fakes over reals: 1 is right, below 1 means blurred, above 1 noisy.

    The Laplacian is p(y−1,x) + p(y+1,x) + p(y,x−1) + p(y,x+1) − 4p(y,x) inside the picture. Its variance over the
    pixels (Pech-Pacheco et al. 2000) is averaged over the pictures, (n, h, w[, c]), uint8. None if the reals have no
    edge, or are smaller than 3×3.
    """
    fake, real = pictures(fake, "fakes"), pictures(real, "reals")
    usual = _laplacian_variance(real) if min(real.shape[1:3]) >= 3 else 0.0
    return _laplacian_variance(fake) / usual if usual > 0.0 else None


def _laplacian_variance(images: NDArray[np.uint8]) -> float:
    """Variance over the pixels of the 4-neighbour Laplacian, mean over the pictures, of pixels in 0…255."""
    variances = []
    for block in blocks(images, BLOCK):
        p = block.astype(np.int32)
        laplacian = p[:, :-2, 1:-1] + p[:, 2:, 1:-1] + p[:, 1:-1, :-2] + p[:, 1:-1, 2:] - 4 * p[:, 1:-1, 1:-1]
        variances.append(laplacian.var(axis=(1, 2, 3)))
    return float(np.concatenate(variances).mean())
