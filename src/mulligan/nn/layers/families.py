"""Three families that give nearly all layers their passes of first and second order.

A layer implements a product and its transposes (`Affine`), f with its derivatives (`Pointwise`), or A and Aᵀ
(`LinearMap`). The family does the rest.

Derived in docs/book/02-backpropagation.md and docs/book/04-second-order.md.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, ClassVar

import numpy as np

from mulligan.errors import UnsupportedError
from mulligan.nn.layers import spectral
from mulligan.nn.layers.base import Layer, Param, Shape, no_second_order
from mulligan.nn.memory import Array, Memory, blocks, scratch


@dataclass(frozen=True)
class Affine(Layer):
    """Subclass this for y = A(x, W) + b with A bilinear: implement the product and its two transposes.

    The products take W from ``m.weights["W"]``, which is Ŵ with spectral norm.

    ``dx = A_xᵀ(dy, W)``, ``dW = A_Wᵀ(x, dy)`` and ``ty = A(tx, W)``. The map is linear in x, so the adjoint needs
    nothing new. On the fast path, loss and penalty share one product: ``dW = A_Wᵀ(c⊙x + u, δ)``.
    """

    spectral_norm: bool = field(default=False, kw_only=True)
    """Divide W by an estimate of its largest singular value (`layers.spectral`)."""
    piecewise_linear: ClassVar[bool] = True
    normed: ClassVar[tuple[str, ...]] = ("W",)
    """The parameters that `spectral_norm` divides."""

    @abstractmethod
    def product(self, m: Memory, x: Array, name: str) -> Array:
        """Return A(x, W) in the buffer `name`."""

    @abstractmethod
    def product_x(self, m: Memory, dy: Array, name: str) -> Array:
        """Return the transpose with respect to x, A_xᵀ(dy, W), in the buffer `name`."""

    @abstractmethod
    def product_w(self, m: Memory, x: Array, dy: Array) -> None:
        """Add the transpose with respect to W, A_Wᵀ(x, dy), to the gradient of W, by `m.accumulate` or `m.add`."""

    def forward(self, m: Memory, x: Array) -> Array:
        m.x, m.tx = x, None
        if self.spectral_norm:
            spectral.normalise(m, self.normed)
        y = m.context.spent = self.product(m, x, "y")
        if "b" in m.params:
            y += m.params["b"]
        return y

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        m.dy, m.dty = dy, None
        m.context.spent = self.product_x(m, dy, "dx") if inputs else None
        return dy if m.context.spent is None else m.context.spent

    def grads(self, m: Memory) -> None:
        self.product_w(m, m.x, m.dy)
        if m.tx is not None and m.dty is not None:
            self.product_w(m, m.tx, m.dty)
        if "b" in m.params:
            rows = m.dy.reshape(-1, m.params["b"].size)
            m.accumulate("b", _ones(len(rows), m.dtype).dot, rows)  # db = Σ dyₙ, four times as fast as a sum

    def tangent(self, m: Memory, tx: Array) -> Array:
        m.tx = tx
        m.context.spent = self.product(m, tx, "ty")
        return m.context.spent

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        m.dy, m.dty, m.context.spent = dy, dty, None
        return (self.product_x(m, dy, "dx"), self.product_x(m, dty, "dtx")) if inputs else (dy, dty)

    def fused_grads(self, m: Memory, c: Array) -> None:
        # dW = A_Wᵀ(c⊙x + u, δ),  db = Σ cₙ δₙ
        self.product_mixed(m, c)
        if "b" in m.params:
            rows = m.dy.reshape(-1, m.params["b"].size)
            m.accumulate("b", np.repeat(c, len(rows) // len(c)).dot, rows)

    def product_mixed(self, m: Memory, c: Array) -> None:
        """Add A_Wᵀ(c⊙x + u, δ) to the gradient of W."""
        self.product_w(m, self.mixed(m, c, slice(0, len(m.x))), m.dy)

    @staticmethod
    def mixed(m: Memory, c: Array, rows: slice) -> Array:
        """Return some rows of c⊙x + u, in a buffer."""
        x = m.x[rows]
        s = np.multiply(x, c[rows].reshape(-1, *[1] * (x.ndim - 1)), out=m.buffers["s", x.shape])
        if m.tx is not None:
            s += m.tx[rows]
        return s

    # ── spectral norm, which writes `m.weights` ───────────────────────────────────────────────────────────────────────

    def with_directions(self, params: dict[str, Param]) -> dict[str, Param]:
        """Add spectral norm's vectors to the layer's own parameters; `params` must return this."""
        normed = self.normed if self.spectral_norm else ()
        return params | spectral.directions(type(self).__name__, normed, params)

    @property
    def needs_finish(self) -> bool:
        return self.spectral_norm

    def prepare(self, m: Memory) -> None:
        spectral.improve(m, self.normed)

    def finish(self, m: Memory) -> None:
        spectral.finish(m, self.normed)


@cache
def _ones(n: int, dtype: np.dtype[Any]) -> Array:
    return np.ones(n, dtype)


@dataclass(frozen=True)
class Pointwise(Layer):
    """Subclass this for y = f(x), element by element: implement f, f′ and, for gradient penalties, f″."""

    by_y: ClassVar[bool] = False
    """Whether `df` and `ddf` read y alone, and `f` may write over x. Then y takes the place of x where it can."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if vars(cls).keys() & {"f", "df", "ddf"}:  # a new formula may read x, until it says otherwise
            cls.by_y = vars(cls).get("by_y", False)

    @property
    def second_order(self) -> bool:
        return super().second_order and (self.piecewise_linear or type(self).ddf is not Pointwise.ddf)

    @abstractmethod
    def f(self, x: Array, out: Array) -> None:
        """Write f(x)."""

    @abstractmethod
    def df(self, x: Array, y: Array, out: Array) -> None:
        """Write f′(x). `y` is f(x), from which f′ is sometimes cheaper."""

    def ddf(self, x: Array, y: Array, out: Array) -> None:
        """Write f″(x). Without it a gradient penalty on this layer raises `UnsupportedError`."""
        raise UnsupportedError(no_second_order(self))

    def forward(self, m: Memory, x: Array) -> Array:
        m.x, m.y = x, x if self.by_y and x is m.context.spent else m.buffers["y", x.shape]
        m.context.spent = None
        self.f(x, m.y)
        return m.y

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        return self._times_slope(m, dy, "dx", dy is m.context.spent) if inputs else dy

    def tangent(self, m: Memory, tx: Array) -> Array:
        m.tx = tx  # the adjoint of a curved function needs it
        return self._times_slope(m, tx, "ty", self.piecewise_linear and tx is m.context.spent)

    def _times_slope(self, m: Memory, t: Array, name: str, over: bool) -> Array:
        """Return t ⊙ f′(x), in the buffer `name` or over t. If y is enough for f′, it is computed in the cache."""
        m.context.spent, out = None, t if over else m.buffers[name, t.shape]
        if not self.by_y:
            slope = m.context.buffers["slope", t.shape]
            self.df(m.x, m.y, slope)
            return np.multiply(t, slope, out=out)
        y, flat, result = m.y.reshape(-1), t.reshape(-1), out.reshape(-1)
        for part in blocks(slice(0, y.size)):
            slope = scratch("slope", part.stop - part.start, y.dtype)
            self.df(y[part], y[part], slope)
            np.multiply(flat[part], slope, out=result[part])
        return out

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        if not inputs:
            return dy, dty
        # dx = dy f′ + dty f″ tx,   dtx = dty f′
        dx = self._times_slope(m, dy, "dx", False)
        if not self.piecewise_linear:
            curve = m.buffers["curve", dy.shape]
            self.ddf(m.x, m.y, curve)
            curve *= dty
            curve *= m.tx
            dx += curve
        return dx, self._times_slope(m, dty, "dtx", False)


