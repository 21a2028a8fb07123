"""``mulligan check``: check every gradient on this machine."""

import math
import sys
import time
from itertools import groupby
from typing import Annotated

from tyro.conf import arg

from mulligan.cli.document import Document
from mulligan.doors.say import say
from mulligan.errors import ConfigError
from mulligan.output.figures import count, duration, figure


def command(*, only: Annotated[str, arg(metavar="PATTERN", help_behavior_hint="")] = "*") -> Document:
    """Check every layer, loss and penalty, and both players' steps, by finite differences in float64.

    The table shows the largest relative error of each, its number of formulas, and the formula with that error. A
    correct formula has an error of 1e-12 to 1e-8. An error above 1e-6 fails.

    Example:
    $ mulligan check
    $ mulligan check --only "wgan_gp*"

    Parameters
    ----------
    only
        Check only names that contain this text or match this shell pattern (default: all).
    """
    from mulligan.game.checking import check_game
    from mulligan.nn.checking import TOLERANCE, check_layers

    pattern = only if any(sign in only for sign in "*?[") else f"*{only}*"
    start = time.perf_counter()
    if sys.stderr.isatty():
        say("checking …")
    rows = [*check_layers(pattern), *check_game(pattern)]
    if not rows:
        raise ConfigError(f"--only must match the name of a check, got {only!r}. Try --only conv.")
    lines = []
    for name, group in groupby(rows, key=lambda row: row.name):
        checks = list(group)
        worst = max(checks, key=lambda row: math.inf if math.isnan(row.error) else row.error)
        word = "ok " if all(row.passed for row in checks) else "OFF"
        lines.append(f"{word}  {figure(worst.error):>7}  {len(checks):>3}  {name}: {worst.what}")
    off = [row for row in rows if not row.passed]
    errors = ["" if row.unasked else f", relative error {figure(row.error)}" for row in off]
    lines += ["", *(f"OFF: {row.name}: {row.what}{error}" for row, error in zip(off, errors))]
    largest = max((row.error for row in rows if row.passed), default=None)
    verdict = f"{count(len(off))} of {count(len(rows))} are off" if off else f"all {count(len(rows))} are right"
    took = duration(time.perf_counter() - start)
    lines.append(f"{verdict} (largest error that passes {figure(largest)}, limit {figure(TOLERANCE)}), in {took}")
    table = [{"name": r.name, "what": r.what, "error": r.error, "passed": r.passed} for r in rows]
    return Document({"tolerance": TOLERANCE, "passed": not off, "rows": table}, lines, code=1 if off else 0)
