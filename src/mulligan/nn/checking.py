"""Check the gradients of every layer, first and second order, against finite differences in float64.

A check compares a formula with a number that does not depend on it:

- *first order*: ⟨a, f(x, θ)⟩ is a number, and its slope along a direction is a difference of two passes. One random
  direction for a whole array finds every error with probability 1, at the cost of two evaluations. Small arrays are
  also checked element by element;
- *tangent*: J tx against a difference of two forward passes; ⟨b, J tx⟩ = ⟨Jᵀ b, tx⟩;
- *second order*: P = ⟨a, f(x, θ)⟩ + ⟨v, Jᵀ b⟩ holds first-order gradients, so its differences are second derivatives;
- *fast path*: `fused_grads` against `adjoint` and `grads`;
- *workers*: two threads, half the batch each, against one.

Differences are D(h) = (F(h) − F(−h))/2h at h and h/2, extrapolated to (4 D(h/2) − D(h))/3, whose error is O(h⁴). If a
kink (of a ReLU) lies between the points, D(h) and D(h/2) differ by far more than h², and the check draws another point.
This test does not use the formula under check.
"""

import fnmatch
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from mulligan.errors import UnsupportedError
from mulligan.nn import layers as nn
from mulligan.nn.layers.base import EXAMPLES, LAYERS, Layer, Shape, walk
from mulligan.nn.layers.families import check_writes_out
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.nn.rng import stream
from mulligan.nn.workers.threads import ThreadTeam, shares

TOLERANCE = 1e-6
"""Largest relative error that passes; a right formula is off by 1e-12 to 1e-8."""
STEP = 1e-4
SMALL = 48
"""Arrays of at most this many elements are checked element by element as well."""
ATTEMPTS = 20
ROWS = 5
"""Of a batch."""
FLOOR = 1e-4
"""Errors are relative to the larger of two numbers, or to this if both are smaller: a gradient may be exactly 0."""


@dataclass(frozen=True)
class Check:
    """One line of the table of `mulligan check`."""

    name: str
    """The layer, loss, penalty or game."""
    what: str
    """The formula."""
    error: float
    """Relative to the larger of the two numbers; NaN if a formula gave NaN."""

    @property
    def passed(self) -> bool:
        """Whether the error is below `TOLERANCE`; NaN is not."""
        return self.error < TOLERANCE

    @property
    def unasked(self) -> bool:
        """Whether no formula was checked; `what` then gives the reason."""
        return self.what.startswith((RAISES, NOT_PLAYED))


RAISES, NOT_PLAYED = "raises ", "not played: "
"""The first words of `what` if no formula was checked."""


