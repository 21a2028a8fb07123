"""Does augmentation help? The recipe `pictures` on 500 MNIST digits, with and without, against the 10,000 test digits.

    python benchmarks/augmentation.py [--steps 4000] [--seeds 3] [--digits 500] [--threads 1] [--out FOLDER]

Every row is trained on the same digits. FD is a per cent of the real features' variance (in the judge); AuthPct says
how many fakes are not near copies of a training digit. The last line has the floor of FD, the coverage of a perfect
generator, and the AuthPct of held-out reals. With --out, a grid of each row's first seed is written there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import mulligan
from mulligan.data import load
from mulligan.metrics import Evaluator
from mulligan.output.pictures import grid, save_png
from mulligan.training import Run, train, with_overrides

ROWS = {
    "none": [],
    "translation": ["translation"],
    "cutout": ["cutout"],
    "translation, cutout": ["translation", "cutout"],
    "flip (wrong for digits)": ["flip"],
    "all three": ["flip", "translation", "cutout"],
}
FIGURES = ("fd", "precision", "recall", "coverage", "label accuracy", "authpct", "CPU s")


def play(augment, seed, arguments):
    changes = [f"augment={augment}", f"seed={seed}", f"steps={arguments.steps}", f"threads={arguments.threads}"]
    changes += [f"data.limit={arguments.digits}", "sample_every=0", "evaluate_every=0", *arguments.set]
    run = Run(with_overrides(mulligan.recipe("pictures"), changes))
    for _ in train(run):
        pass
    return run


def figures(exam, run):
    found = exam.score(run.generator())
    judge = found["judge"]
    accuracy = found["classes"].get("label_accuracy", np.nan)
    row = [judge["fd"], judge["precision"], judge["recall"], judge["coverage"], accuracy, found["copies"]["authpct"]]
    return [*row, run.cpu], found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--digits", type=int, default=500)
    parser.add_argument("--count", type=int, default=10_000, help="fakes, and test digits")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    digits = load("mnist")
    exam = Evaluator.of(digits.limited(arguments.digits), arguments.count)
    print(f"{arguments.digits} digits, {arguments.steps} steps, {arguments.seeds} seeds: median (range)")
    print("| augmentation | " + " | ".join(FIGURES) + " |\n" + "|---" * (len(FIGURES) + 1) + "|")
    last = {}
    for name in arguments.rows:
        rows = []
        for seed in range(arguments.seeds):
            run = play(ROWS[name], seed, arguments)
            row, last = figures(exam, run)
            rows.append(row)
            if arguments.out is not None and seed == 0:
                arguments.out.mkdir(parents=True, exist_ok=True)
                save_png(arguments.out / f"{'-'.join(ROWS[name]) or 'none'}.png", grid(run.sample(*run.grid)))
        middle, low, high = (np.percentile(rows, q, axis=0) for q in (50, 0, 100))
        cells = [f"{m:.3g} ({a:.3g}–{b:.3g})" for m, a, b in zip(middle, low, high)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    judge, copies = last["judge"], last["copies"]
    print(f"floor of FD {judge['fd_floor']:.2f}, ideal coverage {judge['coverage_ideal']:.3f};", end=" ")
    print(f"AuthPct of held-out reals {copies['authpct_real']:.1f}")


if __name__ == "__main__":
    main()
