"""``--to onnx``: the generator as an ONNX graph, samples in the data's own range.

Inputs are `z`, float32 (N, dim), and for a conditional network `labels`, int64 (N,); the output is `samples`, float32
(N, *shape), pictures as (N, height, width, channels). N is free. Metadata: see `facts`.
"""

import json
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
        import onnx.parser
    except ImportError as error:
        raise ConfigError(
            "the package onnx must be installed to write an ONNX file. Try pip install 'mulligan[onnx]', or --to npz, "
            "which needs no package."
        ) from error
    plan, spec, nodes, weights = plan_of(generator), generator.spec, list[Any](), dict[str, Array]()

    def write(statements: str, where: str, **values: Any) -> None:
        for line in filter(None, map(str.strip, statements.split("\n"))):
            nodes.append(onnx.parser.parse_node(line.format(**values)))
            nodes[-1].name = f"{where} {nodes[-1].output[0]}"

    for number, op in enumerate(plan.ops, 1):
        inputs = [f"v{i}" if i else "z" for i in op.inputs]
        values = _words(plan, op) | {"x": inputs[0], "xs": ", ".join(inputs), "y": f"v{number}"}
        for name, array in _arrays(plan, op).items():
            values[name] = f"{name}_{number}"
            weights[values[name]] = np.ascontiguousarray(array)
        write(STATEMENTS[op.kind], op.layer, **values)
    y = f"v{plan.result}" if plan.result else "z"
    (low, high), (data_low, data_high) = spec.output_range, spec.data_range
    if spec.output_range != spec.data_range:
        factor = (data_high - data_low) / (high - low)
        write(_RANGED, "samples", x=y, factor=float(factor), shift=float(data_low - factor * low))
        y = "ranged"
    write(_RESHAPED, "samples", x=y, y="samples", shape=[0, *spec.shape])

    make, kind = onnx.helper, onnx.TensorProto
    taken = [make.make_tensor_value_info("z", kind.FLOAT, ["N", spec.latent.dim])]
    if generator.network.classes:
        taken.append(make.make_tensor_value_info("labels", kind.INT64, ["N"]))
    said = f"in data_range, {data_low} … {data_high}, whatever output_range is"
    output = make.make_tensor_value_info("samples", kind.FLOAT, ["N", *spec.shape], said)
    initializers = [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()]
    model = make.make_model(
        make.make_graph(nodes, "generator", taken, [output], initializers, doc_string=str(generator)),
        producer_name="mulligan",
        producer_version=facts(generator)["mulligan"],
        opset_imports=[make.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    known = facts(generator).items()
    make.set_model_props(model, {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in known})
    onnx.checker.check_model(model, full_check=True)
    return model


def _arrays(plan: Plan, op: Op) -> dict[str, Array]:
    """Return an operation's arrays, with a bias even if it is 0. ONNX has the channels first."""
    arrays = {name: plan.arrays[path] for name, path in op.arrays.items()}
    if op.kind in _AXES:
        arrays["W"] = arrays["W"].transpose(_AXES[op.kind])
    if "W" in arrays:
        arrays.setdefault("b", np.zeros(op.shape[-1], np.float32))
    return arrays


def _words(plan: Plan, op: Op) -> dict[str, Any]:
    """Return the numbers and names of an operation's statements."""
    values = {name: float(value) if name in _REAL else value for name, value in op.options.items()}
    values |= {
        "shape": [0, *op.shape],
        "axes": [*range(1, 1 + len(op.shape))],
        "how": _MODES.get(op.options.get("mode", "")),
    }
    if "kernel" in op.options:
        after = plan.after(op)
        values["pads"] = [op.options["top"], op.options["left"], *(max(0, rows) for rows in after)]
        values["more"] = [max(0, -rows) for rows in after]
    if "classes" in op.options:
        places, classes = op.shape[:-1], op.options["classes"]
        values |= {"one": [0, *(1 for _ in places), classes], "each": [1, *places, classes]}
    return values


_AXES = {"conv": (3, 2, 0, 1), "conv_transpose": (2, 3, 0, 1)}
_REAL = ("alpha", "beta", "eps", "scale")
_MODES = {
    "nearest": 'mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"',
    "bilinear": 'mode = "linear", coordinate_transformation_mode = "half_pixel"',
}
_RESHAPED = """
    {y}_shape = Constant<value_ints = {shape}>()
    {y} = Reshape({x}, {y}_shape)
"""
_RANGED = """
    factor = Constant<value_float = {factor}>()
    shift = Constant<value_float = {shift}>()
    spread = Mul({x}, factor)
    ranged = Add(spread, shift)
"""
_FIRST, _LAST = "{y}_first = Transpose<perm = [0, 3, 1, 2]>({x})\n", "\n{y} = Transpose<perm = [0, 2, 3, 1]>({y}_last)"
_NORMED = """
    {y}_squares = Mul({y}_centred, {y}_centred)
    {y}_mean_square = ReduceMean<keepdims = 1>({y}_squares, {y}_axes)
    {y}_eps = Constant<value_float = {eps}>()
    {y}_sum = Add({y}_mean_square, {y}_eps)
    {y}_root = Sqrt({y}_sum)
"""
STATEMENTS: dict[str, str] = {
    "one_hot": """
        {y}_classes = Constant<value_int = {classes}>()
        {y}_values = Constant<value_floats = [0.0, {scale}]>()
        {y}_one = Constant<value_ints = {one}>()
        {y}_each = Constant<value_ints = {each}>()
        {y}_label = OneHot(labels, {y}_classes, {y}_values)
        {y}_row = Reshape({y}_label, {y}_one)
        {y}_rows = Expand({y}_row, {y}_each)
        {y} = Concat<axis = -1>({x}, {y}_rows)
    """,
    "dense": """
        {y}_product = MatMul({x}, {W})
        {y} = Add({y}_product, {b})
    """,
    "conv": _FIRST + "{y}_last = Conv<strides = [{stride}, {stride}], pads = {pads}>({y}_first, {W}, {b})" + _LAST,
    "conv_transpose": _FIRST
    + "{y}_last = ConvTranspose<strides = [{stride}, {stride}], pads = {pads}, output_padding = {more}>"
    + "({y}_first, {W}, {b})"
    + _LAST,
    "leaky_relu": "{y} = LeakyRelu<alpha = {alpha}>({x})",
    "relu": "{y} = Relu({x})",
    "silu": """
        {y}_gate = Sigmoid({x})
        {y} = Mul({x}, {y}_gate)
    """,
    "softplus": """
        {y}_beta = Constant<value_float = {beta}>()
        {y}_times = Mul({x}, {y}_beta)
        {y}_soft = Softplus({y}_times)
        {y} = Div({y}_soft, {y}_beta)
    """,
    "tanh": "{y} = Tanh({x})",
    "sigmoid": "{y} = Sigmoid({x})",
    "arctan": "{y} = Atan({x})",
    "reshape": _RESHAPED,
    "upsample": _FIRST
    + """{y}_scales = Constant<value_floats = [1.0, 1.0, 2.0, 2.0]>()
        {y}_last = Resize<{how}>({y}_first, , {y}_scales)"""
    + _LAST,
    "avg_pool": _FIRST
    + "{y}_last = AveragePool<kernel_shape = [{size}, {size}], strides = [{size}, {size}]>({y}_first)"
    + _LAST,
    "scale": """
        {y}_centred = Sub({x}, {mean})
        {y}_scaled = Mul({y}_centred, {gamma})
        {y} = Add({y}_scaled, {beta})
    """,
    "layer_norm": """
        {y}_axes = Constant<value_ints = {axes}>()
        {y}_mean = ReduceMean<keepdims = 1>({x}, {y}_axes)
        {y}_centred = Sub({x}, {y}_mean)
    """
    + _NORMED
    + """
        {y}_normed = Div({y}_centred, {y}_root)
        {y}_scaled = Mul({y}_normed, {gamma})
        {y} = Add({y}_scaled, {beta})
    """,
    "pixel_norm": """
        {y}_axes = Constant<value_ints = [-1]>()
        {y}_centred = Identity({x})
    """
    + _NORMED
    + "{y} = Div({x}, {y}_root)",
    "add": "{y} = Sum({xs})",
}
"""Each operation of `mulligan.output.export.plan` in ONNX's text: `x` is its input, `y` its result."""
