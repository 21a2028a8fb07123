"""What a user may choose: changes of a configuration by path, and the catalog.

A live setting is one that `config.change.is_adjustable` allows; the page has its name and paths in `js/query.js`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import cache
from typing import Annotated, Any

from mulligan.config.change import Change, apply_overrides, label_of, settings_of
from mulligan.config.model import Config, with_all_of
from mulligan.config.recipes import RECIPES, describe, recipe
from mulligan.data import DATASETS
from mulligan.data.registry import check_reading, of_points
from mulligan.data.sources.reading import SIZES, Reading
from mulligan.errors import MulliganError, must_be
from mulligan.game.losses import LOSSES
from mulligan.game.penalties import PENALTIES
from mulligan.metrics import METRICS
from mulligan.nn.fields import Words
from mulligan.web.calls import Problem, demand, get
from mulligan.web.verdict import AWAITED

RecipeName = Annotated[str, Words(tuple(RECIPES))]


def configure(
    name: str | None, changes: Iterable[Change], data: Mapping[str, str], live: Config | None
) -> tuple[Config, list[str]]:
    """Build the configuration that a page asks for, from a recipe or from the live run's. A problem names the path.

    `data` maps the names of data that a page may use to those in the configuration. Also returned: a sentence for each
    change of kind that drops fields.
    """
    config = recipe(name or "") if live is None else replace(live, parent=None)
    for change in [each for each in changes if each.path == "data.name"]:
        config = _with_data(config, change.value, data)
    before = (config.data.name, config.recipe, config.start)
    try:
        config, sentences = apply_overrides(config, [each for each in changes if each.path != "data.name"])
        check_reading(config.data.name, Reading.of(config.data))
    except (MulliganError, RecursionError) as error:
        raise refuse(Problem("not-available", str(error)), changes) from error
    stays = (config.data.name, config.recipe, config.start, config.parent) == (*before, None)
    text = "changes must not set data, recipe, start or parent. Choose data by name, or type mulligan train --set."
    demand(stays, "bad-field", text, "changes")
    return config, sentences


def refuse(problem: Problem, changes: Iterable[Change]) -> Problem:
    """Return what is not available as a refusal of the setting with which it begins, in a page's words for it."""
    if problem.kind != "not-available":
        return problem
    text, paths = problem.detail, [change.path for change in changes]
    path = next((path for path in paths if text.startswith((f"{path} ", f"{path.rpartition('.')[2]} "))), "")
    text = label_of(path) + text.removeprefix(path) if path and text.startswith(path) else text
    return Problem("bad-field", text, path or next(iter(paths), "changes"))


def _with_data(config: Config, name: Any, data: Mapping[str, str]) -> Config:
    """Return a configuration with other data, by their name."""
    text = must_be("data", f"one of {', '.join(data)}", name)
    demand(name in [*data], "bad-field", f"{text} For your own pictures: mulligan serve --data FOLDER.", "data.name")
    place = data[name]
    config = with_all_of(config, place)
    spec = replace(config.data, name=place)
    if place != config.data.name:  # these are the other pictures'
        spec = replace(spec, alpha="auto", resize="auto")
    return replace(config, data=replace(spec, size=0, colour="auto") if name in DATASETS else spec)  # used unchanged


# ── before a run ──────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def list_recipes() -> list[dict[str, Any]]:
    """Return all recipes for the page."""
    rows = []
    for name in RECIPES:
        values = settings_of(recipe(name))
        row = {"name": name, "title": describe(name), "points": bool(of_points(values["data.name"]))}
        rows.append(row | {"values": values})
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
        "recipes": list_recipes(),
        "data": data,
        "losses": [{"name": name} for name in LOSSES],
        "penalties": [{"name": name} for name in ("none", *PENALTIES, "r1+r2")],
        "sizes": SIZES,
        "diagnosis": AWAITED,
        "metrics": {name: asdict(replace(metric, compute=None)) for name, metric in METRICS.items()},
    }