def check_writes_out(layer: Pointwise, shape: Shape, *, curved: bool) -> None:
    """Raise if a user's function returns its result instead of writing it into `out`."""
    x = np.full((2, *shape), 0.5)  # above 0, where logarithms and roots are finite
    methods: dict[str, Callable[[Array], object]] = {"f": partial(layer.f, x), "df": partial(layer.df, x, x)}
    if curved and not layer.piecewise_linear:
        methods["ddf"] = partial(layer.ddf, x, x)
    for method, write in methods.items():
        out = np.full_like(x, np.nan)
        with np.errstate(all="ignore"):
            answer = write(out)
        if answer is not None and answer is not out and np.isnan(out).all():
            raise UnsupportedError(
                f"{type(layer).__name__}.{method} must write its result into out, got an array returned and out left "
                "as it was. Try out[...] = …."
            )


@dataclass(frozen=True)
class LinearMap(Layer):
    """Subclass this for y = A x with a fixed A (pooling, resampling, reshaping): implement A and Aᵀ."""

    piecewise_linear: ClassVar[bool] = True

    @abstractmethod
    def apply(self, m: Memory, x: Array, name: str) -> Array:
        """Return A x, in the buffer `name` or as a view of x."""

    @abstractmethod
    def transpose(self, m: Memory, dy: Array, name: str) -> Array:
        """Return Aᵀ dy, in the buffer `name` or as a view of dy."""

    def forward(self, m: Memory, x: Array) -> Array:
        m.saved["shape"] = x.shape
        return self._spent_as(m, x, self.apply(m, x, "y"))

    def backward(self, m: Memory, dy: Array, inputs: bool = True) -> Array:
        return self._spent_as(m, dy, self.transpose(m, dy, "dx")) if inputs else dy

    def tangent(self, m: Memory, tx: Array) -> Array:
        return self._spent_as(m, tx, self.apply(m, tx, "ty"))

    @staticmethod
    def _spent_as(m: Memory, before: Array, after: Array) -> Array:
        """Return `after`, which may be a view of `before` and is spent if that was."""
        m.context.spent = after if before is m.context.spent else None
        return after

    def adjoint(self, m: Memory, dy: Array, dty: Array, inputs: bool = True) -> tuple[Array, Array]:
        return (self.transpose(m, dy, "dx"), self.transpose(m, dty, "dtx")) if inputs else (dy, dty)
