"""``--to torch``: a PyTorch module as readable source code, and a file of its weights.

``NAME.py`` defines `Generator`, an ``nn.Module`` that needs torch and safetensors, but not Mulligan;
``NAME.weights.safetensors`` holds the weights in PyTorch's layout. Samples are in the data's own range, pictures as (n,
height, width, channels).
"""

import json
import keyword
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mulligan.doors.signature import KEY, PROGRAM, sign_python
from mulligan.doors.write import Files
from mulligan.errors import ConfigError
from mulligan.nn.memory import Array
from mulligan.output.export import facts
from mulligan.output.export.plan import Op, Plan, plan_of
from mulligan.output.generator import Generator


def files(generator: Generator, path: Path) -> Files:
    """Return NAME.py and NAME.weights.safetensors."""
    from safetensors.numpy import save

    if not path.stem.isidentifier() or keyword.iskeyword(path.stem):
        raise ConfigError(
            f"--out must have a name that Python can import, got {path}. Use letters, digits and _. Try generator.py."
        )
    weights = weights_of(path)
    source, tensors = torch_module(generator, weights.name)
    packed = save({name: np.ascontiguousarray(x) for name, x in tensors.items()}, {"format": "pt", KEY: PROGRAM})
    return {path: sign_python(source), weights: packed}


def weights_of(path: Path) -> Path:
    """Return the file of the weights beside a module."""
    return path.parent / f"{path.stem}.weights.safetensors"


def torch_module(generator: Generator, weights: str) -> tuple[str, dict[str, Array]]:
    """Return the module's source, and its weights by their names in the module's ``state_dict``."""
    plan = plan_of(generator)
    source = _Source(plan)
    for op in plan.ops:
        source.op = op
        STATEMENTS[op.kind](source)
    classes, latent = generator.network.classes, generator.spec.latent
    parts = {
        "facts": _comments(facts(generator)),
        "definitions": "".join(text for name, text in DEFINITIONS.items() if name in source.uses),
        "labels": ", labels" if classes else "",
        "example": f", torch.arange(16) % {classes}" if classes else "",
        "labels_doc": f" and labels (n,) int64 below {classes}" if classes else "",
        "dim": latent.dim,
        "draw": _DRAWS[latent.distribution].format(latent.dim),
        "shape": "".join(f", {size}" for size in generator.spec.shape),
        "range": " … ".join(map(str, generator.spec.data_range)),
        "module": weights.removesuffix(".weights.safetensors"),
        "weights": weights,
        "members": _indent(source.members) or "        pass\n",
        "forward": _indent(source.lines),
        "ending": _indent(_ending(generator, plan)),
    }
    return _MODULE.format(**parts), source.tensors


class _Source:
    """Collects the lines of ``__init__`` and ``forward``, operation by operation.

    `tensors` are named as in the module's ``state_dict``, in PyTorch's layout; `uses` names the functions of
    `DEFINITIONS` that the lines call.
    """

    def __init__(self, plan: Plan):
        self.plan, self.op = plan, Op("", (), ())
        self.members: list[str] = []
        self.lines: list[str] = []
        self.tensors: dict[str, Array] = {}
        self.uses: set[str] = set()

    @property
    def name(self) -> str:
        """The member that holds the operation's weights."""
        return f"{self.op.kind}_{self.op.layer.split(' ')[0].replace('.', '_')}"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of a row of its input."""
        return self.plan.shapes[self.op.inputs[0]]

    def array(self, name: str) -> Array | None:
        """Return one of its arrays, if it has it."""
        return self.plan.arrays.get(self.op.arrays.get(name, ""))

    def line(self, expression: str, uses: str = "") -> None:
        """Add a line: {x} is the input, {sum} the inputs with + between, {self} the member, {shape} the output's."""
        op, inputs = self.op, [f"x{i}" if i else "z" for i in self.op.inputs]
        words = {"x": inputs[0], "sum": " + ".join(inputs), "self": f"self.{self.name}"}
        words["shape"] = ", ".join(map(str, op.shape))
        self.lines.append(f"x{len(self.lines) + 1} = {expression.format(**words, **op.options)}  # {op.layer}")
        self.uses.add(uses)

    def module(self, call: str, weight: Array) -> None:
        """Add a member that is a PyTorch module with this weight, and the operation's bias."""
        bias = self.array("b")
        self.members.append(f"self.{self.name} = nn.{call}{')' if bias is not None else ', bias=False)'}")
        self.tensors[f"{self.name}.weight"] = weight
        if bias is not None:
            self.tensors[f"{self.name}.bias"] = bias

    def parameter(self, name: str, kind: str = "nn.Parameter") -> None:
        """Add a member that holds an array of the operation unchanged."""
        member, array = f"{self.name}_{name}", self.array(name)
        assert array is not None
        zeros = f"torch.zeros{array.shape}"
        parameter = f"self.{member} = nn.Parameter({zeros})"
        self.members.append(parameter if kind == "nn.Parameter" else f'self.register_buffer("{member}", {zeros})')
        self.tensors[member] = array


