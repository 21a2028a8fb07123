"""``mulligan bench``: time training steps on this machine."""

import logging
import sys
from typing import Any

from mulligan.cli.console import emit, say
from mulligan.cli.options import Cores, Families, Flag, Rounds, Seconds
from mulligan.output.figures import counted


def command(
    *,
    workloads: Families = "",
    rounds: Rounds = 7,
    seconds: Seconds = 0.5,
    threads: Cores = 2,
    quick: Flag = False,
    json: Flag = False,
) -> int:
    """Time training steps on this machine, beside the time of their matrix products alone.

    The step, its products by Mulligan's own routine, and for nets of dense layers the same products in one BLAS call
    each (sgemm) take turns. All workloads take about three minutes. Use the machine for nothing else meanwhile. Each
    workload is printed when it is done, so Ctrl-C loses only the rest.

    Example:
    $ mulligan bench
    $ mulligan bench --workloads quick,mlp-r1r2-64

    Parameters
    ----------
    workloads
        Families (classic, mlp, mlp-r1r2, quick, faces, dcgan, dcgan-r1r2, and with one z a step classic-one-z,
        mlp-one-z) or members (mlp-128), separated by commas (default: all).
    rounds
        Number of turns of each.
    seconds
        Length of a turn in seconds.
    threads
        Number of threads of each.
    quick
        Test the benchmark itself: toy sizes, short turns.
    json
        Print one JSON document with every round.
    """
    from mulligan.bench.bench import run
    from mulligan.bench.report import newest

    logging.getLogger("mulligan.bench").setLevel(logging.DEBUG if sys.stderr.isatty() else logging.INFO)
    document: dict[str, Any] = {"workloads": {}}
    try:
        for document in run(
            [word.strip() for word in workloads.split(",") if word.strip()],
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
    return 0
