"""What the playground costs a run: streams, a stalled page, a real page; how soon and how often the grid comes.

    python benchmarks/playground.py first [--rounds 3]
    python benchmarks/playground.py watched [--clients 50] [--seconds 4] [--rounds 6] [--page]
    python benchmarks/playground.py page [--seconds 20] [--rounds 3] [--source OTHER/src …] [--set batch_size=8 …]

`first`: seconds from the command `mulligan serve` to the first grid, and to the first one of a trained generator; a
start is posted as soon as the server listens. `watched`: one run of `quick` on MNIST is paused and resumed all the
time, and in each stretch other ones listen: nobody; one stream; `--clients` streams, and one more that is connected and
never reads; with `--page`, the page itself in Chromium on the same machine. Reported: steps a second by the wall clock;
the ratio to the stretch without anybody in the same round; CPU seconds of the server with all its processes a thousand
steps, which other work on the machine hardly falsifies; grids a minute at the slowest stream. A stretch in which other
processes took more than a twentieth of a core is repeated, twice at most, and then left out. `page`: CPU seconds a
minute of the browser and of the server's own process while the page is open, loaded some seconds before, on a run that
trains all the time, and of the worker a thousand steps with the page and without it; in turn for each `--source`, to
compare two trees. Seconds of the processor hardly depend on what else the machine does; news comes more seldom where a
step takes long, so `--set` can make the nets small.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parents[1] / "src"
DISTURBED, TRIES = 0.05, 3
"""Cores' worth of other processes' work from which a stretch is repeated, and how often."""
SETTLES = 6.0
"""Seconds after which a page has loaded and its first news is drawn."""
SHARED = 2
"""Cores that a share is told of: the smallest machine that the playground is made for."""
LEARNED = 10
"""Steps after which a grid has moved for the eye: a first one comes before any."""
TICKS = os.sysconf("SC_CLK_TCK")
GRID = re.compile(rb'event: samples\ndata: {"try":\d+,"step":(\d+)')
LONGEST = 100
"""Bytes that such a beginning may take."""


class Listeners(threading.Thread):
    """Streams that are read and hardly looked at: their grids are counted, and when each came."""

    def __init__(self, port: int, count: int, name: str = "listening"):
        super().__init__(daemon=True)
        self.grids: list[list[tuple[float, int]]] = [[] for _ in range(count)]  # when, and of which step
        self.bytes = 0
        self._rest = [b""] * count
        self._over = threading.Event()
        self._select = selectors.DefaultSelector()
        for i in range(count):
            self._select.register(connected(port, f"{name}-page-{i:04d}"), selectors.EVENT_READ, i)
        self.start()

    def run(self) -> None:
        while not self._over.is_set():
            for key, _ in self._select.select(0.1):
                data = key.fileobj.recv(1 << 18)
                self.bytes += len(data)
                text = self._rest[key.data] + data
                end = 0
                for found in GRID.finditer(text):
                    self.grids[key.data].append((time.perf_counter(), int(found[1])))
                    end = found.end()
                self._rest[key.data] = text[max(end, len(text) - LONGEST) :]

    def close(self) -> None:
        self._over.set()
        self.join()
        for key in list(self._select.get_map().values()):
            key.fileobj.close()
        self._select.close()


def connected(port: int, name: str) -> socket.socket:
    """Ask for a stream."""
    found = socket.create_connection(("127.0.0.1", port))
    found.sendall(f"GET /api/stream?client={name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    return found


def times() -> dict[int, tuple[int, float]]:
    """Return the parent and the CPU seconds of every process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            found[int(path.parent.name)] = (int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS)
    return found


def used(before: dict[int, tuple[int, float]], after: dict[int, tuple[int, float]], root: int) -> tuple[float, float]:
    """Return the CPU seconds that a process and all below it took, and those of everything else."""

    def below(pid: int) -> bool:
        while pid in after and pid != root:
            pid = after[pid][0]
        return pid == root

    ours = others = 0.0
    for pid, (_, seconds) in after.items():
        more = seconds - before.get(pid, (0, 0.0))[1]
        if below(pid):
            ours += more
        else:
            others += more
    return ours, others


