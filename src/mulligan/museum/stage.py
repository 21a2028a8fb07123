"""Shared by the exhibits: runs on a plain ring of eight Gaussians, what is measured on them, and pictures."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.config.change import apply_overrides
from mulligan.data.sources.toys import TOYS
from mulligan.metrics import Modes, modes, nearest
from mulligan.museum.exhibit import Contrast, Picture
from mulligan.nn.memory import Array
from mulligan.output.pictures import grid, points_picture, to_uint8
from mulligan.training import Run, recipe

PLAIN = (
    "penalties=[]",
    "update=alternating",
    "loss=non_saturating",
    "average=none",
    "generator.optimizer={kind='adam', lr=1e-3, beta1=0.5, beta2=0.999}",
    "discriminator.optimizer={kind='adam', lr=1e-3, beta1=0.5, beta2=0.999}",
    "schedules.lr=constant",
    "schedules.penalty=constant",
)
"""Overrides that turn the recipe `ring` into a plain GAN."""
SHOWN = 1024
"""Number of points in a picture, and in a count of modes."""
Floats = NDArray[np.floating[Any]]


def ring(*overrides: str, steps: int, seed: int) -> Run:
    """Make a run on the ring: the recipe `ring` with a plain generator and `overrides`, on one thread."""
    plain = "generator.layers={kind='mlp_generator', hidden=[64, 64, 64], output='none'}"
    return Run(apply_overrides(recipe("ring", steps=steps, seed=seed, threads=1), [plain, *overrides])[0])


def play(run: Run, steps: int | None = None) -> Run:
    """Take `steps` steps of a run, or all that are left."""
    with run.gan, np.errstate(all="ignore"):
        for _ in range(run.config.steps - run.step if steps is None else steps):
            run.advance()
    return run


def cloud(run: Run) -> Array:
    """Return G's samples of `SHOWN` fixed z, without an average."""
    z, labels = run.draw(SHOWN, seed=0)
    return run.generate(z, labels, average=False)


def count_modes(samples: Array) -> Modes:
    """Count the ring's modes among points."""
    return modes(samples, TOYS["ring"].modes, TOYS["ring"].std)


def distance(samples: Array) -> float:
    """Return the median distance of points to the nearest of the ring's centres."""
    return float(np.median(nearest(samples, TOYS["ring"].modes)[0]))


def compare(before: float, after: float, threshold: float, more: str = "") -> Contrast:
    """Compare the distances of two runs' points to the ring's centres. The failed run is further away."""
    return Contrast("distance", f"median distance to the nearest of the eight{more}", before, after, ">", threshold)


def weak_gradient(broken: Run, mended: Run, threshold: float) -> Contrast:
    """Compare the gradients that reach the fakes of two runs. That of the failed run is smaller."""
    line = "mean length of the loss gradient that reaches a generated point"
    return Contrast("gradient", line, _gradient_at_fakes(broken), _gradient_at_fakes(mended), "<", threshold)


def _gradient_at_fakes(run: Run) -> float:
    """Return the mean of ‖∂L_G/∂x‖ over the fakes of the fixed z, for each row's own loss."""
    fakes = cloud(run)
    space = run.gan.d.network.workspace()
    logits = space.forward(fakes, training=False)[:, 0]
    c = run.config.loss.generator(real=logits, fake=logits).fake * len(logits)
    return float(np.sqrt(np.square(space.backward(c[:, None].astype(np.float32))).sum(axis=1)).mean())


# ── pictures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def picture(name: str, caption: str, samples: Array) -> Picture:
    """Draw points in white in the ring's frame, with a grey circle of six deviations around each mode."""
    toy, angle = TOYS["ring"], np.linspace(0.0, 2 * np.pi, 256)
    circle = 6 * toy.std * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    circles = points_picture((toy.modes[:, None] + circle).reshape(-1, 2), -2.1, 2.1)
    image = np.maximum(points_picture(samples, -2.1, 2.1), circles // 2)
    caption = f"{caption}; the frame is the ring's, grey circles are around its eight modes"
    return Picture(name, caption, enlarge(image, 2))


def digits(name: str, caption: str, images: Floats, low: float = 0.0, high: float = 1.0, *, zoom: int = 2) -> Picture:
    """Arrange pictures of 28 × 28 in a square, with black at `low` and white at `high`."""
    sheet = grid(to_uint8(images.reshape(-1, 28, 28), low, high))
    return Picture(name, caption, enlarge(sheet[..., 0], zoom), low, high)


def stretch(name: str, caption: str, images: Floats, *, zoom: int = 2) -> Picture:
    """Arrange pictures in a square, each stretched to full contrast. The caption says so."""
    rows = images.reshape(len(images), -1).astype(np.float64)
    low, high = rows.min(axis=1, keepdims=True), rows.max(axis=1, keepdims=True)
    span = np.maximum(high - low, np.finfo(np.float64).tiny)
    by = 1.0 / float(np.median(span))
    caption = f"{caption}; stretched {by:,.0f} times, each picture to its own contrast"
    sheet = grid(to_uint8(((rows - low) / span).reshape(-1, 28, 28), 0.0, 1.0))
    return Picture(name, caption, enlarge(sheet[..., 0], zoom), float(low.min()), float(high.max()))


def enlarge(image: NDArray[np.uint8], zoom: int) -> NDArray[np.uint8]:
    """Show each pixel as a square of `zoom` by `zoom`."""
    return np.repeat(np.repeat(image, zoom, axis=0), zoom, axis=1)
