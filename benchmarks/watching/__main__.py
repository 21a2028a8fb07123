"""Watch twelve public GANs, as published and broken on purpose. Today: list the runs, and try them for a few steps.

python benchmarks/watching                     the runs, with the names that are expected
python benchmarks/watching --try 3             … and play each for three steps, with the first seed
python benchmarks/watching --only gan --try 9  runs whose GAN or fault holds the word
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time

import torch
from cases import BROKEN, LOOKALIKES, SEEDS, SOUND
from faults import Case, planted
from samples import pictures


def play(case: Case, steps: int, seed: int) -> str:
    """Take the steps of a run, and return its last losses and the processor time of a step."""
    names = planted(case)
    images, labels = pictures(names["DATA"])
    started = time.process_time()
    run = names["train"](images, labels, steps, seed)
    last = next(run)
    first = time.process_time()
    for step in run:
        last = step
    each = (time.process_time() - first) / max(steps - 1, 1)
    return f"D {last.d_loss:.3g}, G {last.g_loss:.3g}; {first - started:.1f} s, then {1e3 * each:.0f} ms a step"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/watching", description=__doc__.splitlines()[0])
    parser.add_argument("--try", dest="steps", type=int, default=0, help="play each run for so many steps")
    parser.add_argument("--only", default="", help="only runs whose GAN or fault holds this word")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for title, cases in (("as published", SOUND), ("broken", BROKEN), ("looks broken", LOOKALIKES)):
        chosen = [case for case in cases if asked.only in f"{case.gan}: {case.way}"]
        print(f"\n{title}: {len(chosen)} × {len(SEEDS)} seeds\n\n| GAN | fault | expected | or |\n|---|---|---|---|")
        for case in chosen:
            told = f" {play(case, asked.steps, SEEDS[0])} |" if asked.steps else ""
            print(f"| {case.gan} | {case.way} | {case.expected} | {', '.join(case.neighbours)} |{told}", flush=True)


if __name__ == "__main__":
    main()
