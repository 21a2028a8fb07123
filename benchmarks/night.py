"""What eight hours of training leave behind: memory, the run folder, and a resume that is exact.

    python benchmarks/night.py FOLDER [--steps 1000000] [--minutes 14]

`mulligan train ring` takes a million steps in one thread, with saving, evaluation, samples and diagnosis as in every
run. Every ten seconds a line tells the step, the memory of all its processes, and the bytes and files of the folder.
After `--minutes` the run is stopped by Ctrl-C; the same command goes on with it. Once it has finished, a copy without
its newest checkpoint is resumed, and must end in the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

PERIOD = 10.0
SAME = ("generator.safetensors", "best.safetensors", "events.jsonl")


def mulligan(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "mulligan", *words], stdout=subprocess.DEVNULL)


def memory(pid: int) -> int:
    """Return the bytes that a process and all below it have for themselves, in memory or swapped out."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended meanwhile
        return 0
    own = sum(map(int, re.findall(r"^(?:Anonymous|Swap): +(\d+)", text, re.MULTILINE)))
    return 1024 * own + sum(memory(int(child)) for child in children)


def watched(process: subprocess.Popen[bytes], folder: Path, minutes: float) -> list[list[float]]:
    """Return step, memory, bytes and files of a run, every `PERIOD` seconds until it ends or has to."""
    rows, began = [], time.monotonic()
    while process.poll() is None:
        if time.monotonic() > began + 60 * minutes:
            process.send_signal(signal.SIGINT)
            process.wait()
            break
        time.sleep(PERIOD)
        log = folder / "times.jsonl"
        if not log.exists() or not log.read_bytes():
            continue
        step = json.loads(log.read_bytes().splitlines()[-1])["step"]
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files if path.exists())
        if used := memory(process.pid):
            rows.append([step, used / 1e6, size / 1e6, len(files)])
            print(
                "step {:9,.0f}   memory {:6.1f} MB   folder {:6.2f} MB in {:,.0f} files".format(*rows[-1]), flush=True
            )
    return rows


def growth(rows: list[list[float]], column: int) -> float:
    """Return the change of a column in 100,000 steps, between the medians of the last two quarters of a stretch."""
    third, last = rows[len(rows) // 2 : 3 * len(rows) // 4], rows[3 * len(rows) // 4 :]
    (x0, y0), (x1, y1) = ([median(row[i] for row in part) for i in (0, column)] for part in (third, last))
    return 1e5 * (y1 - y0) / (x1 - x0)


def check_resume(folder: Path) -> None:
    """Resume a copy from the checkpoint before the newest, and compare."""
    copy = folder.with_name(f"{folder.name}-again")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    newest = max((copy / "checkpoints").glob("step-*"), key=lambda path: int(path.name[5:]))
    shutil.rmtree(newest)
    if mulligan("resume", str(copy)).wait():
        raise SystemExit("the resumed run failed")
    digests = [[hashlib.sha256((f / name).read_bytes()).hexdigest() for name in SAME] for f in (folder, copy)]
    print(f"resumed without {newest.name}:", "the same bytes" if digests[0] == digests[1] else "OTHER BYTES")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=14.0)
    options = parser.parse_args()
    folder, steps = options.folder, str(options.steps)
    is_new = not (folder / "config.toml").exists()
    words = ("train", "ring", "--steps", steps, "--threads", "1", "--out") if is_new else ("resume",)
    began = time.monotonic()
    rows = watched(mulligan(*words, str(folder)), folder, options.minutes)
    rows = [row for row in rows if row[0] < options.steps]  # the last evaluation takes more memory
    if len(rows) > 3:
        speed = (rows[-1][0] - rows[0][0]) / (PERIOD * (len(rows) - 1))
        more = ", ".join(
            f"{name} {growth(rows, i):+.2f}" for i, name in ((1, "memory MB"), (2, "folder MB"), (3, "files"))
        )
        print(f"{speed:.0f} steps/s for {time.monotonic() - began:.0f} s; in 100,000 steps of the second half: {more}")
    if (folder / "metrics.json").exists():
        check_resume(folder)
    else:
        print("stopped; the same command goes on")


if __name__ == "__main__":
    main()
