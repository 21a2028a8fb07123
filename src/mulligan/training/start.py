"""Fine-tune: begin a run with the weights of another one."""

import logging
from pathlib import Path

import numpy as np

from mulligan.errors import CheckpointError, ConfigError, expand
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.output.generator import Generator
from mulligan.training.run import Run
from mulligan.training.store.folder import RunFolder, newest_in

_LOG = logging.getLogger(__name__)


def take_weights(run: Run, start: str | Path) -> None:
    """Copy the weights of another run into a new one: each array whose place and shape agree. The log lists them.

    Optimisers and schedules start from scratch. From a generator's file, G and its average both take the weights.
    """
    path = expand(start)
    weights, step = _read_weights(path)
    g, d = run.gan.g.network, run.gan.d.network
    average = {entry.path: entry.view(run.gan.average) for entry in g.entries}
    lines, total = [f"begins with the weights of {path}, step {step:,}:"], 0
    for player, own in {"generator": g.tensors(), "discriminator": d.tensors(), "average of G": average}.items():
        there, fits, anew = _key_by_place(weights.get(player, {})), 0, []
        for place, (name, array) in _key_by_place(own).items():
            old = there.get(place, (name, array[:0]))[1]
            if old.shape == array.shape:
                np.copyto(array, old)
                fits += 1
            elif there:
                anew.append(f"    anew: {name} {own[name].shape}")
        lines += [f"  {player:<13}  {fits} of {len(own)} arrays", *anew]
        total += fits
    if not total:
        recipe = f"recipe {run.config.recipe or 'of your own'} on {run.data.name}"
        raise ConfigError(f"start must share the shape of a layer with {recipe}, got {path}. Try that run's recipe.")
    _LOG.info("\n".join(lines))


def _key_by_place(arrays: dict[str, Array]) -> dict[tuple[int, str], tuple[str, Array]]:
    """Key each array by its layer's number among those with parameters: without classes, no layer comes before G's."""
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in arrays))
    places = {}
    for name, array in arrays.items():
        layer, _, last = name.rpartition(".")
        places[layers.index(layer), last] = name, array
    return places


def _read_weights(path: Path) -> tuple[dict[str, dict[str, Array]], int]:
    """Return the weights of each player, and of the average, by name, and their step."""
    if not path.is_dir():
        file = Generator.load(path)
        weights = file.network.tensors()
        return {"generator": weights, "average of G": weights}, file.spec.step
    checkpoint = newest_in(path)
    if checkpoint is None:
        raise CheckpointError(f"{path} must hold a checkpoint, got none. Try a run that has been saved.")
    arrays, spec = checkpoint.arrays, Generator.load(RunFolder(checkpoint.path.parent.parent).generator).spec
    count = len(checkpoint.config.generator.build(spec.shape, spec.classes))  # behind them there may be a curve
    g = Network(Sequential(spec.layers[:count]), (spec.latent.dim,))
    if (arrays["g.theta"].shape, arrays["g.stats"].shape) != (g.theta.shape, g.stats.shape):
        raise CheckpointError(
            f"{path}: generator.safetensors must be this run's own, got another's. Delete it, then mulligan resume."
        )
    d = Network(Sequential(checkpoint.config.discriminator.build(spec.shape, spec.classes)), spec.shape)
    for name, network in (("g", g), ("d", d)):
        network.theta[:], network.stats[:] = arrays[f"{name}.theta"], arrays[f"{name}.stats"]
    average = {entry.path: entry.view(arrays.get("average", arrays["g.theta"])) for entry in g.entries}
    return {"generator": g.tensors(), "discriminator": d.tensors(), "average of G": average}, checkpoint.step
