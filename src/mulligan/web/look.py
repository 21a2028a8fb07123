"""What may be asked: of the live run samples, D's logit over the plane and the duel; of a generator pictures.

The worker answers for the run, between two steps; the server reads a generator's file.
"""

import base64
import math
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset, scale_samples
from mulligan.data.sources.toys import find_mixture
from mulligan.errors import UnsupportedError
from mulligan.metrics import nearest_pictures
from mulligan.metrics.counts import WITHIN
from mulligan.nn.fields import Interval, Words
from mulligan.nn.memory import Array
from mulligan.nn.network import Workspace
from mulligan.output.generator import Generator
from mulligan.output.pictures import grid, png_bytes, to_uint8
from mulligan.output.readings import find_middle, probability
from mulligan.training import Run
from mulligan.training.run import CLOUD, GRID
from mulligan.web.calls import NAME, Route, Seed, Text, get

Labels = NDArray[np.int64] | None
Count = Annotated[int, Interval(1, 16, "[]", 4)]

Weights = Annotated[str, Words(("average", "raw", "real"))]
Class = Annotated[str, Text(".{1,60}", "the number or the name of a class", "3")]

ARROWS, POINTS, SIDE = 32, 512, 72
"""Arrows and points of D's map, and logits along its side."""
STEP = 0.5
"""Share of the data's range by which a step along G's gradient changes the most affected pixel."""
HELD = 300
"""Number of held-out pictures whose distance to the training set is measured for comparison."""
SAME = 0.05
"""Root mean square difference of two pictures, of 1, below which the eye takes them for the same."""
_MARGIN = 0.3  # share of the data's range, on every side


async def ask_run(playground: Any, route: Route, values: dict[str, Any]) -> Any:
    """Ask the live run."""
    return await playground.worker.ask(route.function.__name__, values)


async def ask_generator(
    playground: Any,
    route: Route,
    values: dict[str, Any],
    *,
    model: Annotated[str, Text(NAME, "bundled or a run's name", "bundled")] = "bundled",
) -> Any:
    """Ask the generator of a file."""

    def ask_file() -> Any:
        generator = playground.load_generator(model)
        more = {"data": playground.load_data(model)} if route.function is nearest else {}
        with playground.lock:  # a generator has one set of buffers
            return {"model": model, **route.function(generator, **values, **more)}

    return await playground.apart(ask_file)


def png64(picture: NDArray[np.uint8]) -> str:
    """Return a picture as PNG in base64."""
    return base64.b64encode(png_bytes(picture, quickly=True)).decode()


@get("/api/train/samples", through=ask_run)
def samples(run: Run, *, weights: Weights = "average") -> dict[str, Any]:
    """Return the grid of the fixed z, or the same number of real samples."""
    if weights == "real":
        batch = np.asarray(run.data.images[: CLOUD if run.data.is_points else GRID])
    else:
        batch = run.sample(*run.grid, average=weights == "average")
    if run.data.is_points:
        low, high = run.data.range
        picture = {"points": coordinates(batch, 3), "low": low, "high": high}
    else:
        picture = {"png": png64(grid(batch))}
    return {"step": run.step, "weights": weights, **picture}


@get("/api/look/field", through=ask_run)
def field(run: Run) -> dict[str, Any]:
    """Return D's logit over the plane or the line, real and generated points, and the latter's gradients from D."""
    low, high = run.data.range
    margin = _MARGIN * (high - low) or 1.0
    low, high = low - margin, high + margin
    dimension = run.data.shape[0]
    ticks = np.linspace(low, high, SIDE, dtype=np.float32)
    space = run.gan.d.network.workspace()
    if dimension == 1:
        places = ticks[:, None]
    else:
        places = np.zeros((SIDE * SIDE, dimension), np.float32)
        places[:, 0], places[:, 1] = np.tile(ticks, SIDE), np.repeat(ticks, SIDE)
    logits = _ask_d(space, places)
    real = np.asarray(run.data.images[np.linspace(0, len(run.data) - 1, POINTS).astype(int)])  # from all of the data
    z, labels = run.draw(POINTS, seed=run.config.seed)
    fake = run.generate(z, labels, average=False)
    centre, push = _find_pushes(run, space, real, fake)
    arrows = np.concatenate([fake[:ARROWS], push], axis=1)
    return {
        "dimension": dimension,
        "low": low,
        "high": high,
        "side": SIDE,
        "logits": base64.b64encode(np.ascontiguousarray(logits, "<f4").tobytes()).decode(),
        "centre": centre,
        "largest": float(np.abs(logits - centre).max()),
        "arrows": coordinates(arrows, 4),
        "longest": float(np.linalg.norm(push, axis=1).max()),
        "modes": _count_modes(run, fake),
        "real": coordinates(real[:, :2], 4),
        "fake": coordinates(fake[:, :2], 4),
    }


