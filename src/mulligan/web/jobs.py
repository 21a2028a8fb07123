"""Measure finished runs, each in a process of its own, so that neither a page nor a run in training waits for it."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from mulligan.errors import MulliganError
from mulligan.web.handle import Channel, spawn
from mulligan.web.session import Session

NICE = 10
"""Niceness of a job's process, so that training goes first."""


class Jobs:
    """Measures one run after the other. A job comes at the end of a run without being asked for."""

    def __init__(self, session: Session):
        self._session, self._broadcast = session, session.broadcast
        self._turn = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.progress: dict[str, Any] | None = None

    def add(self, run: str) -> None:
        if run not in self._tasks:
            self._tasks[run] = task = asyncio.get_running_loop().create_task(self._work(run))
            task.add_done_callback(lambda task: self._tasks.pop(run))

    async def close(self) -> None:
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, run: str) -> None:
        async with self._turn:
            self.progress = {"run": run, "text": "measuring the averaged generator, and writing the report"}
            try:
                result = await self.perform(self._session.runs / run)
            finally:
                self.progress = None
        if isinstance(result, str):
            self._broadcast.notify("warning", f"{run} could not be measured: {result}", "unmeasured")
        else:
            self._session.evaluate(run, result)
        self._session.publish_changes()
        self._broadcast.publish("runs", {})

    async def perform(self, folder: Path) -> dict[str, Any] | str:
        """Return the figures, or why there are none. The process ends with this task, its files complete or absent."""
        process, channel = spawn("mulligan-evaluate", _main, str(folder))

        def listen() -> Any:
            _, _, result = next(channel.messages(process), ("result", 0, "it was ended"))
            process.join(10.0)
            return result

        listening = asyncio.ensure_future(asyncio.to_thread(listen))
        try:
            return await asyncio.shield(listening)
        except asyncio.CancelledError:
            process.kill()
            await listening
            raise


# ── in the job's process ──────────────────────────────────────────────────────────────────────────────────────────────


def _main(connection: Any, folder: str) -> None:
    """Measure, and send the figures through the pipe, or why there are none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server handles Ctrl-C
    if hasattr(os, "nice"):
        os.nice(NICE)
    try:
        result: dict[str, Any] | str = evaluate(Path(folder))
    except Exception as error:
        result = str(error) if isinstance(error, MulliganError) else f"{type(error).__name__}: {error}"
    Channel(connection).send("result", result)


def evaluate(folder: Path) -> dict[str, Any]:
    """Measure a finished run as ``mulligan train`` does at its end; write ``metrics.json`` and the report."""
    from mulligan.metrics import space_of
    from mulligan.models.evaluate import evaluate_finished
    from mulligan.report import write_report
    from mulligan.training.store.folder import RunFolder, restore_run

    here = RunFolder(folder)
    checkpoint = here.newest()
    assert checkpoint is not None  # or it has not finished
    metrics = evaluate_finished(restore_run(checkpoint))
    here.keep_metrics(metrics)
    write_report(folder)
    return metrics | {"space": space_of(metrics)}
