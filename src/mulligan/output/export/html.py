"""``--to html``: a page that draws samples by itself, in one file, without a server or a network.

The page holds the weights and the operations of `plan`, and computes in plain JavaScript what NumPy computes here: the
same z from the same seed, hence the same picture to within one grey level. Weights are stored in half precision if this
moves no pixel of `SAMPLES` pictures by more than half a grey level. A strict content security policy lets the page run
its own script, by hash, and nothing else.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.doors.write import Files
from mulligan.errors import UnsupportedError
from mulligan.output.export.npz import describe
from mulligan.output.export.plan import plan_of
from mulligan.output.generator import Generator
from mulligan.output.pages import policy_of, template

PAGE = Path(__file__).parent / "viewer"
SAMPLES = 1000  # number of pictures on which half precision is tried
LARGEST_SHIFT = 0.5
"""Largest move of a pixel by half precision before rounding, in grey levels. One level would be visible."""


def files(generator: Generator, path: Path) -> Files:
    """Return one .html file; see `viewer`."""
    return {path: viewer(generator).encode()}


def viewer(generator: Generator) -> str:
    """Return the page."""
    spec = generator.spec
    if not spec.is_picture:
        raise UnsupportedError(
            f"samples must be pictures for the viewer, got points of shape {spec.shape}. Try --to torch or npz, "
            "or mulligan sample --out points.png."
        )
    plan = plan_of(generator)
    model = describe(generator, plan) | {"class_noun": spec.class_noun}
    model["entries"], weights = pack(plan.arrays, half=fits_half(generator))
    script = "\n".join((PAGE / name).read_text("utf-8") for name in ("chance.js", "network.js", "page.js"))
    style = (PAGE / "page.css").read_text("utf-8")
    noun = "digit" if spec.class_names == tuple("0123456789") else "picture"
    name = " on ".join(filter(None, (spec.recipe, spec.data_name))) or "A generator"
    return template(PAGE / "page.html").render(
        mulligan=model["mulligan"],
        noun=noun,
        title=f"{name}: type a number, get a {noun}",
        about=f"{name}, step {spec.step:,}." if spec.step else f"{name}.",
        sha256=model["sha256"][:16],
        policy=policy_of(style, script),
        style=style,
        model=json.dumps(model, ensure_ascii=False).replace("<", "\\u003c"),
        weights=base64.b64encode(weights).decode(),
        script=script,
    )


def fits_half(generator: Generator) -> bool:
    """Whether weights in half precision move no pixel visibly."""
    rounded = Generator(generator.spec, generator.theta, generator.stats, threads=generator.threads)
    for entry in rounded.network.entries:
        if len(entry.param.shape) > 1:
            view = entry.view(rounded.theta)
            if np.abs(view).max(initial=0.0) > np.finfo(np.float16).max:
                return False
            with np.errstate(under="ignore"):
                view[:] = view.astype(np.float16)
    low, high = generator.spec.data_range
    shift = np.abs(rounded.sample(SAMPLES) - generator.sample(SAMPLES)).max() * 255 / (high - low)
    return bool(shift <= LARGEST_SHIFT)


def pack(arrays: Mapping[str, NDArray[Any]], *, half: bool) -> tuple[list[dict[str, Any]], bytes]:
    """Return the description of arrays, in order, and their bytes, compressed. Numbers of one byte stay as they are.

    The first bytes of all of an array's numbers come first, then the second bytes. So the bytes that hold exponents,
    which are alike, compress well. Only runs of one byte are compressed (Z_RLE). Weights have no longer repeats; the
    search for them takes twenty times as long, and makes the page larger.
    """
    entries, planes = [], []
    for name, array in arrays.items():
        dtype = array.dtype if array.itemsize == 1 else np.dtype("<f2" if half and array.ndim > 1 else "<f4")
        entries.append({"name": name, "dtype": dtype.name, "count": array.size})
        numbers = np.frombuffer(array.astype(dtype).tobytes(), np.uint8).reshape(-1, dtype.itemsize)
        planes.append(numbers.T.tobytes())
    packer = zlib.compressobj(9, strategy=zlib.Z_RLE)
    return entries, packer.compress(b"".join(planes)) + packer.flush()


def bundle(model: dict[str, Any], arrays: Mapping[str, NDArray[Any]], half: bool = False) -> bytes:
    """Return one file for a page's scripts: a line of JSON, then the arrays that it describes."""
    entries, content = pack(arrays, half=half)
    return json.dumps(model | {"entries": entries}, separators=(",", ":")).encode() + b"\n" + content


def in_bytes(generator: Generator) -> bytes:
    """Return a generator for ``network.js`` in one file; a bit less than half precision moves a pixel by 3 of 255."""
    plan = plan_of(generator)
    for name, array in plan.arrays.items():
        if array.ndim > 1:
            plan.arrays[name] = ((array.astype("<f2").view("<u2") + 1) & 0xFFFE).view("<f2").astype(np.float32)
    return bundle(describe(generator, plan), plan.arrays, half=True)
