"""The real thing: a server process, its worker, and calls over HTTP."""

import os
import signal
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from mulligan.cli import main
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.web.app import make_class_token

QUICKLY = ["threads=1", "evaluate_every=0", "sample_every=0", ["steps", 1_000_000]]
LONG = {"recipe": "ring", "changes": [*QUICKLY, "save_every=200"]}


def test_a_killed_worker_is_missed_and_the_run_goes_on(served):
    served.post("/api/train/start", **LONG)
    served.wait(lambda status: newest_save_of(served) >= 200)
    worker = _worker(served.process.pid)
    os.kill(worker, signal.SIGKILL)
    status = served.wait(lambda status: status["state"] == "failed")
    assert status["error"]["code"] == "worker-died"
    assert status["error"]["checkpoint_step"] >= 200
    served.post("/api/train/resume", **{"try": 1})
    status = served.wait(lambda status: status["state"] == "training" and status["step"] > newest_save_of(served))
    assert _worker(served.process.pid) != worker


def newest_save_of(served):
    """Find the step of the newest checkpoint of the run in hand; 0 without one."""
    saved = checkpoints(served.runs / served.status()["run"] / "checkpoints")
    return step_of(saved[-1]) if saved else 0


def _worker(pid):
    """Find the worker among a server's children."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("no /proc here")
    found = [int(child) for child in children.read_text().split()]
    return next(child for child in found if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text())


def listen(served, heard):
    """Listen to the stream until its end."""
    with httpx.stream("GET", f"{served.address}/api/stream?client=last-tab-0123456789", timeout=60.0) as answer:
        heard.extend(answer.iter_lines())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_closed_server_saves(tmp_path, number, serve):
    served = serve(tmp_path / "runs")
    heard = []
    listens = threading.Thread(target=listen, args=(served, heard), daemon=True)
    listens.start()
    served.post("/api/train/start", recipe="ring", changes=[*QUICKLY, "save_every=0"])
    served.wait(lambda status: status["step"] > 0)
    half, deaf = (socket.create_connection(("127.0.0.1", served.client.base_url.port), 60.0) for _ in range(2))
    deaf.sendall(400 * b"GET /story.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")  # and reads no answer
    half.sendall(b"POST /api/pile HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
    for process in (_worker(served.process.pid), served.process.pid):  # as a terminal does
        os.kill(process, number)
    said = served.ended()
    assert served.process.returncode == 0
    assert "ring-1 is saved at step" in said
    assert "mulligan resume" in said
    assert "Traceback" not in said
    assert b" 503 " in half.recv(99)
    for each in (half, deaf):
        each.close()
    listens.join(10)
    assert not listens.is_alive()
    assert "The server is closing" in "".join(heard)
    if number != signal.SIGINT:
        return
    again = serve(tmp_path / "runs")
    assert [row["state"] for row in again.get("/api/runs").json()["runs"]] == ["stopped"]
    again.post("/api/runs/ring-1/resume")
    again.wait(lambda status: status["state"] == "training" and status["step"] > 0)
    again.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "0.0.0.0"), "needs --token"),
        (("--host", "0.0.0.0", "--token", "fifteen-letters"), "at least 16"),
        (("--token", "ключ-ключ-ключ-ключ"), "letters that a cookie can hold"),
        (("--port", "99999"), "0 to 65535"),
        (("--data", "/no/such/folder"), "a folder or a file that exists"),
        (("--runs", __file__), "--runs must be a folder"),
        (("--host", "no.such.host.invalid", "--token", "x" * 16), "Check --host, or"),
        (("--host", "a\u202eb", "--token", "x" * 16), "Check --host, or"),
    ],
)
def test_what_is_refused_before_it_serves(options, words, tmp_path, capsys):
    runs = () if "--runs" in options else ("--runs", str(tmp_path))
    assert main(["serve", *runs, *options]) == 2
    assert words in capsys.readouterr().err


def test_data_of_one_name_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("mulligan.web.server.serve", lambda **options: data.update(options["data"]) or 0)
    data, folders = {}, [tmp_path / folder for folder in ("a/cats", "b/cats", "b/mnist")]
    for folder in folders:
        folder.mkdir(parents=True)
    assert main(["serve", *(f"--data={folder}" for folder in (*folders, folders[0]))]) == 0
    assert data == dict(zip(("cats", "cats-2", "mnist-2"), map(str, folders)))


def test_the_addresses_that_are_printed_can_be_opened(serve, tmp_path):
    found = serve(tmp_path, "--host", "0", "--token", "x" * 16)
    assert urlsplit(found.address).hostname not in ("0.0.0.0", "0")
    line = found.process.stderr.readline()
    assert line.startswith("phones of a class draw and vote at http://")
    assert line.endswith(f":{found.client.base_url.port}/?token={make_class_token('x' * 16)}#pile\n")
    assert "x" * 16 not in line
    assert "//0" not in line
    found.process.terminate()
    found.ended()


def test_a_taken_port_is_said(served, tmp_path, capsys):
    port = served.address.rpartition(":")[2]
    assert main(["serve", "--port", port, "--runs", str(tmp_path)]) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
