"""Long jobs: evaluate a finished run, write its report, export it.

Each job has its own process, so that neither the page nor a run in training waits for it. `JOBS` has what they do.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mulligan.errors import MulliganError
from mulligan.web.handle import Channel, spawn
from mulligan.web.session import Session

NICE = 10
"""Niceness of a job's process, so that training goes first."""
BEGINS = {
    "evaluate": "measuring the averaged generator, and writing the report",
    "report": "writing the report",
    "export": "writing the file",
}


class Jobs:
    """Runs one job after the other. The one at the end of a run comes without being asked for."""

    def __init__(self, session: Session):
        self._session, self._broadcast = session, session.broadcast
        self._turn = asyncio.Lock()
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self.progress: dict[str, Any] | None = None

    def add(self, what: str, run: str) -> dict[str, Any]:
        key = (what, run)
        if key not in self._tasks:
            self._tasks[key] = task = asyncio.get_running_loop().create_task(self._work(what, run))
            task.add_done_callback(lambda task: self._tasks.pop(key))
        return {"job": what, "run": run}

    async def close(self) -> None:
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, what: str, run: str) -> None:
        async with self._turn:
            about = {"what": what, "run": run, "done": False, "url": None}
            self.progress = about | {"text": BEGINS[what]}
            self._broadcast.publish("progress", self.progress)
            try:
                result = await self.perform(what, self._session.runs / run)
            finally:
                self.progress = None
        self.done(what, run, result)

    async def perform(self, what: str, folder: Path) -> dict[str, Any]:
        """Do a job in a process of its own. It ends with this task: its files are complete or absent."""
        process, channel = spawn(f"mulligan-{what}", _main, what, str(folder))

        def listen() -> dict[str, Any]:
            lost = {"error": f"{what} of {folder.name} ended without a result. Try again."}
            result: dict[str, Any] = next((content for _, _, content in channel.messages(process)), lost)
            process.join(10.0)
            return result

        listening = asyncio.ensure_future(asyncio.to_thread(listen))
        try:
            return await asyncio.shield(listening)
        except asyncio.CancelledError:
            process.kill()
            await listening
            raise

    def done(self, what: str, run: str, result: dict[str, Any]) -> None:
        error, text, url = result.get("error"), result.get("text", "done"), result.get("url")
        end = {"what": what, "run": run, "text": error or text, "done": True, "url": url, "failed": error is not None}
        self._broadcast.publish("progress", end)
        if what == "evaluate" and "metrics" in result and self._session.evaluate(run, result["metrics"]):
            self._broadcast.publish("metrics", self._session.metrics)
        self._broadcast.publish("runs", {})


# ── in the job's process ──────────────────────────────────────────────────────────────────────────────────────────────


def _main(connection: Any, what: str, folder: str) -> None:
    """Do a job, and send its result through the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server handles Ctrl-C
    if hasattr(os, "nice"):
        os.nice(NICE)
    try:
        result = JOBS[what](Path(folder))
    except MulliganError as error:
        result = {"error": str(error)}
    except Exception as error:
        result = {"error": f"{what} failed: {type(error).__name__}: {error}"}
    Channel(connection).send("result", result)


def evaluate(folder: Path) -> dict[str, Any]:
    """Measure a finished run as ``mulligan train`` does at its end; write ``metrics.json`` and the report."""
    from mulligan.metrics import space_of
    from mulligan.models.evaluate import evaluate_finished
    from mulligan.training.store.folder import RunFolder, restore_run

    here = RunFolder(folder)
    if (checkpoint := here.newest()) is None:
        return {"error": f"{folder.name} has no checkpoint yet, so nothing can be measured. Train it on first."}
    metrics = evaluate_finished(restore_run(checkpoint))
    here.keep_metrics(metrics)
    return report(folder) | {"metrics": metrics | {"space": space_of(metrics)}}


def report(folder: Path) -> dict[str, Any]:
    """Write ``report.html``."""
    from mulligan.report import write_report
    from mulligan.web.playground import report_of

    write_report(folder)
    return {"url": report_of(folder.name), "text": "The report is written."}


def export(folder: Path) -> dict[str, Any]:
    """Write the generator as a page of its own into the run folder."""
    from mulligan.output.export import export as write
    from mulligan.output.generator import Generator
    from mulligan.training.store.folder import RunFolder
    from mulligan.web.playground import export_of

    generator = Generator.load(RunFolder(folder).generator)
    target = folder / "exports" / "viewer.html"
    target.parent.mkdir(exist_ok=True)
    write(generator, target, "html")
    size = target.stat().st_size
    return {"url": export_of(folder.name, target.name), "text": f"{target.name} is written ({size:,} bytes)."}


JOBS: dict[str, Callable[[Path], dict[str, Any]]] = {job.__name__: job for job in (evaluate, report, export)}
