"""Ring of 8 and grid of 25: modes found and high-quality samples, seed by seed, as in PacGAN's Table 1.

    python benchmarks/toy_modes.py [ring grid] [--seeds 10] [--set path=value …]

Trains each recipe once for every seed, on one thread, and scores 10,000 points of the averaged generator against the
known centres: a mode is found when a sample lies within three of its deviations, and such a sample is of high quality
(98.89 % of the toy's own are). The exit code is 1 when a seed misses a mode or stays below 95 %.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

import mulligan
from mulligan.data import TOYS
from mulligan.errors import MulliganError
from mulligan.metrics import modes
from mulligan.training import Run, train, with_overrides

COUNT = 10_000
ENOUGH = 0.95


def play(name, seed, overrides, steps=None):
    """Train one recipe with one seed; return its modes, and the CPU-seconds that its steps took."""
    config = mulligan.recipe(name)
    changes = [*overrides, f"seed={seed}", "threads=1", "sample_every=0", "evaluate_every=0"]
    config = with_overrides(config, changes + ([] if steps is None else [f"steps={steps}"]))
    run = Run(config)
    for _ in train(run):
        pass
    toy = TOYS[config.data.name]
    return modes(run.sample(*run.draw(COUNT, seed=seed + 1000)), toy.modes, toy.std), run.cpu


def table(name, seeds, overrides, steps=None, say=print):
    """Print a line for each seed and one for all; return whether every seed found all and nearly all is good."""
    total = len(TOYS[mulligan.recipe(name).data.name].modes)
    say(
        f"\n{name}: {total} modes, {COUNT:,} samples\n"
        f"{'seed':>6} {'modes':>6} {'high quality':>13} {'KL':>7} {'CPU s':>6}"
    )
    found = []
    for seed in seeds:
        one, cpu = play(name, seed, overrides, steps)
        found.append((one.captured, one.high_quality, one.kl, cpu))
        say(f"{seed:>6} {one.captured:>6} {100 * one.high_quality:>12.2f}% {one.kl:>7.4f} {cpu:>6.1f}")
    captured, good, kl, cpu = np.array(found).T
    say(
        f"{'all':>6} {captured.mean():>6.1f} {100 * good.mean():>12.2f}% {kl.mean():>7.4f} {cpu.mean():>6.1f}   "
        f"({np.count_nonzero(captured == total)} of {len(found)} seeds found all; "
        f"worst quality {100 * good.min():.2f} %)"
    )
    return bool((captured == total).all() and good.min() >= ENOUGH)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["ring", "grid"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed; others than those that chose a setting")
    parser.add_argument("--steps", type=int, help="fewer steps, to see that it runs")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    arguments = parser.parse_args()
    try:
        for name in arguments.recipes:
            data = with_overrides(mulligan.recipe(name), arguments.set).data.name
            if data not in TOYS:
                parser.error(f"{name} is on {data}, whose modes have no centres. Try ring or grid.")
    except MulliganError as error:
        parser.error(str(error))
    if arguments.seeds < 1:
        parser.error(f"--seeds {arguments.seeds} is not allowed; from 1 on is. Try 10.")
    start = time.perf_counter()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    good = [table(name, seeds, arguments.set, arguments.steps) for name in arguments.recipes]
    print(f"\n{time.perf_counter() - start:.0f} s")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
