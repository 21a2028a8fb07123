"""The article whose digits look like 3: its generator draws its first training picture.

docs/book/07-the-museum.md tells the story, docs/book/09-why-always-a-3.md explains it.
"""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.data import Sampler, load
from mulligan.game.gan import GAN
from mulligan.metrics.parallel import in_parallel
from mulligan.museum.exhibit import Contrast, Picture, Played
from mulligan.museum.stage import digits, enlarge, play, stretch
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream
from mulligan.nn.schedules import Constant
from mulligan.output.pictures import grid, to_uint8
from mulligan.training import Run, recipe


class Imprint(NamedTuple):
    """One run after one step: the first real picture that it saw, and the one nearest to what G has `drawn`.

    `correlation` is that of G's picture with the first one. Both are stretched to full contrast for the search.
    """

    first: int
    nearest: int
    correlation: float
    drawn: Array


def pixels() -> NDArray[np.float32]:
    """Return the 10,000 test digits, on which the article trains: (10000, 784), in [0, 1]."""
    flat = np.asarray(load("mnist-test").images).reshape(-1, 784)
    return flat.astype(np.float32) / np.float32(255)


class Script:
    """Runs the recipe `article`, or that of another script of its repository, picture by picture."""

    def __init__(
        self,
        seed: int,
        data: NDArray[np.float32],
        *,
        decay: bool = True,
        dtype: DTypeLike = np.float32,
        name: str = "article",
    ):
        config = recipe(name)
        if not decay:
            config = replace(config, schedules=replace(config.schedules, lr=Constant(1.0)))
        self.gan = GAN(config, (28, 28, 1), seed=seed, workers=1, dtype=dtype)
        self.sampler = Sampler(len(data), 1, stream(seed, "batches"))
        self.data, self.first = data, -1

    def step(self, number: int | None = None) -> None:
        """Take one step with the next picture, or with picture `number`."""
        number = int(self.sampler.next_indices()[0]) if number is None else number
        self.first = number if self.first < 0 else self.first
        self.gan.step(self.data[number].reshape(1, 28, 28, 1))

    def draw(self, count: int = 1) -> Array:
        """Return G's pictures of the first `count` z of a separate stream, (count, 784)."""
        latent = self.gan.game.latent
        z = latent.draw(stream(0, "eval"), np.empty((count, latent.dim), self.gan.dtype))
        return self.gan.g.network.workspace().forward(z, training=False).reshape(count, -1).copy()


def imprint(seed: int, data: NDArray[np.float32], name: str = "article") -> Imprint:
    """Run one of the article's scripts for one step, and find the picture nearest to G's."""
    script = Script(seed, data, name=name)
    script.step()
    return find_nearest(script, data)


def find_nearest(script: Script, data: NDArray[np.float32]) -> Imprint:
    """Find the picture of the data that is nearest to G's."""
    drawn = script.draw()[0]
    visible = (drawn - drawn.min()) / (drawn.max() - drawn.min())  # as imshow without limits shows it
    visible *= data.max()
    # argmin ‖x − y‖² = argmin ‖x‖² − 2 x·y
    distance = np.einsum("ij,ij->i", data, data) - 2 * (data @ visible)
    return Imprint(script.first, int(distance.argmin()), correlation(drawn, data[script.first]), drawn)


def correlation(a: Array, b: Array) -> float:
    """Return the correlation of two pictures, pixel by pixel."""
    return float(np.corrcoef(a.astype(np.float64), b.astype(np.float64))[0, 1])


def imprints(seeds: range, data: NDArray[np.float32], name: str = "article") -> list[Imprint]:
    """Call `imprint` for many seeds, on all cores."""
    results = in_parallel({seed: partial(imprint, seed, data, name) for seed in seeds})
    return [results[seed] for seed in seeds]


def fading(seed: int, data: NDArray[np.float32], steps: int, *, decay: bool) -> float:
    """Return the correlation of G's picture with its first training picture after `steps`."""
    script = Script(seed, data, decay=decay)
    for _ in range(steps):
        script.step()
    return correlation(script.draw()[0], data[script.first])


def figure(pairs: list[Imprint], data: NDArray[np.float32]) -> Picture:
    """Draw three rows: first training pictures, G's pictures at true scale, and the same stretched."""
    first = data[[pair.first for pair in pairs]]
    drawn = np.stack([pair.drawn for pair in pairs])
    low, high = drawn.min(axis=1, keepdims=True), drawn.max(axis=1, keepdims=True)
    rows = np.concatenate([first, drawn, (drawn - low) / (high - low)])
    sheet = grid(to_uint8(rows.reshape(-1, 28, 28), 0.0, 1.0), columns=len(pairs))
    by = 1.0 / float(np.median(high - low))
    caption = (
        "top: the first real picture of each run; middle: what G draws after one step, on the same scale from 0 to 1; "
        f"bottom: the same pixels stretched {by:,.0f} times, as the article shows them"
    )
    return Picture("imprint", caption, enlarge(sheet[..., 0], 3), 0.0, 1.0)


def run(seed: int = 0, *, seeds: int = 100, steps: int = 200, mended: int = 1500) -> Played:
    """Count imprints, measure how one freezes with the decay and fades without it, and train the repaired recipe."""
    data = pixels()
    pairs = imprints(range(seed, seed + seeds), data)
    hits = sum(pair.first == pair.nearest for pair in pairs)
    script = Script(127, data, dtype=np.float64)  # the repository's seed; the effect of z shows only in float64
    script.step()
    drawn = script.draw(64)
    every = np.concatenate([drawn, [pair.drawn for pair in pairs]])
    correlations = in_parallel({decay: partial(fading, 127, data, steps, decay=decay) for decay in (True, False)})
    repaired = play(Run(recipe("article-mended", steps=mended)))
    after = repaired.generate(repaired.draw(64, seed=0)[0])
    nearest = f"share of {seeds} seeds where the nearest of 10,000 pictures to the drawn one is the first one shown"
    alike = "correlation of the drawn picture with the first one shown, median over the seeds"
    over_z = "standard deviation of a pixel over z, mean over the pixels; real digits: 0.22"
    contrast = "brightest minus darkest pixel of all that all runs draw, on a scale from 0 to 1"
    later = f"correlation with the first picture after {steps:,} steps; repaired is the run without decay"
    spreads = [float(each.reshape(64, -1).std(axis=0).mean()) for each in (drawn, after)]
    contrasts = [float(each.max() - each.min()) for each in (every, after)]
    evidence = (
        Contrast("imprints", nearest, hits / seeds, None, ">", 0.9),
        Contrast("correlation", alike, float(np.median([pair.correlation for pair in pairs])), None, ">", 0.9),
        Contrast("G sees z", over_z, spreads[0], spreads[1], "<", 0.02),
        Contrast("contrast", contrast, contrasts[0], contrasts[1], "<", 0.001),
        Contrast("frozen", later, correlations[True], correlations[False], ">", 0.6),
    )
    pictures = (
        figure(pairs[:8], data),
        digits("before", "64 z after one step, seed 127, on the scale from 0 to 1", drawn, zoom=1),
        stretch("before-stretched", "the same 64 pictures", drawn, zoom=1),
        digits("after", f"the repaired recipe after {mended:,} steps, scale from 0 to 1", after, zoom=1),
    )
    return Played(evidence, pictures)
