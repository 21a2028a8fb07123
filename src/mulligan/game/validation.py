"""What cannot be played, and what to do instead: said before the first step, or before a batch is touched."""

import math
import numbers
from typing import Any, TypeVar, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mulligan.errors import ConfigError, ShapeError, UnsupportedError, as_whole, must_be
from mulligan.game.augment import Warp
from mulligan.game.losses import DiscriminatorLoss, FeatureMatching, GeneratorLoss, Loss
from mulligan.game.penalties import Penalty, Points
from mulligan.game.spec import Game
from mulligan.nn.layers.base import Shape, no_second_order, walk
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.layers.families import Affine
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.nn.schedules import Schedule
from mulligan.nn.workers.limits import check_size

Answer = TypeVar("Answer", DiscriminatorLoss, GeneratorLoss)


def check_playable(game: Game, sample_shape: Shape) -> None:
    """Raise where a game cannot be played on samples of this shape; costs no memory, as no parameter is made.

    Raises
    ------
    ShapeError, UnsupportedError, ConfigError
        As `GAN` raises them.
    """
    Warp(game.augment, tuple(sample_shape))
    check_game(game, *_unborn(game, sample_shape), sample_shape, total=1)


def check_memory(game: Game, sample_shape: Shape, *, batch_size: int, workers: int) -> None:
    """Raise where a step needs more memory than is free, before any of it is taken.

    Counted is what every step needs: of each player, parameters, the optimiser's vectors and a gradient in each worker;
    of each row, what D is shown and what the layers with weights give. All else comes to a few times as much at most.

    Raises
    ------
    TooLargeError
    """
    g, d = _unborn(game, sample_shape)
    players = ((g, game.generator), (d, game.discriminator))
    vectors = sum(network.n_params * (1 + len(player.optimizer.vectors)) for network, player in players)
    average = 0 if game.average is None else g.n_params
    gradients = g.n_params + d.n_params if game.together else max(g.n_params, d.n_params)
    if d.mixes_samples:
        gradients += d.n_params
    row = _given(g) + 2 * (math.prod(sample_shape) + _given(d))  # D sees a real and a fake one
    numbers = vectors + average + workers * gradients + batch_size * row
    check_size("parameters and batch", numbers * g.dtype.itemsize)


def _given(network: Network) -> int:
    """Return how many numbers the layers with weights keep of a row."""
    inside = walk(network.layer, network.input_shape)
    return sum(math.prod(layer.output_shape(shape)) for _, layer, shape in inside if isinstance(layer, Affine))


def _unborn(game: Game, sample_shape: Shape) -> tuple[Network, Network]:
    """Return G and D without memory."""
    for_g = Sequential(game.generator.build(sample_shape, game.classes))
    for_d = Sequential(game.discriminator.build(sample_shape, game.classes))
    g = Network(for_g, (game.latent.dim,), allocate=_nothing)
    return g, Network(for_d, sample_shape, allocate=_nothing)


def _nothing(shape: Shape, dtype: DTypeLike) -> Array:
    return np.empty(0, dtype)


def check_settings(*, seed: int, total: int, workers: int, dtype: DTypeLike) -> None:
    """Raise where a `GAN` cannot be made with these, whatever the game.

    Raises
    ------
    ConfigError
    """
    for name, value, least in (("seed", seed, 0), ("total", total, 1), ("workers", workers, 1)):
        as_whole(name, value, least)
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ConfigError(must_be("dtype", "float32 or float64", str(np.dtype(dtype)), "dtype = np.float32"))


