"""What the playground costs a run: streams, a stalled page, and how soon and how often the grid comes.

    python benchmarks/playground.py [--clients 50] [--steps 1500] [--rounds 3]

A real server, a real run of `quick` on MNIST; `--clients` streams listen, and one more page is connected and never
reads. Training alone and training watched take turns. Reported: steps a second by the worker's own report; CPU seconds
of the whole server (all its processes) a thousand steps, which other work on the machine does not falsify; seconds from
the command to the first grid; grids a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

SOURCE = Path(__file__).parents[1] / "src"
TICKS = os.sysconf("SC_CLK_TCK")


class Listener(threading.Thread):
    """A page that listens; what it hears is counted, the first grid timed."""

    def __init__(self, port: int, name: str):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port))
        request = f"GET /api/stream?client={name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
        self.socket.sendall(request.encode())
        self.grids: list[float] = []
        self.steps: list[int] = []
        self.bytes = 0

    def run(self) -> None:
        kind = b""
        try:
            with self.socket.makefile("rb") as file:
                for line in file:
                    self.bytes += len(line)
                    if line.startswith(b"event: "):
                        kind = line[7:].strip()
                    elif kind == b"samples" and line.startswith(b"data: "):
                        self.grids.append(time.perf_counter())
                        self.steps.append(int(line.partition(b'"step":')[2].split(b",")[0]))
                        kind = b""
        except OSError:
            pass


def tree(pid: int) -> list[int]:
    """List a process and all below it."""
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(inner for child in below for inner in tree(int(child)))]


def cpu(pids: list[int]) -> float:
    """Return the CPU seconds of processes that live."""
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


class Server:
    """`mulligan serve` on a free port."""

    def __init__(self, runs: Path):
        self.began = time.perf_counter()
        env = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "mulligan", "serve", "--port", "0", "--runs", str(runs)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
        assert self.process.stderr is not None
        line = next(line for line in self.process.stderr if line.startswith("the playground is at "))
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.port = int(line.rpartition(":")[2].strip(" /\n"))
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60.0)
        token = self.http.post("/api/control", json={"client": "benchmark-page-0001"}).json()["token"]
        self.http.headers["x-mulligan-token"] = token

    def status(self) -> Any:
        return self.http.get("/api/snapshot").json()["status"]

    def post(self, path: str, **body: Any) -> Any:
        answer = self.http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    def wait(self, state: str) -> Any:
        while (status := self.status())["state"] != state:
            if status["state"] == "failed":
                raise RuntimeError(status["error"])
            time.sleep(0.05)
        return status

    def close(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(60)


def measured(server: Server, steps: int, clients: int) -> dict[str, float]:
    """Train `steps` steps with so many listeners, between a paused start and the end of the run."""
    server.post("/api/train/start", recipe="quick", steps=steps + 50, paused=True, overrides=["evaluate_every=0"])
    status = server.wait("paused")
    listeners = [Listener(server.port, f"listening-page-{i:04d}") for i in range(clients)]
    for listener in listeners:
        listener.start()
    stalled = None
    if clients:
        stalled = Listener(server.port, "a-page-that-never-reads")  # never started: connected, and silent
    server.post("/api/train/step", **{"try": status["try"], "count": 50})  # the lanes are there, the buffers made
    while server.status()["step"] < 50:
        time.sleep(0.05)
    server.wait("paused")
    pids = tree(server.process.pid)
    worker = [pid for pid in pids if pid != server.process.pid]
    before, front = cpu(pids), cpu([server.process.pid])
    run_began, began = server.status()["seconds"], time.perf_counter()
    server.post("/api/train/resume", **{"try": status["try"]})
    while server.status()["step"] < steps:
        time.sleep(0.5)
    server.post("/api/train/pause", **{"try": status["try"]})
    server.wait("paused")
    took = time.perf_counter() - began
    after = cpu(tree(server.process.pid))
    end = server.status()
    done = end["step"] - 50
    grids = [len([t for t in listener.grids if t >= began]) for listener in listeners]
    found = {
        "steps_per_second": done / took,
        "cpu_per_1000": 1000 * (after - before) / done,
        "front_cpu_per_1000": 1000 * (cpu([server.process.pid]) - front) / done,
        "run_seconds": end["seconds"] - run_began,
        "workers": float(len(worker)),
    }
    if listeners:
        found |= {"grids_per_minute": 60 * min(grids) / took, "kilobytes": sum(each.bytes for each in listeners) / 1e3}
    for listener in listeners:
        listener.socket.shutdown(socket.SHUT_RDWR)
    if stalled is not None:
        stalled.socket.close()
    server.post("/api/train/stop", **{"try": status["try"]})
    server.wait("stopped")
    return found


def first_grid(runs: Path) -> tuple[float, float]:
    """Return seconds from the command to the first grid of an evolving run, and to the second."""
    server = Server(runs)
    listener = Listener(server.port, "the-first-page-0001")
    listener.start()
    server.post("/api/train/start", recipe="quick")
    while not [step for step in listener.steps if step > 0]:
        time.sleep(0.01)
    times = [t for t, step in zip(listener.grids, listener.steps) if step > 0]
    found = (listener.grids[0] - server.began, times[0] - server.began)
    server.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        grids = [first_grid(Path(folder) / f"first-{i}") for i in range(options.rounds)]
        print(
            "first grid, seconds after the command:",
            " ".join(f"{first:.2f} (evolved {second:.2f})" for first, second in grids),
        )
        server = Server(Path(folder) / "runs")
        rows: dict[int, list[dict[str, float]]] = {0: [], 1: [], options.clients: []}
        for _ in range(options.rounds):
            for clients in rows:
                rows[clients].append(measured(server, options.steps, clients))
                print(
                    f"{clients:3d} clients:",
                    json.dumps({k: round(v, 3) for k, v in rows[clients][-1].items()}),
                    flush=True,
                )
        server.close()

    def middle(clients: int, name: str) -> float:
        return sorted(row[name] for row in rows[clients])[options.rounds // 2]

    for clients in list(rows)[1:]:
        more = middle(clients, "cpu_per_1000") / middle(0, "cpu_per_1000") - 1
        slower = 1 - middle(clients, "steps_per_second") / middle(0, "steps_per_second")
        print(
            f"{clients} clients: {100 * more:+.1f} % CPU a step, {100 * slower:+.1f} % time a step, "
            f"{middle(clients, 'grids_per_minute'):.0f} grids a minute at the slowest of them"
        )


if __name__ == "__main__":
    main()
