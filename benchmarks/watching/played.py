"""Play the runs under `mulligan.Watch`, and keep what it said."""

import json
import random
import statistics
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from cases import BROKEN, HEALTHY, LOOKALIKES, SEEDS, SOUND
from cures import mended
from faults import Case, planted
from outcomes import Outcome, kept, kept_cures
from samples import pictures

import mulligan
from mulligan.watch.afterwards import Log, from_losses

LENGTH, BROKEN_LENGTH = 2000, 1200
"""Steps of a run that should stay healthy, and of a broken one at most. A broken run stops when it is named: a name
stands only where two measurements agree on it."""
QUICK = [
    "wgan_gp",
    "wgan",
    "gan",
    "cgan",
    "tutorial",
    "sngan",
    "r3gan",
    "infogan",
    "dcgan",
    "lsgan",
    "keras_dcgan",
    "jax_gan",
]
"""The GANs by the processor time of a step."""

pictures_of = cache(pictures)


def order() -> list[tuple[Case, int]]:
    """Return every run with its seed: first each healthy GAN and each way to break one, to mend the watch by.

    The rest comes in an order of chance, so that its first runs are a fair sample of all.
    """
    ways = {case.way: case for case in sorted(BROKEN, key=lambda case: -QUICK.index(case.gan))}
    first = [(case, SEEDS[0]) for case in (*SOUND, *ways.values())]
    rest = [(case, seed) for seed in SEEDS for case in (*SOUND, *LOOKALIKES, *BROKEN) if (case, seed) not in first]
    rng = random.Random(0)
    return [*rng.sample(first, len(first)), *rng.sample(rest, len(rest))]


def play(case: Case, seed: int) -> Outcome:
    """Train a GAN until it is named, or to the end."""
    steps = LENGTH if case.expected == HEALTHY else BROKEN_LENGTH
    names, watches, log = planted(case), list[mulligan.Watch](), Log(d_loss={}, g_loss={})
    images, labels = pictures_of(names["DATA"])

    def watching(*args: Any, **words: Any) -> mulligan.Watch:
        watches.append(mulligan.Watch(*args, **words))
        return watches[0]

    started = time.process_time()
    with warnings.catch_warnings(action="ignore"):
        for step in names["train"](images, labels, steps, seed, watching):
            log["d_loss"][step.step], log["g_loss"][step.step] = step.d_loss, step.g_loss
            if watches[0].findings and case.expected != HEALTHY:
                break
    (watch,) = watches
    watch.close()
    found = watch.findings
    taken = [(each.step, {k: float(f"{v:.4g}") for k, v in each.signals.items()}) for each in watch._history.taken]
    return Outcome(
        case.gan,
        case.way,
        seed,
        found[0].state if found else HEALTHY,
        found[0].step if found else 0,
        watch.step,
        round(time.process_time() - started, 1),
        str(watch.form and watch.form.name),
        watch.error,
        dict(found[0].evidence) if found else {},
        [(each.step, each.state) for each in found],
        watch._probe.facts._asdict(),
        taken,
        from_losses(log).state,
    )


def played(path: Path, only: str, again: bool) -> Iterator[Outcome]:
    """Play each run that the file lacks, and add it."""
    known = {} if again else kept(path)
    for case, seed in order():
        if only in f"{case.gan}: {case.way}" and (case.gan, case.way, seed) not in known:
            outcome = play(case, seed)
            _add(path, outcome)
            yield outcome


def cured(path: Path, only: str) -> Iterator[Outcome]:
    """Mend each broken run of the first seed as the watch said, until one of its remedies ends healthy."""
    known = kept_cures(path)
    for o in kept(path).values():
        if o.seed != SEEDS[0] or o.case.expected == HEALTHY or only not in f"{o.gan}: {o.way}":
            continue
        for remedy, case in mended(o):
            end = known.get((o.gan, o.way, o.seed, remedy))
            if end is None and case.edits:  # a GAN as published is played among the healthy ones
                end = replace(play(case, o.seed), remedy=remedy)
                _add(path, end)
                yield end
            if end is None or end.named == HEALTHY:
                break


def _add(path: Path, outcome: Outcome) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")


def cost(case: Case, steps: int = 810) -> str:
    """Return what the watch takes of a healthy GAN's processor time: its calls, and the steps in which hooks listen."""
    names, marks = planted(case), list[tuple[int, float, float]]()
    images, labels = pictures_of(names["DATA"])

    class Timed(mulligan.Watch):
        def __call__(self, step: int, **words: Any) -> None:
            began = time.process_time()
            super().__call__(step, **words)
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
