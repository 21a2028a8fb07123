"""What a user may choose: the page's settings, which are changes of a configuration by short names, and the catalog.

A live setting is one that `config.change.adjustable` allows; add its short name to `paths_of` and to the page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import cache
from typing import Annotated, Any

from mulligan.config.change import Change, apply_overrides, changes_of, flatten, label_of
from mulligan.config.model import Config, with_all_of
from mulligan.config.recipes import RECIPES, describe, recipe
from mulligan.config.serialization import to_table
from mulligan.data import DATASETS
from mulligan.data.registry import check_reading, of_points
from mulligan.data.sources.reading import SIZES, Reading
from mulligan.errors import ConfigError, MulliganError, must_be
from mulligan.game.losses import LOSSES
from mulligan.game.penalties import PENALTIES
from mulligan.metrics import METRICS
from mulligan.nn.fields import Entries, Form, Words
from mulligan.web.calls import Problem, get
from mulligan.web.verdict import describe_awaited

LIVE = ("lr_g", "lr_d", "gamma")
"""Settings that take effect at the next step, by their paths. All others need a new try."""


class _Setting(Form):
    """The form of a change: ``[name or path, value]``, or ``path=value`` as a terminal takes it."""

    rule = "[path, value], or a text path=value"
    example = "loss.kind=hinge"

    def plain(self, value: Any) -> Change:
        try:
            return changes_of([value])[0]
        except (ConfigError, RecursionError) as error:
            raise ValueError from error


Changes = Annotated[tuple[Change, ...], Entries(_Setting())]
RecipeName = Annotated[str, Words(tuple(RECIPES))]


def combinations() -> dict[str, tuple[str, ...]]:
    """Return the choices of the setting `penalty`: none, each kind, and R1 with R2."""
    return {"none": (), **{name: (name,) for name in PENALTIES}, "r1+r2": ("r1", "r2")}


def paths_of(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the paths that each setting stands for, among a configuration's; none if it has no effect."""

    def find(start: str, *ends: str) -> list[str]:
        return [path for path in values if path.startswith(start) and path.rpartition(".")[2] in ends]

    return {
        "data": ["data.name"],
        "size": ["data.size"],
        "steps": ["steps"],
        "seed": ["seed"],
        "loss": ["loss.kind"],
        "penalty": ["penalties"],
        "gamma": find("penalties.", "gamma", "weight"),
        "lr_g": find("generator.optimizer.", "lr"),
        "lr_d": find("discriminator.optimizer.", "lr"),
        "batch": ["batch_size"],
        "latent": ["latent.dim"],
    }


def values_of(config: Config) -> dict[str, Any]:
    """Return the value of every setting: None if the run lacks it, the first value if it has several."""
    table = to_table(config)
    flat = flatten(table)
    values = {name: flat.get(paths[0]) if paths else None for name, paths in paths_of(flat).items()}
    kinds = tuple(penalty["kind"] for penalty in table["penalties"])
    named = next((name for name, parts in combinations().items() if set(parts) == set(kinds)), "+".join(kinds))
    return values | {"penalty": named, "paths": {name: paths_of(flat)[name] for name in LIVE}}


def configure(
    name: str | None, changes: Iterable[Change], data: Mapping[str, str], live: Config | None
) -> tuple[Config, list[str]]:
    """Build the configuration that a page asks for, from a recipe or from the live run's. A problem names the field.

    `data` maps the names of data that a page may use to those in the configuration. Also returned: a sentence for each
    change of kind that drops fields.
    """
    config = recipe(name or "") if live is None else replace(live, parent=None)
    wanted = [change for change in changes if change.value is not None]
    for change in [each for each in wanted if each.path == "data"]:
        config = _with_data(config, change.value, data)
    before = (config.data.name, config.recipe, config.start)
    dropped: list[str] = []
    for first in (True, False):  # the penalty first, on which the paths of its strength depend
        if some := [each for each in wanted if each.path != "data" and (each.path == "penalty") is first]:
            try:
                config, lost = apply_overrides(config, paths_for(config, some))
            except (MulliganError, RecursionError) as error:
                raise refuse(
                    str(error), {path: each.path for each in some for path, _ in paths_for(config, [each])}
                ) from error
            dropped += lost
    try:
        check_reading(config.data.name, Reading.of(config.data))
    except MulliganError as error:
        field = "size" if any(each.path == "size" for each in wanted) else "data"
        raise Problem("bad-field", str(error), field=field) from error
    if (config.data.name, config.recipe, config.start, config.parent) != (*before, None):
        text = "changes must not set data.name, recipe, start or parent by their paths. Use the setting data, or "
        raise Problem("bad-field", f"{text}mulligan train --set.", field="changes")
    return config, dropped