def _find_pushes(run: Run, space: Workspace, real: Array, fake: Array) -> tuple[float, Array]:
    """Return the logit at which D cannot tell, and −∂L_G/∂x at the first fakes, times their number (L_G is a mean)."""
    for_real, for_fake = _ask_d(space, real), _ask_d(space, fake)
    c = run.config.loss.generator(real=for_real[:ARROWS], fake=for_fake[:ARROWS]).fake
    with np.errstate(all="ignore"):
        space.forward(fake[:ARROWS], _make_zeros(space, ARROWS), training=False)
        g = space.backward(np.ones((ARROWS, 1), np.float32))
    return _find_centre(run, for_real, for_fake), -ARROWS * c[:, None] * g


def _find_centre(run: Run, real: Array, fake: Array) -> float:
    """Return the logit at which D cannot tell real from fake, estimated from its logits."""
    return find_middle(run.config.loss, real=float(real.mean()), fake=float(fake.mean()))


def _ask_d(space: Workspace, x: Array, classes: Labels = None) -> Array:
    """Return D's logits; without `classes`, as if all were of the first one."""
    with np.errstate(all="ignore"):
        return space.forward(x, _make_zeros(space, len(x)) if classes is None else classes, training=False)[:, 0].copy()


def _make_zeros(space: Workspace, n: int) -> Labels:
    return None if space.network.classes is None else np.zeros(n, np.int64)


def _count_modes(run: Run, fake: Array) -> dict[str, Any] | None:
    """Count the points of the map at each mode of a toy."""
    toy = find_mixture(run.data.name)
    if toy is None:
        return None
    distances = np.linalg.norm(fake[:, None, :] - toy.modes, axis=2)
    near, which = distances.min(axis=1), distances.argmin(axis=1)
    radius = WITHIN * toy.std
    counts = np.bincount(which[near <= radius], minlength=len(toy.centres))
    return {"counts": counts.tolist(), "centres": [*map(list, toy.centres)], "radius": radius, "n": len(fake)}


Forged = tuple[tuple[int, int], int, Array, Labels, list[float]]
"""Generated pictures of a duel: their number and seed, the step, their classes, and D's beliefs."""


@get("/api/look/duel", through=ask_run)
def duel(run: Run, past: list[Forged], *, count: Count = 4, seed: Seed) -> dict[str, Any]:
    """Return real and generated pictures with D's belief in each, and each generated one after a step.

    The step is along −∂L_G/∂x, which is all that G learns from D. It is long enough to be visible: `STEP` of the range.
    A seed keeps the same real pictures and the same z from step to step. What G drew of the same z before, D of now
    judges again: `past` has it, and gets what G draws now.
    """
    low, high, key = run.config.data.low, run.config.data.high, (count, seed)
    rows = np.random.default_rng(seed).integers(len(run.data), size=count)
    real = scale_samples(np.asarray(run.data.images[rows]), low, high)
    real_labels = None if run.labels is None else run.labels[rows]
    z, labels = run.draw(count, seed=seed)
    fake = run.generate(z, labels, average=False)
    space, loss = run.gan.d.network.workspace(), run.config.loss
    for_real, for_fake = _ask_d(space, real, real_labels), _ask_d(space, fake, labels)
    with np.errstate(all="ignore"):
        g = space.backward(np.ones((count, 1), np.float32)).reshape(fake.shape)
        push = -loss.generator(real=for_real, fake=for_fake).fake[:, None, None, None] * g
        boldest = np.abs(push).max(axis=(1, 2, 3), keepdims=True)
        targets = (fake + STEP * (high - low) * push / np.where(boldest > 0, boldest, 1.0)).clip(low, high)
    centre = _find_centre(run, for_real, for_fake)

    def judge(x: Array, logits: Array) -> list[dict[str, Any]]:
        beliefs = [probability(float(logit) - centre) for logit in logits]
        return [{"png": png64(one), "belief": belief} for one, belief in zip(to_uint8(x, low, high), beliefs)]

    forged = judge(fake, for_fake)
    result: dict[str, Any] = {"real": judge(real, for_real), "fake": forged}
    now: Forged = key, run.step, fake, labels, [one["belief"] for one in forged]
    for one, then in zip(forged, judge(targets, _ask_d(space, targets, labels))):
        one["heard"] = then
    before = [each for each in past if each[0] == key and each[1] < run.step][-1:]
    for _, result["since"], drew, classes, beliefs in before:
        for one, then, was in zip(forged, judge(drew, _ask_d(space, drew, classes)), beliefs):
            one["before"] = then | {"was": was}
    past[:] = [*before, now]
    return result


