"""A class of sixty on one playground: is everybody answered in time, is anything lost, and what does the run lose?

    python benchmarks/classroom.py [--phones 60] [--minutes 3] [--long [--minutes 30]] [--set PATH=VALUE …]

`mulligan serve` trains `quick`. Each phone listens to its stream, sends a drawing every `--every` seconds, and takes
back every third one. The desk begins a round every eight seconds and ends it after six. In between each phone votes,
and half of them change their mind; one in twenty loses its connection and comes back. The desk's page follows the run,
and looks at the pile whenever that has changed. Turns without and with the class alternate.

The script tells the requests a second, the time until the answer, and what was lost: a drawing that was acknowledged
and is not on the pile, a vote that was not counted, a round that a phone was not shown. It also tells the steps a
second, the CPU seconds a second of server, worker and phones, and the server's memory. `--long` is half an hour with
the class, in ten parts, whose memory must stay flat.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TOKEN = "a-secret-of-the-class"
SIDE = 28
ROUND, OPEN = 8.0, 6.0
"""Seconds from one round to the next, and seconds of it in which the class votes."""
LEAST, MOST = 400, 600
"""The desk empties the pile to `LEAST` pictures when it has `MOST`, because it holds a thousand."""
IDLE = 3.0
"""Seconds after which a page opens a new connection; the server closes one that is idle for longer."""
TICKS = os.sysconf("SC_CLK_TCK")


class Page:
    """A page or a phone: calls over one connection that is kept, and a stream over another."""

    def __init__(self, port: int, cookie: str, name: str, took: dict[str, list[float]]):
        self.port, self.cookie, self.name, self.took = port, cookie, name, took
        self.token = ""
        self.round: Any = None
        self.rounds: set[int] = set()
        self.pile = 0
        self.status: dict[str, Any] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._used = 0.0
        self._turn = asyncio.Lock()
        self._streams: list[asyncio.StreamWriter] = []

    def _head(self, method: str, path: str, body: bytes = b"") -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Cookie: mulligan-token={self.cookie}"]
        if method == "POST":
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
            lines += [f"X-Mulligan-Token: {self.token}"] if self.token else []
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def call(self, method: str, path: str, **body: Any) -> Any:
        """Make a call, and note how long the answer took."""
        async with self._turn:
            began = time.perf_counter()
            if self._writer is None or began - self._used > IDLE:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
            self._writer.write(self._head(method, path, json.dumps(body).encode() if method == "POST" else b""))
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"content-length: (\d+)", head)
            content = await self._reader.readexactly(int(length[1]) if length else 0)
            self._used = time.perf_counter()
            self.took.setdefault(f"{method} {path.partition('?')[0]}", []).append(self._used - began)
        if head.split(" ", 2)[1] not in ("200", "202"):
            raise RuntimeError(f"{self.name}: {method} {path}: {content[:300]!r}")
        return json.loads(content)

    async def listen(self, phone: bool) -> None:
        """Follow the news, and connect again when the stream ends, until the task is cancelled."""
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
            self._streams.append(writer)
            writer.write(self._head("GET", f"/api/stream?client={self.name}&phone={'true' if phone else 'false'}"))
            kind = b""
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                async for line in reader:
                    if line.startswith(b"event: "):
                        kind = line[7:].strip()
                    elif line.startswith(b"data: ") and kind in (b"snapshot", b"round", b"pile", b"status"):
                        self._hear(kind.decode(), json.loads(line[6:]))
            self._streams.remove(writer)
            writer.close()
            await asyncio.sleep(0.2)

    def _hear(self, kind: str, news: Any) -> None:
        news = news if kind == "snapshot" else {kind: news}
        self.round = news.get("round", self.round)
        self.pile = (news.get("pile") or {"count": self.pile})["count"]
        self.status = news.get("status", self.status)
        if self.round is not None:
            self.rounds.add(self.round["number"])

    def lose(self) -> None:
        """Lose the network: the stream is cut, as by a phone that walks out of reach."""
        for writer in self._streams:
            writer.transport.abort()


class Class:
    """All phones and the desk, for one turn."""

    def __init__(self, desk: Page, phones: list[Page], every: float):
        self.desk, self.phones, self.every = desk, phones, every
        self.there: set[int] = set()
        self.lost = {"drawings": 0, "votes": 0, "rounds": 0}
        self.shown = 0

    async def play(self, seconds: float) -> None:
        """Draw and vote for so long."""
        playing = [asyncio.create_task(self._draw(phone)) for phone in self.phones]
        playing += [asyncio.create_task(self._look())]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await self._round()
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)
        for task in playing:
            if not task.cancelled() and task.exception() is not None:
                raise task.exception() or RuntimeError
        pile = {one["number"] for one in (await self.desk.call("GET", "/api/pile"))["pictures"]}
        self.lost["drawings"] += len(self.there - pile)

    async def _draw(self, phone: Page) -> None:
        for number in itertools.count():
            await asyncio.sleep(random.expovariate(1 / self.every))
            picture = base64.b64encode(random.randbytes(SIDE * SIDE)).decode()
            (mine,) = (await asyncio.shield(phone.call("POST", "/api/pile", client=phone.name, pictures=[picture])))[
                "numbers"
            ]
            self.there.add(mine)
            if number % 3 == 2:
                self.there.discard(mine)
                await asyncio.shield(phone.call("POST", "/api/pile/remove", client=phone.name, numbers=[mine]))

    async def _look(self) -> None:
        """Look at the pile whenever it has grown, as the page does under Teach it; empty it before it is full."""
        seen = -1
        while True:
            await asyncio.sleep(0.1)
            if self.desk.pile == seen:
                continue
            seen = self.desk.pile
            pictures = (await asyncio.shield(self.desk.call("GET", "/api/pile")))["pictures"]
            if len(pictures) > MOST:
                old = [one["number"] for one in pictures[:-LEAST]]
                self.there -= {*old}
                await asyncio.shield(self.desk.call("POST", "/api/pile/remove", client=self.desk.name, numbers=old))

    async def _round(self) -> None:
        began, last = time.monotonic(), self.desk.round["number"] if self.desk.round else 0
        await self.desk.call("POST", "/api/round")  # a phone may hear of it before the desk has its answer
        self.shown += 1
        voted = await asyncio.gather(*(self._vote(phone, last) for phone in self.phones))
        await asyncio.sleep(max(0.0, began + OPEN - time.monotonic()))
        await self.desk.call("POST", "/api/round/end")
        await asyncio.sleep(1.0)
        said = self.desk.round
        share = sum(voted) / len(voted)
        self.lost["votes"] += abs(said["votes"] - len(voted))
        self.lost["votes"] += round(abs(said["answer"]["share"] - share) * len(voted))
        self.lost["rounds"] += sum(said["number"] not in phone.rounds for phone in self.phones)
        await asyncio.sleep(max(0.0, began + ROUND - time.monotonic()))

    async def _vote(self, phone: Page, last: int) -> bool:
        """Vote once the round after `last` is there, half of the time twice; now and then lose the network before."""
        if random.random() < 0.05:
            phone.lose()
        while phone.round is None or phone.round["answer"] is not None or phone.round["number"] <= last:
            await asyncio.sleep(0.05)
        for _ in range(1 + (random.random() < 0.5)):
            await asyncio.sleep(random.uniform(0.0, 1.7))
            real = random.random() < 0.5
            said = {"client": phone.name, "number": phone.round["number"], "real": real}
            await phone.call("POST", "/api/round/vote", **said)
        return real


def serve(runs: Path) -> tuple[subprocess.Popen[str], int, str]:
    """Start a server that lets other machines in; return it, its port, and the token of a phone."""
    command = [sys.executable, "-m", "mulligan", "serve", "--host", "0.0.0.0", "--port", "0", "--token", TOKEN]
    process = subprocess.Popen([*command, "--runs", str(runs)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = next(line for line in process.stderr if line.startswith("phones of a class"))
    found = re.search(r":(\d+)/\?token=(\w+)#pile", line)
    assert found is not None
    return process, int(found[1]), found[2]


def cpu(pid: int) -> tuple[float, float]:
    """Return the CPU seconds of a process, and those with all below it, also if they have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, ended = (sum(map(int, fields[i : i + 2])) / TICKS for i in (11, 13))
    return own, own + ended + sum(cpu(child)[1] for child in children(pid))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory(pid: int) -> float:
    """Return the resident megabytes of a process."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1000


async def turn(desk: Page, server: int, busy: Any, seconds: float) -> dict[str, float]:
    """Return what a stretch cost, with the class (`busy` plays it) or without."""

    async def now() -> tuple[float, ...]:
        step = (await desk.call("GET", "/api/snapshot"))["status"]["step"]
        own, all_ = cpu(server)
        return time.perf_counter(), step, own, all_ - own, time.process_time()

    before = await now()
    await (asyncio.sleep(seconds) if busy is None else busy.play(seconds))
    took, steps, own, worker, phones = (b - a for a, b in zip(before, await now(), strict=True))
    spent = {"server": own / took, "worker": worker / took, "phones": phones / took}
    found = {"steps/s": steps / took, **spent, "worker s/1000": 1000 * worker / steps, "server MB": memory(server)}
    return {name: round(value, 3) for name, value in found.items()}


async def lesson(options: argparse.Namespace, server: int, port: int, cookie: str) -> None:
    took: dict[str, list[float]] = {}  # seconds of every call, by its path
    desk = Page(port, TOKEN, "the-desk-of-the-class", took)
    listening = [asyncio.create_task(desk.listen(phone=False))]
    desk.token = (await desk.call("POST", "/api/write-lock", client=desk.name, take=True))["token"]
    await desk.call("POST", "/api/train/start", recipe="quick", steps=1_000_000, overrides=options.set)
    while desk.status.get("step", 0) < 20:
        await asyncio.sleep(0.2)
    phones = [Page(port, cookie, f"a-phone-of-the-class-{n:02d}", took) for n in range(options.phones)]
    seconds, found = 60 * options.minutes / (2 * options.rounds), []
    for number in range(options.rounds):
        without = None if options.long else await turn(desk, server, None, seconds)
        joined = [asyncio.create_task(phone.listen(phone=True)) for phone in phones]
        await asyncio.sleep(2.0)
        took.clear()
        busy = Class(desk, phones, options.every)
        began = time.perf_counter()
        beside = await turn(desk, server, busy, 60 * options.minutes / options.rounds if options.long else seconds)
        times, spent = [*itertools.chain(*took.values())], time.perf_counter() - began
        print(f"turn {number + 1}:", json.dumps({"without": without, "with": beside}), flush=True)
        print(f"  {len(times) / spent:.1f} requests/s, {told(times)}; {busy.shown} rounds; lost: {busy.lost}")
        for name, seconds_ in sorted(took.items()):
            print(f"  {name}: {len(seconds_)}, {told(seconds_)}", flush=True)
        found.append((without, beside))
        for task in joined:
            task.cancel()
        await asyncio.gather(*joined, return_exceptions=True)
        await asyncio.sleep(1.0)
    if not options.long:
        ratios = sorted(b["steps/s"] / a["steps/s"] for a, b in found if a)
        print(f"steps with the class ÷ without: {ratios[len(ratios) // 2]:.3f} ({ratios[0]:.3f}–{ratios[-1]:.3f})")
    for task in listening:
        task.cancel()


def told(seconds: list[float]) -> str:
    """Return median, 99th percentile and maximum in milliseconds."""
    middle, late, most = (1000 * sorted(seconds)[min(len(seconds) - 1, int(q * len(seconds)))] for q in (0.5, 0.99, 1))
    return f"{middle:.0f} ms median, {late:.0f} ms 99th percentile, {most:.0f} ms most"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phones", type=int, default=60)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--rounds", type=int, default=3, help="turns without and with the class")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two drawings of a phone")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--long", action="store_true", help="half an hour with the class, told in ten parts")
    options = parser.parse_args()
    options.minutes = options.minutes or (30.0 if options.long else 3.0)
    options.rounds = 10 if options.long else options.rounds
    with tempfile.TemporaryDirectory() as folder:
        process, port, cookie = serve(Path(folder))
        try:
            asyncio.run(lesson(options, process.pid, port, cookie))
        finally:
            process.terminate()
            process.wait(60)


if __name__ == "__main__":
    main()
