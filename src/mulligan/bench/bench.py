"""The whole benchmark: which sides, in which order, with what around them."""

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
"""Load average from which on another process is likely to want our cores."""


def run(
    against: list[str],
    workloads: list[str],
    *,
    rounds: int = 7,
    seconds: float = 0.5,
    threads: int = 2,
    toy: bool = False,
) -> Iterator[dict[str, Any]]:
    """Verify and time, and yield one JSON-able document as it grows.

    It is yielded before the first workload and after each; at the end once more, with ``load`` and ``footprint``. The
    log tells what is going on, twice for each workload; at level DEBUG for each side and each round as well.

    Parameters
    ----------
    against : list of str
        Of "torch", "jax"; one that is not installed is left out, with a note.
    workloads : list of str
        Families or members; all when empty.
    rounds : int
        Turns of every side.
    seconds : float
        Length of a turn.
    threads : int
        Of every side.
    toy : bool
        Small sizes.

    Yields
    ------
    dict
        The same one every time.

    Raises
    ------
    ConfigError
        When a library or a workload is unknown, or a number is out of range.
    """
    for word in against:
        if word not in LIBRARIES:
            raise ConfigError(f"there is nothing to compare with called {word!r}. Known are {', '.join(LIBRARIES)}.")
    for name, value, least in (("rounds", rounds, 1), ("threads", threads, 1)):
        if value < least:
            raise ConfigError(must_be(name, f"at least {least}", value, 2))
    if seconds not in Interval(0.0, 60.0, "(]", 0.5):
        raise ConfigError(must_be("seconds", "above 0 and at most 60", seconds, 0.5))
    chosen = names(workloads, toy)
    wanted = {s: e for s, e in SIDES.items() if not e.needs or e.needs in against}
    missing = sorted({entry.needs for entry in wanted.values() if entry.missing})
    notes = [f"{name} is not installed; for its sides: pip install {name}" for name in missing]
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
            f"OPENBLAS_CORETYPE={os.environ['OPENBLAS_CORETYPE']} is set aside: it slows NumPy, and the others do not "
            "heed it. Training does; unset it before the start, or a step takes longer than here."
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
