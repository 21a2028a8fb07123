"""Read studies: a TOML file names the recipe, the variations, the number of seeds and the measures.

::

    recipe = "mlp"
    set = ["schedules.lr=constant"]       # for every cell
    measures = ["quality"]
    columns = ["fd", "coverage"]

    [budgets.small]                       # the first budget is the default of --budget
    seeds = 3
    cpu_seconds = 20.0

    [axes.loss]                           # every value of every axis with every value of the others
    hinge = ["loss=hinge"]
    "non-saturating" = ["loss=non_saturating"]

    [ladder.steps]                        # or, instead of axes: each rung with all those before it
    "He init" = ["generator.layers.init.gain=1.0"]

A value of an axis is a list of ``path=value``, or a table with ``set`` and a ``recipe`` of its own.
"""

import re
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from mulligan.config.change import Change, apply_overrides, changes_of
from mulligan.config.model import Config
from mulligan.config.recipes import file_of, opening, recipe
from mulligan.config.serialization import Table, build, from_table, list_names, show
from mulligan.doors.read import parse_toml, read_text
from mulligan.errors import ConfigError, MulliganError
from mulligan.nn.fields import Checked, Count, NonNegative, Whole, form_of

_SHIPPED = Path(__file__).parent / "shipped"
STUDIES: dict[str, Path] = {name: _SHIPPED / f"{name}.toml" for name in sorted(p.stem for p in _SHIPPED.glob("*.toml"))}
"""The file of every shipped study by its name. To add a study, add an entry, or pass its path."""

JOIN = " · "
"""Joins the values of several axes in a name."""
BASE = "base"
"""Name of the only variation of a study without axes."""
FIXED = (Change("threads", 1), Change("sample_every", 0), Change("evaluate_every", 0))
"""Changes of every cell: cells share the cores, and the study measures."""


