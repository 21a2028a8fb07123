"""Throughput of a study: two workers against one, the same cells.

    python benchmarks/studies.py [--cells 8] [--steps 1500]

Each cell is a run of recipe `mlp` in half its width, digits, one core. Two ratios are printed: by the wall, which is
what a user sees and needs a machine with nothing else to do; and by processor time, T₁/T₂ with T₁ all the time that one
worker spent and T₂ that of the busier of two (their start, imports and data included): what the wall would show if
nobody else wanted a core. Results of both must be the same numbers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from mulligan.studies import Budget, Study, StudyRun
from mulligan.studies.backends import backend
from mulligan.studies.cell import Job, run_cell

NARROW = ("data.labels=none", "generator.layers.hidden=[128, 256]", "discriminator.layers.hidden=[256, 128]")


def clocked(job: Job) -> tuple[int, float, dict[str, Any]]:
    """Run a cell; also say which process did, and how much processor time it has used since it began."""
    result = run_cell(job)
    return os.getpid(), time.process_time(), result


def measured(workers: int, cells: int, steps: int, folder: Path) -> tuple[float, float, dict[str, Any]]:
    """Return seconds by the wall, processor seconds of the busiest worker, and the figures of every cell."""
    study = StudyRun(Study("mlp", (Budget("all", seeds=cells, steps=steps),), set=NARROW), folder)
    jobs = [study.job(name) for name in study.cells()]
    spent: dict[int, float] = defaultdict(float)
    figures = {}
    began = time.perf_counter()
    with backend("loky", workers) as run:
        for process, cpu, result in run(clocked, jobs):
            assert result["status"] == "done", result["error"]
            spent[process] = max(spent[process], cpu)
            figures[result["cell"]] = result["figures"]
        wall = time.perf_counter() - began
    return wall, max(spent.values()), figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--steps", type=int, default=1500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        one, two = (measured(n, asked.cells, asked.steps, Path(place) / str(n)) for n in (1, 2))
    assert one[2] == two[2], "two workers found other numbers than one"
    print(f"{asked.cells} cells of {asked.steps:,} steps; load average {os.getloadavg()[0]:.1f}")
    print("           one worker   two workers   ratio")
    for name, a, b in (("wall", one[0], two[0]), ("processor", one[1], two[1])):
        print(f"{name:9}  {a:8.1f} s   {b:9.1f} s   {a / b:.2f}")
