"""Processes of the server's own: what they say is heard, and none outlives it."""

import asyncio
import multiprocessing
import os
import signal
from operator import methodcaller

import pytest

from mulligan.web import handle
from mulligan.web.handle import WorkerHandle, spawn


def test_a_worker_is_heard_to_its_end_even_if_the_loop_has_gone(monkeypatch):
    async def attach(worker):
        worker.attach()

    long = ("samples", 0, bytes(1 << 22))  # more than a pipe holds
    monkeypatch.setattr(handle, "_main", methodcaller("send", long))
    worker = WorkerHandle()
    worker.spawn()
    asyncio.run(attach(worker))
    assert worker.join(60.0)  # its exit code is lost if two wait for it at once


@pytest.mark.skipif(os.name != "posix", reason="a console signal of Windows cannot be sent to one process")
def test_the_worker_does_not_hear_ctrl_c_while_it_starts(monkeypatch):
    monkeypatch.setattr(handle, "_main", methodcaller("recv"))
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
