"""The sides of the race: each computes the step in one library, or only its matrix products. `SIDES` lists them."""

import importlib
import importlib.util
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from material import Material
from numpy.typing import DTypeLike
from workloads import Shape, Workload

from mulligan.errors import UnsupportedError
from mulligan.nn.layers.conv import Conv2d, ConvTranspose2d
from mulligan.nn.memory import Array


class Side(ABC):
    """Something that takes a workload's step again and again, from the same start."""

    def __init__(self, workload: Workload, threads: int):
        self.workload, self.threads = workload, threads

    @abstractmethod
    def step(self) -> None:
        """Take one step: both players and the average."""

    def rewind(self) -> None:  # noqa: B027 — products alone change nothing
        """Go back to the first step."""

    def wait(self) -> None:  # noqa: B027 — only an asynchronous library has work left
        """Wait until all work of `step` is done."""


class Rival(Side):
    """Derive from this to compute a workload's step in another library.

    Parameters
    ----------
    workload : Workload
    material : Material
    threads : int
    dtype : float32, or float64 to verify the arithmetic
    """

    def __init__(self, workload: Workload, material: Material, threads: int, dtype: DTypeLike = np.float32):
        super().__init__(workload, threads)
        self.material = material
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.taken = 0

    @abstractmethod
    def parameters(self) -> dict[str, Array]:
        """Return both players' parameters, and the average as ``average.…``, in Mulligan's layout."""

    @property
    def batch(self) -> int:
        """Index of the next step's batch in the material."""
        return self.taken % len(self.material.real)

    @property
    def penalty_factor(self) -> float:
        """The schedule's factor of γ at the next step."""
        return self.workload.game.schedules.penalty(self.taken, self.workload.steps)

    @property
    def average_weight(self) -> float:
        """The weight of the newest parameters in the average at the next step."""
        average = self.workload.game.average
        return 0.0 if average is None else average.weight(self.taken)

    @property
    def gamma(self) -> float:
        """γ of R1 and of R2, which is the same in every penalised workload; 0 without penalties."""
        weights = [getattr(p, "gamma", None) for p in self.workload.game.penalties]
        if weights and (len(weights) != 2 or None in weights or weights[0] != weights[1]):
            raise UnsupportedError(
                f"penalties must be none, or R1 and R2 with one γ, got {self.workload.game.penalties}. "
                "Add others to torch_side.py and jax_side.py first."
            )
        return float(weights[0]) if weights and weights[0] is not None else 0.0


FLOORS = ("products", "sgemm")
"""Sides that only multiply matrices, so that there is no result to verify."""


@dataclass(frozen=True)
class Entry:
    """Names the class of a side, and when to use it.

    Parameters
    ----------
    module, name : str
        Class `name` in the file `module` beside this one.
    needs : str
        The package that it needs; empty for none.
    settings : tuple of (str, value)
        Arguments of the class.
    only : tuple of str
        First letters of the workloads for which it makes sense; empty for all.
    """

    module: str
    name: str
    needs: str = ""
    settings: tuple[tuple[str, Any], ...] = ()
    only: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        """Whether its package is not installed."""
        return bool(self.needs) and importlib.util.find_spec(self.needs) is None


SIDES: dict[str, Entry] = {
    "mulligan": Entry("ours", "Ours"),
    "products": Entry("floor", "Products"),
    "sgemm": Entry("floor", "Sgemm", only=("classic", "mlp")),  # a convolution is no single product
    "torch tutorial": Entry("torch_side", "Tutorial", "torch"),
    "torch tuned": Entry("torch_side", "Tuned", "torch"),
    "torch tuned nhwc": Entry(
        "torch_side", "Tuned", "torch", (("channels_last", True),), only=("quick", "faces", "pictures", "dcgan")
    ),
    "torch compile": Entry("torch_side", "Compiled", "torch"),
    "jax jit": Entry("jax_side", "Jitted", "jax"),
}
"""Every side by its name. The others are compared with `mulligan`."""


def build(side: str, workload: Workload, material: Material, threads: int, dtype: DTypeLike) -> Side:
    """Import the library of a side and set the workload up."""
    entry = SIDES[side]
    kind: Any = getattr(importlib.import_module(entry.module), entry.name)
    if side in FLOORS:
        return kind(workload, threads)
    return kind(workload, material, threads, dtype, **dict(entry.settings))


def padding(layer: Conv2d | ConvTranspose2d, shape: Shape) -> int:
    """Return the padding on each side of a convolution's fine image, as torch and jax expect it.

    Parameters
    ----------
    layer : Conv2d or ConvTranspose2d
    shape : (height, width, channels)
        Shape of its input.

    Raises
    ------
    UnsupportedError
        When the padding differs between sides, because torch has one number for both.
    """
    if layer.padding != "same":
        return int(layer.padding)
    out = layer.output_shape(shape)
    fine, coarse = (shape, out) if isinstance(layer, Conv2d) else (out, shape)
    zeros = {max((n - 1) * layer.stride + layer.kernel - size, 0) for n, size in zip(coarse[:2], fine)}
    if len(zeros) > 1 or min(zeros) % 2:
        raise UnsupportedError(
            f"{layer} on {shape} has padding that differs between sides, which torch does not support. "
            "Choose a kernel and stride whose difference is even."
        )
    return zeros.pop() // 2