@dataclass(frozen=True)
class Variation:
    """A value of an axis, or a complete variation: a name and its changes."""

    name: str
    set: tuple[Change, ...] = ()
    """Changes in their order. A text, ``path=value``, becomes one."""
    recipe: str = ""
    """The recipe to begin with; empty for the study's."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "set", changes_of(self.set))


@dataclass(frozen=True)
class Axis:
    """One axis of variation."""

    name: str
    values: tuple[Variation, ...]
    """At least one."""

    def __post_init__(self) -> None:
        if not self.values:
            raise ConfigError(f"axis {self.name!r} must have at least one value, got none. Leave it out.")
        if self.name in ("cell", "variation"):  # the results have columns of these names
            raise ConfigError(f"the name of an axis must not be a column of the results, got {self.name!r}. Rename it.")


@dataclass(frozen=True)
class Budget(Checked):
    """The size of a study: seeds, steps and samples."""

    name: str
    seeds: Count = 3
    """Number of seeds: 0, 1, 2 …"""
    steps: Whole = 0
    """Steps of each cell; 0 for the recipe's."""
    cpu_seconds: NonNegative = 0.0
    """Instead of steps: CPU-seconds on one core for the steps of a cell. A short timing chooses and records the number
    of steps for each variation. All seeds have the same number."""
    start: Whole = 0
    """Steps of a common start, trained once for each seed without the axes. Every variation continues from there for
    `steps` more. Schedules are stretched over both. 0 for none."""
    count: Count = 2000
    """Number of fakes, and of reals, of a measurement."""
    measure_at: tuple[Whole, ...] = ()
    """Steps at which a cell is measured, besides its end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps and self.cpu_seconds:
            raise ConfigError(
                f"a budget must have steps or cpu_seconds, got steps = {self.steps} and cpu_seconds = "
                f"{self.cpu_seconds:g}. Leave one out."
            )
        if self.start and not self.steps:
            raise ConfigError(f"steps must be above 0 with start = {self.start}, got 0. Try steps = 1000.")
        end = self.start + self.steps
        if self.steps and any(not self.start <= step <= end for step in self.measure_at):
            raise ConfigError(
                f"measure_at must be steps from {self.start} to {end}, got {list(self.measure_at)}. Try [{end}]."
            )


@dataclass(frozen=True)
class Study:
    """A study: what to vary, how often and what to measure. `load_study` reads one from a file."""

    recipe: str
    """A name of `mulligan list recipes`, or the path of a TOML file (relative to the study's file)."""
    budgets: tuple[Budget, ...]
    """At least one."""
    title: str = ""
    """Question or subject, in a line."""
    set: tuple[Change, ...] = ()
    """Changes of every cell. A text, ``path=value``, becomes one."""
    axes: tuple[Axis, ...] = ()
    """The variations are all combinations of their values."""
    ladder: tuple[Variation, ...] = ()
    """Instead of axes: each variation includes all rungs before it."""
    leave_one_out: bool = False
    """Add the whole ladder without each of its rungs, unless that changes nothing."""
    measures: tuple[str, ...] = ("quality",)
    """Names of `mulligan.studies.MEASURES`."""
    columns: tuple[str, ...] = ()
    """Figures for table and plots, in order; empty for the usual ones."""

    def __post_init__(self) -> None:
        from mulligan.studies.measures import MEASURES  # late: it imports all metrics

        object.__setattr__(self, "set", changes_of(self.set))
        if not self.budgets:
            raise ConfigError("a study must have a budget, got none. Try [budgets.small] with steps = 1000.")
        if self.axes and self.ladder:
            raise ConfigError("a study must have axes or a ladder, got both. Leave one of them out.")
        unknown = [name for name in self.measures if name not in MEASURES]
        if unknown or not self.measures:
            got = show(list(self.measures))
            raise ConfigError(f"measures must be some of {list_names(MEASURES)}, got {got}. Try ['quality'].")

    def budget(self, name: str | None = None) -> Budget:
        """Return a budget by its name, or the first. Raises `ConfigError` when no budget has this name."""
        if name is None:
            return self.budgets[0]
        known = {budget.name: budget for budget in self.budgets}
        if name not in known:
            raise ConfigError(f"budget must be one of {list_names(known)}, got {name!r}. Try {self.budgets[0].name}.")
        return known[name]

    def variations(self) -> list[Variation]:
        """Return all variations: the axes' product, or the ladder's rungs."""
        variations = self._climb() if self.ladder else [_join(v) for v in product(*(axis.values for axis in self.axes))]
        slugs = [slug(variation.name) for variation in variations]
        twice = sorted({s for s in slugs if slugs.count(s) > 1})
        if twice:
            raise ConfigError(
                f"variations must have different names, got {list_names(twice)} twice. Rename one of them."
            )
        return variations

    def _climb(self) -> list[Variation]:
        rungs = self.ladder
        climbed = [replace(_join(rungs[: i + 1]), name=f"{'+ ' * (i > 0)}{rungs[i].name}") for i in range(len(rungs))]
        if self.leave_one_out:  # the ladder without its last rung exists already
            top = config_of(self, climbed[-1])
            rests = [(_join(rungs[:i] + rungs[i + 1 :]), rungs[i].name) for i in range(1, len(rungs) - 1)]
            climbed += [replace(r, name=f"all − {out}") for r, out in rests if config_of(self, r) != top]
        return climbed

    def named(self, variation: Variation) -> dict[str, str]:
        """Return which value of each axis a variation has."""
        parts = variation.name.split(JOIN) if self.axes else [variation.name]
        return dict(zip([axis.name for axis in self.axes] or ["variation"], parts))


def _join(parts: tuple[Variation, ...]) -> Variation:
    """Combine the values of several axes, or the rungs of a ladder."""
    recipes = [part.recipe for part in parts if part.recipe]
    changes = tuple(change for part in parts for change in part.set)
    return Variation(JOIN.join(part.name for part in parts) or BASE, changes, recipes[-1] if recipes else "")


def config_of(study: Study, variation: Variation) -> Config:
    """Build the configuration of a variation, with the recipe's length and seed. Errors name the variation."""
    try:
        config = recipe(variation.recipe or study.recipe)
        return apply_overrides(config, (*study.set, *variation.set, *FIXED))[0]
    except MulliganError as error:
        raise type(error)(f"variation {variation.name!r}: {error}") from error


def slug(name: str) -> str:
    """Turn a variation's name into a folder's name."""
    text = name.lower().replace("×", "x").replace("−", "without").replace("β", "beta").replace("γ", "gamma")
    return re.sub(r"[^a-z0-9.]+", "-", text).strip("-.") or "variation"


def load_study(name: str | Path) -> Study:
    """Read a study.

    Parameters
    ----------
    name : str or Path
        One of `STUDIES`, or the path of a TOML file.

    Returns
    -------
    Study

    Raises
    ------
    ConfigError
        When there is no such study, or a value in it is not allowed. Every variation is built once as a check.
    """
    path = file_of(str(name), STUDIES, "study", "studies")
    table = parse_toml(read_text(path), path)
    table.setdefault("title", describe_study(str(name))[0])
    try:
        table["axes"] = [
            {"name": axis, "values": _variations(values, f"axes.{axis}")}
            for axis, values in _table(table.get("axes", {}), "axes").items()
        ]
        table["ladder"] = _variations(table.get("ladder", {}), "ladder")
        table["budgets"] = [
            _named(Budget, budget, _table(values, f"budgets.{budget}"), "budgets")
            for budget, values in _table(table.get("budgets", {}), "budgets").items()
        ]
        study = from_table(Study, table)
        study = replace(study, recipe=_beside(study.recipe, path))
        for variation in study.variations():
            config_of(study, variation)
    except MulliganError as error:
        raise type(error)(f"{path}: {error}") from error
    return study


def describe_study(name: str) -> tuple[str, str]:
    """Describe a study in one line, and return the rest of its opening comment."""
    first, rest = opening(file_of(name, STUDIES, "study", "studies"))
    return first.partition(": ")[2] or first, rest


def _table(value: Any, path: str) -> Table:
    if not isinstance(value, dict):
        raise ConfigError(f"{path} must be a table, got {show(value)}. Try [{path}.NAME].")
    return value


def _variations(values: Any, path: str) -> list[Table]:
    tables = []
    for name, value in _table(values, path).items():
        table = {"set": value} if isinstance(value, list) else _table(value, f"{path}.{name}")
        tables.append(_named(Variation, name, table, path))
    return tables


def _named(cls: type, name: str, value: Table, path: str) -> Table:
    """Add a name to its table. It is checked here, so that an error can name the path in the file."""
    table = {"name": name, **value}
    build(form_of(cls), table, f"{path}.{name}")
    return table


def _beside(name: str, path: Path) -> str:
    """Resolve a recipe's path from the study's folder, if the file is there."""
    beside = path.parent / name
    return str(beside.resolve()) if name.endswith(".toml") and beside.is_file() else name
