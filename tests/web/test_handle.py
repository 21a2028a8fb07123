"""The worker as the server sees it, at the end of both; a process that does nothing stands in for it."""

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from operator import methodcaller

import pytest

from mulligan.web.handle import Channel, WorkerHandle, spawn

made = []
"""The processes so far."""


class Process:
    """Ends when it is told to, and notes whether two wait for it at once: one of them may then miss the exit code."""

    def __init__(self, target, args, **more):
        self.channel = Channel(Connection(os.dup(args[0].fileno())))  # as a real process has its own end
        self.exitcode = None
        self.over = threading.Event()
        self.waiting = threading.Lock()
        self.twice = self.killed = False
        made.append(self)

    def start(self):
        pass

    def kill(self):
        self.killed = True

    def join(self, seconds):
        self.twice |= not self.waiting.acquire(blocking=False)
        if self.over.wait(seconds):
            self.exitcode = 0
        if self.waiting.locked():
            self.waiting.release()

    def end(self):
        """Close the pipe, and end a moment later, as processes do."""
        self.channel.close()
        threading.Timer(0.2, self.over.set).start()


class Context:
    """What makes such processes."""

    Process = Process
    Pipe = staticmethod(multiprocessing.Pipe)


@pytest.fixture
def worker(monkeypatch):
    """A handle whose loop has come and gone."""
    monkeypatch.setattr("mulligan.web.handle.multiprocessing.get_context", lambda kind: Context())

    async def attached(worker):
        worker.attach()

    found = WorkerHandle()
    found.spawn()
    asyncio.run(attached(found))
    return found


def test_only_one_waits_for_the_end_of_the_worker(worker):
    process = made[-1]
    worker.quit()
    process.end()
    assert worker.join(10.0)
    assert not process.twice
    assert not process.killed


def test_what_the_worker_says_is_read_to_the_end_of_it(worker):
    channel, said = made[-1].channel, []

    def speak():
        for number in range(4):
            channel.send("samples", {"png": "x" * (1 << 20)})  # more than a pipe holds
            said.append(number)

    threading.Thread(target=speak, daemon=True).start()
    end = time.monotonic() + 10.0
    while len(said) < 4 and time.monotonic() < end:
        time.sleep(0.01)
    assert said == [0, 1, 2, 3]


@pytest.mark.skipif(os.name != "posix", reason="a console signal of Windows cannot be sent to one process")
def test_the_worker_does_not_hear_ctrl_c_while_it_starts():
    worker = WorkerHandle()
    worker.spawn()
    (process,) = multiprocessing.active_children()
    os.kill(process.pid, signal.SIGINT)
    worker.quit()
    assert worker.join(60.0)


def test_a_process_that_waits_ends_with_the_server():
    process, _ = spawn("waiting", methodcaller("recv"))
    process.terminate()  # as Python does with the children when the server ends
    process.join(10.0)
    code = process.exitcode
    process.kill()
    assert code == -signal.SIGTERM
