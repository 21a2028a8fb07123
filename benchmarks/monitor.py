"""What monitoring costs: a measurement (KID and classes of a thousand samples) against the steps between two of them.

    python benchmarks/monitor.py [--steps 300] [--measurements 5] [RECIPE …]

Processor time of one thread, medians; the diagnosis has its own figures (`python benchmarks/breaking.py --overhead`).
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from collections.abc import Callable
from statistics import median

import mulligan
from mulligan.errors import MulliganError
from mulligan.training import Run
from mulligan.training.monitor import Monitor

RECIPES = ("quick", "best", "plain", "mlp", "classic", "ring")


def milliseconds(call: Callable[[], object], times: int) -> float:
    """Median processor time of a call, after one that does not count."""
    spent = []
    for _ in range(times + 1):
        begin = time.process_time()
        call()
        spent.append(time.process_time() - begin)
    return 1000 * median(spent[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--measurements", type=int, default=5)
    words = parser.parse_args()
    if min(words.steps, words.measurements) < 1:
        parser.error("--steps and --measurements are from 1 on.")
    try:
        configs = {name: mulligan.recipe(name, threads=1) for name in words.recipes}
    except MulliganError as error:
        parser.error(str(error))
    print("| recipe | a step, ms | a measurement, ms | steps between | per cent of the time |")
    print("|---" * 5 + "|")
    for name, config in configs.items():
        run = Run(config)
        monitor = Monitor.of(run)
        assert monitor is not None
        step = milliseconds(run.advance, words.steps)
        once = milliseconds(lambda run=run, monitor=monitor: monitor(run), words.measurements)  # type: ignore[misc]
        every = run.config.evaluate_every
        print(f"| {name} | {step:.2f} | {once:.0f} | {every:,} | {100 * once / (every * step):.1f} |", flush=True)


if __name__ == "__main__":
    main()
