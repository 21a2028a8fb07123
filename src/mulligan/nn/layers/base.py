"""What every layer is, and the three families that give nearly all of them their second order.

Names have three prefixes: none for a value (``x``, ``y``, ``W``), ``d`` for the gradient of the loss with respect to
it (``dx``, ``dW``), ``t`` for a tangent (``tx``); ``dtx`` is the gradient with respect to a tangent.

The first order is the chain rule. The second order serves gradient penalties: with a seed v held fixed,
∂/∂θ ⟨v, ∇ₓD⟩ is the gradient of a directional derivative, so it needs a *tangent* pass upwards (v pushed through the
layers) and an *adjoint* pass downwards (the transpose of value and tangent together). No tape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mulligan.errors import ConfigError, UnsupportedError
from mulligan.nn.layers.initializers import Initializer, Normal
from mulligan.nn.ranges import check_ranges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulligan.nn.memory import Array, Memory

Shape = tuple[int, ...]
"""The shape of one sample, without the batch axis."""


@dataclass(frozen=True)
class Param:
    """One parameter array of a layer.

    Attributes
    ----------
    shape : tuple of int
    init : Initializer
    fan_in, fan_out : int
        What initialisers call the number of inputs and outputs of one unit.
    trained : bool
        False for what is kept and saved but not trained, such as running averages.
    """

    shape: Shape
    init: Initializer
    fan_in: int = 1
    fan_out: int = 1
    trained: bool = True


@dataclass(frozen=True)
class Layer:
    """A frozen description; all arrays live in the `Memory` that is passed to each method.

    No method changes an array that it is given. What a method returns is valid until the same method's next call;
    `adjoint` may write over what `backward` returned.
    """

    mixes_samples: ClassVar[bool] = False
    """True when a row of the output depends on other rows of the input."""
    normalises: ClassVar[bool] = False
    """True when the output's size is fixed, not the input's: gradients grow as the weights before the layer shrink."""
    piecewise_linear: ClassVar[bool] = False
    """True when f″ = 0 wherever it exists and no input multiplies another: the short road of R1 and R2 is open."""

    def __post_init__(self) -> None:
        check_ranges(self)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of an output sample, given that of an input sample; raise `ShapeError` if impossible."""
        return shape

    def params(self, shape: Shape) -> dict[str, Param]:
        """Return the layer's parameters, given the shape of an input sample."""
        return {}

    def children(self, shape: Shape) -> list[tuple[str, Layer, Shape]]:
        """Return name, layer and input shape of each layer inside this one."""
        return []

    def forward(self, m: Memory, x: Array) -> Array:
        """Return y = f(x)."""
        raise NotImplementedError

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        """Return dx = Jᵀ dy, and keep `dy` for `grads`; without `inputs` nobody wants dx, and it may be anything."""
        raise NotImplementedError

    def grads(self, m: Memory) -> None:
        """Add the parameter gradients of the last `backward` or `adjoint`, by `m.gradient` and `m.add` alone."""

    def tangent(self, m: Memory, tx: Array) -> Array:
        """Return ty = J tx at the last forward pass's x, and keep `tx`."""
        raise UnsupportedError(no_second_order(self))

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        """Return (dx, dtx): the transpose of (x, tx) ↦ (y, ty) applied to (dy, dty)."""
        raise UnsupportedError(no_second_order(self))

    def paired(self, m: Memory, c: Array) -> None:
        """Add the parameter gradients of Σₙ cₙ yₙ + ⟨v, ∇ₓD⟩ on the short road.

        After `forward(x)`, `backward` of ones (which kept the unit signals δ) and, if there is a penalty,
        `tangent(v)` (which kept u).

        Parameters
        ----------
        m : Memory
        c : (n,) array
            ∂Loss/∂logit of each row.
        """

    def prepare(self, m: Memory) -> None:
        """Do what the weights alone decide, once before the passes of a step (spectral norm)."""

    def finish(self, m: Memory) -> None:
        """Turn the summed gradients into those of the stored weights, once after the passes of a step."""

    @property
    def needs_finish(self) -> bool:
        """Whether `prepare` and `finish` do anything."""
        return False

    @property
    def second_order(self) -> bool:
        """Whether `tangent` and `adjoint` are written; that shows, so no layer need say it."""
        return type(self).tangent is not Layer.tangent