def _dense(s: _Source) -> None:
    W = s.plan.arrays[s.op.arrays["W"]]
    s.module(f"Linear({W.shape[0]}, {W.shape[1]}", W.T)
    s.line("{self}({x})")


def _conv(s: _Source) -> None:
    W = s.plan.arrays[s.op.arrays["W"]]
    kernel, stride = s.op.options["kernel"], s.op.options["stride"]
    before = s.op.options["top"], s.op.options["left"]
    sizes = zip(s.op.shape, kernel, s.input_shape, before)
    after = [max(0, (g - 1) * stride + k - size - p) for g, k, size, p in sizes]
    s.module(f"Conv2d({W.shape[2]}, {W.shape[3]}, {kernel}, stride={stride}", W.transpose(3, 2, 0, 1))
    s.line(f"conv({{self}}, {{x}}, pad={(before[1], after[1], before[0], after[0])})", "conv")


def _conv_transpose(s: _Source) -> None:
    W = s.plan.arrays[s.op.arrays["W"]]
    kernel, stride = s.op.options["kernel"], s.op.options["stride"]
    before = s.op.options["top"], s.op.options["left"]
    sizes = zip(s.op.shape, s.input_shape, kernel, before)
    after = [size - ((h - 1) * stride + k - p) for size, h, k, p in sizes]
    s.module(f"ConvTranspose2d({W.shape[2]}, {W.shape[3]}, {kernel}, stride={stride}", W.transpose(2, 3, 0, 1))
    pad = (-before[1], after[1], -before[0], after[0])
    s.line(f"conv_transpose({{self}}, {{x}}, pad={pad})", "conv_transpose")


def _scale(s: _Source) -> None:
    s.parameter("gamma")
    s.parameter("beta")
    s.parameter("mean", "buffer")
    s.line("({x} - {self}_mean) * {self}_gamma + {self}_beta")


def _layer_norm(s: _Source) -> None:
    s.parameter("gamma")
    s.parameter("beta")
    s.line(f"F.layer_norm({{x}}, {list(s.op.shape)}, eps={{eps}}) * {{self}}_gamma + {{self}}_beta")


def _line(expression: str, uses: str = "") -> Callable[[_Source], None]:
    return lambda s: s.line(expression, uses)


STATEMENTS: dict[str, Callable[[_Source], None]] = {
    "one_hot": _line("one_hot({x}, labels, {classes}, {scale})", "one_hot"),
    "dense": _dense,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "leaky_relu": _line("F.leaky_relu({x}, {alpha})"),
    "relu": _line("F.relu({x})"),
    "silu": _line("F.silu({x})"),
    "softplus": _line("F.softplus({x}, {beta})"),
    "tanh": _line("torch.tanh({x})"),
    "sigmoid": _line("torch.sigmoid({x})"),
    "arctan": _line("torch.arctan({x})"),
    "reshape": _line("{x}.reshape(len(z), {shape})"),
    "upsample": _line("upsample({x}, {mode!r})", "upsample"),
    "avg_pool": _line("avg_pool({x}, {size})", "avg_pool"),
    "scale": _scale,
    "layer_norm": _layer_norm,
    "pixel_norm": _line("{x} * torch.rsqrt(({x} * {x}).mean(-1, keepdim=True) + {eps})"),
    "add": _line("{sum}"),
}
"""Writes the line and the members of each operation of `mulligan.output.export.plan`."""


