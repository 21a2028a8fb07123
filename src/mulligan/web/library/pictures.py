"""Pictures of the person's own: how they are loaded, and how they look to the network."""

from __future__ import annotations

from typing import Any

import numpy as np

from mulligan.data import load
from mulligan.data.registry import is_picture_folder
from mulligan.data.sources.picture_file import SIZES
from mulligan.output.pictures import grid
from mulligan.training.progress import few
from mulligan.web.http.problems import Problem
from mulligan.web.library.drawing import png64

SHOWN = 64


def preview(name: str, own: dict[str, str], size: int = 0) -> dict[str, Any]:
    """Return how many there are, whether they are few, which are broken, and some of them as the network will see them.

    Raises
    ------
    Problem
        When the server was not given such pictures.
    DataError
        When they cannot be read.
    ConfigError
        When `size` is not allowed.
    """
    if name not in own:
        known = ", ".join(own) or "none: mulligan serve --data FOLDER gives some"
        raise Problem("not-available", f"no pictures of your own are called {name!r}; here are {known}.", field="data")
    folder = is_picture_folder(own[name])
    data = load(own[name], size, skip_broken=folder)
    if data.is_points:
        raise Problem(
            "not-available",
            f"{name} holds points of {data.shape[0]} numbers, not pictures. Use it with a recipe for points: ring.",
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
