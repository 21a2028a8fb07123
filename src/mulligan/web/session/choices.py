"""List what a user may choose before a run: recipes, data, losses, metrics, own pictures."""

from dataclasses import asdict, replace
from functools import cache
from typing import Any

import numpy as np

from mulligan.config.recipes import RECIPES, describe, recipe
from mulligan.data import DATASETS, load
from mulligan.data.registry import is_picture_folder, of_points
from mulligan.data.sources import SIZES
from mulligan.game.losses import LOSSES
from mulligan.metrics import METRICS
from mulligan.output.pictures import grid
from mulligan.training.progress import few
from mulligan.web.inside.diagnosis import awaited
from mulligan.web.library.drawing import png64
from mulligan.web.library.pile import is_drawn
from mulligan.web.problems import Problem
from mulligan.web.session.settings import LIVE, combinations, values_of

SHOWN, COLUMNS = 64, 8
"""Of the user's own pictures."""


@cache
def recipes() -> list[dict[str, Any]]:
    """Return all recipes for the page."""
    found = []
    for name in RECIPES:
        values = values_of(recipe(name))
        found.append({"name": name, "title": describe(name)[0], **values, "points": bool(of_points(values["data"]))})
    return found


def catalog(own: dict[str, str]) -> dict[str, Any]:
    """Return everything that a user may choose, and what the page shows before the first measurement."""
    data = [
        {"name": name, "line": each.line, "points": bool(each.points), "own": False}
        | {"here": "fetched once" not in each.line}
        for name, each in DATASETS.items()
    ]
    data += [
        {"name": name, "line": path, "points": is_drawn(path), "own": True, "here": True} for name, path in own.items()
    ]
    return {
        "recipes": recipes(),
        "data": data,
        "losses": [{"name": name} for name in LOSSES],
        "penalties": [{"name": name} for name in combinations()],
        "live": LIVE,
        "diagnosis": awaited(),
        "metrics": {name: asdict(replace(metric, compute=None)) for name, metric in METRICS.items()},
    }


def preview(name: str, own: dict[str, str], **reading: Any) -> dict[str, Any]:
    """Describe own pictures: their number, whether they are few, the broken files, some as the network sees them."""
    if name not in own:
        known = ", ".join(own) or "none: mulligan serve --data FOLDER gives some"
        text = f"data must be the name of your own pictures, here {known}, got {name!r}."
        raise Problem("not-available", text, "data")
    folder = is_picture_folder(own[name])
    data = load(own[name], **reading)
    if data.is_points:
        text = f"{name} must hold pictures, got points of {data.shape[0]} numbers. Use a recipe for points: ring."
        raise Problem("not-available", text, "data")
    rows = np.linspace(0, len(data) - 1, min(SHOWN, len(data))).astype(int)
    return {
        "accepted": len(data) + (0 if data.test is None else len(data.test)),
        "refused": [{"name": file, "reason": why} for file, why in data.refused[:SHOWN]],
        "refused_count": len(data.refused),
        "note": data.note,
        "few": few(len(data)),
        "shape": list(data.shape),
        "sizes": list(SIZES if folder else (0, *SIZES)),
        "classes": list(data.class_names) or None,
        "png": png64(grid(np.asarray(data.images[rows]), COLUMNS)),
    }
