"""A side: one way to compute the step, and how it is named and found."""

import importlib
import importlib.util
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from mulligan.bench.material import Material
from mulligan.bench.workloads import Shape, Workload
from mulligan.errors import UnsupportedError
from mulligan.nn.layers.conv import Conv2d, ConvTranspose2d
from mulligan.nn.memory import Array


class Side(ABC):
    """A workload at work in one library.

    Parameters
    ----------
    workload : Workload
    material : Material
    threads : int
    dtype : float32, or float64 to see that the arithmetic is the same
    """

    def __init__(self, workload: Workload, material: Material, threads: int, dtype: DTypeLike = np.float32):
        self.workload = workload
        self.material = material
        self.threads = threads
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.taken = 0

    @abstractmethod
    def rewind(self) -> None:
        """Go back to the first step: parameters, optimisers, average, data."""

    @abstractmethod
    def step(self) -> None:
        """Take one whole step: both players, and the average."""

    @abstractmethod
    def parameters(self) -> dict[str, Array]:
        """Return both players' parameters, and the average as ``average.…``, in our layout."""

    def wait(self) -> None:  # noqa: B027 — most sides compute at once
        """Return when everything that `step` began is done."""

    @property
    def batch(self) -> int:
        """Which of the material's batches the next step takes."""
        return self.taken % len(self.material.real)

    @property
    def penalty_factor(self) -> float:
        """What the schedule multiplies γ by at the next step."""
        return self.workload.game.schedules.penalty(self.taken, self.workload.steps)

    @property
    def average_weight(self) -> float:
        """The weight of the newest parameters in the average at the next step."""
        average = self.workload.game.average
        return 0.0 if average is None else average.weight(self.taken)

    @property
    def gamma(self) -> float:
        """γ of R1 and of R2, which the penalised workloads have alike; 0 without them."""
        weights = [getattr(p, "gamma", None) for p in self.workload.game.penalties]
        if weights and (len(weights) != 2 or None in weights or weights[0] != weights[1]):
            raise UnsupportedError(
                f"penalties {self.workload.game.penalties} are not written here; a workload has none, or R1 and R2 "
                "with one γ. Write them in torch_side.py and jax_side.py first."
            )
        return float(weights[0]) if weights and weights[0] is not None else 0.0


@dataclass(frozen=True)
class Entry:
    """Where a side is written.

    Parameters
    ----------
    module, name : str
        Class `name` in ``mulligan.bench.<module>``.
    needs : str
        The package that must be there; empty for none.
    settings : tuple of (str, value)
        Arguments of the class.
    only : tuple of str
        Workloads it makes sense for, by the beginning of their names; empty for all.
    floor : bool
        It multiplies matrices and trains nothing, so there is nothing that could agree with ours.
    """

    module: str
    name: str
    needs: str = ""
    settings: tuple[tuple[str, Any], ...] = ()
    only: tuple[str, ...] = ()
    floor: bool = False

    @property
    def missing(self) -> bool:
        """Whether the package it needs is not installed."""
        return bool(self.needs) and importlib.util.find_spec(self.needs) is None

    def build(self, workload: Workload, material: Material, threads: int, dtype: DTypeLike) -> Side:
        """Import the library and set the workload up."""
        found = getattr(importlib.import_module(f"mulligan.bench.{self.module}"), self.name)
        side: Side = found(workload, material, threads, dtype, **dict(self.settings))
        return side


SIDES: dict[str, Entry] = {
    "mulligan": Entry("ours", "Ours"),
    "products": Entry("floor", "Products", floor=True),
    "sgemm": Entry("floor", "Sgemm", only=("classic", "mlp"), floor=True),
    "torch tutorial": Entry("torch_side", "Tutorial", "torch"),
    "torch tuned": Entry("torch_side", "Tuned", "torch"),
    "torch tuned nhwc": Entry(
        "torch_side", "Tuned", "torch", (("channels_last", True),), only=("quick", "faces", "dcgan")
    ),
    "torch compile": Entry("torch_side", "Compiled", "torch"),
    "jax jit": Entry("jax_side", "Jitted", "jax"),
}
"""Every side by its name. `mulligan` is what the others are compared with."""


def padding(layer: Conv2d | ConvTranspose2d, shape: Shape) -> int:
    """Return the zeros on every side of a convolution's fine image, as torch and jax want them.

    Parameters
    ----------
    layer : Conv2d or ConvTranspose2d
    shape : (height, width, channels)
        Of its input.

    Raises
    ------
    UnsupportedError
        Where the sides differ: torch has one number for both.
    """
    if layer.padding != "same":
        return int(layer.padding)
    out = layer.output_shape(shape)
    fine, coarse = (shape, out) if isinstance(layer, Conv2d) else (out, shape)
    zeros = {max((n - 1) * layer.stride + k - size, 0) for n, k, size in zip(coarse, layer.size, fine)}
    if len(zeros) > 1 or min(zeros) % 2:
        raise UnsupportedError(
            f"{layer} on {shape} has padding that differs between sides, which torch cannot say. "
            "Choose a kernel and stride whose difference is even."
        )
    return zeros.pop() // 2
