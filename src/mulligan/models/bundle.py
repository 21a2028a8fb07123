"""Remake the generator that comes with Mulligan: ``python -m mulligan.models.bundle [RUN]``.

Trains the recipe `best` on MNIST, about five minutes on two cores (or takes a finished run), stores the averaged
generator with float16 parameters, and says how far that moves pixels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mulligan.errors import RunError
from mulligan.models import BUNDLED, load
from mulligan.training import Run, recipe, train

LIMIT = 1_500_000
"""Bytes that the file may have."""
SEEDS = 1000


def bundle(run: Path | None = None) -> int:
    """Write the bundled generator.

    Parameters
    ----------
    run : Path, optional
        A finished run; by default `best` is trained.

    Returns
    -------
    int
        The largest difference that float16 makes to a pixel of `SEEDS` pictures, in grey levels.

    Raises
    ------
    RunError
        When the file is larger than `LIMIT`.
    """
    if run is None:
        made = Run(recipe("best"))
        for _ in train(made):
            pass
        generator = made.generator()
    else:
        generator = load(run)
    generator.save(BUNDLED, dtype="float16")
    if BUNDLED.stat().st_size > LIMIT:
        raise RunError(
            f"{BUNDLED} must have at most {LIMIT} bytes, got {BUNDLED.stat().st_size}. Use a smaller generator."
        )
    before, after = generator.images(SEEDS).astype(int), load(BUNDLED).images(SEEDS)
    return int(np.abs(before - after).max())


def main() -> None:
    """Write the bundled generator, and say what float16 did to it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="a finished run; default: train the recipe best")
    difference = bundle(parser.parse_args().run)
    print(f"{BUNDLED}: {BUNDLED.stat().st_size:,} bytes; float16 moves pixels by {difference} grey level at most")


if __name__ == "__main__":
    main()
