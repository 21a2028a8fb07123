"""``mulligan check``: whether every gradient is right, here."""

from __future__ import annotations

import sys
import time
from itertools import chain
from typing import Annotated

from tyro.conf import arg

from mulligan.cli.figures import count, duration, figure
from mulligan.cli.screen import emit, say
from mulligan.cli.words import Json
from mulligan.errors import ConfigError


def command(*, only: Annotated[str, arg(metavar="PATTERN", help_behavior_hint="")] = "*", json: Json = False) -> int:
    """Check every layer, loss, penalty and both players' whole steps by differences, in float64.

    Prints a table of relative errors; a right formula is off by 1e-12 to 1e-8, and 1e-6 is the most that passes.

    Example:
    $ mulligan check
    $ mulligan check --only conv
    $ mulligan check --only "wgan_gp*"

    Parameters
    ----------
    only
        Only what has this in its name, or matches this shell pattern.
    json
        Print one JSON document with all rows.
    """
    from mulligan.game.checking import check_game
    from mulligan.nn.checking import TOLERANCE, check_layers

    pattern = only if any(sign in only for sign in "*?[") else f"*{only}*"
    start, rows = time.perf_counter(), []
    for row in chain(check_layers(pattern), check_game(pattern)):
        rows.append(row)
        if not json:
            word = "ok " if row.passed else "OFF"
            print(f"{word}  {figure(row.error):>7}  {row.name}: {row.what}")
        elif sys.stderr.isatty():
            print(f"\r{count(len(rows))} checked", end="", file=sys.stderr, flush=True)
    if not rows:
        raise ConfigError(f"--only {only!r} matches no check. Try --only conv, or mulligan check without it.")
    off = [row for row in rows if not row.passed]
    if json:
        if sys.stderr.isatty():
            say("")
        table = [{"name": r.name, "what": r.what, "error": r.error, "passed": r.passed} for r in rows]
        emit({"tolerance": TOLERANCE, "passed": not off, "rows": table})
    else:
        print()
        for row in off:
            print(f"OFF: {row.name}: {row.what}, relative error {figure(row.error)}")
        worst = max((row.error for row in rows if row.passed), default=None)
        verdict = f"{count(len(off))} of {count(len(rows))} are off" if off else f"all {count(len(rows))} are right"
        took = duration(time.perf_counter() - start)
        print(f"{verdict} (largest error that passes {figure(worst)}, limit {figure(TOLERANCE)}), in {took}")
    return 1 if off else 0