def coordinates(values: NDArray[Any], decimals: int) -> Any:
    """Return coordinates as nested lists, rounded in float64, because float32 would add digits again."""
    return np.round(values.astype(np.float64), decimals).tolist()


# ── of a generator ────────────────────────────────────────────────────────────────────────────────────────────────────


def _class_of(generator: Generator, label: int | None) -> dict[str, Any]:
    return {"class": label, "class_name": generator.class_name(label) or None}


@get("/api/draw", through=ask_generator)
def draw(generator: Generator, *, seed: Seed, class_: Class | None = None) -> dict[str, Any]:
    """Return the picture of a seed: the same as ``mulligan draw``'s."""
    label = generator.label_of(seed, class_)
    return {**_class_of(generator, label), "png": png64(generator.images(1, seed, label)[0])}


@get("/api/nearest", through=ask_generator)
def nearest(generator: Generator, data: Dataset | None, *, seed: Seed, class_: Class | None = None) -> dict[str, Any]:
    """Return the training picture nearest to a seed's, and whether held-out pictures usually come as near."""
    label = generator.label_of(seed, class_)
    class_facts = _class_of(generator, label)
    if data is None or data.shape != generator.spec.shape:
        text = "the training data of this generator are not here, so its pictures cannot be compared"
        raise UnsupportedError(f"{text} with them.")
    picture = generator.images(1, seed, label)
    (distances,), (rows,) = nearest_pictures(picture, data, 1)
    usual, row, distance = measure_held_out(data), int(rows[0]), float(distances[0])
    text, verdict = f"This one is {distance:.2f} from the nearest training picture. ", "not known"
    if usual is None:
        text += "There are too few pictures to compare this distance with."
    else:
        text += f"Of {usual['whose']}, nine in ten are {usual['low']:.2f} to {usual['high']:.2f} from their nearest. "
        same = distance < SAME * math.sqrt(picture.size)
        verdict = "near copy" if same or distance < usual["lowest"] else "not a copy"
        text += (
            "The eye takes both for the same picture." if same
            else "Memorised: nearer than these." if verdict == "near copy"
            else "Not learned yet: further than these." if distance > usual["high"]
            else "Learned: as near as these."
        )  # fmt: skip
    pictures = {"png": png64(picture[0]), "nearest": png64(np.asarray(data.images[row]))}
    return {**class_facts, **pictures, "index": row, "verdict": verdict, "text": text}


@lru_cache(maxsize=2)  # the pictures of two data sets stay in memory
def measure_held_out(data: Dataset) -> dict[str, Any] | None:
    """Return the range of the distances of held-out pictures to the training set; None if there are too few.

    If none are held out, each training picture is compared with the others.
    """
    test = data.test or data
    if len(test) < 20:
        return None
    rows = np.unique(np.linspace(0, len(test) - 1, HELD).astype(int))
    nth = 1 + (test is data)  # a training picture is the nearest to itself
    distances = nearest_pictures(np.asarray(test.images[rows]), data, nth)[0][:, -1]
    whose = f"{len(rows)} {'other training' if test is data else 'held-out'} pictures"
    lowest, low, high = (float(v) for v in np.quantile(distances, [0.01, 0.05, 0.95]))
    return {"whose": whose, "lowest": lowest, "low": low, "high": high}
