"""Fine-tuning on a few hundred pictures against a start from nothing, at equal steps: 300 pixel faces with hats.

    nice python benchmarks/finetuning.py [--pictures 300] [--steps 500 2000 5000] [--seeds 3] [--first 3000] [--out DIR]

The first run sees 20,000 faces without hats, once. Then the same nets are trained on `--pictures` faces with hats:
from scratch, with the first run's weights (`fit(start=…)`), and with those of G alone. FD (a per cent of the real
features' variance, in PCA-64 and in the judge of faces) and coverage are those of held-out faces with hats; AuthPct
says how many fakes are not near copies. Equal steps of equal nets are equal seconds: CPU seconds of one thread stand
beside.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import mulligan
from mulligan.data import Dataset, load
from mulligan.data.sources.faces import load_pixel_faces
from mulligan.metrics import Evaluator
from mulligan.output.pictures import grid, save_png
from mulligan.training import with_overrides

FIGURES = ("FD, judge", "coverage, judge", "AuthPct", "CPU s")


def fitted(data, seed, steps, start=None, out=None):
    changes = [f"seed={seed}", f"steps={steps}", "threads=1", "data.limit=0", "data.labels=none"]
    config = with_overrides(mulligan.recipe("pictures"), changes)
    began = time.process_time()
    return mulligan.fit(data, recipe=config, start=start, out=out, progress=False), time.process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--steps", type=int, nargs="*", default=[500, 2000, 5000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=3000, help="steps of the first run")
    parser.add_argument("--out", type=Path, help="for a grid of each row's first seed")
    arguments = parser.parse_args()
    faces, hats = load("pixel-faces"), load_pixel_faces("hat")
    worn, held = hats.labels > 0, hats.test.labels > 0
    some, labels, names = np.flatnonzero(worn)[: arguments.pictures], faces.labels, faces.class_names
    test = Dataset("test", faces.test.images[held], faces.test.labels[held], names)
    own = Dataset("pixel-faces", faces.images[some], labels[some], names, test)  # haircuts: their judge knows them
    exam = Evaluator.of(own)
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first"
        _, seconds = fitted(Dataset("bare", faces.images[~worn][:20_000]), 0, arguments.first, out=first)
        print(f"{len(own)} of {worn.sum():,} faces with hats, {held.sum()} held out; first run {seconds:.0f} CPU s")
        starts = {
            "from scratch": None,
            "with the first run's weights": first,
            "with G's": first / "generator.safetensors",
        }
        print("| steps | start | " + " | ".join(FIGURES) + " |\n" + "|---" * (len(FIGURES) + 2) + "|")
        for steps in arguments.steps:
            for name, start in starts.items():
                rows = []
                for seed in range(arguments.seeds):
                    generator, seconds = fitted(own, seed, steps, start)
                    found = exam.score(generator)
                    judge = found["judge"]
                    rows.append([judge["fd"], judge["coverage"], found["copies"]["authpct"], seconds])
                    if arguments.out is not None and seed == 0:
                        arguments.out.mkdir(parents=True, exist_ok=True)
                        save_png(arguments.out / f"{steps}-{name.split()[-1]}.png", grid(generator.images(64, seed=5)))
                middle, low, high = (np.percentile(rows, q, axis=0) for q in (50, 0, 100))
                cells = [f"{m:.3g} ({a:.3g}–{b:.3g})" for m, a, b in zip(middle, low, high)]
                print(f"| {steps:,} | {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"floor of FD {judge['fd_floor']:.2f}, ideal coverage", end=" ")
    print(f"{judge['coverage_ideal']:.3f}; AuthPct of held-out reals {found['copies']['authpct_real']:.1f}")


if __name__ == "__main__":
    main()
