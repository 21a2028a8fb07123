"""Look inside the live run: samples, D's logit over the plane, and what G hears from it.

The worker measures between two steps.
"""

import base64
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import scaled
from mulligan.data.sources.toys import TOYS, Gaussians
from mulligan.errors import ConfigError
from mulligan.metrics import modes
from mulligan.metrics.toys import WITHIN
from mulligan.nn.fields import Interval
from mulligan.nn.memory import Array
from mulligan.nn.network import Workspace
from mulligan.output.pictures import grid, to_uint8
from mulligan.output.readings import probability, says, undecided
from mulligan.training import Run
from mulligan.training.monitor import COUNT as MODES
from mulligan.training.run import CLOUD, GRID
from mulligan.web.calls import Route, Seed, get
from mulligan.web.drawing import png64

Labels = NDArray[np.int64] | None
Side = Annotated[int, Interval(16, 128, "[]", 64)]
Points = Annotated[int, Interval(0, 1024, "[]", 256)]
Count = Annotated[int, Interval(1, 16, "[]", 4)]

ARROWS = 32
STEP = 0.5
"""Share of the data's range by which a step along G's gradient changes the most affected pixel."""
_ROWS = 1024  # points in one pass
_MARGIN = 0.3  # share of the data's range, on every side
QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {}
"""What can be asked about a run, by name."""


async def ask_run(playground: Any, route: Route, values: dict[str, Any]) -> Any:
    """Ask the live run."""
    return await playground.worker.ask(route.function.__name__, values)


