"""Remake a generator that comes with Mulligan: ``python benchmarks/shipped/generator.py [mnist|pixel-faces] [RUN]``.

Trains the recipe `best` on MNIST or `faces` on the pixel faces, minutes on two cores (or takes a finished run), stores
the averaged generator with float16 parameters, and says how far that moves pixels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mulligan.errors import RunError
from mulligan.models import BUNDLED, FACES, load
from mulligan.training import Run, recipe, train

LIMIT = 1_500_000
"""Bytes that the file may have."""
SEEDS = 1000


def bundle(run: Path | None = None, target: Path = BUNDLED) -> int:
    """Write a bundled generator, of a finished run or a new one; return by how many levels float16 moves a pixel."""
    if run is None:
        made = Run(recipe("best" if target == BUNDLED else "faces"))
        for _ in train(made):
            pass
        generator = made.generator()
    else:
        generator = load(run)
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
