"""Run the benchmark: our steps and their floors take turns, workload by workload."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import threadpoolctl

from mulligan.bench import machine
from mulligan.bench.floor import Products, Sgemm
from mulligan.bench.ours import Ours, Side
from mulligan.bench.timing import Block, summary, take_turns, time_block
from mulligan.bench.workloads import names, workload
from mulligan.errors import ConfigError, must_be
from mulligan.output.figures import duration

_LOG = logging.getLogger(__name__)

SIDES: dict[str, type[Side]] = {"mulligan": Ours, "products": Products, "sgemm": Sgemm}
"""What is timed, by its name: the step, and its floors."""
DENSE = ("classic", "mlp")
"""How the workloads begin for which `Sgemm` is a floor: a convolution is no single product."""
BUSY = 0.5
"""Load average above which another process probably needs the same cores."""


def run(
    workloads: list[str], *, rounds: int = 7, seconds: float = 0.5, threads: int = 2, toy: bool = False
) -> Iterator[dict[str, Any]]:
    """Time workloads, by family or member; none means all. Yields the same document each time that it grows."""
    chosen = names(workloads, toy)
    document = opening(rounds, seconds, threads, toy)
    yield document
    start = time.perf_counter()
    for number, name in enumerate(chosen):
        each = (time.perf_counter() - start) / max(1, number)
        left = f" · {duration(each * (len(chosen) - number))} left" if number else ""
        _LOG.info("%s: %d of %d%s", name, number + 1, len(chosen), left)
        document["workloads"][name] = _timed(name, rounds, seconds, threads, toy)
        yield document
    document["load"]["after"] = machine.load_average()
    document["footprint"] = machine.footprint(1 if toy else 5)
    yield document


def pause_of(toy: bool) -> float:
    """Return the seconds of idle time before a turn, in which the last side's threads fall asleep."""
    return 0.02 if toy else 0.3


def opening(rounds: int, seconds: float, threads: int, toy: bool) -> dict[str, Any]:
    """Check the settings, and return a document without workloads."""
    if not 0 < seconds <= 60:
        raise ConfigError(must_be("seconds", "above 0 and at most 60", seconds, 0.5))
    before, notes = machine.load_average(), []
    if before is not None and before > BUSY:
        notes.append(f"the load average was {before:.2f} before the start: other processes want the cores too.")
    return {
        "machine": machine.describe(threads),
        "notes": notes,
        "toy": toy,
        "plan": {"rounds": rounds, "seconds": seconds, "pause": pause_of(toy)},
        "load": {"before": before},
        "workloads": {},
    }


def _timed(name: str, rounds: int, seconds: float, threads: int, toy: bool) -> dict[str, Any]:
    game = workload(name, toy)
    with ExitStack() as stack:
        turns = {}
        for side, kind in SIDES.items():
            if kind is not Sgemm or name.startswith(DENSE):
                made = stack.enter_context(closing(kind(game, threads)))
                turns[side] = partial(_block, made, seconds, threads)
        sides = summary(take_turns(turns, rounds, pause_of(toy)))
    return {"title": game.title, "batch": game.batch, "wide": any(s["wide"] for s in sides.values()), "sides": sides}


def _block(side: Side, seconds: float, threads: int) -> Block:
    with threadpoolctl.threadpool_limits(threads if isinstance(side, Sgemm) else 1, "blas"):
        return time_block(side, seconds)
