"""Watch twelve public GANs, as published and broken on purpose, and count how often the watch names the fault.

python benchmarks/watching                     the runs, with the names that are expected
python benchmarks/watching --try 3             … and play each for three steps, with the first seed
python benchmarks/watching --watch FILE        watch every run that the file of JSON lines lacks, and add it
python benchmarks/watching --cure FILE         apply the remedies to the file's broken runs, and add how they end
python benchmarks/watching --report FILE       count what the file holds
python benchmarks/watching --write FILE        … and write docs/benchmarks/watching.{jsonl,md} and the guide
python benchmarks/watching --cost              measure what the watch costs the GANs as published
python benchmarks/watching --only gan --try 9  runs whose GAN or fault holds the word; --again plays known runs again
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from pathlib import Path

import torch
from cases import BROKEN, LOOKALIKES, SEEDS, SOUND
from faults import Case, planted
from outcomes import HEAD_OF_LINES, counts, kept, line
from pages import write
from played import cost, cured, played
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
    parser.add_argument("--watch", type=Path, metavar="FILE", help="watch the runs that the file lacks, and add them")
    parser.add_argument("--cure", type=Path, metavar="FILE", help="mend the file's broken runs, and add how they end")
    parser.add_argument("--report", type=Path, metavar="FILE", help="count what the file holds")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the pages from what the file holds")
    parser.add_argument("--cost", action="store_true", help="measure what the watch costs the GANs as published")
    parser.add_argument("--again", action="store_true", help="watch known runs again")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.watch is not None or asked.cure is not None:
        for outcome in played(asked.watch, asked.only, asked.again) if asked.watch else cured(asked.cure, asked.only):
            print(line(outcome), f"{outcome.steps} steps, {outcome.seconds} s", flush=True)
        return
    if asked.cost:
        print(*(cost(case) for case in SOUND if asked.only in case.gan), sep="\n")
        return
    if asked.write is not None:
        write(asked.write)
        return
    if asked.report is not None:
        outcomes = [o for o in kept(asked.report).values() if asked.only in f"{o.gan}: {o.way}"]
        print(counts({"all": outcomes}), HEAD_OF_LINES, sep="\n\n")
        print("\n".join(line(o) for o in outcomes if not o.exact))
        return
    for title, cases in (("as published", SOUND), ("broken", BROKEN), ("looks broken", LOOKALIKES)):
        chosen = [case for case in cases if asked.only in f"{case.gan}: {case.way}"]
        print(f"\n{title}: {len(chosen)} × {len(SEEDS)} seeds\n\n| GAN | fault | expected | or |\n|---|---|---|---|")
        for case in chosen:
            told = f" {play(case, asked.steps, SEEDS[0])} |" if asked.steps else ""
            print(f"| {case.gan} | {case.way} | {case.expected} | {', '.join(case.neighbours)} |{told}", flush=True)


if __name__ == "__main__":
    main()
