"""Draw pictures from seeds: one, a walk between two, a plane between four; and find nearest training pictures."""

import base64
import math
import weakref
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from mulligan.data import Dataset
from mulligan.data.sources.picture_file import premultiplied
from mulligan.errors import ShapeError, UnsupportedError
from mulligan.metrics import nearest_pictures
from mulligan.nn.fields import Interval, form_of
from mulligan.output.generator import Generator
from mulligan.output.generator.generator import SHOWN
from mulligan.output.generator.inversion import invert
from mulligan.output.generator.latents import between
from mulligan.output.pictures import grid, png_bytes, to_uint8
from mulligan.web.api.values import Many, Seed, Text

HELD = 300
"""Number of held-out pictures whose distance to the training set is measured for comparison."""
STARTS = 16  # of an inversion
SAME = 0.05
"""Root mean square difference of two pictures, of 1, below which the eye takes them for the same."""
Ticks = NDArray[np.float64]
Class = Annotated[str, Text(".{1,60}", "the number or the name of a class", "3"), "Number or name of a class."]
Psi = Annotated[float, Interval(0.0, 2.0, "[]", 0.7), "Truncation: z is multiplied by it."]
Along = Annotated[
    tuple[float, ...], Many(form_of(Annotated[float, Interval(-10.0, 10.0, "[]", 2.0)]), 0, SHOWN),
    "Shifts of z along the principal directions.",
]  # fmt: skip
Corners = Annotated[
    tuple[int, ...], Many(form_of(Seed), 4, 4), "Four seeds: top left, top right, bottom left, bottom right.",
]  # fmt: skip
Base64 = Annotated[
    str, Text("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", "base64", "AAAA"),
    "Height × width × channels bytes.",
]  # fmt: skip
Frames = Annotated[int, Interval(2, 120, "[]", 24), "Pictures."]
Side = Annotated[int, Interval(2, 16, "[]", 11), "Pictures a side."]
Place = Annotated[
    tuple[float, ...], Many(form_of(Annotated[float, Interval(0.0, 1.0, "[]", 0.5)]), 2, 2), "Across and down.",
]  # fmt: skip


def png64(picture: NDArray[np.uint8]) -> str:
    """Return a picture as PNG in base64."""
    return base64.b64encode(png_bytes(picture, quickly=True)).decode()


def _about(generator: Generator, label: int | None) -> dict[str, Any]:
    words = {"class": label, "class_name": generator.class_name(label) or None}
    return words | dict(zip(("height", "width", "channels"), _size(generator)))


def _size(generator: Generator) -> tuple[int, ...]:
    shape = generator.spec.shape
    if not generator.spec.is_picture:
        text = f"the generator makes points of {shape[0]} numbers, not pictures. Choose another one, "
        raise UnsupportedError(f"{text}or see the points under Look inside.")
    return shape


def draw(
    generator: Generator, *, seed: Seed, class_: Class | None = None, psi: Psi = 1.0, along: Along = ()
) -> dict[str, Any]:
    """Return the picture of a seed: the same as ``mulligan draw``'s, or one that `psi` and `along` steer."""
    label = generator.label_of(seed, class_)
    about = _about(generator, label)
    return {"seed": seed, "png": png64(generator.images(1, seed, label, psi, along)[0]), **about}


def inverted(generator: Generator, *, picture: Base64, class_: Class | None = None) -> dict[str, Any]:
    """Return the picture of the generator that is nearest to a given one (its bytes in base64)."""
    shape, given = _size(generator), np.frombuffer(base64.b64decode(picture), np.uint8)
    if given.size != np.prod(shape):
        raise ShapeError(f"picture must be {np.prod(shape)} bytes, {shape[0]}×{shape[1]}×{shape[2]}, got {given.size}.")
    asked = given.reshape(1, *shape)
    asked = premultiplied(asked) if shape[2] == 4 else asked
    found = invert(generator, asked, label=_asked(generator, class_), starts=STARTS)
    label = None if found.labels is None else int(found.labels[0])
    return {"png": png64(found.images[0]), "error": float(found.error[0]), **_about(generator, label)}


