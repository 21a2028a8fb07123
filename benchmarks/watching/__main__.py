"""Watch four public GANs, as published and broken on purpose, and count how often the watch names the fault.

python benchmarks/watching                     the runs, with the names that are expected
python benchmarks/watching --watch FILE        watch every run that the file of JSON lines lacks, and add it
python benchmarks/watching --report FILE       count what the file holds
python benchmarks/watching --cost              measure what the watch costs the GANs as published
python benchmarks/watching --only gan          runs whose GAN or fault holds the word, with any of these
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import random
import statistics
import time
import warnings
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from cases import BROKEN, HEALTHY, LOOKALIKES, SEEDS, SOUND
from faults import Case, planted
from samples import pictures

import mulligan
from mulligan.watch.afterwards import Log, from_losses

LENGTH, BROKEN_LENGTH = 2000, 1200
"""Steps of a run that should stay healthy, and of a broken one at most. A broken run stops when it is named: a name
stands only where two measurements agree on it."""
pictures_of = cache(pictures)


@dataclass(frozen=True)
class Outcome:
    """What the watch said of a run, as a line of JSON keeps it."""

    gan: str
    way: str
    seed: int
    named: str
    step: int
    steps: int
    seconds: float
    evidence: dict[str, Any]
    losses: str
    """What the curves of both losses alone say at this step."""

    @property
    def case(self) -> Case:
        return next(c for c in (*SOUND, *LOOKALIKES, *BROKEN) if (c.gan, c.way) == (self.gan, self.way))

    @property
    def exact(self) -> bool:
        return self.named == self.case.expected

    @property
    def right(self) -> bool:
        return self.exact or self.named in self.case.neighbours

    def line(self) -> str:
        """Return a row of a table."""
        said = ", ".join(f"{k} {e['value']:.3g} {e['operator']} {e['threshold']:.3g}" for k, e in self.evidence.items())
        named = self.named if self.right else f"{self.named} **✗**"
        return (
            f"| {self.gan} | {self.way} | {self.seed} | {self.case.expected} | {named} | {self.step or '–'} | {said} |"
        )


def play(case: Case, seed: int) -> Outcome:
    """Train a GAN until it is named, or to the end."""
    steps = LENGTH if case.expected == HEALTHY else BROKEN_LENGTH
    names, watches, log = planted(case), list[mulligan.Watch](), Log(d_loss={}, g_loss={})
    images, labels = pictures_of(names["DATA"])

    def watching(*args: Any, **options: Any) -> mulligan.Watch:
        watches.append(mulligan.Watch(*args, **options))
        return watches[0]

    started = time.process_time()
    with warnings.catch_warnings(action="ignore"):
        for step in names["train"](images, labels, steps, seed, watching):
            log["d_loss"][step.step], log["g_loss"][step.step] = step.d_loss, step.g_loss
            if watches[0].findings and case.expected != HEALTHY:
                break
    (watch,) = watches
    watch.close()
    first = watch.findings[0] if watch.findings else None
    seconds = round(time.process_time() - started, 1)
    named = (first.state, first.step, dict(first.evidence)) if first else (HEALTHY, 0, {})
    return Outcome(case.gan, case.way, seed, *named[:2], watch.step, seconds, named[2], from_losses(log)[0])


def watch_all(path: Path, only: str) -> None:
    """Play each run that the file lacks, in an order of chance, and add it."""
    known = {(o.gan, o.way, o.seed) for o in outcomes(path)}
    runs = [(case, seed) for seed in SEEDS for case in (*SOUND, *LOOKALIKES, *BROKEN)]
    for case, seed in random.Random(0).sample(runs, len(runs)):
        if only in f"{case.gan}: {case.way}" and (case.gan, case.way, seed) not in known:
            outcome = play(case, seed)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
            print(outcome.line(), f"{outcome.steps} steps, {outcome.seconds} s", flush=True)


def outcomes(path: Path) -> list[Outcome]:
    """Return every outcome in a file."""
    return [Outcome(**json.loads(line)) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def report(found: list[Outcome]) -> str:
    """Count names and false alarms, with what a right name took, and list what was not named exactly."""
    broken = [o for o in found if o.case in BROKEN]
    named = [o for o in broken if o.right]
    silent = sum(o.named == HEALTHY for o in broken)
    counts = {
        "broken": len(broken),
        "named exactly": sum(o.exact for o in broken),
        "exactly or by a neighbour": len(named),
        "not at all": silent,
        "by both losses alone": sum(o.losses == o.case.expected for o in broken),
        "healthy": sum(o.case in SOUND for o in found),
        "of them accused": sum(o.case in SOUND and not o.exact for o in found),
        "only look broken": sum(o.case in LOOKALIKES for o in found),
        "and accused": sum(o.case in LOOKALIKES and not o.exact for o in found),
        "steps to the name": statistics.median(o.step for o in named) if named else 0,
        "CPU seconds to the name": statistics.median(o.seconds for o in named) if named else 0,
    }
    return "\n".join([*(f"{name}: {n}" for name, n in counts.items()), *(o.line() for o in found if not o.exact)])


def cost(case: Case, steps: int = 810) -> str:
    """Return what the watch takes of a healthy GAN's processor time: its calls, and the steps in which hooks listen."""
    names, marks = planted(case), list[tuple[int, float, float]]()
    images, labels = pictures_of(names["DATA"])

    class Timed(mulligan.Watch):
        def __call__(self, step: int, **values: Any) -> None:
            began = time.process_time()
            super().__call__(step, **values)
            marks.append((step, began, time.process_time()))

    for _ in names["train"](images, labels, steps, 0, Timed):
        pass
    calls = {step: end - began for step, began, end in marks}
    own = {after[0]: after[1] - before[2] for before, after in pairwise(marks)}
    heard = statistics.median(own[step] for step in own if step > 200 and step % 200 in (0, *range(189, 200)))
    step = statistics.median(own[step] for step in own if step > 20 and 0 < step % 200 < 188)
    measured, looked, other = (
        statistics.median(calls[step] for step in calls if step > 200 and rule(step))
        for rule in (lambda n: n % 200 == 0, lambda n: n % 50 == 0 and n % 200, lambda n: n % 50)
    )
    share = (measured + 3 * looked + 196 * other + 12 * (heard - step)) / (200 * step)
    return f"{case.gan}: {1e3 * step:.1f} ms a step; {1e3 * measured:.0f} ms a measurement; {100 * share:.1f} % in all"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/watching", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only runs whose GAN or fault holds this word")
    parser.add_argument("--watch", type=Path, metavar="FILE", help="watch the runs that the file lacks, and add them")
    parser.add_argument("--report", type=Path, metavar="FILE", help="count what the file holds")
    parser.add_argument("--cost", action="store_true", help="measure what the watch costs the GANs as published")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.watch is not None:
        watch_all(asked.watch, asked.only)
    elif asked.cost:
        print(*(cost(case) for case in SOUND if asked.only in case.gan), sep="\n")
    elif asked.report is not None:
        print(report([o for o in outcomes(asked.report) if asked.only in f"{o.gan}: {o.way}"]))
    else:
        for case in (*SOUND, *BROKEN, *LOOKALIKES):
            if asked.only in f"{case.gan}: {case.way}":
                print(f"| {case.gan} | {case.way} | {case.expected} | {', '.join(case.neighbours)} |")


if __name__ == "__main__":
    main()
