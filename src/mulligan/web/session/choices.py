"""What the page knows before any run: recipes, data, losses, penalties, how much of each, and what is measured."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache
from typing import Any

from mulligan.data import DATASETS
from mulligan.data.registry import of_points
from mulligan.game.losses import LOSSES
from mulligan.game.penalties import PENALTIES
from mulligan.metrics import METRICS
from mulligan.serialization import line_of
from mulligan.training.recipes import RECIPES, describe, recipe
from mulligan.web.inside.diagnosis import awaited
from mulligan.web.session.settings import LIVE, combinations, values_of


@cache
def recipes() -> list[dict[str, Any]]:
    """Return all recipes for the page."""
    found = []
    for name in RECIPES:
        config = recipe(name)
        title, source = describe(name)
        found.append(
            {
                "name": name,
                "title": title,
                "source": source,
                **values_of(config),
                "points": bool(of_points(config.data.name)),
            }
        )
    return found


def data_sets(own: dict[str, str]) -> list[dict[str, Any]]:
    """Return all data that may be named: the registry's, and the folders that the server was given."""
    found = [
        {
            "name": name,
            "line": entry.line,
            "source": entry.source,
            "points": bool(entry.points),
            "here": "fetched once" not in entry.line,
            "own": False,
        }
        for name, entry in DATASETS.items()
    ]
    return found + [
        {"name": name, "line": path, "source": "", "points": bool(of_points(path)), "here": True, "own": True}
        for name, path in own.items()
    ]


def described(registry: dict[str, Any]) -> list[dict[str, str]]:
    """Return the names of a registry, each with what it is in a line."""
    return [{"name": name, "line": line_of(cls)} for name, cls in registry.items()]


def catalog(own: dict[str, str]) -> dict[str, Any]:
    """Return all that can be chosen, and what is shown before the first look."""
    lines = {entry["name"]: entry["line"] for entry in described(PENALTIES)}
    penalties = [
        {"name": name, "line": " + ".join(lines[part] for part in parts)} for name, parts in combinations().items()
    ]
    return {
        "recipes": recipes(),
        "data": data_sets(own),
        "losses": described(LOSSES),
        "penalties": penalties,
        "live": LIVE,
        "diagnosis": awaited(),
        "metrics": {name: asdict(replace(metric, compute=None)) for name, metric in METRICS.items()},
    }
