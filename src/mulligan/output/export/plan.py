"""Describe a generator as a short list of plain operations, from which every export is written.

Layers that act only in training (dropout) are left out. Computations on the weights alone (spectral normalisation,
BatchNorm's running statistics) are already done. A layer of discriminators, `Projection`, has no
operation. Each operation has one meaning, for a batch of rows of one shape; pictures are (n, height, width, channels).
With x for the input and y for the output:

======================== ===========================================================================================
one_hot                  y = [x, scale · onehot(label)], on the last axis
dense                    y = x W + b
conv                     y[i, j, k] = Σ x[s·i + a − top, s·j + b − left, c] · W[a, b, c, k], zeros outside; then + b
conv_transpose           y[s·i + a − top, s·j + b − left, k] += x[i, j, c] · W[a, b, c, k], cut to `shape`; then + b
leaky_relu, relu, tanh   element by element, as in `mulligan.nn.layers.activations`
sigmoid, arctan          the same
reshape                  the same numbers in another shape
upsample                 twice the height and width: each pixel four times
scale                    y = (x − mean) · gamma + beta, on the last axis
layer_norm               y = (x − mean x)/√(variance of x + eps) · gamma + beta, over all numbers of the row
add                      the sum of several inputs
======================== ===========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mulligan.errors import UnsupportedError
from mulligan.nn import layers as nn
from mulligan.nn.layers import spectral
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.families import Affine
from mulligan.nn.memory import Array, Memory
from mulligan.nn.network import Network
from mulligan.output.generator import Generator


@dataclass(frozen=True)
class Op:
    """One operation of the table above.

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

    def after(self, op: Op) -> tuple[int, int]:
        """Return how many rows and columns a convolution's windows reach beyond the larger side; negative if fewer."""
        few, many = op.shape, self.shapes[op.inputs[0]]
        if op.kind == "conv_transpose":
            few, many = many, few
        stride, (height, width) = op.options["stride"], op.options["kernel"]
        rows, columns = (few[0] - 1) * stride + height - many[0], (few[1] - 1) * stride + width - many[1]
        return rows - op.options["top"], columns - op.options["left"]


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
        """Return those of the named weights and statistics that the layer has."""
        known = self.memory.weights | self.memory.stats
        return {name: known[name] for name in names if name in known}

    def inside(self, plan: Plan, index: int, value: int) -> int:
        """Append the operations of child `index` on `value`."""
        name, layer, _ = self.layer.children(self.shape)[index]
        path = f"{self.path}.{name}" if self.path else name
        return lower(plan, Place(layer, self.memory.children[index], path, value, plan.shapes[value]))


def plan_of(generator: Generator) -> Plan:
    """Return the operations that turn z (and labels) into the generator's output, in its own range."""
    return lower_network(generator.network)


def lower_network(network: Network) -> Plan:
    """Return the operations of any network outside training."""
    plan = Plan([network.input_shape])
    plan.result = lower(plan, Place(network.layer, network.workspace().memory, "", 0, network.input_shape))
    return plan


def lower(plan: Plan, at: Place) -> int:
    """Append a layer's operations; return the number of its output."""
    lowering = LOWERINGS.get(type(at.layer))
    if lowering is None:
        raise UnsupportedError(
            f"layer {at.path}, {type(at.layer).__name__}, must have an entry in mulligan.output.export.plan.LOWERINGS "
            "to be exported, got none. Add one, or keep the .safetensors file and draw with mulligan sample."
        )
    if isinstance(at.layer, Affine) and at.layer.spectral_norm:
        spectral.normalise(at.memory, at.layer.normed)  # writes `weights`
    return lowering(plan, at)


def _convolution(plan: Plan, at: Place) -> int:
    place, arrays = at.layer.correlation(at.shape), at.arrays("W", "b")
    kind = "conv" if isinstance(at.layer, nn.Conv2d) else "conv_transpose"
    (top, left), kernel = place.before, arrays["W"].shape[:2]
    return plan.add(
        at, kind, at.value, shape=at.output, arrays=arrays, stride=place.stride, top=top, left=left, kernel=kernel
    )


def _upsample_convolution(plan: Plan, at: Place) -> int:
    layer, (height, width, depth) = at.layer, at.shape
    twice = plan.add(at, "upsample", at.value, shape=(2 * height, 2 * width, depth))
    plain = nn.Conv2d(layer.channels, layer.kernel, stride=1, bias=layer.bias)
    return _convolution(plan, replace(at, layer=plain, value=twice, shape=plan.shapes[twice]))


def _channel_mean(plan: Plan, at: Place) -> int:
    W = np.eye(at.output[2]).repeat(at.layer.count, axis=0)[None, None] / at.layer.count
    return plan.add(at, "conv", at.value, shape=at.output, arrays={"W": W}, stride=1, top=0, left=0, kernel=(1, 1))


def _batch_norm(plan: Plan, at: Place) -> int:
    arrays = at.arrays("mean", "gamma", "beta")
    arrays["gamma"] = arrays["gamma"] / np.sqrt(at.memory.stats["var"] + np.float32(at.layer.eps))
    return plan.add(at, "scale", at.value, shape=at.output, arrays=arrays)


def _sequential(plan: Plan, at: Place) -> int:
    value = at.value
    for i in range(len(at.layer.layers)):
        value = at.inside(plan, i, value)
    return value


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
    nn.LeakyReLU: plainly("leaky_relu", options=("alpha",)),
    nn.ReLU: plainly("relu"),
    nn.Tanh: plainly("tanh", options=("gain",)),
    nn.Sigmoid: plainly("sigmoid"),
    nn.Arctan: plainly("arctan"),
    nn.Flatten: plainly("reshape"),
    nn.Reshape: plainly("reshape"),
    nn.ChannelMean: _channel_mean,
    nn.BatchNorm: _batch_norm,
    nn.LayerNorm: plainly("layer_norm", ("gamma", "beta"), ("eps",)),
    nn.Dropout: lambda plan, at: at.value,
    nn.OneHot: plainly("one_hot", options=("classes", "scale")),
    nn.Sequential: _sequential,
    nn.Residual: lambda plan, at: plan.add(at, "add", _sequential(plan, at), at.value, shape=at.output),
}
"""Each layer in plain operations. To export a layer of your own, add it here, composed of these operations."""
