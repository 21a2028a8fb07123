"""Raise for games and batches that cannot be played, before the first step, and say what to do instead."""

import math
import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.errors import MulliganError, ShapeError, UnsupportedError
from mulligan.game.augment import Warp
from mulligan.game.losses import DiscriminatorLoss, GeneratorLoss, Loss
from mulligan.game.penalties import Penalty
from mulligan.game.spec import Game
from mulligan.nn.layers.base import Shape, no_second_order, walk
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.layers.families import Affine
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.nn.workers.limits import check_size


def check_playable(game: Game, sample_shape: Shape) -> None:
    """Raise if a game cannot be played on samples of this shape. Allocates no parameters."""
    Warp(game.augment, tuple(sample_shape))
    check_game(game, *_unborn(game, sample_shape), sample_shape)


def check_memory(game: Game, sample_shape: Shape, *, batch_size: int, workers: int) -> None:
    """Raise if a step needs more memory than is free, before any of it is allocated.

    The estimate counts each player's parameters, optimiser vectors and one gradient a worker, and for each row D's
    input and the outputs of layers with weights. A step needs at most a few times as much.
    """
    g, d = _unborn(game, sample_shape)
    players = ((g, game.generator), (d, game.discriminator))
    vectors = sum(network.n_params * (1 + len(player.optimizer.slots)) for network, player in players)
    average = 0 if game.average is None else g.n_params
    gradients = g.n_params + d.n_params if game.together else max(g.n_params, d.n_params)
    if d.mixes_samples:
        gradients += d.n_params
    row = _outputs(g) + 2 * (math.prod(sample_shape) + _outputs(d))  # D sees a real and a fake one
    numbers = vectors + average + workers * gradients + batch_size * row
    check_size("parameters and batch", numbers * g.dtype.itemsize)


def _outputs(network: Network) -> int:
    """Return how many numbers the layers with weights output for a row."""
    inside = walk(network.layer, network.input_shape)
    return sum(math.prod(layer.output_shape(shape)) for _, layer, shape in inside if isinstance(layer, Affine))


def _unborn(game: Game, sample_shape: Shape) -> tuple[Network, Network]:
    """Return G and D without allocating their parameters."""
    for_g = Sequential(game.generator.build(sample_shape, game.classes))
    for_d = Sequential(game.discriminator.build(sample_shape, game.classes))
    g = Network(for_g, (game.latent.dim,), allocate=_nothing)
    return g, Network(for_d, sample_shape, allocate=_nothing)


def _nothing(shape: Shape, dtype: DTypeLike) -> Array:
    return np.empty(0, dtype)


def check_game(game: Game, g: Network, d: Network, sample_shape: Shape) -> None:
    """Raise if the players, the data and the rules of a game do not fit together. Later steps check nothing of it."""
    for holds, kind, message in _rules(game, g, d, tuple(sample_shape)):
        if not holds:
            raise kind(message)
    logits = np.linspace(-1, 1, 4, dtype=np.float32).reshape(2, 2)
    try_loss(game.loss, logits[0], logits[1], blind=not (game.together or game.loss.relativistic))
    for penalty in game.penalties:
        try_penalty(penalty, np.ones((2, *sample_shape), np.float32), 2)


