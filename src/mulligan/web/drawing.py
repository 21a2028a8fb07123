"""Draw pictures from seeds: one, a walk between two; and find nearest training pictures.

The worker draws from the live run, and the server from the file of any other generator.
"""

import base64
import math
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset
from mulligan.errors import UnsupportedError
from mulligan.metrics import nearest_pictures
from mulligan.nn.fields import Interval
from mulligan.output.generator import Generator
from mulligan.output.pictures import png_bytes, read_png, save_walk
from mulligan.web.calls import RUN, Answer, Request, Route, Seed, Text, get

if TYPE_CHECKING:
    from mulligan.web.playground import Playground

HELD = 300
"""Number of held-out pictures whose distance to the training set is measured for comparison."""
SAME = 0.05
"""Root mean square difference of two pictures, of 1, below which the eye takes them for the same."""
Class = Annotated[str, Text(".{1,60}", "the number or the name of a class", "3")]
Frames = Annotated[int, Interval(2, 120, "[]", 24)]
QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {}
"""The questions about a generator, by name. Only `nearest` needs its training data."""


@dataclass(frozen=True, kw_only=True)
class FromGenerator(Request):
    """A question to a generator."""

    model: Annotated[str, Text(RUN, "bundled, live or a run's name", "bundled")] = "bundled"

    async def call(self, playground: "Playground", route: Route, values: dict[str, Any]) -> Any:
        if self.model == "live":
            result = await playground.worker.ask(route.function.__name__, values)
        else:
            result = await playground.apart(self._from_file, playground, route.function, values)
        return {"model": self.model, **result}

    def _from_file(self, playground: "Playground", function: Callable[..., Any], values: Any) -> dict[str, Any]:
        generator = playground.generator(self.model)
        if function is nearest:
            values = {**values, "data": playground.data(self.model)}
        with playground.lock:  # a generator has one set of buffers
            result: dict[str, Any] = function(generator, **values)
            return result


@dataclass(frozen=True, kw_only=True)
class AsFile(FromGenerator):
    """A walk that comes as a file. Each pixel is `scale` pixels large."""

    scale: Annotated[int, Interval(1, 16, "[]", 4)] = 1

    async def call(self, playground: "Playground", route: Route, values: dict[str, Any]) -> Any:
        return await playground.apart(self._write, await super().call(playground, route, values))

    def _write(self, result: dict[str, Any]) -> Answer:
        pictures = np.stack([read_png(BytesIO(base64.b64decode(text))) for text in result["frames"]])
        with TemporaryDirectory() as folder:
            path = Path(folder) / "walk.gif"
            save_walk(path, pictures.repeat(self.scale, axis=1).repeat(self.scale, axis=2))
            return Answer(path.read_bytes(), file=f"walk-{result['from']}-{result['to']}.gif")


def _question(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    QUESTIONS[function.__name__] = function
    return function


def png64(picture: NDArray[np.uint8]) -> str:
    """Return a picture as PNG in base64."""
    return base64.b64encode(png_bytes(picture, quickly=True)).decode()


def _describe(generator: Generator, label: int | None) -> dict[str, Any]:
    names = {"class": label, "class_name": generator.class_name(label) or None}
    return names | dict(zip(("height", "width", "channels"), _size(generator)))


def _size(generator: Generator) -> tuple[int, ...]:
    shape = generator.spec.shape
    if not generator.spec.is_picture:
        text = f"the generator makes points of {shape[0]} numbers, not pictures. Choose another one, "
        raise UnsupportedError(f"{text}or see the points under Look inside.")
    return shape


@get("/api/draw", request=FromGenerator)
@_question
def draw(generator: Generator, *, seed: Seed, class_: Class | None = None) -> dict[str, Any]:
    """Return the picture of a seed: the same as ``mulligan draw``'s."""
    label = generator.label_of(seed, class_)
    description = _describe(generator, label)
    return {"seed": seed, "png": png64(generator.images(1, seed, label)[0]), **description}


@get("/api/walk.gif", request=AsFile, media="image/gif")
@get("/api/walk", request=FromGenerator)
@_question
def walk(
    generator: Generator, *, from_: Seed, to: Seed, frames: Frames = 24, class_: Class | None = None
) -> dict[str, Any]:
    """Return the pictures between one seed and another."""
    label = None if class_ is None else generator.class_of(class_)
    description = _describe(generator, label)
    pictures = generator.walk(from_, to, frames, label)
    return {"frames": [png64(picture) for picture in pictures], "from": from_, "to": to, **description}


@get("/api/nearest", request=FromGenerator)
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
