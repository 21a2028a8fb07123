"""Map D over the plane with its gradients at samples, and D's logit over pictures."""

import base64
import math
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import scaled
from mulligan.data.sources.toys import TOYS, Gaussians
from mulligan.errors import ConfigError
from mulligan.metrics import modes
from mulligan.nn.fields import Interval
from mulligan.nn.memory import Array
from mulligan.nn.network import Workspace
from mulligan.output.pictures import to_uint8
from mulligan.output.readings import probability, says, undecided
from mulligan.training import Run
from mulligan.training.monitor import COUNT as MODES
from mulligan.web.api.values import Seed
from mulligan.web.inside.layers import layers
from mulligan.web.library.drawing import png64

Labels = NDArray[np.int64] | None
Side = Annotated[int, Interval(16, 128, "[]", 64), "Points a side."]
Points = Annotated[int, Interval(0, 1024, "[]", 256), "Real and generated points."]
Place = Annotated[float, Interval(-1e6, 1e6, "[]", 0.5), "A coordinate."]
Count = Annotated[int, Interval(1, 16, "[]", 4)]

ARROWS = 32
STEP = 0.5
"""Share of the data's range by which a step along G's gradient changes the most affected pixel."""
_ROWS = 1024  # points in one pass
_MARGIN = 0.3  # share of the data's range, on every side


def field(run: Run, *, side: Side = 64, points: Points = 256) -> dict[str, Any]:
    """Return D's logit over the plane or the line, real and generated points, and the latter's gradients from D."""
    _points_only(run)
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
        "logits": _floats(logits),
        "centre": centre,
        "largest": float(np.abs(logits - centre).max()),
        "says": says(run.config.loss),
        "arrows": coordinates(arrows, 4),
        "longest": float(np.linalg.norm(push, axis=1).max()),
        "modes": _modes(run),
        "real": coordinates(real[:points, :2], 4),
        "fake": coordinates(fake[:points, :2], 4),
    }


def point(run: Run, *, x: Place, y: Place = 0.0) -> dict[str, Any]:
    """Return D's logit at one point, and its gradient there."""
    _points_only(run)
    here = np.zeros((1, run.data.shape[0]), np.float32)
    here[0, :2] = (x, y)[: here.shape[1]]
    space = run.gan.d.network.workspace()
    with np.errstate(all="ignore"):
        logit = float(space.forward(here, _zeros(space, 1), training=False)[0, 0])
        gradient = space.backward(np.ones((1, 1), np.float32))[0].copy()
    fake = run.generate(*run.draw(256, seed=run.config.seed), average=False)
    loss, centre = run.config.loss, _centre(run, _logits(space, spread(run, 256)), _logits(space, fake))
    return {
        "x": x,
        "y": y,
        "logit": logit,
        "centred": logit - centre,
        "probability": probability(logit) if says(loss) == "probability" else None,
        "gradient": [float(v) for v in gradient[:2]],
        "length": float(np.linalg.norm(gradient)),
    }


def spread(run: Run, count: int) -> Array:
    """Return training samples from the whole of the data."""
    return np.asarray(run.data.images[np.linspace(0, len(run.data) - 1, count).astype(int)])


def _points_only(run: Run) -> None:
    if not run.data.is_points:
        text = f"data must be points for D's map, got {run.data.name}, which is made of pictures. Try the recipe ring."
        raise ConfigError(text)


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
            made = space.forward(x[rows], None if classes is None else classes[rows], training=False)
            parts.append(made[:, 0].copy())
    return np.concatenate(parts)


def _zeros(space: Workspace, n: int) -> Labels:
    return None if space.network.classes is None else np.zeros(n, np.int64)


def _modes(run: Run) -> dict[str, Any] | None:
    toy = TOYS.get(run.data.name)
    if not isinstance(toy, Gaussians) or len(toy.centres) < 2:
        return None
    made = run.generate(*run.draw(MODES, seed=run.config.seed))
    distance = np.linalg.norm(made[:, None, :] - toy.modes, axis=2)
    near, which = distance.min(axis=1), distance.argmin(axis=1)
    found = modes(made, toy.modes, toy.std)
    counts = np.bincount(which[near <= 3.0 * toy.std], minlength=len(toy.centres))
    ring = run.data.name == "ring"
    names = [f"{round(math.degrees(math.atan2(y, x))) % 360}°" if ring else f"{x:g}, {y:g}" for x, y in toy.centres]
    return {
        "found": found.captured,
        "of": len(toy.centres),
        "high_quality": found.high_quality,
        "median_distance": float(np.median(near)),
        "counts": counts.tolist(),
        "centres": [list(centre) for centre in toy.centres],
        "labels": names,
        "n": MODES,
    }


