"""``mulligan diagnose``: say what is wrong with a run, show the evidence, and repair it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from mulligan import training
from mulligan.cli.console import emit
from mulligan.cli.options import Folder, Json
from mulligan.errors import ConfigError, typed
from mulligan.output.figures import count, figure

if TYPE_CHECKING:
    from mulligan.training import SecondTry
    from mulligan.training.events import Diagnosed

SHOWN = ("distance", "coverage", "gap", "classes", "d_accuracy", "ranking")
"""Figures of a healthy run."""
UNCHECKED = "not measured yet"
"""The state of a run that has not been measured: it has just begun, or is too short."""


def command(
    run: Positional[Folder],
    *,
    try_: Annotated[bool, arg(name="try", help_behavior_hint="")] = False,
    json: Json = False,
) -> int:
    """Show the state of a run, the evidence, and what to try.

    Mulligan diagnoses every run while it trains: two measurements in a row, 150 to 250 steps apart, name a state.
    --try goes back to the last healthy checkpoint (or to step 0, if the remedy changes the networks), applies the
    remedy, and trains on in a new run folder. The old run stays as it is.

    Example:
    $ mulligan diagnose runs/quick-1
    $ mulligan diagnose runs/quick-1 --try

    Parameters
    ----------
    run
        The run folder.
    try_
        Start the second try.
    json
        Print one JSON document, or with --try the events of the second try as JSON Lines.
    """
    from mulligan.cli.follow import try_again

    said, measured = _said(run)
    last = said[-1] if said else None
    ill = last is not None and bool(last.severity)
    if try_:
        return try_again(run, last, json=json)
    second: SecondTry | None = None
    if ill:
        try:
            second = training.plan(run, last)
        except ConfigError:  # no setting can repair it: only the words of the remedy are shown
            second = None
    step, steps, signals = _stands(run)
    quiet = "healthy" if measured else UNCHECKED
    if json:
        emit(
            {
                "run": str(run),
                "step": step,
                "steps": steps,
                "state": last.state if ill and last else quiet,
                "severity": last.severity if last else "",
                "evidence": last.evidence if ill and last else {},
                "signals": signals,
                "remedies": last.remedies if last else [],
                "overrides": [str(change) for change in last.overrides] if last else [],
                "second_try": None if second is None else {"step": second.step, "changes": second.changes},
                "history": [event.to_json() for event in said],
            }
        )
        return 0
    _print(str(run), last if ill else None, quiet, said, second, step, steps, signals)
    return 0


def _said(folder: Any) -> tuple[list[Diagnosed], bool]:
    """Return the diagnoses of a run, the oldest first, and whether anything was measured."""
    from mulligan.training.events import Diagnosed, Measured

    said, measured = [], False
    for words in training.RunFolder.of(folder).read_log()[0]:
        if words.get("event") == Diagnosed.name:
            said.append(Diagnosed.of(words))
        measured |= words.get("event") == Measured.name
    return said, measured


def _stands(folder: Any) -> tuple[int, int, dict[str, float]]:
    """Return the steps of the newest checkpoint, the run's length, and the figures of its last measurement."""
    here = training.RunFolder(folder)
    newest = here.newest()
    if newest is None:
        return 0, training.load_config(here.config).steps, {}
    looks = newest.state["observers"].get("diagnosis", {}).get("looks", [])
    return newest.step, newest.config.steps, looks[-1]["signals"] if looks else {}


def _print(
    run: str,
    last: Diagnosed | None,
    quiet: str,
    said: list[Diagnosed],
    second: SecondTry | None,
    step: int,
    steps: int,
    signals: dict[str, float],
) -> None:
    from mulligan.diagnosis.figures import figure_of
    from mulligan.training.progress import evidence_lines

    if last is None:
        print(f"{run}: {quiet}, at step {count(step)} of {count(steps)}")
        lines = [f"  {figure(signals[name])}  {figure_of(name).meaning}" for name in SHOWN if name in signals]
        print(*lines, sep="\n", end="\n" if lines else "")
    else:
        kind = " (warning)" if last.severity == "warning" else ""
        print(f"{run}: {last.state}{kind}, since step {count(last.step)} of {count(steps)}")
        print(*(f"  {line}" for line in evidence_lines(last)), sep="\n")
        print("what to try:", *(f"  {words}" for words in last.remedies), sep="\n")
    if second is not None:
        start = f"from step {count(second.step)}" if second.step else "from step 0"
        print(f"second try, {start}, with", *(f"  {change}" for change in second.changes), sep="\n")
        print(f"next: mulligan diagnose {typed(run)} --try")
    before = said[:-1] if last is not None else said
    if before:
        print("before:", *(f"  step {count(event.step)}: {event.state}" for event in before), sep="\n")
