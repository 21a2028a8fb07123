"""``mulligan evaluate``: measure how good a generator is."""

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

    For a run, the averaged and the raw weights of its newest checkpoint are measured. Figures against the run's own
    data are kept in its folder as metrics.json, which the report shows.

    Example:
    $ mulligan evaluate runs/quick-1
    $ mulligan evaluate digits.safetensors --data mnist --seeds 1

    Parameters
    ----------
    model
        A run folder, a checkpoint folder, or a .safetensors file.
    data
        What to compare with: a name of `mulligan list data`, a folder or a file (default: what the generator was
        trained on). Pictures are read at the generator's size and in its colours.
    count
        Number of samples, and of held-out pictures to compare them with (default: 10,000, or all if there are fewer).
        Compare figures only at the same count.
    seeds
        Number of draws. With several, each figure is a median with its range.
    json
        Print one JSON document, as in metrics.json.
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
