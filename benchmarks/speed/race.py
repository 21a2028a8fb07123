"""Compare all sides of a workload: first verify that they compute the same, then time them in turns."""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from material import draw
from sides import FLOORS, SIDES
from timing import Block, summary, take_turns
from worker import Child
from workloads import Workload, workload

from mulligan.errors import RunError
from mulligan.nn.memory import Array
from mulligan.output.figures import duration

_LOG = logging.getLogger("mulligan.speed")

STEPS = 5
SAME = 1e-9
"""Allowed difference in float64 after five steps. Two orders of summation differed by up to 6e-12 (decision 5)."""
GROSS = 0.2
"""Allowed difference in float32. One unit in the last place of the start changed our own result by up to 0.08."""
PAUSE = 0.3
"""Seconds of idle time before a turn, in which the last side's threads fall asleep."""
WRONG = "computes something else"
"""First words of the reason why a side with a larger difference is not timed."""


@dataclass(frozen=True)
class Plan:
    """How to measure: which sides ("mulligan" first), how many turns of how many seconds, by which clock."""

    sides: tuple[str, ...]
    rounds: int = 7
    seconds: float = 0.5
    threads: int = 2
    toy: bool = False
    cpu: bool = False

    def for_workload(self, name: str) -> list[str]:
        """Return the sides that make sense for a workload."""
        return [s for s in self.sides if not SIDES[s].only or name.startswith(SIDES[s].only)]


def difference(found: dict[str, Array], expected: dict[str, Array], idle: frozenset[str] = frozenset()) -> float:
    """Return the largest ‖a − b‖/‖b‖ over the parameter arrays; infinite if an array is missing or not finite.

    `idle` names arrays that no loss depends on.
    """
    if found.keys() != expected.keys():
        return np.inf
    worst = 0.0
    for name in expected.keys() - idle:
        a, b = found[name].astype(np.float64), expected[name].astype(np.float64)
        if a.shape != b.shape or not np.isfinite(a).all():
            return np.inf
        size = max(float(np.linalg.norm(b)), float(np.finfo(np.float32).tiny))
        worst = max(worst, float(np.linalg.norm(a - b)) / size)
    return worst


def judged(found: float, dtype: str, allowed: float) -> dict[str, Any]:
    """Return a side's difference from Mulligan, or the reason why the side is not timed."""
    if found <= allowed:
        return {dtype: found}
    return {"why": f"{WRONG}: {found:.1e} from ours in {dtype}, allowed {allowed:.0e}"}


def idle_parameters(game: Workload) -> frozenset[str]:
    """Return the parameters whose exact gradient is zero.

    A relativistic loss uses only differences of logits, in which D's last bias cancels. Its gradient is rounding error,
    which Adam scales to whole steps, in a different direction in every library.
    """
    return frozenset([f"d.{len(game.players()[1]) - 1}.b"]) if game.game.loss.relativistic else frozenset()


class Race:
    """One workload: `verify`, then `run`.

    Parameters
    ----------
    name : str
        Name of the workload.
    plan : Plan
    folder : Path
        Receives the material.
    """

    def __init__(self, name: str, plan: Plan, folder: Path):
        self.plan = plan
        self.workload = workload(name, plan.toy)
        self.name = name
        self.idle = idle_parameters(self.workload)
        self.results: dict[str, dict[str, Any]] = {side: {} for side in plan.for_workload(name)}
        self._material = folder / f"{name}.npz"
        draw(self.workload).save(self._material)

    def build(self, child: Child, side: str, dtype: str) -> None:
        """Let a child build this side of the workload."""
        child.ask("build", side, self.name, self.plan.toy, self._material, self.plan.threads, dtype)

    def verify(self, children: dict[str, Child]) -> None:
        """Compare every side with Mulligan in float64. `children` has one process for each library."""
        expected: dict[str, Array] = {}
        for side, result in self.results.items():
            if side in FLOORS:
                continue
            child = children[SIDES[side].needs]
            try:
                self.build(child, side, "float64")
                found = child.ask("parameters_after", STEPS)
            except RunError as error:
                if side == "mulligan":
                    raise
                result["why"] = str(error)
                continue
            expected = expected or found
            result |= judged(difference(found, expected, self.idle), "float64", SAME)

    def run(self) -> dict[str, Any]:
        """Time the sides that passed, and return all results."""
        with ExitStack() as stack:
            children: dict[str, Child] = {}
            expected: dict[str, Array] = {}
            for side, result in self.results.items():
                if "why" in result:
                    continue
                _LOG.debug("%s: %s", self.name, side)
                child = stack.enter_context(Child(self.plan.threads))
                try:
                    self.build(child, side, "float32")
                    found = child.ask("parameters_after", STEPS)
                except RunError as error:
                    if side == "mulligan" or side in FLOORS:
                        raise
                    result["why"] = str(error)
                    continue
                expected = expected or found
                if side not in FLOORS:
                    result |= judged(difference(found, expected, self.idle), "float32", GROSS)
                    if "why" in result:
                        continue
                children[side] = child
            turns = {side: partial(self._block, child, side) for side, child in children.items()}
            for side, found in summary(take_turns(turns, self.plan.rounds, 0.02 if self.plan.toy else PAUSE)).items():
                self.results[side] |= found
            for side, child in children.items():
                self.results[side]["memory"] = child.ask("peak_memory")
        return {
            "title": self.workload.title,
            "batch": self.workload.batch,
            "wide": any(result.get("wide", False) for result in self.results.values()),
            "sides": self.results,
        }

    def _block(self, child: Child, side: str) -> Block:
        _LOG.debug("%s: a block of %s", self.name, side)
        block: Block = child.ask("time", self.plan.seconds, self.plan.cpu)
        return block


def race(names: list[str], plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Verify and time workloads. Yields the name and the results of each when it is finished."""
    with tempfile.TemporaryDirectory() as folder:
        races = [Race(name, plan, Path(folder)) for name in names]
        libraries = sorted({SIDES[side].needs for side in plan.sides})
        with ExitStack() as stack:
            children = {library: stack.enter_context(Child(plan.threads)) for library in libraries}
            for one in races:
                _LOG.info("%s: do all sides compute the same?", one.name)
                one.verify(children)
        start = time.perf_counter()
        for number, one in enumerate(races):
            each = (time.perf_counter() - start) / max(1, number)
            left = f" · {duration(each * (len(races) - number))} left" if number else ""
            _LOG.info("%s: how fast? %d of %d%s", one.name, number + 1, len(races), left)
            yield one.name, one.run()
