"""``mulligan diagnose``: say what is wrong with a run, show the evidence, and repair it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from mulligan import training
from mulligan.cli.document import Document, render
from mulligan.cli.options import File, Flag, OtherFolder, Word
from mulligan.errors import ConfigError, typed
from mulligan.output.figures import count, figure

if TYPE_CHECKING:
    from mulligan.training import SecondTry

SHOWN = ("distance", "coverage", "gap", "classes", "d_accuracy", "ranking")
"""Figures of a healthy run."""
UNCHECKED = "not measured yet"
"""The state of a run that has not been measured: it has just begun, or is too short."""


def command(
    run: Positional[OtherFolder] = None,
    *,
    log: File = None,
    samples: File = None,
    data: Word = None,
    tile: Word = None,
    try_: Annotated[bool, arg(name="try", help_behavior_hint="")] = False,
    json: Flag = False,
) -> int:
    """Show the state of a run, the evidence, and what to try.

    Mulligan diagnoses every run while it trains: two measurements in a row, 150 to 250 steps apart, name a state.
    --try goes back to the last healthy checkpoint (or to step 0, if the remedy changes the networks), applies the
    remedy, and trains on in a new run folder. The old run stays as it is.

    Example:
    $ mulligan diagnose runs/quick-1
    $ mulligan diagnose runs/quick-1 --try
    $ mulligan diagnose --log losses.csv --samples samples/ --data reals/    # a GAN of another program

    Parameters
    ----------
    run
        The run folder.
    log
        Of another program: losses as CSV, as W&B exports them, or as an event file of TensorBoard.
    samples
        Of another program: a folder of generated pictures.
    data
        The training pictures, to compare the samples with: a folder or a known data set.
    tile
        The samples are sheets: WIDTHxHEIGHT of a picture in pixels, then +GAP+MARGIN. torchvision draws 28x28+2+2.
    try_
        Start the second try.
    json
        Print one JSON document, or with --try the events of the second try as JSON Lines.
    """
    if run is None:
        if try_:
            raise ConfigError("--try needs a run folder, got none. Try mulligan diagnose runs/quick-1 --try.")
        return _afterwards(log, samples, data, tile or "", json)
    if any((log, samples, data, tile)):
        raise ConfigError(f"--log, --samples, --data, --tile must be left out for a run. Try diagnose {typed(run)}.")
    from mulligan.cli.follow import try_again
    from mulligan.diagnosis.figures import figure_of
    from mulligan.training.store.history import read_run

    history = read_run(training.RunFolder.of(run).path)
    failure = history.failure
    last = history.diagnosed[-1] if history.diagnosed else None
    if try_:
        return try_again(run, last, json=json)
    second: SecondTry | None = None
    if failure is not None:
        with suppress(ConfigError):  # no setting can repair it: only the words of the remedy are shown
            second = training.plan(run, failure)
    step, steps = history.step, training.load_config(training.RunFolder(run).config).steps
    signals = history.measured[-1][1] if history.measured else {}
    quiet = "healthy" if history.measured else UNCHECKED
    document = {
        "run": str(run),
        "step": step,
        "steps": steps,
        "state": failure.state if failure else quiet,
        "severity": last.severity if last else "",
        "evidence": failure.evidence if failure else {},
        "signals": signals,
        "remedies": last.remedies if last else [],
        "overrides": [str(change) for change in last.overrides] if last else [],
        "second_try": None if second is None else {"step": second.step, "changes": second.changes},
        "history": [event.to_json() for event in history.diagnosed],
    }
    if failure is None:
        lines = [f"{run}: {quiet}, at step {count(step)} of {count(steps)}"]
        lines += [f"  {figure(signals[name])}  {figure_of(name).meaning}" for name in SHOWN if name in signals]
    else:
        kind = " (warning)" if failure.severity == "warning" else ""
        lines = [f"{run}: {failure.state}{kind}, since step {count(failure.step)} of {count(steps)}"]
        lines += [f"  {line}" for line in failure.lines()]
        lines += ["what to try:", *(f"  {words}" for words in failure.remedies)]
    if second is not None:
        start = f"from step {count(second.step)}" if second.step else "from step 0"
        lines += [f"second try, {start}, with", *(f"  {change}" for change in second.changes)]
        lines.append(f"next: mulligan diagnose {typed(run)} --try")
    if before := history.diagnosed if failure is None else history.diagnosed[:-1]:
        lines += ["before:", *(f"  step {count(event.step)}: {event.state}" for event in before)]
    return render(Document(document, lines), json=json)


def _afterwards(log: Path | None, samples: Path | None, data: str | None, tile: str, json: bool) -> int:
    from mulligan.watch.afterwards import diagnose

    if log is None and samples is None:
        raise ConfigError("diagnose needs a run folder, --log or --samples, got none. Try runs/quick-1.")
    text, findings = diagnose(log, samples, data, tile)
    document = Document({"text": text, "history": [event.to_json() for event in findings]}, [text])
    return render(document, json=json)
