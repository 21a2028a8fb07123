"""A generator's file: safetensors with a description and a digest in the metadata.

``format`` names the format and ``version`` its version, ``spec`` is the description as JSON, and ``sha256`` covers the
description and every tensor's name, type, shape and bytes. The digest shows damage, not where a file comes from: a
stranger's description is checked like any other input.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mulligan.config.serialization import from_table
from mulligan.doors.read import parse_object, read_bytes
from mulligan.doors.tensors import pack, unpack
from mulligan.doors.write import atomic_write
from mulligan.errors import CheckpointError, ConfigError, MulliganError, cite, require, suggest, within
from mulligan.game.spec import Latent
from mulligan.nn.fields import Checked, Count, Finite, Whole
from mulligan.nn.layers.base import Layer
from mulligan.nn.memory import Array

FORMAT = "mulligan.generator"
VERSION = 1
LARGEST = 2**24  # most numbers of one sample
MOST_CLASSES = 2**16
SHIPPED = {path.stem: path for path in sorted((Path(__file__).parents[2] / "models").glob("*.safetensors"))}
"""The generators that come with Mulligan, by the names that commands take."""


@dataclass(frozen=True)
class GeneratorSpec(Checked):
    """The description of a generator: everything but its parameters."""

    layers: tuple[Layer, ...]
    """From z to samples."""
    latent: Latent
    """The distribution of z."""
    shape: tuple[Count, ...]
    """Of one sample in the data: (height, width, channels) or (d,)."""
    output_range: tuple[Finite, Finite] = (-1.0, 1.0)
    """The network's values of black and white."""
    data_range: tuple[Finite, Finite] = (0.0, 255.0)
    """The data's values of black and white."""
    classes: Whole = 0
    """0 for a generator without labels."""
    class_names: tuple[str, ...] = ()
    """One for each class; empty if the classes are clusters of similar pictures."""
    class_counts: tuple[Whole, ...] = ()
    """Number of training samples of each class; empty for equal shares."""
    recipe: str = ""
    data: str = ""
    """The name of the data, or the path of your own."""
    alpha: str = "auto"
    resize: str = "auto"
    """How pictures of your own were read; see `mulligan.config.DataSpec`."""
    step: int = 0
    """Steps trained."""

    def __post_init__(self) -> None:
        super().__post_init__()
        n, counts, ranges = self.classes, self.class_counts, "black and white, the smaller number first"
        large = len(self.shape) not in (1, 3) or math.prod(self.shape) > LARGEST
        for name, wrong, rule in (
            ("classes", n > MOST_CLASSES, f"at most {MOST_CLASSES:,}"),
            ("class_names", len(self.class_names) not in (0, n), f"one for each of {n} classes, or empty"),
            ("class_counts", len(counts) not in (0, n) or (counts and not sum(counts)), f"of {n} classes, not all 0"),
            ("output_range", self.output_range[0] >= self.output_range[1], ranges),
            ("data_range", self.data_range[0] >= self.data_range[1], ranges),
            ("shape", large, f"(height, width, channels) or (d,), with at most {LARGEST:,} numbers"),
        ):
            require(not wrong, name, rule, getattr(self, name))

    @property
    def is_picture(self) -> bool:
        """Whether samples are pictures, grey, RGB or with alpha, rather than points."""
        return len(self.shape) == 3 and self.shape[2] in (1, 3, 4)

    @property
    def class_noun(self) -> str:
        """What to call one of the classes."""
        return "class" if self.class_names else "cluster"

    @property
    def reading(self) -> dict[str, Any]:
        """How other pictures are read to be compared: those of old versions were put on black, and smoothed."""
        ground = "black" if self.alpha in ("auto", "keep") else self.alpha
        resize = "smooth" if self.resize == "auto" else self.resize
        return {"alpha": "keep" if self.shape[-1] == 4 else ground, "resize": resize}

    @property
    def data_name(self) -> str:
        """The name of the data without its folder, because the file may be given to others."""
        return re.split(r"[/\\]", self.data.rstrip("/\\"))[-1]


def write_tensors(path: str | Path, spec: str, tensors: dict[str, Array]) -> None:
    """Write a description and its tensors, whole or not at all."""
    check_finite(tensors)
    metadata = {"format": FORMAT, "version": str(VERSION), "spec": spec, "sha256": digest(spec, tensors)}
    atomic_write(path, lambda file: file.writelines(pack(tensors, metadata)))


def check_finite(tensors: dict[str, Array]) -> None:
    """Raise `CheckpointError` if a parameter is not finite, before a file of any format is written."""
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise CheckpointError(
                f"parameter {name} must be finite as {tensor.dtype}, so nothing was written. Save an earlier checkpoint"
                f"{', or as float32' if tensor.dtype == np.float16 else ''}."
            )


def read_file(path: Path) -> tuple[GeneratorSpec, dict[str, Array]]:
    """Return the description and the tensors of a file. Whatever is wrong with them is one `CheckpointError`."""
    if not os.path.exists(path):  # Path.exists raises for names that are too long
        path = SHIPPED.get(str(path), path)
    if not os.path.exists(path):
        near = suggest(str(path), SHIPPED)
        raise CheckpointError(
            f"the model must be a run folder, a .safetensors file or one of {', '.join(SHIPPED)}, got {path}, which "
            f"does not exist.{near or ' Check the path.'}"
        )
    with within("", CheckpointError):
        metadata, tensors = unpack(read_bytes(path, 1 << 40), path)
    kind = metadata.get("format"), metadata.get("version")
    if kind != (FORMAT, str(VERSION)):
        other = f"version {cite(kind[1])}" if kind[0] == FORMAT else "another safetensors file"
        raise CheckpointError(
            f"{path} must be a generator that Mulligan wrote, of format version {VERSION}, got {other}. Give a run or "
            "checkpoint folder, or a file that Generator.save wrote, or update: pip install --upgrade mulligan."
        )
    text = metadata.get("spec", "")
    if metadata.get("sha256") != digest(text, tensors):
        raise CheckpointError(
            f"{path} was changed after it was written: its SHA-256 differs from the one that it names. Use another "
            "copy."
        )
    with building(path):
        table = parse_object(text, path)
        table.pop("tile", None)  # of versions that cut sheets
        json.dumps(table, ensure_ascii=False).encode()  # raises for half a character, which no terminal prints
        spec = from_table(GeneratorSpec, table)
        require(len(spec.shape) == 1 or spec.is_picture, "shape", "(height, width, 1, 3 or 4) or (d,)", spec.shape)
        return spec, tensors


@contextmanager
def building(path: Path) -> Iterator[None]:
    """Raise whatever is wrong with a description as one `CheckpointError`."""
    try:
        yield
    except (MulliganError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        own = " If that is your own class, use the program that made it." if isinstance(error, ConfigError) else ""
        raise CheckpointError(f"{path} describes a generator that cannot be built: {error}{own}") from error


def digest(spec: str, tensors: dict[str, Array]) -> str:
    """SHA-256 over the description and every tensor's name, type, shape and bytes, by name."""
    total = hashlib.sha256(spec.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"\n{name} {tensor.dtype} {tensor.shape}\n".encode())
        total.update(np.ascontiguousarray(tensor).data)
    return total.hexdigest()
