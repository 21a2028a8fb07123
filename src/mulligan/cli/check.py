"""``mulligan check``: check every gradient on this machine."""

from __future__ import annotations

import math
import sys
import time
from itertools import chain, groupby
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from mulligan.cli.options import Flag
from mulligan.doors.say import emit, say
from mulligan.errors import ConfigError
from mulligan.output.figures import count, duration, figure

if TYPE_CHECKING:
    from mulligan.nn.checking import Check


def command(*, only: Annotated[str, arg(metavar="PATTERN", help_behavior_hint="")] = "*", json: Flag = False) -> int:
    """Check every layer, loss and penalty, and both players' steps, by finite differences in float64.

    The table shows the largest relative error of each, its number of formulas, and the formula with that error. A
    correct formula has an error of 1e-12 to 1e-8. An error above 1e-6 fails.

    Example:
    $ mulligan check
    $ mulligan check --only conv
    $ mulligan check --only "wgan_gp*"

    Parameters
    ----------
    only
        Check only names that contain this text or match this shell pattern (default: all).
    json
        Print one JSON document with all rows.
    """
    from mulligan.game.checking import check_game
    from mulligan.nn.checking import TOLERANCE, check_layers

    pattern = only if any(sign in only for sign in "*?[") else f"*{only}*"
    start = time.perf_counter()
    rows: list[Check] = []
    for name, group in groupby(chain(check_layers(pattern), check_game(pattern)), key=lambda row: row.name):
        found = list(group)
        rows += found
        if not json:
            worst = max(found, key=_size)
            word = "ok " if all(row.passed for row in found) else "OFF"
            print(f"{word}  {figure(worst.error):>7}  {len(found):>3}  {name}: {worst.what}", flush=True)
        elif sys.stderr.isatty():
            print(f"\r{count(len(rows))} checked", end="", file=sys.stderr, flush=True)
    if not rows:
        raise ConfigError(f"--only must match the name of a check, got {only!r}. Try --only conv.")
    off = [row for row in rows if not row.passed]
    if json:
        if sys.stderr.isatty():
            say("")
        table = [{"name": r.name, "what": r.what, "error": r.error, "passed": r.passed} for r in rows]
        emit({"tolerance": TOLERANCE, "passed": not off, "rows": table})
    else:
        print()
        for row in off:
            error = "" if row.unasked else f", relative error {figure(row.error)}"
            print(f"OFF: {row.name}: {row.what}{error}")
        largest = max((row.error for row in rows if row.passed), default=None)
        verdict = f"{count(len(off))} of {count(len(rows))} are off" if off else f"all {count(len(rows))} are right"
        took = duration(time.perf_counter() - start)
        print(f"{verdict} (largest error that passes {figure(largest)}, limit {figure(TOLERANCE)}), in {took}")
    return 1 if off else 0


def _size(row: Check) -> float:
    """Return the error, or infinity for NaN, so that NaN is the largest."""
    return math.inf if math.isnan(row.error) else row.error
