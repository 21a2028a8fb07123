"""``--to torch``: a PyTorch module as readable source code, and a file of its weights.

``NAME.py`` defines `Generator`, an ``nn.Module`` that needs torch and safetensors, but not Mulligan;
``NAME.weights.safetensors`` holds the weights, as `npz` has them. Samples are in the data's own range, pictures as (n,
height, width, channels).
"""

import json
import keyword
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mulligan.doors.tensors import pack
from mulligan.doors.write import KEY, PROGRAM, Files, sign_python
from mulligan.errors import ConfigError
from mulligan.nn.memory import Array
from mulligan.output.export import facts
from mulligan.output.export.plan import Plan, plan_of
from mulligan.output.generator import Generator


def files(generator: Generator, path: Path) -> Files:
    """Return NAME.py and NAME.weights.safetensors."""
    if not path.stem.isidentifier() or keyword.iskeyword(path.stem):
        raise ConfigError(
            f"--out must have a name that Python can import, got {path}. Use letters, digits and _. Try generator.py."
        )
    weights = weights_of(path)
    source, tensors = torch_module(generator, weights.name)
    return {path: sign_python(source), weights: b"".join(pack(tensors, {"format": "pt", KEY: PROGRAM}))}


def weights_of(path: Path) -> Path:
    """Return the file of the weights beside a module."""
    return path.parent / f"{path.stem}.weights.safetensors"


def torch_module(generator: Generator, weights: str) -> tuple[str, dict[str, Array]]:
    """Return the module's source, and its weights by their names in the module's ``state_dict``."""
    plan = plan_of(generator)
    members, lines, tensors = list[str](), list[str](), dict[str, Array]()
    for number, op in enumerate(plan.ops, 1):
        names = {name: f"{op.kind}_{path.replace('.', '_')}" for name, path in op.arrays.items()}
        for name, member in names.items():
            tensors[member] = plan.arrays[op.arrays[name]]
            zeros = f"torch.zeros{tensors[member].shape}"
            trained = f"self.{member} = nn.Parameter({zeros})"
            members.append(f'self.register_buffer("{member}", {zeros})' if name == "mean" else trained)
        inputs = [f"x{i}" if i else "z" for i in op.inputs]
        values = {"b": "None"} | {name: f"self.{member}" for name, member in names.items()} | op.options
        values |= {"x": inputs[0], "sum": " + ".join(inputs), "shape": ", ".join(map(str, op.shape))}
        if "kernel" in op.options:
            sign, (below, right) = 1 if op.kind == "conv" else -1, plan.after(op)  # of a transposed one, it crops
            values["pad"] = sign * op.options["left"], sign * right, sign * op.options["top"], sign * below
        lines.append(f"x{number} = {STATEMENTS[op.kind].format(**values)}  # {op.layer}")
    kinds, classes, latent = {op.kind for op in plan.ops}, generator.network.classes, generator.spec.latent
    parts = {
        "facts": _comments(facts(generator)),
        "definitions": "".join(text for name, text in DEFINITIONS.items() if name in kinds),
        "labels": ", labels" if classes else "",
        "example": f", torch.arange(16) % {classes}" if classes else "",
        "labels_doc": f" and labels (n,) int64 below {classes}" if classes else "",
        "dim": latent.dim,
        "draw": _DRAWS[latent.distribution].format(latent.dim),
        "shape": "".join(f", {size}" for size in generator.spec.shape),
        "range": " … ".join(map(str, generator.spec.data_range)),
        "module": weights.removesuffix(".weights.safetensors"),
        "weights": weights,
        "members": _indent(members) or "        pass\n",
        "forward": _indent(lines),
        "ending": _indent(_ending(generator, plan)),
    }
    return _MODULE.format(**parts), tensors


STATEMENTS: dict[str, str] = {
    "one_hot": "one_hot({x}, labels, {classes}, {scale})",
    "dense": "F.linear({x}, {W}.T, {b})",
    "conv": "conv({x}, {W}, {b}, {stride}, {pad})",
    "conv_transpose": "conv_transpose({x}, {W}, {b}, {stride}, {pad})",
    "leaky_relu": "F.leaky_relu({x}, {alpha})",
    "relu": "F.relu({x})",
    "tanh": "({gain} * torch.tanh({x})).clamp(-1, 1)",
    "sigmoid": "torch.sigmoid({x})",
    "arctan": "torch.arctan({x})",
    "reshape": "{x}.reshape(len(z), {shape})",
    "upsample": "upsample({x})",
    "scale": "({x} - {mean}) * {gamma} + {beta}",
    "layer_norm": "F.layer_norm({x}, [{shape}], eps={eps}) * {gamma} + {beta}",
    "add": "{sum}",
}
"""Each operation of `mulligan.output.export.plan`: its input, its arrays and its options are in braces."""


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
def conv(x, W, b, stride, pad):
    """Convolve pictures (n, height, width, channels), padded by (left, right, top, bottom)."""
    return F.conv2d(F.pad(x.permute(0, 3, 1, 2), pad), W.permute(3, 2, 0, 1), b, stride).permute(0, 2, 3, 1)

''',
    "conv_transpose": '''
def conv_transpose(x, W, b, stride, pad):
    """Convolve pictures (n, height, width, channels) transposed; negative numbers of pad crop."""
    y = F.pad(F.conv_transpose2d(x.permute(0, 3, 1, 2), W.permute(2, 3, 0, 1), None, stride), pad)
    return y.permute(0, 2, 3, 1) if b is None else y.permute(0, 2, 3, 1) + b

''',
    "upsample": '''
def upsample(x):
    """Double the height and width of pictures (n, height, width, channels)."""
    return F.interpolate(x.permute(0, 3, 1, 2), scale_factor=2).permute(0, 2, 3, 1)

''',
}
"""The functions that these lines use, by the kind of the operation."""

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
