"""``mulligan evaluate``: how good it is, in figures."""

from __future__ import annotations

import os

from tyro.conf import Positional

import mulligan
from mulligan import training
from mulligan.cli.console import emit, say
from mulligan.cli.options import Draws, Json, Model, Samples, Word


def command(
    model: Positional[Model],
    *,
    data: Word = None,
    count: Samples = None,
    seeds: Draws = 3,
    json: Json = False,
) -> None:
    """Measure a generator against pictures that it has not seen: distances, coverage, classes, copies, with floors.

    Of a run both weights are scored, the averaged ones and the raw ones of its newest checkpoint, and its folder
    receives metrics.json: figures against its own data alone, for they are what the report shows.

    Example:
    $ mulligan evaluate runs/quick-1
    $ mulligan evaluate digits.safetensors --data mnist --seeds 1

    Parameters
    ----------
    model
        A run folder, a checkpoint folder, or a .safetensors file.
    data
        What it should look like: a name of `mulligan list data`, or a folder or file, read at the size and in the
        colours of the generator's pictures; without it, what it was trained on.
    count
        Samples, against as many held-out ones: 10,000, or all where there are fewer. Figures may only be compared at
        the same count.
    seeds
        How many draws; with several, each figure is a median with its range.
    json
        Print one JSON document, the content of metrics.json.
    """
    from mulligan.cli.scores import table

    metrics = mulligan.evaluate(model, data, count=count, seeds=seeds)
    if json:
        emit(metrics)
    else:
        print("\n".join(table(metrics)), flush=True)  # before it is kept: a full disk shall not cost the figures
    folder = training.RunFolder(model)
    if not folder.config.is_file():
        return
    if data is not None:
        own = mulligan.load(model).spec.data
        if os.path.realpath(data) != os.path.realpath(own):
            say(f"not kept: {folder.metrics} is of the run's own data, {own}. To keep these figures: --json > FILE")
            return
    folder.keep_metrics(metrics)
    if not json:
        print(f"kept in {folder.metrics}")
