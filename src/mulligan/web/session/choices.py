"""List what a user may choose before a run: recipes, data, losses, metrics, own pictures."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mulligan.config.recipes import RECIPES, describe, recipe
from mulligan.config.serialization import line_of
from mulligan.data import DATASETS, load
from mulligan.data.registry import is_picture_folder, of_points
from mulligan.data.sources.picture_file import SIZES
from mulligan.game.losses import LOSSES
from mulligan.game.penalties import PENALTIES
from mulligan.metrics import METRICS
from mulligan.output.pictures import grid
from mulligan.training.progress import few
from mulligan.web.inside.diagnosis import awaited
from mulligan.web.library.drawing import png64
from mulligan.web.problems import Problem
from mulligan.web.session.settings import LIVE, combinations, values_of

DRAWN, BRUSH = 20_000, 0.06
"""Number of samples of a distribution drawn by hand, and the standard deviation of the brush."""
SHOWN = 64
"""Of the user's own pictures."""


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
    """Return all data sets that a user may name: the registry's, and those passed to the server."""
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
        {"name": name, "line": path, "source": "", "points": is_drawn(path), "here": True, "own": True}
        for name, path in own.items()
    ]


def described(registry: dict[str, Any]) -> list[dict[str, str]]:
    """Return the names of a registry, each with a line of description."""
    return [{"name": name, "line": line_of(cls)} for name, cls in registry.items()]


def catalog(own: dict[str, str]) -> dict[str, Any]:
    """Return everything that a user may choose, and what the page shows before the first measurement."""
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


# ── own points ────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_drawn(path: str) -> bool:
    """Tell whether a file holds points drawn by hand."""
    return Path(path).name.startswith(".drawn-")


def drawn(points: Sequence[float], own: dict[str, str], runs: Path) -> str:
    """Save samples of a distribution drawn by hand, and return its name in `own`. The samples spread like the brush."""
    rng, spots = np.random.default_rng(0), np.array(points).reshape(-1, 2)
    samples = spots[rng.integers(len(spots), size=DRAWN)] + rng.normal(0.0, BRUSH, (DRAWN, 2))
    runs.mkdir(parents=True, exist_ok=True)
    name = f"drawn-{1 + len([*runs.glob('.drawn-*.npy')])}"
    own[name] = str(runs / f".{name}.npy")
    np.save(own[name], samples.astype(np.float32))
    return name


# ── own pictures ──────────────────────────────────────────────────────────────────────────────────────────────────────


def preview(name: str, own: dict[str, str], size: int = 0) -> dict[str, Any]:
    """Describe own pictures: their number, whether they are few, the broken files, some as the network sees them."""
    if name not in own:
        known = ", ".join(own) or "none: mulligan serve --data FOLDER gives some"
        text = f"data must be the name of your own pictures, here {known}, got {name!r}."
        raise Problem("not-available", text, "data")
    folder = is_picture_folder(own[name])
    data = load(own[name], size, skip_broken=folder)
    if data.is_points:
        raise Problem(
            "not-available",
            f"{name} must hold pictures, got points of {data.shape[0]} numbers. Use it with a recipe for points: ring.",
            field="data",
        )
    rows = np.linspace(0, len(data) - 1, min(SHOWN, len(data))).astype(int)
    columns = 8
    return {
        "name": name,
        "path": own[name],
        "accepted": len(data) + (0 if data.test is None else len(data.test)),
        "refused": [{"name": file, "reason": why} for file, why in data.refused[:SHOWN]],
        "refused_count": len(data.refused),
        "note": data.note,
        "few": few(len(data)),
        "shape": list(data.shape),
        "sizes": list(SIZES if folder else (0, *SIZES)),
        "classes": list(data.class_names) or None,
        "png": png64(grid(np.asarray(data.images[rows]), columns)),
        "columns": columns,
        "rows": -(-len(rows) // columns),
        "pad": 2,
    }
