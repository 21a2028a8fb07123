"""``--to torch``: a PyTorch module as readable source code, and a file of its weights.

``NAME.py`` defines `Generator`, an ``nn.Module`` that needs torch and safetensors, but not Mulligan;
``NAME.weights.safetensors`` holds the weights in PyTorch's layout. Samples are in the data's own range, pictures as (n,
height, width, channels).
"""

import json
import keyword
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from mulligan.doors.signature import KEY, PROGRAM, sign_python
from mulligan.doors.write import Files
from mulligan.errors import ConfigError
from mulligan.nn.memory import Array
from mulligan.output.export import facts
from mulligan.output.export.plan import LABELLED, Op, Plan, plan_of
from mulligan.output.export.torch_layers import DEFINITIONS, STATEMENTS, Written
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
    statements = [STATEMENTS[op.kind](written(plan, i, op)) for i, op in enumerate(plan.ops)]
    labelled, latent = plan.has(LABELLED), generator.spec.latent
    parts = {
        "facts": comment(facts(generator)),
        "definitions": "".join(DEFINITIONS[name] for name in DEFINITIONS if any(name in s.uses for s in statements)),
        "labels": ", labels" if labelled else "",
        "example": f", torch.arange(16) % {generator.network.classes}" if labelled else "",
        "labels_doc": f" and labels (n,) int64 below {generator.network.classes}" if labelled else "",
        "dim": latent.dim,
        "draw": _DRAWS[latent.distribution].format(latent.dim),
        "shape": "".join(f", {size}" for size in generator.spec.shape),
        "range": " … ".join(map(str, generator.spec.data_range)),
        "module": weights.removesuffix(".weights.safetensors"),
        "weights": weights,
        "members": _indented(line for s in statements for line in s.members) or "        pass\n",
        "forward": _indented(f"{s.forward}  # {op.layer}" for s, op in zip(statements, plan.ops)),
        "ending": _indented(_ending(generator, plan)),
    }
    tensors = {name: array for s in statements for name, array in s.tensors.items()}
    return _MODULE.format(**parts), tensors


def written(plan: Plan, index: int, op: Op) -> Written:
    """Return an operation with its names in the source."""
    return Written(
        op=op,
        name=f"{op.kind}_{op.layer.split(' ')[0].replace('.', '_')}",
        result=f"x{index + 1}",
        inputs=["z" if i == 0 else f"x{i}" for i in op.inputs],
        input_shape=plan.shapes[op.inputs[0]],
        arrays={name: plan.arrays[path] for name, path in op.arrays.items()},
    )


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


def _indented(lines: Any) -> str:
    return "".join(f"        {line}\n" for line in lines)


def comment(known: dict[str, Any]) -> str:
    """Write facts as comments: the only way for a name into generated Python. None of its characters ends a line."""
    rule = ["seed_rule:", *known.pop("seed_rule").split("\n")] if "seed_rule" in known else []
    lines = [line for name, value in known.items() for line in textwrap.wrap(f"{name}: {_word(value)}", 110)]
    return "".join(f"#   {line}\n" for line in [*lines, *rule])


def _word(value: Any) -> str:
    """Write a fact in printable characters; a text without others stays as it is."""
    if isinstance(value, str) and value.isprintable():
        return value
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


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
