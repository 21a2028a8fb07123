"""Describe a generator as a short list of plain operations, from which every export is written.

Layers that act only in training (dropout) are left out. Computations on the weights alone (spectral normalisation,
BatchNorm's running statistics) are already done. Each remaining operation has one meaning, for a batch of rows of one
shape; pictures are (n, height, width, channels). With x for the input and y for the output:

======================== ===========================================================================================
one_hot                  y = [x, scale · onehot(label)], on the last axis
dense                    y = x W + b
conv                     y[i, j, k] = Σ x[s·i + a − top, s·j + b − left, c] · W[a, b, c, k], zeros outside; then + b
conv_transpose           y[s·i + a − top, s·j + b − left, k] += x[i, j, c] · W[a, b, c, k], cut to `shape`; then + b
leaky_relu, relu, elu    element by element, as in `mulligan.nn.layers.activations`
silu, softplus, tanh     the same
sigmoid, arctan          the same
largest                  y[u] = max over p of x[u · pieces + p]
reshape                  the same numbers in another shape
upsample                 twice the height and width, `nearest` or `bilinear` (pixels are little squares)
avg_pool                 means of size × size windows
scale                    y = (x − mean) · gamma + beta, on the last axis
layer_norm               y = (x − mean x)/√(variance of x + eps) · gamma + beta, over all numbers of the row
pixel_norm               y = x/√(mean of x² + eps), over the last axis
minibatch_stddev         y = [x, s], s = mean over features of √(variance over rows + eps)
projection               y = x · (W + E[label]) + b
add                      the sum of several inputs
======================== ===========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from mulligan.errors import UnsupportedError
from mulligan.nn import layers as nn
from mulligan.nn.layers.base import Layer, Shape, walk
from mulligan.nn.layers.families import Affine
from mulligan.nn.memory import Array, Memory
from mulligan.nn.network import Network
from mulligan.output.generator import Generator

LABELLED = frozenset({"one_hot", "projection"})
"""Operations that need each row's class."""

COMPARING = frozenset({"minibatch_stddev"})
"""Operations in which a row depends on the other rows of its batch."""


@dataclass(frozen=True)
class Op:
    """One operation: its `kind` is one of the table above.

    `inputs` are numbers of values: 0 is z, and operation i computes value i + 1, whose rows have `shape`. `arrays`
    leads from the names in the table to those in `Plan.arrays`. `layer` says where it comes from, for readers.
    """

    kind: str
    inputs: tuple[int, ...]
    shape: Shape
    options: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, str] = field(default_factory=dict)
    layer: str = ""


@dataclass
class Plan:
    """The operations of a generator, in order, and the float32 arrays by path: ``3.W`` is the W of layer 3.

    `shapes` has the shape of one row of every value, z first; value number `result` is the network's output.
    """

    shapes: list[Shape]
    ops: list[Op] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)
    result: int = 0

    def has(self, kinds: frozenset[str]) -> bool:
        """Return whether an operation of one of these kinds occurs."""
        return any(op.kind in kinds for op in self.ops)

    def add(
        self, at: Place, kind: str, *inputs: int, shape: Shape, arrays: dict[str, Array] | None = None, **options: Any
    ) -> int:
        """Append an operation; return the number of its value."""
        names = {name: f"{at.path}.{name}" if at.path else name for name in arrays or {}}
        self.arrays |= {names[name]: np.array(array, np.float32) for name, array in (arrays or {}).items()}
        layer = type(at.layer).__name__
        self.ops.append(Op(kind, inputs, shape, options, names, f"{at.path} {layer}" if at.path else layer))
        self.shapes.append(shape)
        return len(self.ops)


@dataclass(frozen=True)
class Place:
    """A layer with its place in the network: its parameters, its path, and the value that it takes."""

    layer: Any
    memory: Memory
    path: str
    value: int
    shape: Shape

    @property
    def output(self) -> Shape:
        """Shape of one row of the layer's output."""
        shape: Shape = self.layer.output_shape(self.shape)
        return shape

    def arrays(self, *names: str) -> dict[str, Array]:
        """Return those of the named parameters that the layer has."""
        found = self.memory.params | self.memory.stats
        return {name: found[name] for name in names if name in found}

    def inside(self, plan: Plan, index: int, value: int) -> int:
        """Append the operations of child `index` on `value`."""
        name, layer, _ = self.layer.children(self.shape)[index]
        path = f"{self.path}.{name}" if self.path else name
        return lower(plan, Place(layer, self.memory.children[index], path, value, plan.shapes[value]))


def plan_of(generator: Generator) -> Plan:
    """Return the operations that turn z (and labels) into the generator's output, in its own range."""
    return lowered(without_spectral_norm(generator).network)


def lowered(network: Network) -> Plan:
    """Return the operations of any network outside training."""
    plan = Plan([network.input_shape])
    plan.result = lower(plan, Place(network.layer, network.workspace().memory, "", 0, network.input_shape))
    return plan


def lower(plan: Plan, at: Place) -> int:
    """Append a layer's operations; return the number of its output."""
    found = LOWERINGS.get(type(at.layer))
    if found is None:
        raise UnsupportedError(
            f"layer {at.path}, {type(at.layer).__name__}, must have an entry in mulligan.output.export.plan.LOWERINGS "
            "to be exported, got none. Add one, or keep the .safetensors file and draw with mulligan sample."
        )
    return found(plan, at)


