"""The server's side of the training process: start it, send commands and questions, notice when it dies."""

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from typing import Any

from mulligan.doors.say import strict
from mulligan.nn.workers.processes import deaf_to, ignore_ending_signals
from mulligan.web.calls import Problem

ANSWER = 30.0
"""Seconds within which a question must be answered."""
PATIENCE = 0.5
"""Seconds of silence before checking that a process lives, because a forked copy may hold the pipe open."""
Message = tuple[str, int, Any]
"""Kind, serial number of its run (0 for no run), and content; what pages get unchanged is JSON already, as bytes."""


def dumps(value: Any) -> bytes:
    """Write JSON without spaces; NaN and infinity become null.

    Bytes of a file name that are not UTF-8 become JSON escapes. Reading them gives the same bytes.
    """
    text = json.dumps(strict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")


class Channel:
    """One end of a pipe between the server and a process of its own. Several threads may send."""

    def __init__(self, connection: Any):  # a `Connection`, whose module a browser lacks
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, kind: str, content: Any = None, serial: int = 0) -> None:
        with self._lock:
            self._connection.send((kind, serial, content))

    def receive(self) -> Message:
        message: Message = self._connection.recv()
        return message

    def has_message(self, seconds: float = 0.0) -> bool:
        """Wait up to `seconds`, and tell whether a message or the end of the pipe has come."""
        try:
            return bool(self._connection.poll(seconds))
        except OSError:  # Windows reports the end of the pipe so
            return True

    def messages(self, process: BaseProcess) -> Iterator[Message]:
        """Yield the messages of a process until it has ended."""
        with contextlib.suppress(EOFError, OSError):
            while self.has_message(PATIENCE) or process.exitcode is None:
                if self.has_message():
                    yield self.receive()


def spawn(name: str, target: Callable[..., None], *args: Any) -> tuple[BaseProcess, Channel]:
    """Start a process that calls `target` with its end of a pipe; return it, and this end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *args), name=name, daemon=True)
    with deaf_to(signal.SIGINT):  # the server handles Ctrl-C
        process.start()
    theirs.close()
    return process, Channel(ours)


class WorkerHandle:
    """Use this to start the training process and to talk to it.

    In the loop's thread, it calls `on_message` with every message, and `on_exit` with the exit code of a process that
    has ended unexpectedly.
    """

    def __init__(self) -> None:
        self.on_message: Callable[[str, int, Any], None] = lambda kind, serial, content: None
        self.on_exit: Callable[[int | None], None] = lambda code: None
        self._process: BaseProcess | None = None
        self._channel: Channel | None = None
        self._ear: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._questions: dict[int, asyncio.Future[dict[str, Any]]] = {}
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
        ends = (self._channel, self._process)
        self._ear = threading.Thread(target=self._hear, args=ends, name="mulligan-ear", daemon=True)
        self._ear.start()

    def _hear(self, channel: Channel, process: BaseProcess) -> None:
        assert self._loop is not None
        for message in channel.messages(process):
            with contextlib.suppress(RuntimeError):  # the loop has ended, but a full pipe would block the worker
                self._loop.call_soon_threadsafe(self._receive, channel, *message)
        process.join(5.0)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._lose, channel, process.exitcode)

    def _receive(self, channel: Channel | None, kind: str, serial: int, content: Any) -> None:
        if channel is not self._channel:
            return
        if kind == "answer":
            question = self._questions.pop(content["id"], None)
            if question is not None and not question.done():
                question.set_result(content)
        else:
            self.on_message(kind, serial, content)

    def _lose(self, channel: Channel, code: int | None) -> None:
        if channel is self._channel:
            self._channel = None
            self._drop_questions()
            if not self._closing:
                self.on_exit(code)

    def _drop_questions(self) -> None:
        for question in self._questions.values():
            if not question.done():
                question.set_exception(Problem("gone", "the training process has ended. Start a run, or resume one."))
        self._questions.clear()

    def send(self, kind: str, content: Any = None) -> None:
        if self._channel is not None:
            with contextlib.suppress(OSError):
                return self._channel.send(kind, content)
        raise Problem("gone", "the training process has ended and is being started again. Try again in a second.")

    async def ask(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """Ask about the live run and wait for the answer, which comes between two steps."""
        number = next(self._numbers)
        self._questions[number] = question = asyncio.get_running_loop().create_future()
        try:
            self.send("ask", {"id": number, "what": what, "args": args})
            answer = await asyncio.wait_for(question, ANSWER)
        except TimeoutError as error:
            raise Problem("gone", f"the run is busy: no answer within {ANSWER:.0f} s. Try again.") from error
        finally:
            self._questions.pop(number, None)
        if "refused" in answer:
            raise Problem(*answer["refused"])
        return dict(answer["result"])

    def quit(self) -> None:
        """Tell the worker to save the run and end. `join` waits for it. Nobody waits for an answer any more."""
        self._closing = True
        self._drop_questions()
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
    from mulligan.web.trainer import Trainer  # late: only this process needs its imports

    Trainer(Channel(connection)).serve()
