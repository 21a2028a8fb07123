"""Commands about Mulligan itself: list, museum, check."""

from __future__ import annotations

import math
import sys
import time
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

import mulligan
from mulligan import museum as cases
from mulligan import training
from mulligan.cli import options
from mulligan.cli.document import Document
from mulligan.doors.say import say, strict
from mulligan.doors.write import KEY, PROGRAM, check_folder, write_json
from mulligan.errors import ConfigError, quote, require_known
from mulligan.output.figures import align, count, duration, figure

if TYPE_CHECKING:
    from mulligan.museum import Contrast, Exhibit, Played


def list_(what: Annotated[Positional[str], arg(metavar="[WHAT]", help_behavior_hint="")] = "") -> Document:
    """List the names that recipes and options may use, with one line about each.

    WHAT is recipes, others, studies, data, losses, penalties, augmentations, optimizers, layers, architectures,
    schedules, initializers, averages, metrics or museum.

    Try:
    $ mulligan list recipes
    $ mulligan list optimizers --json

    Args:
        what: One of these kinds (default: list the kinds).
    """
    if what:
        require_known(what, KINDS, "the kind", "recipes")
    rows = list_names(what) if what else {name: line for name, (line, _) in KINDS.items()}
    data = [{"name": name, "line": line} for name, line in rows.items()]
    if not sys.stdout.isatty():
        return Document(data, [f"{name}\t{line}" for name, line in rows.items()])
    if what == "recipes":  # a terminal is shown what people start with
        rows["…"] = f"{len(training.RECIPES) - len(rows)} more: mulligan list others"
    return Document(data, align(rows.items()))


def list_names(what: str) -> dict[str, str]:
    """Return the names of a kind, each with a line. Each kind imports what it needs, because most need little."""
    match what:
        case "recipes" | "others":
            from mulligan.config.recipes import CHOICES

            names = [name for name in training.RECIPES if (name in CHOICES) == (what == "recipes")]
            return {name: training.describe(name) for name in names}
        case "studies":
            from mulligan.studies import STUDIES, describe_study

            return {name: describe_study(name) for name in STUDIES}
        case "museum":
            return {name: f"{case.title}: {case.state} ({case.source})" for name, case in cases.EXHIBITS.items()}
        case "data":
            return {name: f"{entry.line} ({entry.source})" for name, entry in mulligan.data.DATASETS.items()}
        case "metrics":
            from mulligan.metrics import METRICS

            return {name: f"{metric.label}: {metric.line}" for name, metric in METRICS.items()}
    from mulligan.config.serialization import KINDS as REGISTRIES
    from mulligan.config.serialization import line_of

    registry = next(classes for base, classes in REGISTRIES.items() if base.__name__ == KINDS[what][1])
    return {name: line_of(cls) for name, cls in registry.items()}


KINDS: dict[str, tuple[str, str]] = {
    "recipes": ("whole configurations, for mulligan train", ""),
    "others": ("recipes of papers, of the museum and of studies", ""),
    "studies": ("comparisons that come with it, for mulligan study", ""),
    "data": ("data sets, for --data", ""),
    "losses": ("what both players minimise", "Loss"),
    "penalties": ("what keeps D's gradient in bounds", "Penalty"),
    "augmentations": ("what is done to every picture before D sees it", "Augmentation"),
    "optimizers": ("how a player learns", "Optimizer"),
    "layers": ("what networks are made of", "Layer"),
    "architectures": ("networks that fit themselves to the data", "Architecture"),
    "schedules": ("how a rate or a weight changes over the run", "Schedule"),
    "initializers": ("where weights start", "Initializer"),
    "averages": ("what becomes of G's weights before samples are drawn", "Average"),
    "metrics": ("what mulligan evaluate measures, as metrics.json calls it", ""),
    "museum": ("published faults of GANs, for mulligan museum", ""),
}
"""The kinds that can be listed, each with a description, and the base class of its registry if it has one."""


def museum(
    case: Annotated[Positional[str], arg(metavar="[CASE]", help_behavior_hint="")] = "",
    *,
    out: Annotated[options.File, arg(metavar="DIR")] = None,
    seed: options.Seed = 0,
    force: options.Force = False,
) -> Document:
    """List the failed GANs, or play one: what was published, what happens, why, and the repair, measured.

    A case takes seconds, on toys or on MNIST. --out keeps the pictures before and after, and all figures.

    Try:
    $ mulligan museum
    $ mulligan museum article --out imprint

    Args:
        case: The case to play (default: list all).
        out: The folder for the pictures, and for the figures as case.json.
        seed: Random seed of the runs.
    """
    if not case:
        if out is not None:
            raise ConfigError(
                f"--out needs a case, whose pictures it keeps. Try mulligan museum article --out {quote(out)}."
            )
        return list_("museum")
    from mulligan.output.pictures import save_png

    exhibit = cases.find_exhibit(case)
    if out is not None:
        check_folder(out, "case.json", force=force)
    say(f"playing {exhibit.name}: as published, and repaired …")
    played = exhibit.play(seed)
    data = {KEY: PROGRAM, **exhibit.describe(), "seed": seed, **played.describe()}
    lines = plate(exhibit, played)
    if out is not None:
        for picture in played.pictures:
            save_png(out / f"{picture.name}.png", picture.image, {"caption": picture.caption})
        write_json(out / "case.json", strict(data))
        lines.append(f"kept in {out}: {', '.join(f'{picture.name}.png' for picture in played.pictures)}, case.json")
    if played.fails and played.mended:
        return Document(data, lines)
    say("this run did not go as described: see the figures. Try another --seed.")
    return Document(data, lines, code=1)


def plate(case: Exhibit, played: Played) -> list[str]:
    """Write the exhibit's plate for the terminal."""
    from textwrap import wrap

    def paragraph(label: str, text: str) -> list[str]:
        return wrap(text, 110, initial_indent=f"{label:<10}", subsequent_indent=" " * 10)

    lines = [f"{case.title} ({case.year}): {case.state}", ""]
    lines += paragraph("source", case.source)
    lines += paragraph("published", case.published)
    heads = ("", "as published", "repaired")
    for rows in ([heads, *case.settings], [(*heads, "failed"), *map(_row, played.evidence)]):
        lines += ["", *(f"  {line}" for line in align(rows))]
    lines += [f"  {e.name}: {e.line}" for e in played.evidence]
    lines += ["", *paragraph("cause", case.cause), *paragraph("repair", case.repair)]
    return lines


def _row(evidence: Contrast) -> tuple[str, str, str, str]:
    bound = f"{evidence.sign} {figure(evidence.threshold)}"
    return evidence.name, figure(evidence.before), figure(evidence.after), bound


def check(*, only: Annotated[str, arg(metavar="PATTERN", help_behavior_hint="")] = "*") -> Document:
    """Check every layer, loss and penalty, and both players' steps, by finite differences in float64.

    The table shows the largest relative error of each, its number of formulas, and the formula with that error. A
    correct formula has an error of 1e-12 to 1e-8. An error above 1e-6 fails.

    Try:
    $ mulligan check
    $ mulligan check --only "wgan_gp*"

    Args:
        only: Check only names that contain this text or match this shell pattern (default: all).
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