def check_game(game: Game, g: Network, d: Network, sample_shape: Shape, total: int) -> None:
    """Raise where the players, the data and the rules of a game do not fit together.

    Raises
    ------
    ShapeError
        G's samples, D's logit, D's layers, a player's parameters or the number of classes are not what the game needs.
    UnsupportedError
        A combination of rules that has no right answer.
    ConfigError
        A schedule that is not finite somewhere among `total` steps; one of β₂, or of rates, for an optimiser that has
        none; one of β₂ outside [0, 1).
    """
    _check_shapes(game, g, d, sample_shape)
    _check_mixing(game, g, d)
    for penalty in game.penalties:
        _check_points(penalty)
    if game.penalties:
        for _, layer, _ in walk(d.layer, d.input_shape):
            if not layer.second_order:
                raise UnsupportedError(no_second_order(layer))
    _check_schedules(game, total)
    if isinstance(game.loss, FeatureMatching):
        depth = len(d.layer.children(d.input_shape))
        if not -depth <= game.loss.layer < depth:
            raise ShapeError(
                f"feature_matching: layer must be from 0 to {depth - 1}, or from −{depth} to −1 counted from the end, "
                f"got {game.loss.layer}: the discriminator has {depth} layers. Try layer = -2."
            )
    if game.update == "simultaneous":
        _check_simultaneous(game)


def _check_shapes(game: Game, g: Network, d: Network, sample_shape: Shape) -> None:
    """Raise where G's samples, D's logit, a player's parameters, or the number of classes is not what a game needs."""
    if g.output_shape != tuple(sample_shape):
        raise ShapeError(
            f"the generator makes samples of shape {g.output_shape}, but the data has {tuple(sample_shape)}. "
            "Change its last layers (a Reshape, or the number of units or channels)."
        )
    if d.output_shape != (1,):
        raise ShapeError(
            f"the discriminator's output has shape {d.output_shape}; it must be (1,), one logit. "
            "End it with a Dense layer of 1 unit or a Projection."
        )
    for who, network in (("generator", g), ("discriminator", d)):
        if not network.n_params:
            raise ShapeError(
                f"the {who} has no parameters: there is nothing that it could learn. Give it a layer with weights, for "
                "instance a Dense one."
            )
        if network.classes is not None and not 0 < game.classes <= network.classes:
            remedy = f"Give the layer classes = {game.classes}" if game.classes else "Train on labelled data"
            raise ShapeError(
                f"the {who} has a layer for {network.classes} classes, but the game has classes = {game.classes}. "
                f"{remedy}, or take the layer out."
            )


def _check_mixing(game: Game, g: Network, d: Network) -> None:
    """Raise where samples of a batch would mix that must not."""
    for _, layer, shape in walk(g.layer, g.input_shape):
        if layer.mixes_samples and all(param.trained for param in layer.params(shape).values()):
            raise UnsupportedError(
                f"{type(layer).__name__} cannot stand in a generator: what it gives for one z depends on the others of "
                "the batch, so that no seed has a picture of its own. Put it into the discriminator, or use BatchNorm, "
                "which keeps averages to draw with."
            )
    if d.mixes_samples and (game.penalties or game.update == "simultaneous"):
        what = "a gradient penalty" if game.penalties else "update = 'simultaneous'"
        raise UnsupportedError(
            f"the discriminator mixes the samples of a batch (BatchNorm or a minibatch layer), and {what} needs one "
            "logit per sample that depends on no other. Use LayerNorm or no normalisation, or an alternating update "
            "without penalties."
        )


def _check_points(penalty: Penalty) -> None:
    """Raise where a user's own penalty does not say at which points it looks."""
    name, places = type(penalty).__name__, get_args(Points)
    if penalty.points not in places:
        raise UnsupportedError(
            f"{name}: points must be {', '.join(map(repr, places[:-1]))} or {places[-1]!r}, got {penalty.points!r}. "
            "Try points = 'real'."
        )
    if penalty.points == "around" and type(penalty).draw is Penalty.draw:
        raise UnsupportedError(
            f"{name} looks around the reals, and does not say how far. Write its draw, which gives the shift of every "
            "element, as that of DRAGAN does."
        )