def _question(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    QUESTIONS[function.__name__] = function
    return get(f"/api/look/{function.__name__}", through=ask_run)(function)


def samples(run: Run, weights: str) -> dict[str, Any]:
    """Return the grid of the fixed z, or the same number of real samples."""
    if weights == "real":
        made = np.asarray(run.data.images[: CLOUD if run.data.is_points else GRID])
    else:
        made = run.sample(*run.grid, average=weights == "average")
    if run.data.is_points:
        low, high = run.data.range
        picture = {"points": coordinates(made, 3), "low": low, "high": high, "dimension": made.shape[1]}
    else:
        picture = {"png": png64(grid(made))}
    return {"step": run.step, "weights": weights, **picture}


@_question
def field(run: Run, *, side: Side = 64, points: Points = 256) -> dict[str, Any]:
    """Return D's logit over the plane or the line, real and generated points, and the latter's gradients from D."""
    if not run.data.is_points:
        text = f"data must be points for D's map, got {run.data.name}, which is made of pictures. Try the recipe ring."
        raise ConfigError(text)
    low, high = run.data.range
    margin = _MARGIN * (high - low) or 1.0
    low, high = low - margin, high + margin
    dimension = run.data.shape[0]
    ticks = np.linspace(low, high, side, dtype=np.float32)
    space = run.gan.d.network.workspace()
    if dimension == 1:
        places = ticks[:, None]
    else:
        places = np.zeros((side * side, dimension), np.float32)
        places[:, 0], places[:, 1] = np.tile(ticks, side), np.repeat(ticks, side)
    logits = _logits(space, places)
    real = spread(run, max(points, ARROWS))
    z, labels = run.draw(max(points, ARROWS), seed=run.config.seed)
    fake = run.generate(z, labels, average=False)
    centre, push = _pushes(run, space, real, fake)
    arrows = np.concatenate([fake[:ARROWS], push], axis=1)
    return {
        "dimension": dimension,
        "low": low,
        "high": high,
        "side": side,
        "logits": base64.b64encode(np.ascontiguousarray(logits, "<f4").tobytes()).decode(),
        "centre": centre,
        "largest": float(np.abs(logits - centre).max()),
        "says": says(run.config.loss),
        "arrows": coordinates(arrows, 4),
        "longest": float(np.linalg.norm(push, axis=1).max()),
        "modes": _modes(run),
        "real": coordinates(real[:points, :2], 4),
        "fake": coordinates(fake[:points, :2], 4),
    }


def spread(run: Run, count: int) -> Array:
    """Return training samples from the whole of the data."""
    return np.asarray(run.data.images[np.linspace(0, len(run.data) - 1, count).astype(int)])


def _pushes(run: Run, space: Workspace, real: Array, fake: Array) -> tuple[float, Array]:
    """Return the logit at which D cannot tell, and −∂L_G/∂x at the first fakes, times their number (L_G is a mean)."""
    for_real, for_fake = _logits(space, real), _logits(space, fake)
    c = run.config.loss.generator(real=for_real[:ARROWS], fake=for_fake[:ARROWS]).fake
    with np.errstate(all="ignore"):
        space.forward(fake[:ARROWS], _zeros(space, ARROWS), training=False)
        g = space.backward(np.ones((ARROWS, 1), np.float32))
    return _centre(run, for_real, for_fake), -ARROWS * c[:, None] * g


def _centre(run: Run, real: Array, fake: Array) -> float:
    """Return the logit at which D cannot tell real from fake, estimated from its logits."""
    return undecided(run.config.loss, real=float(real.mean()), fake=float(fake.mean()))


def _logits(space: Workspace, x: Array, classes: Labels = None) -> Array:
    """Return D's logits; without `classes`, as if all were of the first one."""
    classes, parts = _zeros(space, len(x)) if classes is None else classes, []
    with np.errstate(all="ignore"):
        for start in range(0, len(x), _ROWS):
            rows = slice(start, start + _ROWS)
            logits = space.forward(x[rows], None if classes is None else classes[rows], training=False)
            parts.append(logits[:, 0].copy())
    return np.concatenate(parts)


def _zeros(space: Workspace, n: int) -> Labels:
    return None if space.network.classes is None else np.zeros(n, np.int64)


def _modes(run: Run) -> dict[str, Any] | None:
    toy = TOYS.get(run.data.name)
    if not isinstance(toy, Gaussians) or len(toy.centres) < 2:
        return None
    fake = run.generate(*run.draw(MODES, seed=run.config.seed))
    distances = np.linalg.norm(fake[:, None, :] - toy.modes, axis=2)
    near, which = distances.min(axis=1), distances.argmin(axis=1)
    capture = modes(fake, toy.modes, toy.std)
    radius = WITHIN * toy.std
    counts = np.bincount(which[near <= radius], minlength=len(toy.centres))
    return {
        "found": capture.captured,
        "of": len(toy.centres),
        "high_quality": capture.high_quality,
        "median_distance": float(np.median(near)),
        "counts": counts.tolist(),
        "centres": [list(centre) for centre in toy.centres],
        "radius": radius,
        "n": MODES,
    }


Forged = tuple[tuple[int, int | None], int, Array, Labels, list[float]]
"""Generated pictures of a duel: their number and seed, the step, their classes, and D's beliefs."""


@_question
def duel(run: Run, *, count: Count = 4, seed: Seed | None = None) -> dict[str, Any]:
    """Return real and generated pictures with D's belief in each, and each generated one after a step.

    The step is along −∂L_G/∂x, which is all that G learns from D. It is long enough to be visible: `STEP` of the range.
    A `seed` keeps the same real pictures and the same z from step to step.
    """
    return play_duel(run, [], count, seed)[0]


def play_duel(
    run: Run, past: list[Forged], count: int = 4, seed: int | None = None
) -> tuple[dict[str, Any], list[Forged]]:
    """Return a duel, and what to pass as `past` next. What G drew of the same z before, D of now judges again."""
    if run.data.is_points:
        text = f"data must be pictures, got {run.data.name}, which is made of points. Look at D's map instead."
        raise ConfigError(text)
    low, high = run.config.data.low, run.config.data.high
    chosen, key = run.step if seed is None else seed, (count, seed)
    rows = np.random.default_rng(chosen).integers(len(run.data), size=count)
    real = scaled(np.asarray(run.data.images[rows]), low, high)
    real_labels = None if run.labels is None else run.labels[rows]
    z, labels = run.draw(count, seed=chosen)
    fake = run.generate(z, labels, average=False)
    space, loss = run.gan.d.network.workspace(), run.config.loss
    for_real, for_fake = _logits(space, real, real_labels), _logits(space, fake, labels)
    with np.errstate(all="ignore"):
        g = space.backward(np.ones((count, 1), np.float32)).reshape(fake.shape)
        push = -loss.generator(real=for_real, fake=for_fake).fake[:, None, None, None] * g
        boldest = np.abs(push).max(axis=(1, 2, 3), keepdims=True)
        moved = (fake + STEP * (high - low) * push / np.where(boldest > 0, boldest, 1.0)).clip(low, high)
    centre = _centre(run, for_real, for_fake)

    def judge(x: Array, logits: Array) -> list[dict[str, Any]]:
        beliefs = [probability(float(logit) - centre) for logit in logits]
        return [{"png": png64(one), "belief": belief} for one, belief in zip(to_uint8(x, low, high), beliefs)]

    forged = judge(fake, for_fake)
    result: dict[str, Any] = {"real": judge(real, for_real), "fake": forged}
    now: Forged = key, run.step, fake, labels, [one["belief"] for one in forged]
    for one, then in zip(forged, judge(moved, _logits(space, moved, labels))):
        one["heard"] = then
    before = [each for each in past if each[0] == key and each[1] < run.step][-1:]
    for _, result["since"], drew, classes, beliefs in before:
        for one, then, was in zip(forged, judge(drew, _logits(space, drew, classes)), beliefs):
            one["before"] = then | {"was": was}
    return result, [*before, now]


def coordinates(values: NDArray[Any], decimals: int) -> Any:
    """Return coordinates as nested lists, rounded in float64, because float32 would add digits again."""
    return np.round(values.astype(np.float64), decimals).tolist()
