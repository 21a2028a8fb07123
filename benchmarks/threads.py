"""Whole steps with started processes, as on macOS and Windows, and with threads, beside forked ones: in turns.

    python benchmarks/threads.py [RECIPE ...]      # classic, mlp and quick by default

Prints milliseconds a step, and the median and the quartiles of each kind of worker : forked ones over ten rounds.
"""

import argparse
import os
import subprocess
import sys
import time

import numpy as np

ROUNDS, SECONDS, KINDS = 10, 0.4, ("forked", "started", "threads")


def side(name, kind):
    """Take steps when told how many, and print the milliseconds of one."""
    from mulligan.game import gan
    from mulligan.nn import memory, workers
    from mulligan.nn.workers import ThreadTeam, processes
    from mulligan.training import Run, recipe

    if kind == "started":
        memory.can_fork = workers.can_fork = processes.can_fork = lambda: False
    if kind == "threads":
        gan.process_team = lambda: ThreadTeam
    run = Run(recipe(name, steps=10**6, threads=2))
    with run.gan, np.errstate(all="ignore"):
        for count in map(int, sys.stdin):
            start = time.perf_counter()
            for _ in range(count):
                run.advance()
            print(1000 * (time.perf_counter() - start) / count, flush=True)


def main(names):
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")} | {"OPENBLAS_NUM_THREADS": "1"}
    for name in names:
        words = ([sys.executable, __file__, "--side", kind, name] for kind in KINDS)
        sides = [subprocess.Popen(w, env=env, stdin=-1, stdout=-1, text=True, bufsize=1) for w in words]

        def turn(one, count):
            one.stdin.write(f"{count}\n")
            return float(one.stdout.readline())

        count = max(3, int(SECONDS * 1000 / max(turn(one, 30) for one in sides)))
        for _ in range(int(4 / SECONDS)):
            turn(sides[1], count)  # its processes start after a second
        took = np.array([[turn(one, count) for one in sides] for _ in range(ROUNDS)])
        found = [f"{name}: forked {np.median(took[:, 0]):.2f} ms"]
        for kind, ms in zip(KINDS[1:], took[:, 1:].T):
            low, middle, high = np.quantile(ms / took[:, 0], (0.25, 0.5, 0.75))
            found.append(f"{kind} {np.median(ms):.2f} ms, ratio {middle:.2f} ({low:.2f}-{high:.2f})")
        print("; ".join(found), flush=True)
        for one in sides:
            one.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["classic", "mlp", "quick"])
    parser.add_argument("--side", help=argparse.SUPPRESS)
    given = parser.parse_args()
    side(given.recipes[0], given.side) if given.side else main(given.recipes)