def refuse(text: str, names: Mapping[str, str]) -> Problem:
    """Return a refusal of the setting whose path the text begins with, by the label that a page has for it.

    `names` has the page's name of every path.
    """
    path = next((path for path in names if text.startswith(f"{path} ")), "")
    text = label_of(path) + text.removeprefix(path) if path else text
    return Problem("bad-field", text, names.get(path, next(iter(names.values()), "changes")))


def paths_for(config: Config, changes: Iterable[Change]) -> list[Change]:
    """Return changes with the paths that short names stand for."""
    known, result = paths_of(flatten(to_table(config))), list[Change]()
    for name, value in changes:
        if name == "penalty":
            value = _penalties(config, value)
        if not (paths := known.get(name, [name])):
            what = "no penalty whose strength could be set" if name == "gamma" else "an optimiser without a rate"
            text = f"{name} = {value} has no effect, because this run has {what}. Choose a penalty first."
            raise Problem("bad-field", text, field=name)
        result += [Change(path, value) for path in paths]
    return result


def _penalties(config: Config, name: Any) -> list[dict[str, Any]]:
    """Return the penalties of a combination. R1 and R2 keep the strength that the run has already."""
    if not isinstance(name, str) or name not in combinations():
        rule = f"one of {', '.join(combinations())}"
        raise Problem("bad-field", must_be("penalty", rule, name, "r1"), field="penalty")
    gamma = next((each["gamma"] for each in to_table(config)["penalties"] if "gamma" in each), 1.0)
    return [{"kind": kind} | ({"gamma": gamma} if kind in ("r1", "r2") else {}) for kind in combinations()[name]]


def _with_data(config: Config, name: Any, data: Mapping[str, str]) -> Config:
    """Return a configuration with other data, which must be pictures for a recipe for pictures, as far as is known."""
    if not isinstance(name, str) or name not in data:
        text = must_be("data", f"one of {', '.join(data)}", name)
        raise Problem("bad-field", f"{text} For your own pictures: mulligan serve --data FOLDER.", field="data")
    place = data[name]
    points = of_points(place)
    made_for = of_points(recipe(config.recipe).data.name) if config.recipe in RECIPES else None
    if None not in (points, made_for) and points != made_for:
        kind, other = ("points", "pictures") if points else ("pictures", "points")
        raise Problem(
            "bad-field",
            f"data must hold {other} for the recipe {config.recipe!r}, got {place}, which holds {kind}. "
            f"Choose {'the recipe ring' if points else 'quick, or another recipe for pictures'}.",
            field="data",
        )
    config = with_all_of(config, place)
    spec = replace(config.data, name=place)
    if place != config.data.name:  # these are the other pictures'
        spec = replace(spec, alpha="auto", resize="auto", tile="")
    return replace(config, data=replace(spec, size=0, colour="auto") if name in DATASETS else spec)  # used unchanged


# ── before a run ──────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def recipes() -> list[dict[str, Any]]:
    """Return all recipes for the page."""
    rows = []
    for name in RECIPES:
        values = values_of(recipe(name))
        rows.append({"name": name, "title": describe(name)[0], **values, "points": bool(of_points(values["data"]))})
    return rows


@get("/api/catalog", of="session")
def catalog(session: Any) -> dict[str, Any]:
    """Return everything that a user may choose, and what the page shows before the first measurement."""
    data = [
        {"name": name, "line": each.line, "points": bool(each.points), "own": False}
        | {"here": "fetched once" not in each.line}
        for name, each in DATASETS.items()
    ]
    data += [
        {"name": name, "line": path, "points": ".drawn-" in path, "own": True, "here": True}  # by hand, on the page
        for name, path in session.own.items()
    ]
    return {
        "recipes": recipes(),
        "data": data,
        "losses": [{"name": name} for name in LOSSES],
        "penalties": [{"name": name} for name in combinations()],
        "live": LIVE,
        "sizes": SIZES,
        "diagnosis": describe_awaited(),
        "metrics": {name: asdict(replace(metric, compute=None)) for name, metric in METRICS.items()},
    }
