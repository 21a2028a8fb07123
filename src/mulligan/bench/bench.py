"""Run the whole benchmark: choose the sides, check the machine, verify, time."""

import os
from collections.abc import Iterator
from typing import Any

from mulligan.bench import machine
from mulligan.bench.child import Child
from mulligan.bench.race import Plan, race
from mulligan.bench.side import SIDES
from mulligan.bench.workloads import names
from mulligan.errors import ConfigError, must_be
from mulligan.nn.fields import Interval
from mulligan.nn.workers.blas import slowed

LIBRARIES = ("torch", "jax")
BUSY = 0.5
"""Load average above which another process probably needs the same cores."""


def run(
    against: list[str],
    workloads: list[str],
    *,
    rounds: int = 7,
    seconds: float = 0.5,
    threads: int = 2,
    toy: bool = False,
) -> Iterator[dict[str, Any]]:
    """Verify and time all workloads. Yields the same document, ready for JSON, each time that it grows.

    It is yielded before the first workload, after each, and at the end with ``load`` and ``footprint``. The log reports
    the progress twice for each workload, and at level DEBUG each side and round.

    Parameters
    ----------
    against : list of str
        "torch" and "jax". A library that is not installed is left out, with a note.
    workloads : list of str
        Families or members; empty for all.
    rounds : int
        Number of turns of each side.
    seconds : float
        Length of a turn.
    threads : int
        Number of threads of each side.
    toy : bool
        Use small sizes.

    Yields
    ------
    dict
        The document.

    Raises
    ------
    ConfigError
        When a library or a workload is unknown, or a number is out of range.
    """
    for word in against:
        if word not in LIBRARIES:
            raise ConfigError(f"--against must be from {', '.join(LIBRARIES)}, got {word!r}. Try {LIBRARIES[0]}.")
    for name, value, least in (("rounds", rounds, 1), ("threads", threads, 1)):
        if value < least:
            raise ConfigError(must_be(name, f"at least {least}", value, 2))
    if seconds not in Interval(0.0, 60.0, "(]", 0.5):
        raise ConfigError(must_be("seconds", "above 0 and at most 60", seconds, 0.5))
    chosen = names(workloads, toy)
    wanted = {s: e for s, e in SIDES.items() if not e.needs or e.needs in against}
    missing = sorted({entry.needs for entry in wanted.values() if entry.missing})
    notes = [f"{name} is not installed. To time it: pip install {name}" for name in missing]
    before = machine.load_average()
    if before is not None and before > BUSY:
        notes.append(f"the load average was {before:.2f} before the start: other processes want the cores too.")
    plan = Plan(
        tuple(s for s, e in wanted.items() if not e.missing),
        rounds=rounds,
        seconds=seconds,
        pause=0.02 if toy else 0.3,
        threads=threads,
        toy=toy,
    )
    if slowed():
        notes.append(
            f"OPENBLAS_CORETYPE={os.environ['OPENBLAS_CORETYPE']} is ignored here: it slows NumPy alone. Training "
            "does not ignore it. Unset it first, or a step takes longer than here."
        )
    with Child(threads) as child:
        here = child.ask(do="machine", threads=threads)
    document: dict[str, Any] = {
        "machine": here,
        "notes": notes,
        "toy": toy,
        "plan": {"rounds": rounds, "seconds": seconds, "pause": plan.pause},
        "workloads": {},
    }
    yield document
    for name, result in race(chosen, plan):
        document["workloads"][name] = result
        yield document
    document["load"] = {"before": before, "after": machine.load_average()}
    document["footprint"] = machine.footprint(1 if toy else 5)
    yield document
