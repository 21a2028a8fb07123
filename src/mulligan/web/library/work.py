"""Do a job in its own process: evaluate a run, write its report, export its generator, play a case."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mulligan.errors import MulliganError
from mulligan.metrics import at, space_of
from mulligan.models.evaluate import evaluate_finished
from mulligan.output.export import export as write
from mulligan.output.generator import Generator
from mulligan.report import read, verdict, write_report
from mulligan.training.store.folder import RunFolder, restored
from mulligan.web.library.museum import play
from mulligan.web.library.runs import EXPORTS, OWN, export_of, report_of
from mulligan.web.worker.protocol import Channel


class Told(logging.Handler):
    """Sends log messages to the server for the page."""

    def __init__(self, channel: Channel):
        super().__init__()
        self.channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        self.channel.send("say", {"text": record.getMessage()})


def main(connection: Any, what: str, folder: str, args: dict[str, Any], niceness: int) -> None:
    """Do a job, and send its result through the pipe."""
    if hasattr(os, "nice"):
        os.nice(niceness)
    channel = Channel(connection)
    log = logging.getLogger("mulligan")
    log.setLevel(logging.INFO)
    log.addHandler(Told(channel))
    try:
        found = WORKS[what](Path(folder), **args)
    except MulliganError as error:
        found = {"error": str(error)}
    except ImportError as error:
        name = error.name
        found = {"error": f"{what} needs a package that is not installed ({name}). Install it: pip install {name}."}
    except Exception as error:
        found = {"error": f"{what} failed: {type(error).__name__}: {error}"}
    channel.send("found", found)


def evaluate(folder: Path) -> dict[str, Any]:
    """Measure a finished run as ``mulligan train`` does at its end, and write ``metrics.json``."""
    here = RunFolder(folder)
    if (found := here.newest()) is None:
        return {"error": f"{folder.name} has no checkpoint yet, so nothing can be measured. Train it on first."}
    metrics = evaluate_finished(restored(found))
    here.keep_metrics(metrics)
    judged = verdict(read(folder))
    words = None if judged is None else judged._asdict()
    return {"metrics": short(metrics), "verdict": words, "text": f"{folder.name} is measured."}


def short(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of an evaluation that the page shows: those of the main feature map, and those of none."""
    space = space_of(metrics) or "points"
    main = ("fd", "fd_floor", "coverage", "coverage_ideal")
    return {
        **{name: metrics[name] for name in ("n", "n_real", "step")},
        "space": space,
        "held_out": metrics.get("held_out", True),
        **{name: metrics[space][name] for name in main if name in metrics.get(space, ())},
        **({"modes": at(metrics, "modes", "captured")} if "modes" in metrics else {}),
        **{name: metrics["classes"][name] for name in ("modes", "junk") if "classes" in metrics},
    }


def report(folder: Path) -> dict[str, Any]:
    """Write ``report.html``."""
    write_report(folder)
    return {"url": report_of(folder.name), "text": "The report is written."}


def export(folder: Path, to: str) -> dict[str, Any]:
    """Export the generator into the run folder."""
    generator = Generator.load(OWN.get(folder.name, RunFolder(folder).generator))
    target = folder / "exports" / EXPORTS[to]
    # A run that was deleted meanwhile must not reappear as an empty folder.
    target.parent.mkdir(parents=folder.name in OWN, exist_ok=True)
    files = write(generator, target, to)
    size = sum(path.stat().st_size for path in files)
    return {"url": export_of(folder.name, files[0].name), "text": f"{files[0].name} is written ({size:,} bytes)."}


def museum(folder: Path, seed: int) -> dict[str, Any]:
    """Play a case of the museum; `folder` is the case's name inside the runs folder."""
    play(folder.parent, folder.name, seed)
    return {"url": f"/api/museum/{folder.name}", "text": f"{folder.name} has been played."}


WORKS: dict[str, Callable[..., dict[str, Any]]] = {work.__name__: work for work in (evaluate, report, export, museum)}
