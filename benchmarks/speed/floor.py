"""Two lower bounds for a step of Mulligan: the time of its matrix products alone, with their true shapes.

One multiplies as the engine does. The other computes each product by one BLAS call.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
import threadpoolctl
from sides import Side
from workloads import Shape, Workload

from mulligan.nn.layers.base import Layer
from mulligan.nn.layers.classes import Projection
from mulligan.nn.layers.conv import Conv2d, ConvTranspose2d
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.products import multiply
from mulligan.nn.memory import Array, allocate
from mulligan.nn.workers.threads import ThreadTeam, shares

TILE = 8
"""Number of samples in one product of a convolution, about that of the engine's tiles."""


@dataclass(frozen=True)
class Product:
    """One product of a layer, for `rows` samples. `places` are the rows of X for each: the windows of a convolution.

    With X (samples·places × inputs), W (inputs × outputs) and Y like XW: "forward" is XW, "inputs" Y Wᵀ, "weights" XᵀY.
    """

    kind: str
    layer: str
    rows: int
    places: int
    inputs: int
    outputs: int


def step_products(workload: Workload, rows: int) -> list[Product]:
    """List the products of one step of the engine for `rows` real samples, in order.

    A convolution counts as its product with the matrix of windows. Copying windows, element-wise work and the
    projection's row products do not count.
    """
    game = workload.game
    for_g, for_d = workload.players()
    g = list(_affine("g", for_g, (game.latent.dim,)))
    d = list(_affine("d", for_d, workload.sample_shape))
    second_order = bool(game.penalties)

    def run(kind: str, layers: list[_Affine], n: int) -> list[Product]:
        ordered = layers if kind != "inputs" else layers[::-1]
        return [layer.product(kind, n) for layer in ordered if kind != "forward" or not layer.weights_only]

    fake = run("forward", g, rows)
    see = run("forward", d, 2 * rows)
    learn_d = run("weights", d, 2 * rows)
    learn_g = run("inputs", g[1:], rows) + run("weights", g, rows)
    if game.update == "simultaneous":  # g = ∇ₓD reaches the pixels; G's gradient comes with it
        unit = run("inputs", d, 2 * rows)
        tangent = run("forward", d[:-1], 2 * rows) if second_order else []
        return fake + see + unit + tangent + learn_d + learn_g
    seen = 2 * rows if game.loss.relativistic else rows
    d_move = fake + see + run("inputs", d[1:], 2 * rows) + learn_d
    again = fake if game.latent.redraw else []
    return d_move + again + run("forward", d, seen) + run("inputs", d, seen) + learn_g


@dataclass(frozen=True)
class _Affine:
    name: str
    places: int
    inputs: int
    outputs: int
    transposed: bool = False  # ConvTranspose2d: X is its output's windows, so its forward pass is "inputs" here
    weights_only: bool = False  # Projection: its other products are sums of row products

    def product(self, kind: str, rows: int) -> Product:
        if self.transposed:
            kind = {"forward": "inputs", "inputs": "forward"}.get(kind, kind)
        return Product(kind, self.name, rows, self.places, self.inputs, self.outputs)


def _affine(side: str, layers: tuple[Layer, ...], shape: Shape) -> Iterator[_Affine]:
    """Yield the layers that have products, with the sizes of their matrices."""
    for i, layer in enumerate(layers):
        name, out = f"{side}.{i}", layer.output_shape(shape)
        if isinstance(layer, Dense):
            yield _Affine(name, 1, shape[0], out[0])
        elif isinstance(layer, Projection):
            yield _Affine(name, 1, layer.classes, shape[0], weights_only=True)  # dE = (chosen dy)ᵀ x
        elif isinstance(layer, Conv2d):
            yield _Affine(name, prod(out[:2]), layer.kernel**2 * shape[2], out[2])
        elif isinstance(layer, ConvTranspose2d):
            taps = layer.correlation(shape).kernel ** 2
            yield _Affine(name, prod(shape[:2]), taps * out[2], shape[2], transposed=True)
        shape = out


class Bare(Side):
    """The base of both floors: products without a step, so no parameter changes."""

    def __init__(self, workload: Workload, threads: int):
        super().__init__(workload, threads)
        self.rng = np.random.default_rng(0)
        self.weights: dict[str, Array] = {}

    def _operands(self, rows: int) -> list[tuple[Array, Array, Array]]:
        products = [p for p in step_products(self.workload, rows) if p.kind != "inputs" or p.inputs > 0]
        longest = {p.layer: 2 * rows * p.places for p in products}
        X: dict[str, Array] = {}
        Y: dict[str, Array] = {}
        work: list[tuple[Array, Array, Array]] = []
        for p in products:
            if p.layer not in X:
                tiled = p.places > 1
                height = min(TILE, 2 * rows) * p.places if tiled else longest[p.layer]
                X[p.layer] = self._random((height, p.inputs))
                Y[p.layer] = self._random((longest[p.layer], p.outputs))
                if p.layer not in self.weights:
                    self.weights[p.layer] = self._random((p.inputs, p.outputs), p.inputs**-0.5)
            x, y, W = X[p.layer], Y[p.layer], self.weights[p.layer]
            dW, dx = np.empty_like(W), np.empty_like(x)
            back = W.T if p.places == 1 else np.ascontiguousarray(W.T)  # a convolution makes its matrix for each pass
            step = p.rows * p.places if p.places == 1 else TILE * p.places
            for start in range(0, p.rows * p.places, step):
                length = min(step, p.rows * p.places - start)
                part, columns = y[start : start + length], x[:length]
                if p.kind == "forward":
                    work.append((columns, W, allocate(part.shape, np.float32)))
                elif p.kind == "inputs":
                    work.append((part, back, dx[:length]))
                else:
                    work.append((columns.T, part, dW))
        return work

    def _random(self, shape: Shape, scale: float = 1.0) -> Array:
        out = allocate(shape, np.float32)
        out[...] = scale * self.rng.standard_normal(shape)
        return out


class Products(Bare):
    """Times the products as the engine computes them: the batch shared among workers, BLAS at one thread, `multiply`.

    A convolution's windows are one tile that stays in the cache, as in the engine.
    """

    def __init__(self, workload: Workload, threads: int):
        super().__init__(workload, threads)
        self.team = ThreadTeam(threads)
        self.team.__enter__()
        self.work = [self._operands(part.stop - part.start) for part in shares(workload.batch, threads)]

    def step(self) -> None:
        self.team.run(self._multiply)

    def _multiply(self, worker: int) -> None:
        for a, b, out in self.work[worker]:
            multiply(a, b, out)


class Sgemm(Bare):
    """Times the products by BLAS alone: the whole batch in one call of `matmul`, with BLAS's own threads."""

    def __init__(self, workload: Workload, threads: int):
        super().__init__(workload, threads)
        threadpoolctl.threadpool_limits(threads, "blas")  # until this process ends
        self.work = self._operands(workload.batch)

    def step(self) -> None:
        for a, b, out in self.work:
            np.matmul(a, b, out=out)
