"""``mulligan list``: list recipes, data, losses, layers and every other name."""

import re
import sys
from collections.abc import Mapping
from typing import Annotated, NamedTuple

from tyro.conf import Positional, arg

import mulligan
from mulligan import museum, studies, training
from mulligan.cli.options import Flag
from mulligan.doors.say import emit
from mulligan.errors import ConfigError, nearest


class Row(NamedTuple):
    """A name, one line about it, and its source (empty if it needs none)."""

    name: str
    line: str
    source: str


def command(
    what: Annotated[Positional[str], arg(metavar="[WHAT]", help_behavior_hint="")] = "", *, json: Flag = False
) -> None:
    """List the names that recipes and options may use, with one line about each and its source.

    WHAT is recipes, others, studies, data, losses, penalties, augmentations, optimizers, layers, architectures,
    schedules, initializers, averages, clippings, metrics or museum.

    Example:
    $ mulligan list recipes
    $ mulligan list optimizers --json

    Parameters
    ----------
    what
        One of these kinds (default: list the kinds).
    json
        Print one JSON document.
    """
    if not what:
        rows = [Row(name, line, "") for name, (line, _) in KINDS.items()]
    elif what in KINDS:
        rows = rows_of(what)
    else:
        raise ConfigError(f"the kind must be one of {', '.join(KINDS)}, got {what!r}. Try {nearest(what, KINDS, 1)}.")
    if json:
        emit([row._asdict() for row in rows])
    elif sys.stdout.isatty():
        if what == "recipes":
            rows = [*rows, Row("…", f"{len(training.RECIPES) - len(rows)} more: mulligan list others", "")]
        _print_table(rows)
    else:
        for row in rows:
            print("\t".join(row).rstrip())


def _print_table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for row in rows:
        table.add_row(row.name, Text.assemble(row.line, (f"  {row.source}" if row.source else "", "dim")))
    Console().print(table)


def rows_of(what: str) -> list[Row]:
    """Return the rows of a kind. Each kind imports what it needs, because most need little."""
    match what:
        case "recipes" | "others":
            from mulligan.config.recipes import CHOICES

            names = [name for name in training.RECIPES if (name in CHOICES) == (what == "recipes")]
            opened = {name: training.describe(name) for name in names}
            return [Row(name, line, source_in(rest)) for name, (line, rest) in opened.items()]
        case "studies":
            opened = {name: studies.describe_study(name) for name in studies.STUDIES}
            return [Row(name, line, source_in(rest)) for name, (line, rest) in opened.items()]
        case "museum":
            return [Row(name, f"{case.title}: {case.state}", case.source) for name, case in museum.EXHIBITS.items()]
        case "data":
            return [Row(name, entry.line, entry.source) for name, entry in mulligan.data.DATASETS.items()]
        case "metrics":
            from mulligan.metrics import METRICS

            return [Row(name, f"{metric.label}: {metric.line}", metric.source) for name, metric in METRICS.items()]
    from mulligan.config.serialization import KINDS as REGISTRIES

    base = KINDS[what][1]
    registry: Mapping[str, type] = next(found for cls, found in REGISTRIES.items() if cls.__name__ == base)
    return [Row(name, *described(cls)) for name, cls in registry.items()]


def described(cls: type) -> tuple[str, str]:
    """Return the first paragraph of a class's docstring as one line, and the source that it names."""
    from mulligan.config.serialization import line_of

    line = line_of(cls)
    at_end = re.search(rf" \(({CITATION.pattern}(?:; {CITATION.pattern})*)\)\.?$", line)
    if at_end is None:
        return line, source_in(cls.__doc__ or "")
    return f"{line[: at_end.start()].rstrip('.')}.", at_end[1]


CITATION = re.compile(
    r"[A-ZÄÖÜØ][\w-]+(?: et al\.|,? (?:&|and) [A-Z][\w-]+|, [A-Z][\w-]+)* (?:19|20)\d\d"
    r"(?:, (?:§[\d.]+|Eqs?\. [\d–]+(?: and \d+)?|Algorithm \d+|appendix \w))?"
)
"""A citation: names, a year, and a place in the paper."""


def source_in(text: str) -> str:
    """Return the source in a text: the sentence after "Source:", or else every citation."""
    text = " ".join(text.split())
    named = re.search(r"Source: (.*?\((?:19|20)\d\d\)|.*?)(?:(?<!et al)(?<!Eq)(?<!Eqs)\. |\.?$|,)(?= |$|[A-Z])", text)
    if named and re.search(r"\d\d\d\d", named[1]):
        return named[1]
    return "; ".join(dict.fromkeys(CITATION.findall(text)))


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
    "clippings": ("what bounds a player's gradient", "Clipping"),
    "metrics": ("what mulligan evaluate measures, as metrics.json calls it", ""),
    "museum": ("published faults of GANs, for mulligan museum", ""),
}
"""The kinds that can be listed, each with a description, and the base class of its registry if it has one."""
