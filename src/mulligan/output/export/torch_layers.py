"""Write each operation of `mulligan.output.export.plan` in PyTorch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from mulligan.nn.layers.base import Shape
from mulligan.nn.memory import Array
from mulligan.output.export.plan import Op


@dataclass
class Written:
    """An operation and its source code: the line of ``forward`` that computes it, and the lines of ``__init__``.

    The member `name` holds its weights. `tensors` are named as in the module's ``state_dict``, in PyTorch's layout;
    `uses` names the functions of `DEFINITIONS` that the line calls.
    """

    op: Op
    name: str
    result: str
    inputs: list[str]
    input_shape: Shape
    arrays: dict[str, Array]
    forward: str = ""
    members: list[str] = field(default_factory=list)
    tensors: dict[str, Array] = field(default_factory=dict)
    uses: set[str] = field(default_factory=set)

    def line(self, expression: str, *uses: str) -> Self:
        """Set the line: {x} is the input, {self} the member, {shape} the output's; other words are options."""
        words = {"x": self.inputs[0], "xs": ", ".join(self.inputs), "self": f"self.{self.name}"}
        words["shape"] = ", ".join(map(str, self.op.shape))
        self.forward = f"{self.result} = {expression.format(**words, **self.op.options)}"
        self.uses |= set(uses)
        return self

    def module(self, made: str, **tensors: Array) -> Self:
        """Add a member that is a PyTorch module."""
        self.members.append(f"self.{self.name} = nn.{made}")
        self.tensors |= {f"{self.name}.{name}": array for name, array in tensors.items()}
        return self

    def parameters(self, *names: str, buffers: tuple[str, ...] = ()) -> Self:
        """Add members that hold arrays of the operation unchanged."""
        for name in (*names, *buffers):
            if name in self.arrays:
                member, zeros = f"{self.name}_{name}", f"torch.zeros{self.arrays[name].shape}"
                self.members.append(
                    f'self.register_buffer("{member}", {zeros})'
                    if name in buffers
                    else f"self.{member} = nn.Parameter({zeros})"
                )
                self.tensors[member] = self.arrays[name]
        return self


def _dense(w: Written) -> Written:
    W, bias = w.arrays["W"], _bias(w)
    return w.module(f"Linear({W.shape[0]}, {W.shape[1]}{_without(bias)})", weight=W.T, **bias).line("{self}({x})")


def _conv(w: Written) -> Written:
    kh, kw, c_in, c_out = w.arrays["W"].shape
    s, before, bias = w.op.options["stride"], (w.op.options["top"], w.op.options["left"]), _bias(w)
    after = [max(0, (g - 1) * s + k - size - p) for g, k, size, p in zip(w.op.shape, (kh, kw), w.input_shape, before)]
    made = f"Conv2d({c_in}, {c_out}, {(kh, kw)}, stride={s}{_without(bias)})"
    w.module(made, weight=w.arrays["W"].transpose(3, 2, 0, 1), **bias)
    return w.line(f"conv({{self}}, {{x}}, pad={(before[1], after[1], before[0], after[0])})", "conv")


def _conv_transpose(w: Written) -> Written:
    kh, kw, c_in, c_out = w.arrays["W"].shape
    s, before, bias = w.op.options["stride"], (w.op.options["top"], w.op.options["left"]), _bias(w)
    after = [size - ((h - 1) * s + k - p) for size, h, k, p in zip(w.op.shape, w.input_shape, (kh, kw), before)]
    made = f"ConvTranspose2d({c_in}, {c_out}, {(kh, kw)}, stride={s}{_without(bias)})"
    w.module(made, weight=w.arrays["W"].transpose(2, 3, 0, 1), **bias)
    pad = (-before[1], after[1], -before[0], after[0])
    return w.line(f"conv_transpose({{self}}, {{x}}, pad={pad})", "conv_transpose")


def _bias(w: Written) -> dict[str, Array]:
    return {"bias": w.arrays["b"]} if "b" in w.arrays else {}


def _without(bias: dict[str, Array]) -> str:
    return "" if bias else ", bias=False"


def _scale(w: Written) -> Written:
    return w.parameters("gamma", "beta", buffers=("mean",)).line("({x} - {self}_mean) * {self}_gamma + {self}_beta")


def _layer_norm(w: Written) -> Written:
    line = f"F.layer_norm({{x}}, {list(w.op.shape)}, eps={{eps}}) * {{self}}_gamma + {{self}}_beta"
    return w.parameters("gamma", "beta").line(line)


def _projection(w: Written) -> Written:
    bias = " + {self}_b" if "b" in w.arrays else ""
    rows = "({x} * ({self}_W[:, 0] + {self}_E[labels])).sum(1, keepdim=True)"
    return w.parameters("W", "E", "b").line(rows + bias)


def _line(expression: str, *uses: str) -> Callable[[Written], Written]:
    return lambda w: w.line(expression, *uses)


STATEMENTS: dict[str, Callable[[Written], Written]] = {
    "one_hot": _line("one_hot({x}, labels, {classes}, {scale})", "one_hot"),
    "dense": _dense,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "leaky_relu": _line("F.leaky_relu({x}, {alpha})"),
    "relu": _line("F.relu({x})"),
    "elu": _line("F.elu({x}, {alpha})"),
    "silu": _line("F.silu({x})"),
    "softplus": _line("F.softplus({x}, {beta})"),
    "tanh": _line("torch.tanh({x})"),
    "sigmoid": _line("torch.sigmoid({x})"),
    "arctan": _line("torch.arctan({x})"),
    "largest": _line("{x}.reshape(len(z), {shape}, {pieces}).amax(2)"),
    "reshape": _line("{x}.reshape(len(z), {shape})"),
    "upsample": _line("upsample({x}, {mode!r})", "upsample"),
    "avg_pool": _line("avg_pool({x}, {size})", "avg_pool"),
    "scale": _scale,
    "layer_norm": _layer_norm,
    "pixel_norm": _line("{x} * torch.rsqrt(({x} * {x}).mean(-1, keepdim=True) + {eps})"),
    "minibatch_stddev": _line("minibatch_stddev({x}, {eps})", "minibatch_stddev"),
    "projection": _projection,
    "add": lambda w: w.line(" + ".join(w.inputs)),
}
"""Writes the line and the members of each operation."""

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
    "minibatch_stddev": '''
def minibatch_stddev(x, eps):
    """Append how varied the batch is."""
    s = torch.sqrt(x.var(0, correction=0) + eps).mean()
    return torch.cat([x, s.expand(*x.shape[:-1], 1)], -1)

''',
}
"""Functions that lines use."""
