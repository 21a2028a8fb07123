"""The server's side of the worker process: start it, send commands and questions, notice when it dies."""

import asyncio
import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from mulligan.nn.workers.processes import ignore_ending_signals
from mulligan.web.problems import Problem
from mulligan.web.worker.protocol import Channel, spawn

ANSWER = 30.0
"""Seconds within which a question must be answered."""


class WorkerHandle:
    """Use this to start the worker process and to talk to it.

    In the loop's thread, it calls `heard` with every message (kind, serial number of its run, JSON as bytes), and
    `died` with the exit code when the process has ended unexpectedly.
    """

    def __init__(self) -> None:
        self.heard: Callable[[str, int, bytes], None] = lambda kind, serial, content: None
        self.died: Callable[[int | None], None] = lambda code: None
        self._process: BaseProcess | None = None
        self._channel: Channel | None = None
        self._ear: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._closing = False

    def spawn(self) -> None:
        self._process, self._channel = spawn("mulligan-worker", _main)
        if self._loop is not None:
            self._listen()

    def attach(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._channel is not None:
            self._listen()

    def _listen(self) -> None:
        words = (self._channel, self._process)
        self._ear = threading.Thread(target=self._hear, args=words, name="mulligan-ear", daemon=True)
        self._ear.start()

    def _hear(self, channel: Channel, process: BaseProcess) -> None:
        assert self._loop is not None
        for message in channel.messages(process):
            with contextlib.suppress(RuntimeError):  # the loop has ended, but a full pipe would block the worker
                if message is not None:
                    self._loop.call_soon_threadsafe(self._on, channel, *message)
        process.join(5.0)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._lost, channel, process.exitcode)

    def _on(self, channel: Channel, kind: str, serial: int, content: bytes) -> None:
        if channel is not self._channel:
            return
        if kind == "answer":
            words = json.loads(content)
            future = self._asked.pop(words["id"], None)
            if future is not None and not future.done():
                future.set_result(words)
        else:
            self.heard(kind, serial, content)

    def _lost(self, channel: Channel, code: int | None) -> None:
        if channel is not self._channel:
            return
        self._channel = None
        for future in self._asked.values():
            if not future.done():
                future.set_exception(Problem("gone", "the training process has ended. Start a run, or resume one."))
        self._asked.clear()
        if not self._closing:
            self.died(code)

    def send(self, kind: str, content: dict[str, Any] | None = None) -> None:
        try:
            if self._channel is None:
                raise OSError
            self._channel.send(kind, content or {})
        except OSError as error:
            text = "the training process has ended and is being started again. Try again in a second."
            raise Problem("gone", text) from error

    async def ask(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """Ask about the live run and wait for the answer, which comes between two steps."""
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            self.send("ask", {"id": number, "what": what, "args": args})
            words = await asyncio.wait_for(future, ANSWER)
        except TimeoutError as error:
            raise Problem("gone", f"the run is busy: no answer within {ANSWER:.0f} s. Try again.") from error
        finally:
            self._asked.pop(number, None)
        if "refused" in words:
            raise Problem("not-available", words["refused"])
        if "failed" in words:
            raise Problem("failed", f"the question could not be answered ({words['failed']}).")
        found: dict[str, Any] = words["found"]
        return found

    def quit(self) -> None:
        """Tell the worker to save the run and end. `join` waits for it."""
        self._closing = True
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.send("quit")

    def join(self, seconds: float) -> bool:
        """Wait up to `seconds` for the worker to end, then kill it. Returns whether it ended by itself."""
        if self._process is None:
            return True
        end = time.monotonic() + seconds
        if self._ear is not None:  # it waits for the process too, and two waiters may lose the exit code
            self._ear.join(seconds)
        self._process.join(max(0.0, end - time.monotonic()))
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join(5.0)
            return False
        return self._process.exitcode == 0


def _main(connection: Any) -> None:
    ignore_ending_signals()  # the server handles them
    from mulligan.web.worker.worker import Worker  # late: only this process needs its imports

    Worker(Channel(connection)).serve()
