"""Stop a run at the first NaN or infinity, before a checkpoint can hold it, and name the tensor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mulligan.errors import DivergedError
from mulligan.nn.memory import Array
from mulligan.nn.network import Network

if TYPE_CHECKING:
    from mulligan.training.run import Run


def finite(measures: dict[str, float]) -> bool:
    """Tell whether every measure of a step is finite. The sum of all is finite only then."""
    return math.isfinite(sum(measures.values()))


def check(run: Run) -> None:
    """Raise `DivergedError` when an array that a checkpoint would hold is not finite."""
    for array in run.gan.arrays().values():
        if not np.isfinite(array).all():
            raise diverged(run, {}, None)


def diverged(run: Run, measures: dict[str, float], real: Array | None) -> DivergedError:
    """Make the error for a run that diverged: the loss, the step, the first bad tensor, and what to try."""
    bad = [f"{name} = {value}" for name, value in measures.items() if not math.isfinite(value)]
    what = f"at step {run.step}: {', '.join(bad)}" if bad else f"after step {run.step}"
    tensors = [*_forward(run, real), *_kept(run)] if bad else list(_kept(run))
    first = next(((name, array) for name, array in tensors if not np.isfinite(array).all()), None)
    where = "all tensors are finite, so the loss itself overflowed"
    if first is not None:
        name, array = first
        count = array.size - int(np.isfinite(array).sum())
        where = f"the first tensor that is not finite is {name} ({count} of {array.size} numbers)"
    loss = " + ".join(type(part).__name__ for part in (run.config.loss, *run.config.penalties))
    return DivergedError(f"the run diverged {what} (loss {loss}); {where}. {_advice(run, first)}")


def no_samples(run: Run, samples: Array) -> DivergedError:
    """Make the error for samples that are not finite."""
    bad = samples.size - np.count_nonzero(np.isfinite(samples))
    return DivergedError(
        f"the run diverged after step {run.step}: {bad} of {samples.size} numbers in the generator's samples are not "
        f"finite. {_advice(run, ('generator', samples))}"
    )


def _forward(run: Run, real: Array | None) -> Iterator[tuple[str, Array]]:
    """Yield the results of the step's forward passes, in order. The weights themselves are already updated."""
    if real is not None:
        yield "the batch of real samples", real
    workers = run.gan.outputs()
    for key, player, who in (("g", run.gan.g, "generator"), ("d", run.gan.d, "discriminator")):
        for number, layer in enumerate(player.layers):
            for worker in workers:
                if number < len(worker[key]):
                    yield f"the output of {who}.layers.{number} ({type(layer).__name__})", worker[key][number]


def _kept(run: Run) -> Iterator[tuple[str, Array]]:
    """Yield every array that a checkpoint holds. Parameters are named by their path."""
    gan = run.gan
    for player, who in ((gan.d, "discriminator"), (gan.g, "generator")):
        network: Network = player.network
        yield from ((f"{who}.layers.{path}", array) for path, array in network.tensors().items())
        yield from ((f"{who}.optimizer.{slot}", array) for slot, array in player.state.items())
    yield "the average of the generator", gan.average


def _advice(run: Run, first: tuple[str, Array] | None) -> str:
    if first is not None and first[0].startswith("the batch"):
        return "The data hold NaN or infinity. Remove those samples."
    from mulligan.diagnosis import Finding
    from mulligan.training.remedies import remedy_for

    changes = remedy_for(Finding("divergence"), replace(run.current, classes=run.classes), run.data.shape).changes
    who = "generator" if first is not None and "generator" in first[0] else "discriminator"
    clip = "" if getattr(run.config, who).clip is not None else f", or {who}.clip=norm to bound the gradient"
    return f"Try {', '.join(map(str, changes)) or 'a lower rate'}{clip}."
