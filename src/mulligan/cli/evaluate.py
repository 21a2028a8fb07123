"""``mulligan evaluate``: measure how good a generator is."""

import os
from typing import Annotated

from tyro.conf import Positional, arg

import mulligan
from mulligan import training
from mulligan.cli.document import Document
from mulligan.cli.options import Draws, OtherModel, Samples, Word
from mulligan.doors.say import say
from mulligan.errors import ConfigError, MulliganError


def command(
    model: Annotated[Positional[OtherModel], arg(metavar="[MODEL]", help_behavior_hint="")] = None,
    *,
    fakes: Annotated[Word, arg(metavar="FOLDER|FILE")] = None,
    data: Word = None,
    count: Samples = None,
    seeds: Draws = 3,
) -> Document:
    """Measure a generator against pictures that it has not seen: distances, coverage, classes, copies, with floors.

    For a run, Mulligan measures the averaged and the raw weights of its newest checkpoint. Figures against the run's
    own data are kept as metrics.json, and its report shows them.

    Example:
    $ mulligan evaluate runs/quick-1
    $ mulligan evaluate digits.safetensors --data mnist --seeds 1
    $ mulligan evaluate --fakes samples/ --data my-pictures/

    Parameters
    ----------
    fakes
        Measure these samples (folder, .npz, .npy), not a model.
    data
        Data set, folder or file to compare with (default: the generator's training data).
    count
        Number of samples and of held-out pictures (default: 10,000, or all). Compare figures only at the same count.
    seeds
        Number of draws; several give a median with its range.
    """
    from mulligan.cli.scores import table
    from mulligan.metrics import Fakes
    from mulligan.report import write_report

    judged = model if fakes is None else Fakes.of(fakes)
    if judged is None or (fakes is not None and (model is not None or data is None)):
        raise ConfigError("evaluate needs a MODEL, or --fakes with --data. Try mulligan evaluate runs/quick-1.")
    metrics = mulligan.evaluate(judged, data, count=count, seeds=seeds)
    lines = table(metrics)
    folder = None if model is None else training.RunFolder(model)
    if folder is None or not folder.config.is_file():
        return Document(metrics, lines)
    if data is not None:
        own = mulligan.load(folder.path).spec.data
        if os.path.realpath(data) != os.path.realpath(own):
            say(f"not kept: {folder.metrics} is of the run's own data, {own}. To keep these figures: --json > FILE")
            return Document(metrics, lines)
    try:
        folder.keep_metrics(metrics)
        lines.append(f"kept in {folder.metrics} and {write_report(folder.path)}")
    except MulliganError as error:  # after minutes of work, they are printed at least
        say(f"mulligan: {error}")
        return Document(metrics, lines, code=1)
    return Document(metrics, lines)
