"""``--to npz``: the weights as NumPy arrays, and a JSON text that describes how to compute with them.

The file holds the arrays of `plan`, by path (``1.W``, ``1.b``, …), float32, and `description`: a JSON
text with `facts` (see `facts`), the list `ops` with `kind`, `inputs`, `shape`, `options`, `arrays` and
`layer` of each operation, and `result`, the number of the value that is the output, in `output_range`. The guide
*Export* rebuilds a generator from it in twenty lines of NumPy.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mulligan.doors.write import Files, write_npz
from mulligan.output.export import facts
from mulligan.output.export.plan import Plan, plan_of
from mulligan.output.generator import Generator


def files(generator: Generator, path: Path) -> Files:
    """Return one .npz file; raise UnsupportedError when a layer has no export."""
    plan = plan_of(generator)
    text = json.dumps(describe(generator, plan), ensure_ascii=False)
    arrays: dict[str, Any] = {"description": np.array(text), **plan.arrays}
    return {path: lambda file: write_npz(file, arrays, compress=True)}


def describe(generator: Generator, plan: Plan) -> dict[str, Any]:
    """Return facts and operations as one table."""
    return facts(generator) | {"ops": [asdict(op) for op in plan.ops], "result": plan.result}
