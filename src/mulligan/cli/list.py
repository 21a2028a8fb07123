"""``mulligan list``: list recipes, data, losses, layers and every other name."""

import sys
from typing import Annotated

from tyro.conf import Positional, arg

import mulligan
from mulligan import museum, studies, training
from mulligan.cli.document import Document
from mulligan.errors import ConfigError, nearest


def command(what: Annotated[Positional[str], arg(metavar="[WHAT]", help_behavior_hint="")] = "") -> Document:
    """List the names that recipes and options may use, with one line about each.

    WHAT is recipes, others, studies, data, losses, penalties, augmentations, optimizers, layers, architectures,
    schedules, initializers, averages, clippings, metrics or museum.

    Example:
    $ mulligan list recipes
    $ mulligan list optimizers --json

    Parameters
    ----------
    what
        One of these kinds (default: list the kinds).
    """
    if what and what not in KINDS:
        raise ConfigError(f"the kind must be one of {', '.join(KINDS)}, got {what!r}. Try {nearest(what, KINDS, 1)}.")
    rows = list_names(what) if what else {name: line for name, (line, _) in KINDS.items()}
    data = [{"name": name, "line": line} for name, line in rows.items()]
    if not sys.stdout.isatty():
        return Document(data, [f"{name}\t{line}" for name, line in rows.items()])
    if what == "recipes":  # a terminal is shown what people start with
        rows["…"] = f"{len(training.RECIPES) - len(rows)} more: mulligan list others"
    width = max(map(len, rows))
    return Document(data, [f"{name:<{width}}  {line}" for name, line in rows.items()])


def list_names(what: str) -> dict[str, str]:
    """Return the names of a kind, each with a line. Each kind imports what it needs, because most need little."""
    match what:
        case "recipes" | "others":
            from mulligan.config.recipes import CHOICES

            names = [name for name in training.RECIPES if (name in CHOICES) == (what == "recipes")]
            return {name: training.describe(name)[0] for name in names}
        case "studies":
            return {name: studies.describe_study(name)[0] for name in studies.STUDIES}
        case "museum":
            return {name: f"{case.title}: {case.state} ({case.source})" for name, case in museum.EXHIBITS.items()}
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
    "clippings": ("what bounds a player's gradient", "Clipping"),
    "metrics": ("what mulligan evaluate measures, as metrics.json calls it", ""),
    "museum": ("published faults of GANs, for mulligan museum", ""),
}
"""The kinds that can be listed, each with a description, and the base class of its registry if it has one."""
