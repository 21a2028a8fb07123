"""Time training steps of Mulligan beside torch and jax: the same arithmetic, in turns, a process for each library.

    python benchmarks/rivals --rounds 9 --seconds 1.5
    python benchmarks/rivals --against torch --workloads quick,mlp-r1r2-64
    python benchmarks/rivals --json > rivals.json         # with every round of every side
    python benchmarks/rivals --cpu                        # CPU time of one thread, where the machine is never quiet

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
from typing import Any

from child import Child
from race import WRONG, Plan, race
from sides import SIDES

from mulligan.bench import machine
from mulligan.bench.bench import opening
from mulligan.bench.workloads import names
from mulligan.errors import MulliganError
from mulligan.nn.workers.blas import slowed
from report import newest

LIBRARIES = ("torch", "jax")


def run(against: list[str], workloads: list[str], plan: Plan) -> Iterator[dict[str, Any]]:
    """Verify and time workloads. Yields the same document each time that it grows."""
    chosen = names(workloads, plan.toy)
    document = opening(plan.rounds, plan.seconds, plan.threads, plan.toy)
    with Child(plan.threads) as child:
        document["machine"] = child.ask(do="machine", threads=plan.threads)
    document["rivals"] = {name: version(name) for name in against}
    missing = [name for name, found in document["rivals"].items() if not found]
    document["notes"] += [f"{name} is not installed. To time it: pip install {name}" for name in missing]
    if slowed():
        document["notes"].append(
            f"OPENBLAS_CORETYPE={os.environ['OPENBLAS_CORETYPE']} is ignored here: it slows NumPy alone. Training "
            "does not ignore it. Unset it first, or a step takes longer than here."
        )
    yield document
    for name, result in race(chosen, plan):
        document["workloads"][name] = result
        yield document
    document["load"]["after"] = machine.load_average()
    document["footprint"] = machine.footprint(1 if plan.toy else 5)
    yield document


def version(package: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def main(words: list[str] | None = None) -> int:
    """Print a table for each workload; 1 if a side computes something else."""
    parser = argparse.ArgumentParser(
        "benchmarks/rivals", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", default="torch,jax", help="libraries to compare with, of those installed")
    parser.add_argument("--workloads", default="", help="families or members, as for mulligan bench (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="number of turns of each side")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn")
    parser.add_argument("--threads", type=int, default=2, help="number of threads of each side")
    parser.add_argument("--cpu", action="store_true", help="time one thread of each side by its CPU, not by the wall")
    parser.add_argument("--quick", action="store_true", help="toy sizes, which test the benchmark but measure no speed")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    args = parser.parse_args(words)
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
