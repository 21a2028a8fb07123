"""Fine-tuning: begin a run with the weights of another one."""

import logging
from pathlib import Path

import numpy as np

from mulligan.errors import CheckpointError, ConfigError, as_path
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.output.generator import Generator
from mulligan.training.run import Run
from mulligan.training.store.folder import RunFolder, newest_in

_LOG = logging.getLogger(__name__)


def take_weights(run: Run, start: str | Path) -> None:
    """Copy the weights of another run into a new one, array by array, where name and shape agree. Log what was taken.

    Optimisers and schedules begin anew.

    Parameters
    ----------
    run : Run
        Before its first step.
    start : str or Path
        A run folder or checkpoint folder; or the file of a generator, whose weights G and its average take.

    Raises
    ------
    CheckpointError
        When there are no weights, or they cannot be trusted.
    ConfigError
        When no array agrees.
    """
    path = as_path("start", start, "a run folder, a checkpoint folder or a .safetensors file", "runs/quick-1")
    found, step = _weights(path)
    g, d = run.gan.g.network, run.gan.d.network
    into = {"generator": g.tensors(), "discriminator": d.tensors()}
    into["average of G"] = {entry.path: entry.view(run.gan.average) for entry in g.entries}
    lines, taken = [f"begins with the weights of {path}, step {step:,}:"], 0
    for player, own in into.items():
        there = found.get(player, {})
        fits = [name for name in own if name in there and there[name].shape == own[name].shape]
        for name in fits:
            np.copyto(own[name], there[name])
        size, total = sum(own[name].size for name in fits), sum(array.size for array in own.values())
        lines.append(f"  {player:<13}  {len(fits)} of {len(own)} arrays, {size / max(total, 1):.0%} of its numbers")
        lines += [f"    anew: {name} {own[name].shape}" for name in own if there and name not in fits]
        taken += len(fits)
    if not taken:
        recipe = f"recipe {run.config.recipe or 'of your own'} on {run.data.name}"
        raise ConfigError(f"start must share the shape of a layer with {recipe}, got {path}. Take that run's recipe.")
    _LOG.info("\n".join(lines))


def _weights(path: Path) -> tuple[dict[str, dict[str, Array]], int]:
    """Return the weights of each player, and of the average, by name."""
    if not path.is_dir():
        file = Generator.load(path)
        weights = file.network.tensors()
        return {"generator": weights, "average of G": weights}, file.spec.step
    found = newest_in(path)
    if found is None:
        raise CheckpointError(f"{path} must hold a checkpoint, got none. Give a run that has been saved.")
    spec = Generator.load(RunFolder(found.path.parent.parent).generator).spec
    g = Network(Sequential(spec.layers), (spec.latent.dim,))
    d = Network(Sequential(found.config.discriminator.build(spec.shape, spec.classes)), spec.shape)
    average = {entry.path: entry.view(found.arrays.get("average", found.arrays["g.theta"])) for entry in g.entries}
    for name, network in (("g", g), ("d", d)):
        network.theta[:], network.stats[:] = found.arrays[f"{name}.theta"], found.arrays[f"{name}.stats"]
    return {"generator": g.tensors(), "discriminator": d.tensors(), "average of G": average}, found.step