def _check_schedules(game: Game, total: int) -> None:
    schedules = game.schedules
    for step in (*range(0, total, max(1, total // 100)), total - 1):
        for name, schedule in (("lr", schedules.lr), ("penalty", schedules.penalty), ("noise", schedules.noise)):
            value = _value(schedule, step, total)
            if not math.isfinite(value):
                raise ConfigError(
                    f"schedules.{name} = {schedule!r} gives {value} at step {step:,} of {total:,}, which is not "
                    "allowed; it must be a finite number at every step. Try a factor of at most 1, or fewer steps."
                )
        beta2 = None if schedules.beta2 is None else _value(schedules.beta2, step, total)
        for player in (game.generator, game.discriminator):
            player.optimizer.scaled(schedules.lr(step, total), beta2)


def _value(schedule: Schedule, step: int, total: int) -> float:
    try:
        return schedule(step, total)
    except OverflowError:
        return math.inf


def _check_simultaneous(game: Game) -> None:
    for penalty in game.penalties:
        if penalty.apart:
            raise UnsupportedError(
                "update = 'simultaneous' shares one pass of D between all parts of the step, but the points of "
                f"{penalty.name} need a pass of their own. Use update = 'alternating', or r1 and r2."
            )
    if isinstance(game.loss, FeatureMatching):
        raise UnsupportedError("feature_matching needs update = 'alternating': G learns from D's features.")


def check_answer(loss: Loss, method: str, answer: Answer, kind: type[Answer], logits: Array) -> Answer:
    """Return what a loss gave, or say what it must give: a number, and a gradient for each logit.

    Raises
    ------
    UnsupportedError
    """
    if isinstance(answer, kind) and all(getattr(g, "shape", None) == logits.shape for g in answer[1:]):
        return answer
    raise UnsupportedError(
        f"{type(loss).__name__}.{method} must return {kind.__name__}({', '.join(kind._fields)}), a number and its "
        f"gradients as arrays of shape {logits.shape}, got {answer!r}. Try `mulligan check`, which checks each loss."
    )


def check_value(penalty: Penalty, value: Any) -> float:
    """Return what a penalty gave as its value, or say what it must give.

    Raises
    ------
    UnsupportedError
    """
    if isinstance(value, numbers.Real):
        return float(value)
    raise UnsupportedError(
        f"{type(penalty).__name__}.value_and_grad must return P, a number, and write ∂P/∂g into out, got {value!r}. "
        "Try `mulligan check`, which checks each penalty."
    )


def as_arrays(real: Any, labels: Any, dtype: DTypeLike) -> tuple[Array, NDArray[Any] | None]:
    """Return a batch and its labels as arrays.

    Raises
    ------
    ShapeError
        When one holds other things than real numbers, or rows of different lengths.
    """
    real = as_numbers(real, "a batch", "one row for each sample").astype(dtype, copy=False)
    return real, None if labels is None else as_numbers(labels, "labels")


def as_numbers(thing: Any, name: str, what: str = "one for each sample") -> NDArray[Any]:
    """Return an array of real numbers that a caller gave, or raise a ShapeError."""
    try:
        array = np.asarray(thing)
    except ValueError:
        array = None
    if array is None or array.dtype.kind not in "biuf":
        found = "rows of different lengths" if array is None else f"dtype {array.dtype}"
        raise ShapeError(
            f"{name} must be numbers, {what}, not {found}. Try np.asarray(..., np.float32), or np.int64 for labels."
        )
    return array


def check_batch(
    shape: Shape, labels: NDArray[np.integer[Any]] | None, sample_shape: Shape, *, moves: int, workers: int
) -> None:
    """Raise where a batch does not fit D, its labels, the moves or the workers.

    Parameters
    ----------
    shape : tuple of int
        Of the batch.
    labels
        As given to `GAN.step`.
    sample_shape : tuple of int
        That D takes.
    moves : int
        Of D in a step, among which the batch is shared.
    workers : int
        Among which each move's rows are shared.

    Raises
    ------
    ShapeError
    """
    if not shape or shape[1:] != sample_shape:
        raise ShapeError(
            f"a batch of shape {shape} does not fit; it must be (n, {', '.join(map(str, sample_shape))}), as the "
            "discriminator was built for. Reshape it."
        )
    n = shape[0]
    if labels is not None and labels.shape != (n,):
        raise ShapeError(f"labels of shape {labels.shape} do not fit {n} samples; give one whole number for each.")
    if n % moves or n < moves * workers:
        raise ShapeError(
            f"a batch of {n} cannot be shared evenly among d_steps = {moves} moves of the discriminator with at least "
            f"one row for each of {workers} workers. Make it a multiple of {moves}, {moves * workers} or more, or use "
            "fewer workers."
        )
