"""Digits a second from `Generator.sample`, noise, passes and all; the recipes `mlp` (fully connected) and `quick`.

    python benchmarks/sampling.py [--count 8192] [--repeats 7] [--threads 2]

Weights are as they are before training, which costs the same. Median over the repeats, least and most in brackets.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from machine import describe

import mulligan
from mulligan.nn.workers import available_cores
from mulligan.output.generator import Generator
from mulligan.training import Run, with_overrides


def rates(name, count, repeats, threads):
    """Return digits a second, one number for each repeat."""
    untrained = Run(with_overrides(mulligan.recipe(name), ["threads=1"])).generator()
    generator = Generator(untrained.spec, untrained.theta, untrained.stats, threads=threads)
    generator.sample(count)
    found = []
    for seed in range(repeats):
        start = time.perf_counter()
        generator.sample(count, seed)
        found.append(count / (time.perf_counter() - start))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=8192)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=available_cores())
    arguments = parser.parse_args()
    machine = describe(arguments.threads)
    print(f"{machine['processor']}, {arguments.threads} threads, NumPy {np.__version__}, {arguments.count:,} at a time")
    for name in ("mlp", "quick"):
        found = rates(name, arguments.count, arguments.repeats, arguments.threads)
        print(f"{name:6} {np.median(found):8,.0f} digits/s ({min(found):,.0f}–{max(found):,.0f})")


if __name__ == "__main__":
    main()
