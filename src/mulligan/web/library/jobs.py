"""Run long jobs: evaluate a finished run, write its report, export it, play a case of the museum.

Each job has its own process, so that neither the page nor a run in training waits for it.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from mulligan.web.worker.protocol import spawn

if TYPE_CHECKING:
    from mulligan.web.playground import Playground

_NICE = 10  # so that training goes first


class Queue:
    """Jobs that run one after the other. Their processes have a niceness, so that a run in training goes first."""

    def __init__(self, niceness: int):
        self.niceness = niceness
        self.waiting: list[tuple[str, str, dict[str, Any]]] = []
        self.task: asyncio.Task[None] | None = None
        self.process: BaseProcess | None = None
        self.call: asyncio.Future[dict[str, Any]] | None = None
        self.run = ""  # the run folder that the running job writes to; empty for none
        self.leaving = False  # whether the running job must end
        self.said: dict[str, Any] | None = None  # the last message of the running job

    def leave(self, run: str) -> bool:
        """Drop all jobs that write to a run's folder, and end the running one. Returns whether one was running."""
        self.waiting = [each for each in self.waiting if _written(*each[:2]) != run]
        going = self.run == run
        self.leaving = self.leaving or going
        return going


class Jobs:
    """Two queues, so that users' jobs do not wait for the jobs at the end of a run."""

    def __init__(self, playground: Playground):
        self._playground = playground
        self.asked, self.own = Queue(0), Queue(_NICE)
        self._closing = False

    def after_the_end(self, run: str) -> None:
        self.own.waiting += [("evaluate", run, {}), ("report", run, {})]
        self._wake(self.own)

    def add(self, what: str, run: str, **args: Any) -> dict[str, Any]:
        queue = self.asked
        if (what, run, args) not in queue.waiting:
            queue.waiting.append((what, run, args))
        self._wake(queue)
        return {"job": what, "run": run, **args}

    def _wake(self, queue: Queue) -> None:
        if queue.task is None or queue.task.done():
            queue.task = asyncio.get_running_loop().create_task(self._work(queue))

    async def leave(self, run: str) -> None:
        """End every job that writes to a run's folder, and wait until all have ended."""
        while going := [queue.call for queue in (self.asked, self.own) if queue.leave(run) and queue.call is not None]:
            await asyncio.wait(going)

    def close(self) -> None:
        self._closing = True
        for queue in (self.asked, self.own):
            queue.waiting.clear()
            if queue.process is not None and queue.process.is_alive():
                queue.process.kill()  # its files are complete or absent

    async def _work(self, queue: Queue) -> None:
        loop = asyncio.get_running_loop()
        while queue.waiting and not self._closing:
            what, run, args = queue.waiting.pop(0)
            self._say(queue, what, run, _FIRST[what])

            say = partial(loop.call_soon_threadsafe, partial(self._say, queue, what, run))
            queue.run, queue.leaving = _written(what, run), False
            queue.call = asyncio.ensure_future(self._playground.thread(self.call, queue, what, run, args, say))
            try:
                found = await queue.call
            finally:
                queue.run, queue.said = "", None
            if self._closing:
                return
            self.done(what, run, found)

    def call(
        self, queue: Queue, what: str, run: str, args: dict[str, Any], say: Callable[[str], object]
    ) -> dict[str, Any]:
        folder = str(self._playground.runs / run)
        process, channel = spawn(f"mulligan-{what}", _main, what, folder, args, queue.niceness)
        queue.process = process
        found: dict[str, Any] = {"error": f"{what} of {run} ended without a result. Try again."}
        for message in channel.messages(process):
            if queue.leaving:
                process.kill()
                found = {"error": f"{run} was deleted, so {what} was ended."}
                break
            if message is not None and message[0] == "say":
                say(json.loads(message[2])["text"])
            elif message is not None:
                found = json.loads(message[2])
        process.join(10.0)
        channel.close()
        return found

    def _say(self, queue: Queue, what: str, run: str, text: str) -> None:
        queue.said = {"what": what, "run": run, "text": text, "done": False, "url": None}
        self._playground.broadcast.publish("progress", queue.said)

    def progress(self) -> dict[str, Any] | None:
        return self.asked.said or self.own.said

    def done(self, what: str, run: str, found: dict[str, Any]) -> None:
        broadcast, state = self._playground.broadcast, self._playground.session.state
        error, url = found.get("error"), found.get("url")
        words = {"what": what, "run": run, "text": error or found.get("text", "done"), "done": True, "url": url}
        broadcast.publish("progress", words | {"failed": error is not None})
        if what == "evaluate" and "metrics" in found and state.evaluated(run, found["metrics"]):
            broadcast.publish("metrics", state.metrics)
        broadcast.publish("runs", {})


def _written(what: str, run: str) -> str:
    """Return the run that a job writes to. The museum's cases are not runs."""
    return "" if what == "museum" else run


_FIRST = {
    "evaluate": "measuring the averaged generator",
    "report": "writing the report",
    "export": "writing the file",
    "museum": "playing it: as published, and repaired",
}


def _main(connection: Any, *job: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server handles Ctrl-C
    from mulligan.web.library.work import main  # late: only this process needs its imports

    main(connection, *job)
