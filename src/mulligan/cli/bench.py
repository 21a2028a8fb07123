"""``mulligan bench``: time training steps beside torch and jax."""

import logging
import sys
from typing import Any

from mulligan.cli.console import emit, say
from mulligan.cli.options import Cores, Families, Json, Quick, Rounds, Seconds
from mulligan.output.figures import counted


def command(
    *,
    against: str = "torch,jax",
    workloads: Families = "",
    rounds: Rounds = 7,
    seconds: Seconds = 0.5,
    threads: Cores = 2,
    quick: Quick = False,
    json: Json = False,
) -> int:
    """Time training steps of Mulligan, torch and jax: the same arithmetic, measured in turns.

    Each library runs in its own process, and must first agree with Mulligan after five steps in float64. All workloads
    take about a quarter of an hour. Use the machine for nothing else meanwhile. Each workload is printed when it is
    done, so Ctrl-C loses only the rest.

    Example:
    $ mulligan bench
    $ mulligan bench --against torch --workloads quick,mlp-r1r2-64
    $ mulligan bench --against "" --workloads classic

    Parameters
    ----------
    against
        Libraries to compare with, of those installed.
    workloads
        Families (classic, mlp, mlp-r1r2, quick, faces, dcgan, dcgan-r1r2, and with one z a step classic-one-z,
        mlp-one-z) or members (mlp-128), separated by commas (default: all).
    rounds
        Number of turns of each library.
    seconds
        Length of a turn in seconds.
    threads
        Number of threads of each library.
    quick
        Test the benchmark itself: toy sizes, short turns.
    json
        Print one JSON document with every round.
    """
    from mulligan.bench.bench import run
    from mulligan.bench.race import WRONG
    from mulligan.bench.report import newest

    logging.getLogger("mulligan.bench").setLevel(logging.DEBUG if sys.stderr.isatty() else logging.INFO)
    document: dict[str, Any] = {"workloads": {}}
    try:
        for document in run(
            _words(against),
            _words(workloads),
            rounds=min(rounds, 2) if quick else rounds,
            seconds=min(seconds, 0.05) if quick else seconds,
            threads=threads,
            toy=quick,
        ):
            if not json:
                print("\n".join(newest(document)), flush=True)
    except KeyboardInterrupt:
        measured = len(document["workloads"])
        if json and measured:
            emit(document)
        say(f"stopped; {counted(measured, 'workload')} measured")
        return 130
    if json:
        emit(document)
    sides = [side for workload in document["workloads"].values() for side in workload["sides"].values()]
    return 1 if any(side.get("why", "").startswith(WRONG) for side in sides) else 0


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
