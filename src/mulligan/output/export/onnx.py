"""``--to onnx``: the generator as an ONNX graph, samples in the data's own range.

Inputs are `z`, float32 (N, dim), and for a conditional network `labels`, int64 (N,); the output is `samples`, float32
(N, *shape), pictures as (N, height, width, channels). N is free. Metadata: see `facts`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mulligan.doors.write import Files
from mulligan.errors import ConfigError
from mulligan.nn.memory import Array
from mulligan.output.export import facts
from mulligan.output.export.plan import Op, Plan, plan_of
from mulligan.output.generator import Generator

OPSET = 18
"""Version of ai.onnx, from December 2022. ONNX Runtime 1.14 and later reads it."""
IR_VERSION = 8


def files(generator: Generator, path: Path) -> Files:
    """Return one .onnx file; see `onnx_model`."""
    return {path: onnx_model(generator).SerializeToString()}


def onnx_model(generator: Generator) -> Any:
    """Return the generator as a checked ``onnx.ModelProto``."""
    try:
        import onnx
    except ImportError as error:
        raise ConfigError(
            "the package onnx must be installed to write an ONNX file. Try pip install 'mulligan[onnx]', or --to npz, "
            "which needs no package."
        ) from error
    plan = plan_of(generator)
    graph = _Graph(plan)
    values = ["z"]
    for op in plan.ops:
        graph.layer = op.layer
        values.append(NODES[op.kind](graph, op, *(values[i] for i in op.inputs)))
    graph.layer = "samples"
    y, spec = values[plan.result], generator.spec
    (low, high), (data_low, data_high) = spec.output_range, spec.data_range
    if (low, high) != (data_low, data_high):
        y = graph("Mul", graph("Sub", y, graph.constant(low)), graph.constant((data_high - data_low) / (high - low)))
        y = graph("Add", y, graph.constant(data_low))
    if plan.shapes[plan.result] != spec.shape:
        y = graph.reshape(y, spec.shape)
    graph("Identity", y, name="samples")

    make, kind = onnx.helper, onnx.TensorProto
    inputs = [make.make_tensor_value_info("z", kind.FLOAT, ["N", spec.latent.dim])]
    if generator.network.classes:
        inputs.append(make.make_tensor_value_info("labels", kind.INT64, ["N"]))
    said = f"in data_range, {data_low} … {data_high}, whatever output_range is"
    output = make.make_tensor_value_info("samples", kind.FLOAT, ["N", *spec.shape], said)
    model = make.make_model(
        make.make_graph(graph.nodes, "generator", inputs, [output], graph.initializers, doc_string=str(generator)),
        producer_name="mulligan",
        producer_version=facts(generator)["mulligan"],
        opset_imports=[make.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    known = facts(generator).items()
    make.set_model_props(model, {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in known})
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    """Collects nodes and constants. Calling it adds a node and returns the name of its result."""

    def __init__(self, plan: Plan):
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.plan = plan
        self.layer = ""

    def __call__(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        from onnx import helper

        result = name or f"{self.layer} {kind} {len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [result], result, **attributes))
        return result

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant."""
        from onnx import numpy_helper

        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def whole(self, *values: int) -> str:
        """Add a constant list of whole numbers."""
        return self.constant(values, np.int64)

    def array(self, op: Op, name: str, axes: tuple[int, ...] | None = None) -> str:
        """Add one of the operation's arrays, optionally with its axes in another order."""
        from onnx import numpy_helper

        array: Array = self.plan.arrays[op.arrays[name]]
        array = np.ascontiguousarray(array if axes is None else array.transpose(axes))
        self.initializers.append(numpy_helper.from_array(array, op.arrays[name]))
        return op.arrays[name]

    def reshape(self, x: str, shape: tuple[int, ...]) -> str:
        """Give every row another shape."""
        return self("Reshape", x, self.whole(0, *shape))

    def biased(self, op: Op, x: str) -> str:
        """Add b, if the operation has one."""
        return self("Add", x, self.array(op, "b")) if "b" in op.arrays else x

    def mean(self, x: str, *axes: int) -> str:
        """Average over axes, which stay with length 1."""
        return self("ReduceMean", x, self.whole(*axes), keepdims=1)

    def normed(self, x: str, centred: str, eps: float, *axes: int) -> str:
        """Divide x by the root of the mean square of `centred` over axes."""
        square = self.mean(self("Mul", centred, centred), *axes)
        return self("Div", x, self("Sqrt", self("Add", square, self.constant(eps))))

    def scaled(self, op: Op, x: str) -> str:
        """Multiply by gamma and add beta."""
        return self("Add", self("Mul", x, self.array(op, "gamma")), self.array(op, "beta"))


# ── picture layers: ONNX has channels first ───────────────────────────────────────────────────────────────────────────