def without_spectral_norm(generator: Generator) -> Generator:
    """Return a generator of the same samples, with spectral normalisation applied to its weights once."""
    network = generator.network
    spaces = network.workspace().memory.walk()
    weights: dict[str, Array] = {}
    for (path, layer, _), memory in zip(walk(network.layer, network.input_shape), spaces):
        if isinstance(layer, Affine) and layer.spectral_norm:
            layer.spectral.normalise(memory)
            weights |= {f"{path}.{name}": memory.weights[name] for name in layer.normed}
    if not weights:
        return generator
    layers = tuple(_plain(layer) for layer in generator.spec.layers)
    made = Generator(
        replace(generator.spec, layers=layers),
        np.zeros(generator.network.n_params, np.float32),
        np.zeros(network.stats.size - sum(network.tensors()[f"{name}_v"].size for name in weights), np.float32),
        threads=generator.threads,
    )
    kept = network.tensors() | weights
    for name, view in made.network.tensors().items():
        view[:] = kept[name]
    return made


def _plain(value: Any) -> Any:
    """Copy a layer, and every layer inside it, without spectral normalisation."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if not isinstance(value, Layer):
        return value
    changes = {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.init}
    return replace(value, **changes | ({"spectral_norm": False} if "spectral_norm" in changes else {}))


def _convolution(plan: Plan, at: Place) -> int:
    found = at.layer.correlation(at.shape)
    return plan.add(
        at,
        "conv" if isinstance(at.layer, nn.Conv2d) else "conv_transpose",
        at.value,
        shape=at.output,
        arrays=at.arrays("W", "b"),
        stride=found.stride,
        top=found.before[0],
        left=found.before[1],
    )


def _upsample_convolution(plan: Plan, at: Place) -> int:
    layer, (height, width, depth) = at.layer, at.shape
    twice = plan.add(at, "upsample", at.value, shape=(2 * height, 2 * width, depth), mode="nearest")
    plain = nn.Conv2d(layer.channels, layer.kernel, stride=1, bias=layer.bias)
    return _convolution(plan, replace(at, layer=plain, value=twice, shape=plan.shapes[twice]))


def _maxout(plan: Plan, at: Place) -> int:
    maps = at.inside(plan, 0, at.value)
    return plan.add(at, "largest", maps, shape=at.output, pieces=at.layer.pieces)


def _batch_norm(plan: Plan, at: Place) -> int:
    arrays = at.arrays("mean", "gamma", "beta")
    arrays["gamma"] = arrays["gamma"] / np.sqrt(at.memory.stats["var"] + np.float32(at.layer.eps))
    return plan.add(at, "scale", at.value, shape=at.output, arrays=arrays)


def _sequential(plan: Plan, at: Place) -> int:
    value = at.value
    for i in range(len(at.layer.layers)):
        value = at.inside(plan, i, value)
    return value


def _branches(plan: Plan, at: Place) -> int:
    values = [at.inside(plan, i, at.value) for i in range(len(at.layer.branches))]
    return plan.add(at, "add", *values, shape=at.output)


def plainly(kind: str, arrays: tuple[str, ...] = (), options: tuple[str, ...] = ()) -> Callable[[Plan, Place], int]:
    """Make the lowering of a layer that is one operation; `arrays` and `options` are named as in the layer."""

    def lowering(plan: Plan, at: Place) -> int:
        chosen = {name: getattr(at.layer, name) for name in options}
        return plan.add(at, kind, at.value, shape=at.output, arrays=at.arrays(*arrays), **chosen)

    return lowering


LOWERINGS: dict[type[Layer], Callable[[Plan, Place], int]] = {
    nn.Dense: plainly("dense", ("W", "b")),
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _convolution,
    nn.UpsampleConv2d: _upsample_convolution,
    nn.Maxout: _maxout,
    nn.LeakyReLU: plainly("leaky_relu", options=("alpha",)),
    nn.ReLU: plainly("relu"),
    nn.ELU: plainly("elu", options=("alpha",)),
    nn.SiLU: plainly("silu"),
    nn.Softplus: plainly("softplus", options=("beta",)),
    nn.Tanh: plainly("tanh"),
    nn.Sigmoid: plainly("sigmoid"),
    nn.Arctan: plainly("arctan"),
    nn.Flatten: plainly("reshape"),
    nn.Reshape: plainly("reshape"),
    nn.Upsample: plainly("upsample", options=("mode",)),
    nn.AvgPool: plainly("avg_pool", options=("size",)),
    nn.BatchNorm: _batch_norm,
    nn.LayerNorm: plainly("layer_norm", ("gamma", "beta"), ("eps",)),
    nn.PixelNorm: plainly("pixel_norm", options=("eps",)),
    nn.MinibatchStddev: plainly("minibatch_stddev", options=("eps",)),
    nn.Dropout: lambda plan, at: at.value,
    nn.OneHot: plainly("one_hot", options=("classes", "scale")),
    nn.Projection: plainly("projection", ("W", "E", "b")),
    nn.Sequential: _sequential,
    nn.Residual: _branches,
}
"""Each layer in plain operations. To export a layer of your own, add it here, composed of these operations."""
