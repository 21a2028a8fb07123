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
from mulligan.config.serialization import Table, build, from_table, list_names
from mulligan.doors.read import parse_toml, read_text
from mulligan.errors import ConfigError, require, within
from mulligan.nn.fields import Checked, Count, NonNegative, Whole, form_of
from mulligan.studies.measures import MEASURES

_SHIPPED = Path(__file__).parent / "shipped"
STUDIES: dict[str, Path] = {name: _SHIPPED / f"{name}.toml" for name in sorted(p.stem for p in _SHIPPED.glob("*.toml"))}
"""The file of every shipped study by its name. To add a study, add an entry, or pass its path."""

BOOK = ("cost", "decay", "decay-quick", "decay-ring", "imprint", "imprint-causes")
BOOK_COMMAND = "cd docs/book; python -m experiments.book_studies"
"""Studies of the book's chapters 8 to 10, which came with Mulligan once."""
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
        fits = not self.steps or max(self.measure_at, default=0) <= self.steps
        require(fits, "measure_at", f"steps from 0 to {self.steps}", list(self.measure_at), [self.steps])


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
        object.__setattr__(self, "set", changes_of(self.set))
        if not self.budgets:
            raise ConfigError("a study must have a budget, got none. Try [budgets.small] with steps = 1000.")
        if self.axes and self.ladder:
            raise ConfigError("a study must have axes or a ladder, got both. Leave one of them out.")
        known = self.measures and all(name in MEASURES for name in self.measures)
        require(known, "measures", f"some of {list_names(MEASURES)}", list(self.measures), "['quality']")

    def budget(self, name: str | None = None) -> Budget:
        """Return a budget by its name, or the first. Raises `ConfigError` when no budget has this name."""
        if name is None:
            return self.budgets[0]
        known = {budget.name: budget for budget in self.budgets}
        require(name in known, "budget", f"one of {list_names(known)}", name, self.budgets[0].name)
        return known[name]

    def variations(self) -> list[Variation]:
        """Return all variations: the axes' product, or the ladder's rungs."""
        variations = self._climb() if self.ladder else [_join(v) for v in product(*(axis.values for axis in self.axes))]
        slugs = [slug(variation.name) for variation in variations]
        require(0 < len(slugs) == len({*slugs}), "variations", "at least one, with different names", slugs)
        return variations

    def _climb(self) -> list[Variation]:
        rungs = self.ladder
        climbed = [replace(_join(rungs[: i + 1]), name=f"{'+ ' * (i > 0)}{rungs[i].name}") for i in range(len(rungs))]
        if self.leave_one_out:  # the ladder without its last rung exists already
            top = config_of(self, climbed[-1])
            rests = [(_join(rungs[:i] + rungs[i + 1 :]), rungs[i].name) for i in range(1, len(rungs) - 1)]
            climbed += [replace(r, name=f"all − {out}") for r, out in rests if config_of(self, r) != top]
        return climbed


def _join(parts: tuple[Variation, ...]) -> Variation:
    """Combine the values of several axes, or the rungs of a ladder. Without any, it is the only variation, ``base``."""
    recipes = [part.recipe for part in parts if part.recipe]
    changes = tuple(change for part in parts for change in part.set)
    return Variation(" · ".join(part.name for part in parts) or "base", changes, recipes[-1] if recipes else "")


def config_of(study: Study, variation: Variation) -> Config:
    """Build the configuration of a variation, with the recipe's length and seed. Errors name the variation."""
    with within(f"variation {variation.name!r}"):
        config = recipe(variation.recipe or study.recipe)
        return apply_overrides(config, (*study.set, *variation.set, *FIXED))[0]


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
    require(name not in BOOK, "study", "one of `mulligan list studies`", name, f"{BOOK_COMMAND} {name}")
    path = file_of(str(name), STUDIES, "study", "studies")
    table = parse_toml(read_text(path), path)
    table.setdefault("title", describe_study(str(name)))
    with within(path):
        if isinstance(axes := table.get("axes", {}), dict):
            table["axes"] = [{"name": n, "values": _entries(Variation, v, f"axes.{n}")} for n, v in axes.items()]
        table["ladder"] = _entries(Variation, table.get("ladder", {}), "ladder")
        table["budgets"] = _entries(Budget, table.get("budgets", {}), "budgets")
        study = from_table(Study, table)
        beside = path.parent / study.recipe
        if beside.suffix == ".toml" and beside.is_file():
            study = replace(study, recipe=str(beside.resolve()))
        for variation in study.variations():
            config_of(study, variation)
    return study


def describe_study(name: str) -> str:
    """Describe a study in a line, by the comment at the top of its file."""
    first = opening(file_of(name, STUDIES, "study", "studies"))
    return first.partition(": ")[2] or first


def _entries(cls: type, values: Any, path: str) -> list[Table]:
    """Return the entries of a table, each with its name. They are checked here, so that an error names the path."""
    require(isinstance(values, dict), path, "a table", values, f"[{path}.NAME]")
    tables = []
    for name, value in values.items():
        table = {"set": value} if isinstance(value, list) else value
        table = {"name": name, **table} if isinstance(table, dict) else table
        build(form_of(cls), table, f"{path}.{name}")
        tables.append(table)
    return tables