def _first(graph: _Graph, x: str) -> str:
    return graph("Transpose", x, perm=[0, 3, 1, 2])


def _last(graph: _Graph, x: str) -> str:
    return graph("Transpose", x, perm=[0, 2, 3, 1])


def _conv(graph: _Graph, op: Op, x: str) -> str:
    sizes, (kh, kw) = graph.plan.shapes[op.inputs[0]], op.options["kernel"]
    s, before = op.options["stride"], (op.options["top"], op.options["left"])
    # no padding if the last window ends inside the picture
    after = [max(0, (g - 1) * s + k - size - p) for g, k, size, p in zip(op.shape, (kh, kw), sizes, before)]
    bias = [graph.array(op, "b")] if "b" in op.arrays else []
    W = graph.array(op, "W", (3, 2, 0, 1))
    y = graph("Conv", _first(graph, x), W, *bias, strides=[s, s], pads=[*before, *after], kernel_shape=[kh, kw])
    return _last(graph, y)


def _conv_transpose(graph: _Graph, op: Op, x: str) -> str:
    sizes, kernel = graph.plan.shapes[op.inputs[0]], op.options["kernel"]
    s, before = op.options["stride"], (op.options["top"], op.options["left"])
    # rows that the windows reach beyond the picture; negative if the kernel is short
    after = [(h - 1) * s + k - p - size for h, k, p, size in zip(sizes, kernel, before, op.shape)]
    bias = [graph.array(op, "b")] if "b" in op.arrays else []
    y = graph(
        "ConvTranspose",
        _first(graph, x),
        graph.array(op, "W", (2, 3, 0, 1)),
        *bias,
        strides=[s, s],
        kernel_shape=list(kernel),
        pads=[*before, *(max(0, a) for a in after)],
        output_padding=[max(0, -a) for a in after],
    )
    return _last(graph, y)


def _upsample(graph: _Graph, op: Op, x: str) -> str:
    how = {
        "nearest": {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    }[op.options["mode"]]
    return _last(graph, graph("Resize", _first(graph, x), "", graph.constant([1, 1, 2, 2]), **how))


def _avg_pool(graph: _Graph, op: Op, x: str) -> str:
    window = [op.options["size"]] * 2
    return _last(graph, graph("AveragePool", _first(graph, x), kernel_shape=window, strides=window))


# ── all other layers ──────────────────────────────────────────────────────────────────────────────────────────────────


def _one_hot(graph: _Graph, op: Op, x: str) -> str:
    classes, values = op.options["classes"], graph.constant([0.0, op.options["scale"]])
    chosen = graph("OneHot", "labels", graph.constant(classes, np.int64), values)
    if len(op.shape) > 1:
        ones = [1] * (len(op.shape) - 1)
        chosen = graph("Expand", graph.reshape(chosen, (*ones, classes)), graph.whole(1, *op.shape[:-1], classes))
    return graph("Concat", x, chosen, axis=-1)


def _softplus(graph: _Graph, op: Op, x: str) -> str:
    beta = graph.constant(op.options["beta"])
    return graph("Div", graph("Softplus", graph("Mul", x, beta)), beta)


def _layer_norm(graph: _Graph, op: Op, x: str) -> str:
    axes = range(1, 1 + len(op.shape))
    centred = graph("Sub", x, graph.mean(x, *axes))
    return graph.scaled(op, graph.normed(centred, centred, op.options["eps"], *axes))


NODES: dict[str, Callable[..., str]] = {
    "one_hot": _one_hot,
    "dense": lambda graph, op, x: graph.biased(op, graph("MatMul", x, graph.array(op, "W"))),
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "leaky_relu": lambda graph, op, x: graph("LeakyRelu", x, alpha=op.options["alpha"]),
    "relu": lambda graph, op, x: graph("Relu", x),
    "silu": lambda graph, op, x: graph("Mul", x, graph("Sigmoid", x)),
    "softplus": _softplus,
    "tanh": lambda graph, op, x: graph("Tanh", x),
    "sigmoid": lambda graph, op, x: graph("Sigmoid", x),
    "arctan": lambda graph, op, x: graph("Atan", x),
    "reshape": lambda graph, op, x: graph.reshape(x, op.shape),
    "upsample": _upsample,
    "avg_pool": _avg_pool,
    "scale": lambda graph, op, x: graph.scaled(op, graph("Sub", x, graph.array(op, "mean"))),
    "layer_norm": _layer_norm,
    "pixel_norm": lambda graph, op, x: graph.normed(x, x, op.options["eps"], -1),
    "add": lambda graph, op, *xs: graph("Sum", *xs),
}
"""How each operation of `mulligan.output.export.plan` is built from ONNX nodes."""
