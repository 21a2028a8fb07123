"""The base class of layers. Nearly all of them take their passes from one of three `families`.

Names have three prefixes. A value has none (``x``, ``y``, ``W``). ``d`` is the gradient of the loss with respect to it
(``dx``, ``dW``), ``t`` a tangent (``tx``), and ``dtx`` the gradient with respect to a tangent.

The first order is the chain rule. The second order serves gradient penalties. With v = ∂P/∂(∇ₓD) held fixed,
∂/∂θ ⟨v, ∇ₓD⟩ is the gradient of a directional derivative. It takes a *tangent* pass upwards, which pushes v through
the layers, and an *adjoint* pass downwards, the transpose of value and tangent together. There is no tape.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from mulligan.errors import UnsupportedError
from mulligan.nn.fields import Checked
from mulligan.nn.layers.initializers import Initializer
from mulligan.nn.memory import Array, Memory

Shape = tuple[int, ...]
"""The shape of one sample, without the batch axis."""


@dataclass(frozen=True)
class Param:
    """Declare one parameter array of a layer."""

    shape: Shape
    init: Initializer
    fan_in: int = 1
    fan_out: int = 1
    """Numbers of inputs and of outputs of one unit, for the initialiser."""
    trained: bool = True
    """False for an array that is saved but not trained, such as running averages."""


@dataclass(frozen=True)
class Layer(Checked):
    """Subclass this for a layer outside the three families; implement `forward`, `backward` and `grads`.

    A gradient penalty also needs `tangent` and `adjoint`. A layer is a frozen description: all its arrays live in the
    `Memory` that each method receives. No method changes its inputs. A returned array is valid until the same method's
    next call; `adjoint` may overwrite the array that `backward` returned.
    """

    mixes_samples: ClassVar[bool] = False
    """True when a row of the output depends on other rows of the input."""
    piecewise_linear: ClassVar[bool] = False
    """True when f″ = 0 wherever it exists and no input multiplies another. R1 and R2 then take the fast path."""
    reach: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """Bounds of the output for any input, which bound the samples of a G that ends with the layer."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of an output sample, given that of an input sample; raise `ShapeError` if impossible."""
        return shape

    def params(self, shape: Shape) -> dict[str, Param]:
        """Return the layer's parameters, given the shape of an input sample."""
        return {}

    def children(self, shape: Shape) -> list[tuple[str, Layer, Shape]]:
        """Return name, layer and input shape of each layer inside this one."""
        return []

    @abstractmethod
    def forward(self, m: Memory, x: Array) -> Array:
        """Return y = f(x)."""

    @abstractmethod
    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        """Return dx = Jᵀ dy, and keep `dy` for `grads`. With ``inputs=False`` dx is not used and may be anything."""

    def grads(self, m: Memory) -> None:
        """Add the gradients of the layer's own parameters, of the last `backward` or `adjoint`.

        Use `m.accumulate` and `m.add` alone. A workspace calls this for each layer that has parameters, those inside
        another layer too.
        """

    def tangent(self, m: Memory, tx: Array) -> Array:
        """Return ty = J tx at the last forward pass's x, and keep `tx`."""
        raise UnsupportedError(no_second_order(self))

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        """Return (dx, dtx): the transposed Jacobian of (x, tx) ↦ (y, ty), times (dy, dty)."""
        raise UnsupportedError(no_second_order(self))

    def fused_grads(self, m: Memory, c: Array) -> None:
        """Add the gradients of the layer's own parameters of Σₙ cₙ yₙ + ⟨v, ∇ₓD⟩ on the fast path.

        c, (n,), is ∂Loss/∂logit. Called after `forward(x)`, `backward` of ones (which keeps the unit signals δ) and,
        with a penalty, `tangent(v)` (which keeps u).
        """

    def prepare(self, m: Memory) -> None:
        """Compute what depends on the weights alone, once before the passes of a step (spectral norm)."""

    def finish(self, m: Memory) -> None:
        """Turn the summed gradients into those of the stored weights, once after the passes of a step."""

    @property
    def needs_finish(self) -> bool:
        """Whether `prepare` and `finish` do anything."""
        return False

    @property
    def second_order(self) -> bool:
        """Whether the layer implements `tangent` and `adjoint`."""
        return type(self).tangent is not Layer.tangent


Kind = TypeVar("Kind", bound=type[Layer])

LAYERS: dict[str, type[Layer]] = {}
"""Every layer by the name that a configuration uses."""

EXAMPLES: dict[str, list[tuple[Layer, Shape]]] = {}
"""The layers that `mulligan check` tests, each with the shape of a sample, by the same names."""


def register(name: str, *examples: Callable[[type[Layer]], tuple[Layer, Shape]]) -> Callable[[Kind], Kind]:
    """Decorate a layer's class, to give it a name for configurations and examples for `mulligan check`."""

    def enter(cls: Kind) -> Kind:
        LAYERS[name] = cls
        EXAMPLES[name] = [make(cls) for make in examples]
        return cls

    return enter


def example(shape: Shape, *args: object, **options: object) -> Callable[[type[Layer]], tuple[Layer, Shape]]:
    """Return an example for `register`: the layer made with these arguments, for samples of this shape."""
    return lambda cls: (cls(*args, **options), shape)


def no_second_order(layer: Layer) -> str:
    """Return the error message for a layer without second order in a D that has a gradient penalty."""
    if layer.mixes_samples:
        why = "it mixes the samples of a batch, and a per-sample gradient penalty has no meaning there"
        remedy = "Use LayerNorm or no normalisation there, or a penalty-free loss with spectral_norm = true"
    else:  # a user's own layer
        why = "its second derivative is not written"
        methods = "tangent and adjoint" if type(layer).tangent is Layer.tangent else "ddf"
        remedy = f"Write its {methods}, or take penalties = []"
    return f"{type(layer).__name__} must not be in a discriminator that has a gradient penalty: {why}. {remedy}."


def walk(layer: Layer, shape: Shape, path: str = "") -> Iterator[tuple[str, Layer, Shape]]:
    """Yield path, layer and input shape of `layer` and of every layer inside it, in the order of construction."""
    yield path, layer, shape
    for name, child, child_shape in layer.children(shape):
        yield from walk(child, child_shape, f"{path}.{name}" if path else name)
