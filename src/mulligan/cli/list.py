"""``mulligan list``: list recipes, data, losses, layers and every other name."""

import re
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

from tyro.conf import Positional, arg

import mulligan
from mulligan import museum, studies, training
from mulligan.cli.console import emit
from mulligan.cli.options import Flag
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

    WHAT is recipes, article, studies, data, losses, penalties, augmentations, optimizers, layers, architectures,
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
        rows = KINDS[what][1]()
    else:
        raise ConfigError(f"the kind must be one of {', '.join(KINDS)}, got {what!r}. Try {nearest(what, KINDS, 1)}.")
    if json:
        emit([row._asdict() for row in rows])
    elif sys.stdout.isatty():
        if what == "recipes":
            folded = _of_the_article(rows)
            rows = [*rows[: -len(folded)], Row("article …", f"{len(folded)} more: mulligan list article", "")]
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


def _recipes() -> list[Row]:
    described = [(name, *training.describe(name)) for name in training.RECIPES]
    return [Row(name, line, source_in(rest)) for name, line, rest in described]


def _article() -> list[Row]:
    return _of_the_article(_recipes())


def _of_the_article(rows: list[Row]) -> list[Row]:
    from mulligan.config.recipes import OF_THE_ARTICLE  # late: other kinds need no recipes

    return [row for row in rows if row.name.startswith(OF_THE_ARTICLE)]


def _studies() -> list[Row]:
    described = [(name, *studies.describe_study(name)) for name in studies.STUDIES]
    return [Row(name, line, source_in(rest)) for name, line, rest in described]


def _museum() -> list[Row]:
    return [Row(name, f"{case.title}: {case.state}", case.source) for name, case in museum.CASES.items()]


def _data() -> list[Row]:
    return [Row(name, entry.line, entry.source) for name, entry in mulligan.data.DATASETS.items()]


def _metrics() -> list[Row]:
    from mulligan.metrics import METRICS

    return [Row(name, f"{metric.label}: {metric.line}", metric.source) for name, metric in METRICS.items()]


def _registry(base: str) -> Callable[[], list[Row]]:
    """Return a function that lists the registry of a base class, from the docstrings."""

    def rows() -> list[Row]:
        from mulligan.config.serialization import KINDS as REGISTRIES

        registry: Mapping[str, type] = next(found for cls, found in REGISTRIES.items() if cls.__name__ == base)
        return [Row(name, *described(cls)) for name, cls in registry.items()]

    return rows


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


KINDS: dict[str, tuple[str, Callable[[], list[Row]]]] = {
    "recipes": ("whole configurations, for mulligan train", _recipes),
    "article": ("recipes of the NumPy article: its scripts, failed generators and repairs", _article),
    "studies": ("comparisons that come with it, for mulligan study", _studies),
    "data": ("data sets, for --data", _data),
    "losses": ("what both players minimise", _registry("Loss")),
    "penalties": ("what keeps D's gradient in bounds", _registry("Penalty")),
    "augmentations": ("what is done to every picture before D sees it", _registry("Augmentation")),
    "optimizers": ("how a player learns", _registry("Optimizer")),
    "layers": ("what networks are made of", _registry("Layer")),
    "architectures": ("networks that fit themselves to the data", _registry("Architecture")),
    "schedules": ("how a rate or a weight changes over the run", _registry("Schedule")),
    "initializers": ("where weights start", _registry("Initializer")),
    "averages": ("what becomes of G's weights before samples are drawn", _registry("Average")),
    "clippings": ("what bounds a player's gradient", _registry("Clipping")),
    "metrics": ("what mulligan evaluate measures, as metrics.json calls it", _metrics),
    "museum": ("published GANs that fail, for mulligan museum", _museum),
}
"""The kinds that can be listed, each with a description and a function that returns its rows."""
