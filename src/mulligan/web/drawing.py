"""Draw pictures from seeds: one, a walk between two; and find nearest training pictures.

The worker draws from the live run, and the server from the file of any other generator.
"""

import base64
import math
import weakref
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset
from mulligan.errors import UnsupportedError
from mulligan.metrics import nearest_pictures
from mulligan.nn.fields import Interval
from mulligan.output.generator import Generator
from mulligan.output.pictures import png_bytes
from mulligan.web.calls import NAME, Route, Seed, Text, get

HELD = 300
"""Number of held-out pictures whose distance to the training set is measured for comparison."""
SAME = 0.05
"""Root mean square difference of two pictures, of 1, below which the eye takes them for the same."""
Class = Annotated[str, Text(".{1,60}", "the number or the name of a class", "3")]
Frames = Annotated[int, Interval(2, 120, "[]", 24)]
QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {}
"""The questions about a generator, by name. Only `nearest` needs its training data."""


async def ask_generator(
    playground: Any,
    route: Route,
    values: dict[str, Any],
    *,
    model: Annotated[str, Text(NAME, "bundled, live or a run's name", "bundled")] = "bundled",
) -> dict[str, Any]:
    """Ask the generator of the live run, or that of a file."""

    def ask_file() -> dict[str, Any]:
        generator = playground.generator(model)
        more = {"data": playground.data(model)} if route.function is nearest else {}
        with playground.lock:  # a generator has one set of buffers
            result: dict[str, Any] = route.function(generator, **values, **more)
            return result

    live = model == "live"
    result = await (playground.worker.ask(route.function.__name__, values) if live else playground.apart(ask_file))
    return {"model": model, **result}


def _question(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    QUESTIONS[function.__name__] = function
    return get(f"/api/{function.__name__}", through=ask_generator)(function)


def png64(picture: NDArray[np.uint8]) -> str:
    """Return a picture as PNG in base64."""
    return base64.b64encode(png_bytes(picture, quickly=True)).decode()


def _describe(generator: Generator, label: int | None) -> dict[str, Any]:
    if not generator.spec.is_picture:
        raise UnsupportedError("the generator makes points, not pictures. Choose another one, or look inside the run.")
    names = {"class": label, "class_name": generator.class_name(label) or None}
    return names | dict(zip(("height", "width", "channels"), generator.spec.shape))


@_question
def draw(generator: Generator, *, seed: Seed, class_: Class | None = None) -> dict[str, Any]:
    """Return the picture of a seed: the same as ``mulligan draw``'s."""
    label = generator.label_of(seed, class_)
    description = _describe(generator, label)
    return {"seed": seed, "png": png64(generator.images(1, seed, label)[0]), **description}


@_question
def walk(
    generator: Generator, *, from_: Seed, to: Seed, frames: Frames = 24, class_: Class | None = None
) -> dict[str, Any]:
    """Return the pictures between one seed and another."""
    label = None if class_ is None else generator.class_of(class_)
    description = _describe(generator, label)
    pictures = generator.walk(from_, to, frames, label)
    return {"frames": [png64(picture) for picture in pictures], "from": from_, "to": to, **description}


@_question
def nearest(generator: Generator, data: Dataset | None, *, seed: Seed, class_: Class | None = None) -> dict[str, Any]:
    """Return the training picture nearest to a seed's, and whether held-out pictures usually come as near."""
    label = generator.label_of(seed, class_)
    description = _describe(generator, label)
    if data is None or data.shape != generator.spec.shape:
        text = "the training data of this generator are not here, so its pictures cannot be compared"
        raise UnsupportedError(f"{text} with them.")
    picture = generator.images(1, seed, label)
    (distances,), (rows,) = nearest_pictures(picture, data, 1)
    usual, row, distance = measure_held_out(data), int(rows[0]), float(distances[0])
    text, verdict = f"{distance:.2f} from the nearest training picture; ", "not known"
    if usual is None:
        text += "there are too few pictures to compare this distance with."
    else:
        text += f"{usual['n']} {usual['whose']}: {usual['low']:.2f} to {usual['high']:.2f} (5 % to 95 %). "
        same = distance < SAME * math.sqrt(picture.size)
        verdict = "near copy" if same or distance < usual["lowest"] else "not a copy"
        text += (
            "The eye takes both for the same picture." if same
            else "Memorised: nearer than these." if verdict == "near copy"
            else "Not learned yet: further than these." if distance > usual["high"]
            else "Learned: as near as these."
        )  # fmt: skip
    pictures = {"png": png64(picture[0]), "nearest": png64(np.asarray(data.images[row]))}
    return {**pictures, "seed": seed, "index": row, "verdict": verdict, "text": text, **description}


def measure_held_out(data: Dataset) -> dict[str, Any] | None:
    """Return the range of the distances of held-out pictures to the training set; None if there are too few.

    If none are held out, each training picture is compared with the others.
    """
    test = data.test or data
    if len(test) < 20:
        return None
    if data not in _usual:
        rows = np.unique(np.linspace(0, len(test) - 1, HELD).astype(int))
        nth = 1 + (test is data)  # a training picture is the nearest to itself
        distances = nearest_pictures(np.asarray(test.images[rows]), data, nth)[0][:, -1]
        whose = "training pictures, to the nearest other" if test is data else "held-out pictures"
        lowest, low, high = (float(v) for v in np.quantile(distances, [0.01, 0.05, 0.95]))
        _usual[data] = {"n": len(rows), "whose": whose, "lowest": lowest, "low": low, "high": high}
    return _usual[data]


_usual: weakref.WeakKeyDictionary[Dataset, dict[str, Any]] = weakref.WeakKeyDictionary()  # keeps no pictures alive