class Server:
    """`mulligan serve` on a free port."""

    def __init__(self, runs: Path, source: Path = SOURCE):
        self.began = time.perf_counter()
        env = {**os.environ, "PYTHONPATH": str(source), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "mulligan", "serve", "--port", "0", "--runs", str(runs)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
        assert self.process.stderr is not None
        line = next(line for line in self.process.stderr if line.startswith("the playground is at "))
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.port = int(line.rpartition(":")[2].strip(" /\n"))
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60.0)
        self.take()

    def take(self) -> None:
        """Take control."""
        asked = {"client": "benchmark-page-0001", "take": True}
        self.http.headers["x-mulligan-token"] = self.http.post("/api/write-lock", json=asked).json()["token"]

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


def stretch(server: Server, number: int, seconds: float) -> dict[str, float]:
    """Train for so long; return how fast it went, when, and what else the machine did."""
    step, began, before = server.status()["step"], time.perf_counter(), times()
    server.post("/api/train/resume", **{"try": number})
    time.sleep(seconds)
    server.post("/api/train/pause", **{"try": number})
    done = server.wait("paused")["step"] - step
    took, after = time.perf_counter() - began, times()
    ours = used(before, after, server.process.pid)[0]
    others = used(before, after, os.getpid())[1]
    return {
        "steps_per_second": done / took,
        "cpu_per_1000": 1000 * ours / done,
        "others": others / took,
        "began": began,
        "seconds": took,
    }


@contextlib.contextmanager
def watched(server: Server, clients: int, page: Any) -> Iterator[Listeners | None]:
    """Let so many streams listen, and beside many of them one that never reads; or let the page be open."""
    if page is not None:
        page.goto(f"http://127.0.0.1:{server.port}/#train")
        page.wait_for_selector("[data-testid=sample-grid]")
        server.take()  # a page takes what nobody seems to hold
        yield None
        page.goto("about:blank")
        return
    listeners = Listeners(server.port, clients) if clients else None
    stalled = connected(server.port, "a-page-that-never-reads") if clients > 1 else None
    time.sleep(0.3)
    yield listeners
    if listeners is not None:
        listeners.close()
    if stalled is not None:
        stalled.close()
    while server.http.get("/api/snapshot").json()["clients"]:
        time.sleep(0.05)


def compare(server: Server, options: argparse.Namespace, page: Any) -> None:
    server.post("/api/train/start", recipe="quick", steps=1_000_000, paused=True, overrides=["evaluate_every=0"])
    number = server.wait("paused")["try"]
    stretch(server, number, 2.0)  # the workers are there, the buffers made
    kinds: list[tuple[str, int, Any]] = [("nobody", 0, None), ("1 stream", 1, None)]
    kinds.append((f"{options.clients} streams and a stalled one", options.clients, None))
    kinds += [("the page in Chromium", 0, page)] if page is not None else []
    found: dict[str, list[dict[str, float]]] = {name: [] for name, *_ in kinds}
    for turn in range(options.rounds):
        for name, clients, shown in kinds if turn % 2 == 0 else reversed(kinds):
            for _ in range(TRIES):
                with watched(server, clients, shown) as listeners:
                    row = stretch(server, number, options.seconds)
                if row["others"] < DISTURBED:
                    break
            if listeners is not None:
                heard = min(sum(t >= row["began"] for t, _ in each) for each in listeners.grids)
                row["grids_per_minute"] = 60 * heard / row["seconds"]
            found[name].append(row)
            print(f"{name}:", json.dumps({k: round(v, 2) for k, v in row.items() if k != "began"}), flush=True)
    for name, rows in found.items():
        pairs = list(zip(rows, found["nobody"], strict=True))
        pairs = [(a, b) for a, b in pairs if max(a["others"], b["others"]) < DISTURBED]
        if not pairs:
            print(f"{name}: the machine was not quiet in any round")
            continue
        ratios = [a["steps_per_second"] / b["steps_per_second"] for a, b in pairs]
        costs = [a["cpu_per_1000"] / b["cpu_per_1000"] for a, b in pairs]
        grids = [a["grids_per_minute"] for a, _ in pairs if "grids_per_minute" in a]
        speed = statistics.median(a["steps_per_second"] for a, _ in pairs)
        print(
            f"{name}: {len(pairs)} quiet rounds, {speed:.1f} steps/s, "
            f"{median_of(ratios)} of the speed without, {median_of(costs)} of the server's CPU a step"
            + (f", {min(grids):.0f} grids a minute at least" if grids else "")
        )