def report_errors(name: str, checks: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """Yield the rows of `checks`; if a user's own object raises, yield a failed row with the error."""
    try:
        yield from checks()
    except Exception as error:
        yield Check(name, f"{RAISES}{type(error).__name__}: {error}", np.nan)


class Kink(ArithmeticError):
    """The differences of step h and h/2 do not agree: there is no derivative here."""


Errors: TypeAlias = Iterator[tuple[str, float]]
"""Yields what is compared, and its error."""


def check_smooth(name: str, check: Callable[[int], Errors], part: str = "") -> list[Check]:
    """Return the rows of a check at the first point of a fixed series, by its seed, that is far from a kink."""
    for seed in range(ATTEMPTS):
        with suppress(Kink):
            return [Check(name, *row) for row in check(seed)]
    return [Check(name, f"{part}finite differences disagree at every point", np.nan)]


def relative(a: Any, b: Any) -> float:
    """Return ‖a − b‖ / max(‖a‖, ‖b‖, FLOOR)."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    scale = max(float(np.linalg.norm(a)), float(np.linalg.norm(b)), FLOOR)
    return float(np.linalg.norm(a - b)) / scale


def slope(f: Callable[[], Any], array: Array, direction: Array) -> Array:
    """Differentiate f, a function of the contents of `array`, along a direction; raise `Kink` if it has no slope."""
    length = float(np.linalg.norm(direction))
    before = array.copy()

    def at(h: float) -> Array:
        np.add(before, (h / length) * direction, out=array)
        return np.array(f(), np.float64)

    try:
        coarse, fine = ((at(h) - at(-h)) / (2 * h) for h in (STEP, STEP / 2))
    finally:
        array[...] = before
    if not np.linalg.norm(coarse - fine) <= TOLERANCE * max(float(np.linalg.norm(fine)), FLOOR):
        raise Kink
    return length * (4 * fine - coarse) / 3


def gradient_error(f: Callable[[], float], array: Array, gradient: Array, rng: np.random.Generator) -> float:
    """Compare a gradient with differences, along itself and a random direction, and every axis of a small array."""
    gradient = np.array(gradient)
    noise = rng.standard_normal(array.shape)
    direction = noise / (2 * np.linalg.norm(noise))
    length = np.linalg.norm(gradient)
    if 0 < length < np.inf:
        direction += gradient / length
    error = relative(np.vdot(gradient, direction), slope(f, array, direction))
    if array.size <= SMALL:
        axes = np.eye(array.size).reshape(-1, *array.shape)
        error = max(error, relative(gradient.ravel(), [slope(f, array, axis) for axis in axes]))
    return error if np.isfinite(gradient).all() else np.nan


class _Point:
    """A network in float64 at some (x, θ), and the arrays that turn its passes into numbers."""

    def __init__(self, layer: Layer, shape: Shape, seed: int, training: bool = True):
        self.rng = rng = stream(seed, "check")
        self.seed, self.training = seed, training
        self.network = Network(layer, shape, np.float64).initialise(rng)
        self.network.theta += 0.2 * rng.standard_normal(self.network.theta.size)  # no bias stays 0
        self.space = self.network.workspace()
        for _ in range(5):
            self.space.prepare()
        self.x = rng.standard_normal((ROWS, *shape))
        self.labels = None if self.network.classes is None else rng.integers(self.network.classes, size=ROWS)
        self.a, self.b = rng.standard_normal((2, ROWS, *self.network.output_shape))
        self.v = rng.standard_normal(self.x.shape)

    def forward(self) -> Array:
        """Return y, with the same dropout masks each time."""
        self.space.context.rng = stream(self.seed, "dropout")
        return self.space.forward(self.x, self.labels, self.training)

    def value(self) -> float:
        """Return ⟨a, y⟩."""
        return float(np.vdot(self.a, self.forward()))

    def penalty(self) -> float:
        """Return P = ⟨a, y⟩ + ⟨v, Jᵀ b⟩."""
        return self.value() + float(np.vdot(self.v, self.space.backward(self.b)))

    def arrays(self) -> dict[str, Array]:
        """Return the parameters by path."""
        return {e.path: e.view(self.network.theta) for e in self.network.entries}

    def gradients(self, passes: Callable[[], dict[str, Array]]) -> dict[str, Array]:
        """Return the arrays that `passes` return, and the parameters' gradients that they add, by path."""
        self.space.clear_grads()
        arrays = passes()
        self.space.finish_grads()
        self.space.finish()
        return arrays | {e.path: e.view(self.space.grad).copy() for e in self.network.entries}

    def first_passes(self) -> dict[str, Array]:
        y = self.forward().copy()
        dx = self.space.backward(self.a).copy()
        self.space.grads()
        return {"y": y, "dx": dx}

    def second_passes(self) -> dict[str, Array]:
        self.forward()
        back = self.space.backward(self.b).copy()
        self.space.tangent(self.v)
        dx, dtx = self.space.adjoint(self.a, self.b, inputs=True)
        dx, dtx = dx.copy(), dtx.copy()
        self.space.grads()
        return {"dx": dx, "dtx": dtx, "Jᵀb": back}

    # ── the checks: each yields (what, error) ─────────────────────────────────────────────────────────────────────

    def first_order(self) -> Errors:
        results = self.gradients(self.first_passes)
        yield "dx", gradient_error(self.value, self.x, results["dx"], self.rng)
        for name, array in self.arrays().items():
            yield f"d{name}", gradient_error(self.value, array, results[name], self.rng)

    def tangents(self) -> Errors:
        self.forward()
        ty = self.space.tangent(self.v).copy()
        dx = self.space.backward(self.b)
        yield "transposed", relative(np.vdot(self.b, ty), np.vdot(dx, self.v))
        yield "tangent", relative(ty, slope(self.forward, self.x, self.v))

    def second_order(self) -> Errors:
        results = self.gradients(self.second_passes)
        yield "adjoint dtx", relative(results["dtx"], results["Jᵀb"])
        yield "adjoint dx", gradient_error(self.penalty, self.x, results["dx"], self.rng)
        for name, array in self.arrays().items():
            yield f"second order d{name}", gradient_error(self.penalty, array, results[name], self.rng)

    def fast_path(self) -> Errors:
        c = self.rng.standard_normal(len(self.x))
        ones = np.ones_like(self.a)

        def fused() -> dict[str, Array]:
            self.forward()
            self.space.backward(ones)
            self.space.tangent(self.v)
            self.space.fused_grads(c)
            return {}

        def general() -> dict[str, Array]:
            self.forward()
            self.space.tangent(self.v)
            self.space.adjoint(ones * c.reshape(-1, *[1] * (ones.ndim - 1)), ones)
            self.space.grads()
            return {}

        if self.arrays():
            one, other = self.gradients(fused), self.gradients(general)
            yield "fused_grads", max(relative(one[name], other[name]) for name in other)

    def two_workers(self) -> Errors:
        stats = self.network.stats.copy()
        one = self.gradients(self.first_passes)
        one["stats"], self.network.stats[:] = self.network.stats.copy(), stats
        y, dx = np.empty_like(one["y"]), np.empty_like(one["dx"])
        with ThreadTeam(2) as team:
            spaces = [self.network.workspace(worker=worker) for worker in team.workers]
            parts = shares(len(self.x), 2)

            def work(i: int) -> None:
                part, space = parts[i], spaces[i]
                labels = None if self.labels is None else self.labels[part]
                space.clear_grads()
                y[part] = space.forward(self.x[part], labels, self.training)
                dx[part] = space.backward(self.a[part])
                space.grads()
                space.finish_grads()

            team.run(work)
        spaces[0].grad += spaces[1].grad
        spaces[0].finish()
        two = {e.path: e.view(spaces[0].grad) for e in self.network.entries}
        two |= {"y": y, "dx": dx, "stats": self.network.stats.copy()}
        self.network.stats[:] = stats
        yield "two workers", max(relative(one[name], two[name]) for name in one)


def check_layer(layer: Layer, shape: Shape, name: str = "") -> list[Check]:
    """Check a layer, or a whole network, against finite differences, for samples of a small `shape`.

    Returns first order in training and, if it differs, in evaluation; then second order, the fast path and two workers,
    if the layer supports them. Raises `UnsupportedError` if a layer of yours returns a result that it should write into
    `out`, or an array of the wrong dtype or shape.
    """
    for _, inner, inner_shape in walk(layer, shape):
        if not type(inner).__module__.startswith("mulligan."):
            _check_passes(inner, inner_shape)

    known = name or type(layer).__name__

    def rows(check: Callable[[_Point], Errors], training: bool = True) -> list[Check]:
        part = f"{check.__name__}: "
        return check_smooth(known, lambda seed: check(_Point(layer, shape, seed, training)), part)

    table = rows(_Point.first_order)
    point = _Point(layer, shape, 0)
    y = point.forward().copy()
    rng = point.space.context.rng
    draws = rng is not None and rng.bit_generator.state != stream(0, "dropout").bit_generator.state
    if not np.array_equal(y, _Point(layer, shape, 0, training=False).forward(), equal_nan=True):
        table += [replace(row, what=f"evaluation {row.what}") for row in rows(_Point.first_order, training=False)]
    try:
        point.space.tangent(point.v)
        point.space.adjoint(point.a, point.b, inputs=True)
    except UnsupportedError:
        table.append(Check(known, "second order refused", 0.0))
    else:
        table += rows(_Point.tangents) + rows(_Point.second_order)
        if point.network.piecewise_linear:
            table += rows(_Point.fast_path)
    return table + rows(_Point.two_workers, training=not draws)


def _check_passes(layer: Layer, shape: Shape) -> None:
    """Run a user's layer on four samples in float32, and raise if a result has another dtype or shape."""
    if isinstance(layer, nn.Pointwise):
        check_writes_out(layer, shape, curved=layer.second_order)
    network = Network(layer, shape)
    space, dtype = network.workspace(rng=np.random.default_rng(0)), network.dtype
    x, y = np.zeros((4, *shape), dtype), np.zeros((4, *network.output_shape), dtype)
    with np.errstate(all="ignore"):
        answers = {
            "forward": (y, space.forward(x, np.zeros(4, int) if network.classes else None)),
            "backward": (x, space.backward(y)),
        }
        if layer.second_order:
            answers["tangent"] = y, space.tangent(x)
    for method, (expected, answer) in answers.items():
        if not isinstance(answer, np.ndarray) or (answer.dtype, answer.shape) != (dtype, expected.shape):
            got = f"{answer.dtype} of shape {answer.shape}" if isinstance(answer, np.ndarray) else repr(answer)
            raise UnsupportedError(
                f"{type(layer).__name__}.{method} must return an array of {dtype} of shape {expected.shape} for four "
                f"samples, got {got}. NumPy's scalars turn float32 into float64, as np.sqrt(2.0) does. Try "
                "math.sqrt(2.0), or end with astype(m.dtype)."
            )


def matches(name: str, pattern: str) -> bool:
    """Return whether a name matches a shell pattern, whatever its case."""
    return fnmatch.fnmatchcase(name.lower(), pattern.lower())


def check_layers(pattern: str = "*") -> Iterator[Check]:
    """Check every layer of `LAYERS` whose name matches a shell pattern, and a few whole critics."""
    for name in dict.fromkeys((*EXAMPLES, *LAYERS)):
        if matches(name, pattern):
            examples = EXAMPLES.get(name, [])
            if not examples:
                yield Check(name, f"{NOT_PLAYED}give it an example, with the shape of a sample, by @register", np.nan)
            for i, (layer, shape) in enumerate(examples, start=1):
                known = name if len(examples) == 1 else f"{name} {i}"
                yield from report_errors(known, partial(check_layer, layer, shape, known))


CRITIC = nn.Sequential((nn.Dense(7), nn.LeakyReLU(), nn.Dense(6), nn.LeakyReLU(), nn.Dense(1)))

EXAMPLES["sequential"] += [
    (CRITIC, (5,)),
    (nn.Sequential((nn.Dense(7), nn.Tanh(), nn.Dense(6), nn.Sigmoid(), nn.Dense(1))), (5,)),
    (nn.Sequential((nn.Dense(6), nn.Residual((nn.LeakyReLU(), nn.Dense(6))), nn.Reshape((6,)), nn.Tanh())), (5,)),
    (nn.Sequential((nn.Dense(7), nn.LayerNorm(), nn.Arctan(), nn.Dense(1))), (5,)),
    (nn.Sequential((nn.Dense(7), nn.BatchNorm(), nn.ReLU(), nn.Dense(2), nn.Tanh())), (5,)),
]
