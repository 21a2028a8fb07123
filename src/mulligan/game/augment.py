"""Augment everything that D sees, real and fake, so that a few hundred training pictures are enough.

A D that has seen each of a few pictures a thousand times has memorised them, and G stops learning from it. If only the
reals were shifted and cut, G would learn to make shifted and cut pictures. Zhao et al. 2020, "Differentiable
Augmentation for Data-Efficient GAN Training", therefore put a random T before D on both sides, in both players' losses:

    D:  D(T(x)),  D(T(G(z)))        G:  D(T(G(z))),  and the gradient goes back through T

Every T here is affine in the picture, T(x) = A x + b. A and b are drawn for each row of each move. So

    ∂L_G/∂G(z) = Aᵀ ∂L_G/∂(T(G(z)))

is the exact gradient. Gradient penalties act at T(x), on D's own input: D sees nothing else, loss, penalties and G
share one unit pass, and Aᵀg would not constrain D where T has cut pixels. (StyleGAN2-ADA uses Aᵀg.)

Pictures of four channels hold red, green and blue times alpha, and alpha, all from −1 to 1. What is moved in or cut out
is 0 in all four: a half transparent grey, which no sprite is made of.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mulligan.errors import ShapeError
from mulligan.nn.fields import Checked, PositiveFraction
from mulligan.nn.layers.base import Shape
from mulligan.nn.memory import Array


@dataclass(frozen=True)
class Augmentation(Checked):
    """Subclass this for a random affine map T(x) = A x + b of a picture; implement `draw`, `apply` and `transpose`."""

    numbers: ClassVar[int]
    """How many random numbers define one T. If all are 0, T(x) = x."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, shape: Shape, out: Array) -> None:
        """Draw T for each row of `out`, (..., numbers), for pictures of this shape."""

    @abstractmethod
    def apply(self, x: Array, drawn: Array) -> None:
        """Turn pictures (n, height, width, channels) into A x + b, in place; `drawn` is (n, numbers)."""

    @abstractmethod
    def transpose(self, dx: Array, drawn: Array) -> None:
        """Turn the gradient with respect to T(x) into the one with respect to x, Aᵀ dx, in place."""


@dataclass(frozen=True)
class Flip(Augmentation):
    """Exchange left and right. Do not use it for pictures with a direction, such as digits and letters.

    DiffAugment has no flip: its authors flip the data beforehand.
    """

    probability: PositiveFraction = 0.5
    """Share of pictures that are flipped, 0 < probability ≤ 1."""
    numbers: ClassVar[int] = 1

    def draw(self, rng: np.random.Generator, shape: Shape, out: Array) -> None:
        out[..., 0] = rng.random(out.shape[:-1]) < self.probability

    def apply(self, x: Array, drawn: Array) -> None:
        chosen = np.flatnonzero(drawn[:, 0])
        x[chosen] = x[chosen, :, ::-1]

    def transpose(self, dx: Array, drawn: Array) -> None:
        self.apply(dx, drawn)  # A² = 1 and A = Aᵀ


@dataclass(frozen=True)
class Translation(Augmentation):
    """Move the picture by whole pixels, up to `ratio` of height and width in each direction, and fill up with 0.

    Source: Zhao et al. 2020 (DiffAugment), "translation". The largest move is rounded down to whole pixels (3 of 28,
    not 4); their code rounds to the nearest. 0 < ratio ≤ 1.
    """

    ratio: PositiveFraction = 0.125
    numbers: ClassVar[int] = 2

    def draw(self, rng: np.random.Generator, shape: Shape, out: Array) -> None:
        for axis, size in enumerate(shape[:2]):
            most = int(self.ratio * size)
            out[..., axis] = rng.integers(-most, most + 1, size=out.shape[:-1])

    def apply(self, x: Array, drawn: Array) -> None:
        for picture, (down, right) in zip(x, drawn.astype(int).tolist()):
            _shift(picture, down)
            _shift(picture.swapaxes(0, 1), right)

    def transpose(self, dx: Array, drawn: Array) -> None:
        self.apply(dx, -drawn)  # row i comes from row i − d, so its gradient goes to row i − d


def _shift(picture: Array, by: int) -> None:
    """Move rows by `by` places: row i becomes row i − by, or 0."""
    if by > 0:
        picture[by:] = picture[:-by]
        picture[:by] = 0
    elif by < 0:
        picture[:by] = picture[-by:]
        picture[by:] = 0


@dataclass(frozen=True)
class Cutout(Augmentation):
    """Set a rectangle of `ratio` times height and width to 0. Its centre is anywhere, so a part may lie outside.

    Source: Zhao et al. 2020 (DiffAugment), "cutout", after DeVries & Taylor 2017. Sides are rounded down to whole
    pixels; their code rounds to the nearest. 0 < ratio ≤ 1.
    """

    ratio: PositiveFraction = 0.5
    numbers: ClassVar[int] = 4

    def draw(self, rng: np.random.Generator, shape: Shape, out: Array) -> None:
        for axis, size in enumerate(shape[:2]):
            length = int(self.ratio * size)
            start = rng.integers(0, size + 1 - length % 2, size=out.shape[:-1]) - length // 2
            out[..., 2 * axis] = np.maximum(start, 0)
            out[..., 2 * axis + 1] = start + length

    def apply(self, x: Array, drawn: Array) -> None:
        for picture, (top, bottom, left, right) in zip(x, drawn.astype(int).tolist()):
            picture[top:bottom, left:right] = 0

    def transpose(self, dx: Array, drawn: Array) -> None:
        self.apply(dx, drawn)  # A is diagonal


AUGMENTATIONS: dict[str, type[Augmentation]] = {
    "flip": Flip,
    "translation": Translation,
    "cutout": Cutout,
}
"""Every augmentation by the name that a configuration uses."""


@dataclass(frozen=True)
class Warp:
    """Apply several augmentations one after the other: T = T_k ∘ … ∘ T_1. Raises `ShapeError` for points."""

    parts: tuple[Augmentation, ...]
    shape: Shape

    def __post_init__(self) -> None:
        if self.parts and len(self.shape) != 3:
            raise ShapeError(
                f"samples must be pictures (height, width, channels) for augment, got shape {tuple(self.shape)}. "
                "Try augment = []."
            )

    @property
    def numbers(self) -> int:
        """How many random numbers define one T; 0 without augmentation."""
        return sum(part.numbers for part in self.parts)

    def draw(self, rng: np.random.Generator, out: Array, probability: float = 1.0) -> None:
        """Draw T for each row of `out`, (..., numbers). A row gets each part with `probability`, or else T(x) = x."""
        for part, columns in self._columns():
            part.draw(rng, self.shape, out[..., columns])
            if probability < 1.0:
                out[..., columns] *= rng.random((*out.shape[:-1], 1)) < probability

    def apply(self, x: Array, drawn: Array) -> Array:
        """Turn x into T(x), in place, and return it."""
        for part, columns in self._columns():
            part.apply(x, drawn[:, columns])
        return x

    def transpose(self, dx: Array, drawn: Array) -> Array:
        """Turn the gradient with respect to T(x) into the one with respect to x, in place, and return it."""
        for part, columns in reversed(self._columns()):
            part.transpose(dx, drawn[:, columns])
        return dx

    def _columns(self) -> list[tuple[Augmentation, slice]]:
        ends = np.cumsum([part.numbers for part in self.parts]).tolist()
        return [(part, slice(end - part.numbers, end)) for part, end in zip(self.parts, ends)]
