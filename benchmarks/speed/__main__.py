"""Time training steps of Mulligan beside their matrix products, torch and jax: in turns, a process for each.

    python benchmarks/speed --rounds 9 --seconds 1.5
    python benchmarks/speed --against torch --workloads quick,mlp-r1r2-64
    python benchmarks/speed --against ''                  # this machine alone: the step and its products
    python benchmarks/speed --json > speed.json           # with every round of every side
    python benchmarks/speed --cpu                         # CPU time of one thread, where the machine is never quiet

Each library must first agree with Mulligan after five steps in float64. All workloads take about a quarter of an hour.
Use the machine for nothing else meanwhile. Each workload is printed when it is done, so Ctrl-C loses only the rest.
"""

import argparse
import importlib.metadata
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from race import WRONG, Plan, race
from sides import FLOORS, SIDES
from workloads import names

from mulligan.errors import MulliganError

sys.path.append(str(Path(__file__).parents[1]))
from machine import describe

LIBRARIES = ("torch", "jax")
MB = 1e6


def run(against: list[str], workloads: list[str], plan: Plan) -> Iterator[dict[str, Any]]:
    """Verify and time workloads. Yields the same document each time that it grows."""
    chosen = names(workloads, plan.toy)
    machine = describe(plan.threads)
    rivals = {name: version(name) for name in against}
    missing = [name for name, found in rivals.items() if not found]
    machine["notes"] += [f"{name} is not installed. To time it: pip install {name}" for name in missing]
    if "OPENBLAS_CORETYPE" in os.environ:
        machine["notes"].append("OPENBLAS_CORETYPE is set aside while sides are timed.")
    settings = {"rounds": plan.rounds, "seconds": plan.seconds}
    document = {"machine": machine, "rivals": rivals, "toy": plan.toy, "plan": settings, "workloads": {}}
    yield document
    for name, result in race(chosen, plan):
        document["workloads"][name] = result
        yield document


def version(package: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def header(document: dict[str, Any]) -> list[str]:
    """Return the lines that describe the machine and the versions."""
    machine = document["machine"]
    rivals = [f"{name} {version or 'not installed'}" for name, version in document["rivals"].items()]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; {machine['threads']} threads a side",
        f"Python {machine['python']}, mulligan {machine['mulligan']}, NumPy {machine['numpy']} ({machine['blas']})",
        ", ".join([*rivals, machine["date"], "float32"]),
        *(f"note: {note}" for note in machine["notes"]),
    ]
    return [*lines, "toy sizes: these numbers do not measure speed."] if document["toy"] else lines


def table(name: str, result: dict[str, Any]) -> list[str]:
    """Return one workload's table: a line for each side."""
    mark = "   (! = spread too wide to trust)" if result["wide"] else ""
    lines = [
        f"{name}: {result['title']}, batch {result['batch']}{mark}",
        f"  {'side':<18}{'ms/step':>9}{'steps/s':>9}   {'others : ours (min–max)':<26}{'peak MB':>8}"
        f"{'Δ float64':>11}{'Δ float32':>11}",
    ]
    for side, row in result["sides"].items():
        if "why" in row:
            lines.append(f"  {side:<18}n/a: {row['why']}")
            continue
        median, low, high = (row["ratio"][key] for key in ("median", "min", "max"))
        share = f"{100 * median:.0f} % of the step ({100 * low:.0f}–{100 * high:.0f})"
        ratio = "1" if side == "mulligan" else share if side in FLOORS else f"{median:.2f} ({low:.2f}–{high:.2f})"
        line = f"  {side:<18}{row['ms']:>9.3f}{row['steps_per_second']:>9.0f}   {ratio:<26}{row['memory'] / MB:>8.0f}"
        if "float64" in row and side != "mulligan":
            line += f"{row['float64']:>11.0e}{row['float32']:>11.0e}"
        lines.append(line + "  !" * row["wide"])
    return lines


def newest(document: dict[str, Any]) -> list[str]:
    """Return the lines that were added to a growing document."""
    if document["workloads"]:
        return ["", *table(*list(document["workloads"].items())[-1])]
    return header(document)


def main(arguments: list[str] | None = None) -> int:
    """Print a table for each workload; 1 if a side computes something else."""
    parser = argparse.ArgumentParser(
        "benchmarks/speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", default="torch,jax", help="libraries to compare with, of those installed")
    parser.add_argument("--workloads", default="", help="families (classic, mlp, quick …) or members (mlp-128)")
    parser.add_argument("--rounds", type=int, default=7, help="number of turns of each side")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn")
    parser.add_argument("--threads", type=int, default=2, help="number of threads of each side")
    parser.add_argument("--cpu", action="store_true", help="time one thread of each side by its CPU, not by the wall")
    parser.add_argument("--quick", action="store_true", help="toy sizes, which test the benchmark but measure no speed")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    args = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("mulligan").setLevel(logging.DEBUG if sys.stderr.isatty() else logging.INFO)
    against, workloads = (
        [word.strip() for word in text.split(",") if word.strip()] for text in (args.against, args.workloads)
    )
    if not {*against} <= {*LIBRARIES}:
        parser.error(f"--against must be from {', '.join(LIBRARIES)}, got {args.against!r}")
    wanted = [side for side, entry in SIDES.items() if not entry.missing and entry.needs in ("", *against)]
    rounds, seconds = (min(args.rounds, 2), min(args.seconds, 0.05)) if args.quick else (args.rounds, args.seconds)
    document: dict[str, Any] = {"workloads": {}}
    code = 0
    try:
        threads = 1 if args.cpu else args.threads
        for document in run(against, workloads, Plan(tuple(wanted), rounds, seconds, threads, args.quick, args.cpu)):
            if not args.json:
                print("\n".join(newest(document)), flush=True)
    except MulliganError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        code = 130
    if args.json and document["workloads"]:
        print(json.dumps(document, indent=1))
    sides = [side for workload in document["workloads"].values() for side in workload["sides"].values()]
    return code or int(any(side.get("why", "").startswith(WRONG) for side in sides))


if __name__ == "__main__":
    sys.exit(main())