def pictures(run: Run, *, count: Count = 4) -> dict[str, Any]:
    """Return real and generated pictures, and for each place the fall of D's logit when it is covered."""
    _pictures_only(run)
    spec, rows = run.config.data, np.linspace(0, len(run.data) - 1, count + 2).astype(int)[1:-1]
    real, asked, fake, labels = _both(run, rows, run.config.seed)
    space = run.gan.d.network.workspace()
    seen = {}
    for side, x, classes in (("real", real, asked), ("fake", fake, labels)):
        logits, held = occlusion(space, x, classes, float(np.median(real)))
        seen[side] = (to_uint8(x, spec.low, spec.high), logits, held, classes)
    centre = _centre(run, seen["real"][1], seen["fake"][1])
    largest = max(float(np.abs(held).max()) for _, _, held, _ in seen.values()) or 1.0
    found: dict[str, Any] = {}
    for side, (shown, logits, held, classes) in seen.items():
        small = np.rint(held * (127.0 / largest)).astype(np.int8)
        found[side] = [
            {
                "png": png64(shown[i]),
                "map": base64.b64encode(small[i].tobytes()).decode(),
                "logit": float(logits[i]),
                "centred": float(logits[i]) - centre,
                "class_name": None if classes is None else run.class_names[int(classes[i])],
            }
            for i in range(len(shown))
        ]
    height, width, channels = run.data.shape
    found |= {"largest": largest, "width": width, "height": height, "channels": channels, "centre": centre}
    return found | {"says": says(run.config.loss)}


Forged = tuple[tuple[int, int | None], int, Array, Labels, list[float]]
"""Generated pictures of a duel: their number and seed, the step, their classes, and D's beliefs."""


def duel(run: Run, *, count: Count = 4, seed: Seed | None = None) -> dict[str, Any]:
    """Return real and generated pictures with D's belief in each, and each generated one after a step.

    The step is along −∂L_G/∂x, which is all that G learns from D. It is long enough to be visible: `STEP` of the range.
    A `seed` keeps the same real pictures and the same z from step to step.
    """
    return played(run, [], count, seed)[0]


def played(
    run: Run, seen: list[Forged], count: int = 4, seed: int | None = None
) -> tuple[dict[str, Any], list[Forged]]:
    """Return a duel, and what to pass as `seen` next. What G drew of the same z before, D of now judges again."""
    _pictures_only(run)
    low, high = run.config.data.low, run.config.data.high
    chosen, key = run.step if seed is None else seed, (count, seed)
    rows = np.random.default_rng(chosen).integers(len(run.data), size=count)
    real, asked, fake, labels = _both(run, rows, chosen)
    space, loss = run.gan.d.network.workspace(), run.config.loss
    for_real, for_fake = _logits(space, real, asked), _logits(space, fake, labels)
    with np.errstate(all="ignore"):
        g = space.backward(np.ones((count, 1), np.float32)).reshape(fake.shape)
        push = -loss.generator(real=for_real, fake=for_fake).fake[:, None, None, None] * g
        boldest = np.abs(push).max(axis=(1, 2, 3), keepdims=True)
        heard = (fake + STEP * (high - low) * push / np.where(boldest > 0, boldest, 1.0)).clip(low, high)
    centre = _centre(run, for_real, for_fake)

    def shown(x: Array, logits: Array) -> list[dict[str, Any]]:
        beliefs = [probability(float(logit) - centre) for logit in logits]
        return [{"png": png64(one), "belief": belief} for one, belief in zip(to_uint8(x, low, high), beliefs)]

    forged = shown(fake, for_fake)
    found: dict[str, Any] = {"real": shown(real, for_real), "fake": forged}
    now: Forged = key, run.step, fake, labels, [one["belief"] for one in forged]
    for one, then in zip(forged, shown(heard, _logits(space, heard, labels))):
        one["heard"] = then
    before = [each for each in seen if each[0] == key and each[1] < run.step][-1:]
    for _, found["since"], drew, classes, beliefs in before:
        for one, then, was in zip(forged, shown(drew, _logits(space, drew, classes)), beliefs):
            one["before"] = then | {"was": was}
    return found, [*before, now]


def _both(run: Run, rows: NDArray[Any], seed: int) -> tuple[Array, Labels, Array, Labels]:
    """Return the real pictures of these rows and their classes, and as many generated ones and theirs."""
    spec = run.config.data
    real = scaled(np.asarray(run.data.images[rows]), spec.low, spec.high)
    z, labels = run.draw(len(rows), seed=seed)
    return real, None if run.labels is None else run.labels[rows], run.generate(z, labels, average=False), labels


def _pictures_only(run: Run) -> None:
    if run.data.is_points:
        raise ConfigError(
            f"data must be pictures, got {run.data.name}, which is made of points. Look at D's map instead."
        )


def occlusion(space: Workspace, x: Array, classes: Labels, cover: float) -> tuple[Array, Array]:
    """Return D's logits of pictures, and at each pixel the mean fall of the logit over the patches that cover it.

    Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2; patches of `cover`, a
    fifth of a side, half overlapping, so that the map is smooth where the gradient at single pixels is specks.
    """
    n, height, width = x.shape[:3]
    size = max(1, min(height, width) // 5)
    places = [(i, j) for i in _starts(height, size) for j in _starts(width, size)]
    logits = _logits(space, x, classes)
    fall, times = np.zeros((n, height, width), np.float32), np.zeros((height, width))
    for i, j in places:
        patch = slice(i, i + size), slice(j, j + size)
        covered = x.copy()
        covered[:, patch[0], patch[1]] = cover
        fall[:, patch[0], patch[1]] += (logits - _logits(space, covered, classes))[:, None, None]
        times[patch] += 1
    return logits, fall / times


def _starts(length: int, size: int) -> list[int]:
    return sorted({*range(0, length - size, max(1, size // 2)), length - size})


def coordinates(values: NDArray[Any], decimals: int) -> Any:
    """Return coordinates as nested lists, rounded in float64, because float32 would add digits again."""
    return np.round(values.astype(np.float64), decimals).tolist()


def _floats(values: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    question.__name__: question for question in (field, point, pictures, duel, layers)
}