def spent(server: Server, seconds: float) -> dict[str, float]:
    """Return what the processes take while a run trains on: each a second of the clock, the worker a thousand steps."""
    step, began, before = server.status()["step"], time.perf_counter(), times()
    time.sleep(seconds)
    took, after = time.perf_counter() - began, times()
    steps = server.status()["step"] - step
    tree = used(before, after, server.process.pid)[0]
    own = after[server.process.pid][1] - before[server.process.pid][1]
    here = after[os.getpid()][1] - before[os.getpid()][1]
    browser = used(before, after, os.getpid())[0] - tree - here
    return {
        "browser": browser / took,
        "server": own / took,
        "worker_per_1000": 1000 * (tree - own) / steps,
        "steps_per_second": steps / took,
    }


def page_costs(folder: Path, options: argparse.Namespace, browser: Any) -> None:
    """Compare trees: a run trains, the page is open and then is not."""
    sources = [path.resolve() for path in options.source] or [SOURCE]
    found: dict[Path, list[tuple[dict[str, float], dict[str, float]]]] = {source: [] for source in sources}
    for turn in range(options.rounds):
        for source in sources if turn % 2 == 0 else reversed(sources):
            server = Server(folder / f"{turn}-{sources.index(source)}", source)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            server.post("/api/train/start", recipe="quick", steps=20_000, overrides=["evaluate_every=0", *options.set])
            page.goto(f"http://127.0.0.1:{server.port}/#train")
            page.wait_for_selector("[data-testid=sample-grid]")
            time.sleep(SETTLES)
            shown = spent(server, options.seconds)
            page.close()
            while server.http.get("/api/snapshot").json()["clients"]:
                time.sleep(0.05)
            alone = spent(server, options.seconds)
            server.close()
            found[source].append((shown, alone))
            for name, row in (("page", shown), ("nobody", alone)):
                print(f"{source} {name}:", json.dumps({k: round(v, 4) for k, v in row.items()}), flush=True)
    for source, rows in found.items():
        both = [100 / SHARED * (s["browser"] + s["server"] - n["server"]) for s, n in rows]
        browsers, servers, alone = (
            median_of([60 * row[at][who] for row in rows]) for at, who in ((0, "browser"), (0, "server"), (1, "server"))
        )
        steps = median_of([s["worker_per_1000"] / n["worker_per_1000"] for s, n in rows])
        print(
            f"{source}: {len(rows)} rounds, CPU seconds a minute: browser {browsers}, server {servers}, without a page "
            f"{alone}; both together take {median_of(both)} % of {SHARED} cores more; worker a step: {steps} of that "
            "without a page"
        )


def median_of(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f})"


def first_grid(runs: Path) -> tuple[float, float, float, float]:
    """Return seconds from the command to the address, to the first grid, to one that shows training, and of CPU."""
    before, server = times(), Server(runs)
    listens = time.perf_counter() - server.began
    listeners = Listeners(server.port, 1)
    server.post("/api/train/start", recipe="quick")
    while not [step for _, step in listeners.grids[0] if step >= LEARNED]:
        time.sleep(0.01)
    grids = listeners.grids[0]
    first, second = grids[0][0] - server.began, next(t for t, step in grids if step >= LEARNED) - server.began
    cpu = used(before, times(), server.process.pid)[0]
    listeners.close()
    server.close()
    return listens, first, second, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("first", "watched", "page"))
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--source", type=Path, action="append", default=[])
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    options.seconds = options.seconds or (20.0 if options.what == "page" else 4.0)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as held:
        if options.what == "first":
            for i in range(options.rounds):
                listens, first, second, cpu = first_grid(Path(folder) / f"first-{i}")
                grids = f"first grid {first:.2f}, evolved grid {second:.2f}, of CPU {cpu:.2f}"
                print(f"seconds: listens {listens:.2f}, {grids}", flush=True)
            return
        page = None
        if options.page or options.what == "page":
            from playwright.sync_api import sync_playwright

            chromium = held.enter_context(sync_playwright()).chromium
            browser = chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            held.callback(browser.close)
            if options.what == "page":
                page_costs(Path(folder), options, browser)
                return
            page = browser.new_page(viewport={"width": 1440, "height": 900})
        server = Server(Path(folder) / "runs")
        held.callback(server.close)
        compare(server, options, page)


if __name__ == "__main__":
    main()