def walk(
    generator: Generator, *, from_: Seed, to: Seed, frames: Frames = 24, class_: Class | None = None
) -> dict[str, Any]:
    """Return the pictures between one seed and another."""
    about = _about(generator, label := _asked(generator, class_))
    made = generator.walk(from_, to, frames, label)
    return {"frames": [png64(frame) for frame in made], "from": from_, "to": to, **about}


def plane(
    generator: Generator,
    *,
    seeds: Corners,
    side: Side = 11,
    at: Place | None = None,
    class_: Class | None = None,
) -> dict[str, Any]:
    """Return a square of pictures between four seeds, the corners: top left, top right, bottom left, bottom right.

    Or only the picture `at` a place of the square.
    """
    about = _about(generator, label := _asked(generator, class_))
    ticks = np.linspace(0.0, 1.0, side)
    u, v = (np.tile(ticks, side), np.repeat(ticks, side)) if at is None else np.array(at)[:, None]
    corners = np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v], axis=1)
    classes = generator.mixture(seeds, corners) if label is None else label
    pictures = to_uint8(generator.decode(mixed(generator, seeds, u, v), classes), *generator.spec.data_range)
    return {"png": png64(grid(pictures, side) if at is None else pictures[0]), **about}


def _asked(generator: Generator, class_: str | None) -> int | None:
    return None if class_ is None else generator.class_of(class_)


def mixed(generator: Generator, seeds: Sequence[int], across: Ticks, down: Ticks) -> NDArray[np.float32]:
    """Mix four latents, on great circles if they are normal: first across, at the top and the bottom, then down.

    Three great circles end exactly in the corners, and keep a length that training has seen all over the square.
    """
    spec, corners = generator.spec, [generator.z(1, seed)[0] for seed in seeds]
    top, bottom = between(spec, corners[0], corners[1], across), between(spec, corners[2], corners[3], across)
    return between(spec, top, bottom, down).astype(np.float32)


def nearest(
    generator: Generator,
    data: Dataset | None,
    *,
    seed: Seed,
    class_: Class | None = None,
    psi: Psi = 1.0,
    along: Along = (),
) -> dict[str, Any]:
    """Return the training picture nearest to a seed's, and whether held-out pictures usually come as near."""
    label = generator.label_of(seed, class_)
    about = _about(generator, label)
    if data is None or data.shape != generator.spec.shape:
        text = "the training data of this generator are not here, so its pictures cannot be compared"
        raise UnsupportedError(f"{text} with them.")
    picture = generator.images(1, seed, label, psi, along)
    (distances,), (rows,) = nearest_pictures(picture, data, 1)
    usual, row, distance = held_out(data), int(rows[0]), float(distances[0])
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
    return {**pictures, "seed": seed, "index": row, "verdict": verdict, "text": text, **about}


def held_out(data: Dataset) -> dict[str, Any] | None:
    """Return the range of the distances of held-out pictures to the training set; None if there are too few.

    If none are held out, each training picture is compared with the others.
    """
    if len(data.test or data) < 20:
        return None
    if data not in _typical:
        _typical[data] = _measured(data, data.test or data)
    return _typical[data]


_typical: weakref.WeakKeyDictionary[Dataset, dict[str, Any]] = weakref.WeakKeyDictionary()  # keeps no pictures alive


def _measured(data: Dataset, test: Dataset) -> dict[str, Any]:
    rows = np.unique(np.linspace(0, len(test) - 1, HELD).astype(int))
    nth = 1 + (test is data)  # a training picture is the nearest to itself
    distance = nearest_pictures(np.asarray(test.images[rows]), data, nth)[0][:, -1]
    whose = "training pictures, to the nearest other" if test is data else "held-out pictures"
    lowest, low, high = (float(v) for v in np.quantile(distance, [0.01, 0.05, 0.95]))
    return {"n": len(rows), "whose": whose, "lowest": lowest, "low": low, "high": high}


QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    question.__name__: question for question in (draw, inverted, walk, plane, nearest)
}
"""The questions about a generator, by name. Only `nearest` needs its training data."""
