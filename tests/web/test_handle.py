"""Processes of the server's own: what they say is heard, and none outlives it."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from operator import methodcaller

import pytest

from mulligan.web import handle
from mulligan.web.handle import WorkerHandle, in_thread, spawn


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


def test_a_thread_that_waits_for_ever_keeps_no_process_alive():
    code = f"""import asyncio, threading
from mulligan.web.handle import in_thread
asyncio.run(asyncio.wait_for({in_thread.__name__}(threading.Event().wait), 0.1))"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stderr.endswith("TimeoutError\n")


def test_calls_that_wait_are_answered_when_the_server_closes(call, playground):
    gate, waits, answers = threading.Event(), threading.Event(), []

    def wait():
        waits.set()
        gate.wait()

    playground.thread = lambda *asked: in_thread(wait)
    caller = threading.Thread(target=lambda: answers.append(call.get("/api/models").json()["type"]))
    caller.start()
    assert waits.wait(30)
    call.client.portal.call(playground.leave)
    caller.join(30)
    gate.set()
    assert answers == ["/problems/gone"]
    assert call.get("/api/models").json()["type"] == "/problems/gone"