def _ending(generator: Generator, plan: Plan) -> list[str]:
    spec = generator.spec
    value = f"x{plan.result}" if plan.result else "z"
    lines = []
    if plan.shapes[plan.result] != spec.shape:
        lines.append(f"{value} = {value}.reshape(len(z), {', '.join(map(str, spec.shape))})")
    if spec.output_range == spec.data_range:
        return [*lines, f"return {value}"]
    (low, high), (data_low, data_high) = spec.output_range, spec.data_range
    factor = (data_high - data_low) / (high - low)
    return [*lines, f"return ({_plus(value, -low)}) * {_plus(str(factor), data_low)}  # in data_range"]


def _plus(term: str, number: float) -> str:
    return f"{term} {'-' if number < 0 else '+'} {abs(number)}" if number else term


def _indent(lines: Iterable[str]) -> str:
    return "".join(f"        {line}\n" for line in lines)


def _comments(known: dict[str, Any]) -> str:
    """Write facts as comments: the only way for a name into generated Python. None of its characters ends a line."""
    rule = ["seed_rule:", *known.pop("seed_rule").split("\n")]
    lines = [line for name, value in known.items() for line in textwrap.wrap(f"{name}: {_word(value)}", 110)]
    return "".join(f"#   {line}\n" for line in [*lines, *rule])


def _word(value: Any) -> str:
    """Write a fact in printable characters; a text without others stays as it is."""
    if isinstance(value, str) and value.isprintable():
        return value
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


DEFINITIONS: dict[str, str] = {
    "one_hot": '''
def one_hot(x, labels, classes, scale):
    """Append scale · onehot(label) to the last axis."""
    chosen = scale * F.one_hot(labels, classes).to(x.dtype)
    return torch.cat([x, chosen.reshape(len(x), *[1] * (x.ndim - 2), classes).expand(*x.shape[:-1], classes)], -1)

''',
    "conv": '''
def conv(layer, x, pad):
    """Convolve pictures (n, height, width, channels), padded by (left, right, top, bottom)."""
    return layer(F.pad(x.permute(0, 3, 1, 2), pad)).permute(0, 2, 3, 1)

''',
    "conv_transpose": '''
def conv_transpose(layer, x, pad):
    """Convolve pictures (n, height, width, channels) transposed; negative numbers of pad crop."""
    y = F.conv_transpose2d(x.permute(0, 3, 1, 2), layer.weight, None, layer.stride)
    y = F.pad(y, pad).permute(0, 2, 3, 1)
    return y if layer.bias is None else y + layer.bias

''',
    "upsample": '''
def upsample(x, mode):
    """Double the height and width of pictures (n, height, width, channels)."""
    return F.interpolate(x.permute(0, 3, 1, 2), scale_factor=2, mode=mode).permute(0, 2, 3, 1)

''',
    "avg_pool": '''
def avg_pool(x, size):
    """Average windows of pictures (n, height, width, channels)."""
    return F.avg_pool2d(x.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)

''',
}
"""Functions that lines use."""

_DRAWS = {"normal": "torch.randn(16, {})", "uniform": "2 * torch.rand(16, {}) - 1"}

_MODULE = '''"""A generator trained with Mulligan, as a PyTorch module.

    import torch
    from {module} import Generator

    generator = Generator.load()  # the weights are in {weights}
    samples = generator({draw}{example})
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

{definitions}
class Generator(nn.Module):
    """Turns z (n, {dim}){labels_doc} into samples (n{shape}), in {range}."""

    def __init__(self):
        super().__init__()
{members}
    def forward(self, z{labels}):
{forward}{ending}
    @classmethod
    def load(cls, path=None):
        """Build the generator with its weights; without a path, from the file beside this one."""
        generator = cls()
        generator.load_state_dict(load_file(path or Path(__file__).with_name("{weights}")))
        return generator.eval()


# Where it comes from, and how a seed becomes z:
{facts}'''
