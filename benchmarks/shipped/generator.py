"""Remake a generator that comes with Mulligan: ``python benchmarks/shipped/generator.py [mnist|pixel-faces] [RUN]``.

Trains the recipe `best`, longer and with a whole tanh, on MNIST or `faces` on the pixel faces, minutes on two cores (or
takes a finished run), gives digits the greys of the training digits, stores the averaged generator with float16
parameters, and says how far that moves pixels.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from mulligan.data import load as load_data
from mulligan.errors import RunError
from mulligan.models import BUNDLED, FACES, load
from mulligan.nn.layers import Conv2d, LeakyReLU
from mulligan.output.generator import Generator
from mulligan.training import Run, recipe, train, with_overrides

LIMIT = 1_500_000
"""Bytes that the file may have."""
SEEDS = 1000
KNOTS = (0, 8, 16, 24, 32, 64, 128, 192, 224, 240, 255)
"""Greys between which the curve of `match_greys` is straight."""


def match_greys(generator: Generator, reals: np.ndarray) -> Generator:
    """Append a curve that gives the samples the greys of real pictures: t₀ + Σ turnᵢ · max(0, x − kᵢ), as two layers.

    A tanh never quite arrives at black. The curve sends each grey to the real one of the same rank (Gonzalez and Woods
    2018, §3.3, histogram matching).
    """
    fakes, real = (np.bincount(x.ravel(), minlength=256) / x.size for x in (generator.images(5 * SEEDS, 1), reals))
    levels = np.searchsorted(np.cumsum(real), np.cumsum(fakes) - fakes / 2).clip(0, 255)
    knots, greys = (np.array(x) / 127.5 - 1 for x in (KNOTS, [0, *levels[list(KNOTS[1:-1])], 255]))
    turns = np.diff(np.diff(greys) / np.diff(knots), prepend=0)
    curve = Conv2d(len(turns), kernel=1, stride=1), LeakyReLU(0.0), Conv2d(1, kernel=1, stride=1)
    theta = np.concatenate([generator.theta, np.ones(len(turns)), -knots[:-1], turns, greys[:1]])
    return Generator(replace(generator.spec, layers=(*generator.spec.layers, *curve)), theta, generator.stats)


def bundle(run: Path | None = None, target: Path = BUNDLED) -> int:
    """Write a bundled generator, of a finished run or a new one; return by how many levels float16 moves a pixel."""
    if run is None:
        best = with_overrides(recipe("best", steps=60_000), ["generator.layers.output=tanh"])
        made = Run(best if target == BUNDLED else recipe("faces"))
        for _ in train(made):
            pass
        generator = made.generator()
    else:
        generator = load(run)
    if target == BUNDLED:
        generator = match_greys(generator, load_data("mnist").images)
    generator.save(target, dtype="float16")
    if target.stat().st_size > LIMIT:
        raise RunError(
            f"{target} must have at most {LIMIT} bytes, got {target.stat().st_size}. Use a smaller generator."
        )
    before, after = generator.images(SEEDS).astype(int), load(target).images(SEEDS)
    return int(np.abs(before - after).max())


def main() -> None:
    """Write a bundled generator, and say what float16 did to it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[BUNDLED.stem, FACES.stem], nargs="?", default=BUNDLED.stem)
    parser.add_argument("run", type=Path, nargs="?", help="a finished run; default: train the recipe best or faces")
    words = parser.parse_args()
    target = BUNDLED.with_stem(words.name)
    difference = bundle(words.run, target)
    print(f"{target}: {target.stat().st_size:,} bytes; float16 moves pixels by {difference} grey level at most")


if __name__ == "__main__":
    main()