def no_second_order(layer: Layer) -> str:
    """Say that a layer cannot stand in a D with a gradient penalty, and why."""
    why = (
        "it mixes the samples of a batch, and a per-sample gradient penalty has no meaning there"
        if layer.mixes_samples
        else "its second derivative is not implemented"
    )
    return (
        f"{type(layer).__name__} cannot stand in a discriminator that has a gradient penalty: {why}. "
        "Use LayerNorm or no normalisation there, or a penalty-free loss with spectral_norm = true."
    )


@dataclass(frozen=True)
class Affine(Layer):
    """Family y = A(x, W) + b with A bilinear: write the product and its two transposes.

    ``dx = A_xᵀ(dy, W)``, ``dW = A_Wᵀ(x, dy)``, ``ty = A(tx, W)``; the adjoint needs nothing new, since the map is
    linear in x. On the short road loss and penalty share one product: ``dW = A_Wᵀ(c⊙x + u, δ)``.

    Parameters
    ----------
    spectral_norm : bool
        Divide W, as the matrix of all axes but the last against the last, by an estimate of its largest singular
        value. Source: Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", Algorithm 1.

            Ŵ = W/σ,   σ = ‖Wv‖ = uᵀWv,   u = Wv/σ

        The direction v is kept, not trained. One step of power iteration improves it before each training step
        (`prepare`); with v held fixed, Ŵ is a function of W alone, so every workspace has the right one, whatever
        its θ: lanes, averages and evaluation need no care.
    """

    spectral_norm: bool = field(default=False, kw_only=True)
    piecewise_linear: ClassVar[bool] = True
    normed: ClassVar[tuple[str, ...]] = ("W",)
    """The parameters that `spectral_norm` divides."""

    @property
    def needs_finish(self) -> bool:
        return self.spectral_norm

    def with_directions(self, params: dict[str, Param]) -> dict[str, Param]:
        """Add the directions of spectral normalisation to the layer's own parameters; `params` ends with this."""
        if not self.spectral_norm:
            return params
        for name in self.normed:
            self._refuse_zeros(name, params[name].init)
        shapes = {f"{name}_v": params[name].shape[-1:] for name in self.normed}
        return params | {name: Param(shape, Normal(1.0), trained=False) for name, shape in shapes.items()}

    def _refuse_zeros(self, name: str, init: Initializer) -> None:
        drawn = np.empty((2, 2))
        init.fill(drawn, 1, 1, np.random.default_rng(0))
        if not drawn.any():
            raise ConfigError(
                f"{type(self).__name__}: spectral_norm = true with {name} from {init!r} is not allowed: a zero matrix "
                "has no largest singular value to divide by. Try the initialiser he, or spectral_norm = false here."
            )

    def weight(self, m: Memory, name: str = "W") -> Array:
        """Return the parameter that the products use: W, or Ŵ."""
        weight: Array = m.saved[name] if self.spectral_norm else m.params[name]
        return weight

    def prepare(self, m: Memory) -> None:
        # One power iteration on WᵀW:  u = Wv/‖Wv‖,  v = Wᵀu/‖Wᵀu‖
        for name in self.normed:
            W, v = _matrix(m.params[name]), m.stats[f"{name}_v"]
            u, _ = _unit(np.dot(W, v, out=m.buffer(f"{name}_u", W.shape[:1])))
            _unit(np.dot(u, W, out=v))

    def normalise(self, m: Memory) -> None:
        """Compute Ŵ from this workspace's W and the kept v."""
        for name in self.normed:
            W, v = _matrix(m.params[name]), m.stats[f"{name}_v"]
            u, sigma = _unit(np.dot(W, v, out=m.buffer(f"{name}_u", W.shape[:1])))
            W_hat = np.divide(W, sigma, out=m.buffer(f"{name}_hat", W.shape))
            m.saved[name] = W_hat.reshape(m.params[name].shape)
            m.saved[f"{name}_norm"] = u, sigma

    def finish(self, m: Memory) -> None:
        # dW = (dŴ − ⟨dŴ,Ŵ⟩ u vᵀ)/σ
        for name in self.normed:
            dW, v = _matrix(m.grads[name]), m.stats[f"{name}_v"]
            u, sigma = m.saved[f"{name}_norm"]
            along = float(np.vdot(dW, m.saved[name]))
            dW -= np.multiply.outer(u, along * v, out=m.buffer(f"{name}_uv", dW.shape))
            dW /= sigma

    def product(self, m: Memory, x: Array, name: str) -> Array:
        """Return A(x, W) in the buffer `name`."""
        raise NotImplementedError

    def product_x(self, m: Memory, dy: Array, name: str) -> Array:
        """Return the transpose with respect to x, A_xᵀ(dy, W), in the buffer `name`."""
        raise NotImplementedError

    def product_w(self, m: Memory, x: Array, dy: Array) -> None:
        """Add the transpose with respect to W, A_Wᵀ(x, dy), to the gradient of W, by `m.gradient` and `m.add`."""
        raise NotImplementedError

    def forward(self, m: Memory, x: Array) -> Array:
        m.x, m.tx = x, None
        if self.spectral_norm:
            self.normalise(m)
        y = self.product(m, x, "y")
        if "b" in m.params:
            y += m.params["b"]
        return y

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        m.dy, m.dty = dy, None
        return self.product_x(m, dy, "dx") if inputs else dy

    def grads(self, m: Memory) -> None:
        self.product_w(m, m.x, m.dy)
        if m.tx is not None and m.dty is not None:
            self.product_w(m, m.tx, m.dty)
        if "b" in m.params:
            rows = m.dy.reshape(-1, m.params["b"].size)
            self._add_bias(m, rows, _ones(len(rows), m.dtype))

    def tangent(self, m: Memory, tx: Array) -> Array:
        m.tx = tx
        return self.product(m, tx, "ty")

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        m.dy, m.dty = dy, dty
        return (self.product_x(m, dy, "dx"), self.product_x(m, dty, "dtx")) if inputs else (dy, dty)

    def paired(self, m: Memory, c: Array) -> None:
        # dW = A_Wᵀ(c⊙x + u, δ),  db = Σ cₙ δₙ
        self.product_mixed(m, c)
        if "b" in m.params:
            rows = m.dy.reshape(-1, m.params["b"].size)
            self._add_bias(m, rows, np.repeat(c, len(rows) // len(c)))

    def product_mixed(self, m: Memory, c: Array) -> None:
        """Add A_Wᵀ(c⊙x + u, δ) to the gradient of W."""
        self.product_w(m, self.mixed(m, c, slice(0, len(m.x))), m.dy)

    @staticmethod
    def mixed(m: Memory, c: Array, rows: slice) -> Array:
        """Return some rows of c⊙x + u, in a buffer."""
        x = m.x[rows]
        s = np.multiply(x, c[rows].reshape(-1, *[1] * (x.ndim - 1)), out=m.buffer("s", x.shape))
        if m.tx is not None:
            s += m.tx[rows]
        return s

    @staticmethod
    def _add_bias(m: Memory, dy: Array, weights: Array) -> None:
        # db = Σ cₙ dyₙ as a matrix-vector product: 5 µs where a sum over the first axis takes 20.
        m.add("b", np.dot(weights, dy, out=m.gradient("b")))


@cache
def _ones(n: int, dtype: np.dtype[Any]) -> Array:
    return np.ones(n, dtype)


def _matrix(W: Array) -> Array:
    """View an array as the matrix of all axes but the last against the last."""
    return W.reshape(-1, W.shape[-1])


def _unit(vector: Array) -> tuple[Array, float]:
    """Scale a vector to length 1, in place; return it and the length it had (at least 1e-12, as for W = 0)."""
    length = max(math.sqrt(float(np.dot(vector, vector))), 1e-12)
    vector /= length
    return vector, length


@dataclass(frozen=True)
class Pointwise(Layer):
    """Family y = f(x), element by element: write f, f′ and f″."""

    @property
    def second_order(self) -> bool:
        return super().second_order and (self.piecewise_linear or type(self).ddf is not Pointwise.ddf)

    def f(self, x: Array, out: Array) -> None:
        """Write f(x)."""
        raise NotImplementedError

    def df(self, x: Array, y: Array, out: Array) -> None:
        """Write f′(x); `y` is f(x), from which some functions have it cheaper."""
        raise NotImplementedError

    def ddf(self, x: Array, y: Array, out: Array) -> None:
        """Write f″(x); without it, no gradient penalty stands on this layer."""
        raise UnsupportedError(no_second_order(self))

    def forward(self, m: Memory, x: Array) -> Array:
        m.x, m.y = x, m.buffer("y", x.shape)
        m.saved["slope"] = None
        self.f(x, m.y)
        return m.y

    def slope(self, m: Memory) -> Array:
        """Return f′ at the last forward pass's x, computed at first use."""
        slope: Array | None = m.saved["slope"]
        if slope is None:
            slope = m.saved["slope"] = m.buffer("slope", m.x.shape)
            self.df(m.x, m.y, slope)
        return slope

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        if not inputs:
            return dy
        dx = m.buffer("dx", dy.shape)
        if m.context.tangent_follows:
            return np.multiply(dy, self.slope(m), out=dx)
        self.df(m.x, m.y, dx)  # a slope that serves once needs no memory of its own
        return np.multiply(dy, dx, out=dx)

    def tangent(self, m: Memory, tx: Array) -> Array:
        m.tx = tx
        return np.multiply(tx, self.slope(m), out=m.buffer("ty", tx.shape))

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        if not inputs:
            return dy, dty
        # dx = dy f′ + dty f″ tx,   dtx = dty f′
        dx = np.multiply(dy, self.slope(m), out=m.buffer("dx", dy.shape))
        if not self.piecewise_linear:
            curve = m.buffer("curve", dy.shape)
            self.ddf(m.x, m.y, curve)
            curve *= dty
            curve *= m.tx
            dx += curve
        return dx, np.multiply(dty, self.slope(m), out=m.buffer("dtx", dty.shape))


@dataclass(frozen=True)
class LinearMap(Layer):
    """Family y = A x with a fixed A (pooling, resampling, reshaping): write A and Aᵀ."""

    piecewise_linear: ClassVar[bool] = True

    def apply(self, m: Memory, x: Array, name: str) -> Array:
        """Return A x, in the buffer `name` or as a view of x."""
        raise NotImplementedError

    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        """Return Aᵀ dy, in the buffer `name` or as a view of dy."""
        raise NotImplementedError

    def forward(self, m: Memory, x: Array) -> Array:
        m.saved["shape"] = x.shape
        return self.apply(m, x, "y")

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        return self.transpose(m, dy, "dx") if inputs else dy

    def tangent(self, m: Memory, tx: Array) -> Array:
        return self.apply(m, tx, "ty")

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        return (self.transpose(m, dy, "dx"), self.transpose(m, dty, "dtx")) if inputs else (dy, dty)


def walk(layer: Layer, shape: Shape, path: str = "") -> Iterator[tuple[str, Layer, Shape]]:
    """Yield path, layer and input shape of `layer` and of every layer inside it, in the order of construction."""
    yield path, layer, shape
    for name, child, child_shape in layer.children(shape):
        yield from walk(child, child_shape, f"{path}.{name}" if path else name)
