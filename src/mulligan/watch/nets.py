"""Ask copies of the user's G and D, in the framework that they are written in, and leave everything as it was."""

import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from mulligan.diagnosis import Answers
from mulligan.diagnosis.probe import COUNT, ROWS
from mulligan.errors import DataError, must_be
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream
from mulligan.watch.arrays import Layout, as_numpy
from mulligan.watch.copies import NetCopier

Latent = int | Sequence[int] | Callable[[int], Any]
Slopes = Callable[[Array, Array], tuple[Array, Array, Array]]
"""Returns ∂L_D/∂r, ∂L_D/∂f and ∂L_G/∂f of D's outputs for reals and fakes, each summed over the samples."""


class Nets:
    """Plain functions of NumPy arrays, and of frameworks whose gradients the watch cannot take."""

    name = "NumPy"
    gradients = False
    """Whether D's gradients with respect to its inputs are known."""
    normalised = True
    """Whether layers may normalise their output. Then the size of a gradient means nothing."""

    def __init__(self, generator: Any, discriminator: Any, average: Any, layout: Layout, real: Any, labels: Any):
        self._originals = generator, discriminator, average
        self.generator, self.discriminator, self.average = self._originals  # copies, within `copied`
        self.layout, self.real, self.labels = layout, real, labels
        self.z: tuple[Any, ...] = ()
        self.left_out: list[str] = []

    def draw(self, latent: Latent, seed: int) -> None:
        """Draw the fixed z: Gaussian, or what a function returns for their number."""
        if callable(latent):
            with self.copied():
                drawn = ask(NetCopier().copy(latent), COUNT)
            self.z = tuple(drawn) if isinstance(drawn, (tuple, list)) else (drawn,)
            return
        shape = (latent,) if isinstance(latent, int) else latent
        if not isinstance(shape, (tuple, list)) or not all(isinstance(n, int) and n > 0 for n in shape):
            raise AskError(f"no z can be drawn for {latent!r}")
        self.z = (self.array(stream(seed, "eval").standard_normal((COUNT, *shape)).astype(np.float32)),)

    def array(self, x: Array) -> Any:
        return x

    @contextmanager
    def copied(self) -> Iterator[None]:
        """Ask copies of the nets as they are now, and put back all random states of the process afterwards."""
        numpy, python = np.random.get_state(), random.getstate()
        copier = NetCopier()
        try:
            self.generator, self.discriminator, self.average = copier.copy(self._originals)
            self.left_out = copier.left_out
            yield
        finally:
            self.generator, self.discriminator, self.average = self._originals
            np.random.set_state(numpy)
            random.setstate(python)

    def fakes(self, n: int, average: bool = False) -> Array:
        """Return the samples of the first n of the fixed z, in batches of `ROWS` as BatchNorm needs them."""
        net = self.average if average and self.average is not None else self.generator
        parts = [self.made(net, slice(at, at + ROWS)) for at in range(0, n, ROWS)]
        if any(math.prod(part.shape) != len(part) * math.prod(self.layout.shape) for part in parts):
            raise AskError(f"it draws samples of shape {tuple(parts[0].shape)}")
        return np.concatenate([self.layout.samples(part) for part in parts])[:n]

    def made(self, net: Any, rows: slice) -> Any:
        return ask(net, *(part[rows] for part in self.z), *self.classes(rows))

    def classes(self, rows: slice) -> tuple[Any, ...]:
        return () if self.labels is None else (self.labels[rows],)

    def scores(self, x: Any) -> Any:
        """Return D's outputs, one for each sample: the mean over patches, or the first of several outputs."""
        out = ask(self.discriminator, x, *self.classes(slice(0, len(x))))
        out = (out if hasattr(out, "reshape") else as_numpy(out)).reshape(len(x), -1)
        if self.layout.name != "points" and out.shape[1] == math.prod(self.layout.shape):
            one = "lambda x: -(D(x) - x).reshape(len(x), -1).abs().mean(1)"
            raise DataError(
                must_be("discriminator", "a function that returns a number for each sample", out.shape, one)
            )
        return out.mean(-1)

    def try_discriminator(self) -> str:
        """Ask D once. Return why it cannot be asked, or nothing."""
        try:
            with self.copied():
                made = self.made(self.generator, slice(0, len(self.real)))
                self.scores(self.real_like(made))
                as_numpy(self.scores(made))
        except Exception as error:
            lost = f"; not copied: {', '.join(self.left_out)}" if self.left_out else ""
            return " ".join(f"{type(error).__name__}: {error}{lost}".split())
        return ""

    def real_like(self, made: Any) -> Any:
        """Return the reals in the shape of G's samples, which the loop may flatten before D sees them."""
        alike = len(self.real) == len(made) and math.prod(made.shape) == math.prod(self.real.shape)
        return self.real.reshape(tuple(made.shape)) if alike else self.real

    def answers(self, slopes: Slopes) -> Answers:
        made = self.made(self.generator, slice(0, len(self.real)))
        real, fake = as_numpy(self.scores(self.real_like(made))), as_numpy(self.scores(made))
        slopes(real, fake)
        return Answers(real, fake)

    def listener(self, fail: Callable[[Exception], None]) -> Any:
        return None

    def weight(self) -> float:
        """Return the norm of G's weights, or 0 if they are unknown."""
        return 0.0

    @property
    def sizes(self) -> dict[str, int]:
        return {}

    @property
    def reach(self) -> tuple[float, float]:
        return -np.inf, np.inf


class JaxNets(Nets):
    """JAX functions, whose parameters are closed over: gradients of D with respect to its inputs."""

    name, gradients = "JAX", True

    def answers(self, slopes: Slopes) -> Answers:
        jax = sys.modules["jax"]
        fake = self.made(self.generator, slice(0, len(self.real)))
        if not isinstance(fake, jax.Array):  # functions of NumPy, in a program that also imports JAX
            self.name, self.gradients = Nets.name, False
            return super().answers(slopes)
        r, from_real = jax.vjp(self.scores, jax.numpy.asarray(self.real_like(fake)))
        f, from_fake = jax.vjp(self.scores, fake)
        push = slopes(as_numpy(r), as_numpy(f))[2]
        slope_real, slope_fake, pushed = from_real(r * 0 + 1)[0], from_fake(f * 0 + 1)[0], from_fake(f * 0 + push)[0]
        seen = self.layout.samples
        return Answers(as_numpy(r), as_numpy(f), seen(slope_real), seen(slope_fake), seen(pushed))


class AskError(Exception):
    """A net of the user's cannot be asked in this way."""


def ask(net: Any, *inputs: Any) -> Any:
    """Return what a net returns for these inputs, or the first of several things."""
    try:
        return first_of(net(*inputs))
    except Exception as error:  # of the user's code
        raise AskError(f"{type(error).__name__}: {error}") from error


def first_of(output: Any) -> Any:
    """Return what a net returns, or the first of several things."""
    if isinstance(output, dict):
        output = tuple(output.values())
    return output[0] if isinstance(output, (tuple, list)) else output


def nets_of(generator: Any, discriminator: Any, average: Any, layout: Layout, real: Any, labels: Any) -> Nets:
    """Choose the framework that the user has imported and built the nets with."""
    kind: type[Nets] = Nets
    if "torch" in sys.modules:
        from mulligan.watch.torch_nets import TorchNets, modules_in

        if isinstance(real, sys.modules["torch"].Tensor) or modules_in(generator, discriminator):
            kind = TorchNets
    if kind is Nets and "jax" in sys.modules:
        kind = JaxNets
    return kind(generator, discriminator, average, layout, real, labels)