def _rules(game: Game, g: Network, d: Network, shape: Shape) -> Iterator[tuple[bool, type[MulliganError], str]]:
    """Yield each rule: whether it holds, and the error if it does not."""
    yield (
        g.output_shape == shape,
        ShapeError,
        f"the generator's samples must have the data's shape {shape}, got {g.output_shape}. Change its last layers (a "
        "Reshape, or the number of units or channels).",
    )
    yield (
        d.output_shape == (1,),
        ShapeError,
        f"the discriminator's output must have shape (1,), one logit, got {d.output_shape}. End it with a Dense layer "
        "of 1 unit or a Projection.",
    )
    for who, network in (("generator", g), ("discriminator", d)):
        yield (
            network.classes is None or 0 < game.classes <= network.classes,
            ShapeError,
            f"the {who}'s layers must be for the game's classes = {game.classes}, got one for {network.classes} "
            f"classes. {f'Give the layer classes = {game.classes}' if game.classes else 'Train on labelled data'}, or "
            "take the layer out.",
        )
    what = "a gradient penalty" if game.penalties else "update = 'simultaneous'"
    yield (
        not d.mixes_samples or not (game.penalties or game.together),
        UnsupportedError,
        f"the discriminator mixes the samples of a batch (BatchNorm), but with {what} each logit "
        "must depend on its own sample alone. Use LayerNorm or no normalisation, or an alternating update without "
        "penalties.",
    )
    for penalty in game.penalties:
        yield (
            not (game.together and penalty.apart),
            UnsupportedError,
            f"update must be 'alternating' with {penalty.name}, whose points need another pass of D, got "
            "'simultaneous'. Set update = 'alternating', or use r1 and r2.",
        )
    for _, layer, _ in walk(d.layer, d.input_shape):
        yield layer.second_order or not game.penalties, UnsupportedError, no_second_order(layer)


def try_loss(loss: Loss, real: Array, fake: Array, *, blind: bool = False) -> tuple[DiscriminatorLoss, GeneratorLoss]:
    """Return a loss's two answers for some logits, or raise; with `blind`, G's loss gets no logits of reals."""
    with np.errstate(all="ignore"):
        d_loss = loss.discriminator(real=real, fake=fake)
        g_loss = loss.generator(real=real[:0] if blind else real, fake=fake)
    for answer, kind in ((d_loss, DiscriminatorLoss), (g_loss, GeneratorLoss)):
        if not isinstance(answer, kind) or any(getattr(g, "shape", None) != fake.shape for g in answer[1:]):
            raise UnsupportedError(
                f"{type(loss).__name__}.{'discriminator' if kind is DiscriminatorLoss else 'generator'} must return "
                f"{kind.__name__}({', '.join(kind._fields)}), a number and its gradients as arrays of shape "
                f"{fake.shape}, got {answer!r}. Try `mulligan check`, which checks each loss."
            )
    return d_loss, g_loss


def try_penalty(penalty: Penalty, g: Array, n: int, factor: float = 1.0) -> tuple[float, Array]:
    """Return a penalty's value and ∂P/∂g for some rows; raise unless it gives both."""
    out = np.full_like(g, np.nan)
    with np.errstate(all="ignore"):
        value = penalty.value_and_grad(g, n, out, factor)
    if not isinstance(value, numbers.Real) or np.isnan(out).any():
        got = "some of out as it was" if isinstance(value, numbers.Real) else repr(value)
        raise UnsupportedError(
            f"{type(penalty).__name__}.value_and_grad must return P, a number, and write ∂P/∂g into out, got {got}. "
            "Try out[...] = …, and `mulligan check`, which checks each penalty."
        )
    return float(value), out


def as_numbers(thing: Any, name: str, what: str = "one for each sample") -> NDArray[Any]:
    """Return a caller's argument as an array of real numbers, or raise a ShapeError."""
    try:
        array = np.asarray(thing)
    except ValueError:
        array = None
    if array is None or array.dtype.kind not in "biuf":
        got = "rows of different lengths" if array is None else f"dtype {array.dtype}"
        raise ShapeError(
            f"{name} must be numbers, {what}, got {got}. Try np.asarray(..., np.float32), or np.int64 for labels."
        )
    return array


def check_batch(n: int, labels: NDArray[Any] | None, *, moves: int, workers: int) -> None:
    """Raise if n samples do not fit their labels, the `moves` of D that divide them, or the workers of each move."""
    if labels is not None and labels.shape != (n,):
        raise ShapeError(f"labels must be {n} whole numbers, one for each sample, got shape {labels.shape}.")
    if n % moves or n < moves * workers:
        raise ShapeError(
            f"a batch must be a multiple of d_steps = {moves} with at least one row for each of {workers} workers in "
            f"each move, got {n} rows. Make it a multiple of {moves}, {moves * workers} or more, or use fewer workers."
        )
