"""Translate Mulligan's layers to torch modules, and parameters between both layouts."""

from collections.abc import Callable
from typing import Any

import torch
from sides import padding
from torch.nn import functional as F
from workloads import Shape

from mulligan.errors import UnsupportedError
from mulligan.nn.layers.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from mulligan.nn.layers.base import Layer
from mulligan.nn.layers.classes import OneHot, Projection
from mulligan.nn.layers.conv import Conv2d, ConvTranspose2d, UpsampleConv2d
from mulligan.nn.layers.dense import Dense
from mulligan.nn.layers.shape import ChannelMean, Flatten, Reshape
from mulligan.nn.memory import Array

Change = Callable[[Any], Any]


class _OneHot(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, classes: int, scale: float):
        super().__init__()
        self.classes, self.scale = classes, scale

    def forward(self, x: Any, y: Any) -> Any:
        return torch.cat([x, self.scale * F.one_hot(y, self.classes).to(x.dtype)], dim=1)


class _Projection(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, classes: int, inputs: int):
        super().__init__()
        self.linear = torch.nn.Linear(inputs, 1)
        self.embedding = torch.nn.Embedding(classes, inputs)

    def forward(self, x: Any, y: Any) -> Any:
        return self.linear(x) + (self.embedding(y) * x).sum(dim=1, keepdim=True)


class _ToPicture(torch.nn.Module):  # type: ignore[misc]
    """Rows to pictures (n, c, h, w). With channels_last, rows hold (h, w, c), and no data move."""

    def __init__(self, shape: Shape, channels_last: bool):
        super().__init__()
        self.shape, self.channels_last = shape, channels_last

    def forward(self, x: Any) -> Any:
        h, w, c = self.shape
        return x.view(-1, h, w, c).permute(0, 3, 1, 2) if self.channels_last else x.view(-1, c, h, w)


class _ToRow(torch.nn.Module):  # type: ignore[misc]
    """Pictures to rows, the inverse of `_ToPicture`."""

    def __init__(self, channels_last: bool):
        super().__init__()
        self.channels_last = channels_last

    def forward(self, x: Any) -> Any:
        return (x.permute(0, 2, 3, 1) if self.channels_last else x).flatten(1)


class Warp(torch.autograd.Function):  # type: ignore[misc]
    """Translation, then cutout, by numbers (n, 6); and the transpose. Gathering by index takes longer."""

    @staticmethod
    def forward(context: Any, x: Any, drawn: list[list[int]]) -> Any:
        context.drawn = drawn
        out = torch.zeros_like(x)
        for to, of, (down, right, *hole) in zip(out, x, drawn):
            _moved(to, down, right).copy_(_moved(of, -down, -right))
            _cut(to, hole)
        return out

    @staticmethod
    def backward(context: Any, dy: Any) -> Any:
        dy, out = dy.clone(), torch.zeros_like(dy)
        for to, of, (down, right, *hole) in zip(out, dy, context.drawn):
            _cut(of, hole)
            _moved(to, -down, -right).copy_(_moved(of, down, right))
        return out, None


def _moved(picture: Any, down: int, right: int) -> Any:
    """Return the part of a picture (c, h, w) to which a move by `down` and `right` brings something."""
    _, h, w = picture.shape
    return picture[:, max(down, 0) : h + min(down, 0), max(right, 0) : w + min(right, 0)]


def _cut(picture: Any, hole: list[int]) -> None:
    top, bottom, left, right = hole
    picture[:, top:bottom, left:right] = 0


class Stack(torch.nn.Module):  # type: ignore[misc]
    """A network of Mulligan, layer by layer, in torch.

    Parameters
    ----------
    layers : tuple of Layer
    shape : tuple of int
        Shape of an input sample, in Mulligan's layout.
    channels_last : bool
        Pictures lie as (n, h, w, c) in memory, and rows made of them hold (h, w, c) instead of (c, h, w).
    """

    def __init__(self, layers: tuple[Layer, ...], shape: Shape, channels_last: bool = False):
        super().__init__()
        self.inner = torch.nn.ModuleList()
        self.conditioned: list[bool] = []
        self.ways: dict[str, tuple[torch.nn.Parameter, Change, Change]] = {}
        """For each of Mulligan's parameters: torch's parameter, and the conversions between both."""
        picture: Shape | None = None  # shape of the pictures from which the rows were made
        for i, layer in enumerate(layers):
            ahead = next((x.shape for x in layers[i : i + 3] if isinstance(x, Reshape)), None)
            makes = ahead if ahead is not None and len(ahead) == 3 and not channels_last else None
            if isinstance(layer, Flatten):
                picture = shape if len(shape) == 3 and not channels_last else None
            module = self._translate(f"{i}.", layer, shape, picture, makes, channels_last)
            if isinstance(layer, Dense):
                picture = None
            self.inner.append(module)
            self.conditioned.append(isinstance(layer, OneHot | Projection))
            shape = layer.output_shape(shape)

    def _translate(
        self, at: str, layer: Layer, shape: Shape, source: Shape | None, target: Shape | None, channels_last: bool
    ) -> torch.nn.Module:
        if isinstance(layer, Dense):
            module = torch.nn.Linear(shape[0], layer.units)
            to_in, from_in = _rows(source)
            to_out, from_out = _rows(target)
            self.ways[at + "W"] = (
                module.weight,
                lambda W: to_out(to_in(W, 0), 1).T,
                lambda w: from_in(from_out(w.T, 1), 0),
            )
            self.ways[at + "b"] = module.bias, lambda b: to_out(b, 0), lambda b: from_out(b, 0)
            return module
        if isinstance(layer, Projection):
            module = _Projection(layer.classes, shape[0])
            self.ways[at + "W"] = module.linear.weight, _transpose, _transpose
            self.ways[at + "E"] = module.embedding.weight, _same, _same
            self.ways[at + "b"] = module.linear.bias, _same, _same
            return module
        if isinstance(layer, Conv2d):
            module = torch.nn.Conv2d(shape[2], layer.channels, layer.kernel, layer.stride, padding(layer, shape))
            self.ways[at + "W"] = module.weight, lambda W: W.permute(3, 2, 0, 1), lambda w: w.permute(2, 3, 1, 0)
            self.ways[at + "b"] = module.bias, _same, _same
            return module
        if isinstance(layer, UpsampleConv2d):
            module = _UpsampleConv(shape[2], layer.channels, layer.kernel)
            self.ways[at + "W"] = module.weight, lambda W: W.permute(3, 2, 0, 1), lambda w: w.permute(2, 3, 1, 0)
            self.ways[at + "b"] = module.bias, _same, _same
            return module
        if isinstance(layer, ConvTranspose2d):
            zeros = padding(layer, shape)
            module = torch.nn.ConvTranspose2d(shape[2], layer.channels, layer.kernel, layer.stride, zeros)
            self.ways[at + "W"] = module.weight, lambda W: W.permute(2, 3, 0, 1), lambda w: w.permute(2, 3, 0, 1)
            self.ways[at + "b"] = module.bias, _same, _same
            return module
        if isinstance(layer, LeakyReLU):
            return torch.nn.LeakyReLU(layer.alpha)
        if isinstance(layer, OneHot):
            return _OneHot(layer.classes, layer.scale)
        if isinstance(layer, Reshape) and len(layer.shape) == 3:
            return _ToPicture(layer.shape, channels_last)
        if isinstance(layer, ChannelMean):
            return _ChannelMean(1, (-1, layer.count))
        if isinstance(layer, Flatten):
            return _ToRow(channels_last and len(shape) == 3)
        for ours, theirs in ((ReLU, torch.nn.ReLU), (Tanh, torch.nn.Tanh), (Sigmoid, torch.nn.Sigmoid)):
            if isinstance(layer, ours):
                return theirs()
        raise UnsupportedError(f"{layer} is not translated for torch. Add it to benchmarks/speed/torch_nets.py.")

    def forward(self, x: Any, y: Any = None) -> Any:
        for module, conditioned in zip(self.inner, self.conditioned):
            x = module(x, y) if conditioned else module(x)
        return x

    def take(self, arrays: dict[str, Array], prefix: str) -> None:
        """Copy Mulligan's parameters into the network."""
        with torch.no_grad():
            for path, (parameter, to_torch, _) in self.ways.items():
                parameter.copy_(to_torch(torch.from_numpy(arrays[prefix + path])))

    def give(self, prefix: str) -> dict[str, Array]:
        """Return the parameters in Mulligan's layout."""
        return {prefix + path: back(p.detach()).contiguous().numpy() for path, (p, _, back) in self.ways.items()}


class _UpsampleConv(torch.nn.Conv2d):
    """Repeated pixels and a 3×3 convolution, as one transposed convolution, as in Mulligan."""

    def forward(self, x: Any) -> Any:
        W = self.weight.flip(2, 3).transpose(0, 1)
        window = sum(torch.nn.functional.pad(W, (b, 1 - b, a, 1 - a)) for a in (0, 1) for b in (0, 1))
        return torch.nn.functional.conv_transpose2d(x, window, self.bias, 2, 1)


class _ChannelMean(torch.nn.Unflatten):
    def forward(self, x: Any) -> Any:
        return super().forward(x).mean(2)


def _same(x: Any) -> Any:
    return x


def _transpose(x: Any) -> Any:
    return x.T


def _rows(picture: Shape | None) -> tuple[Any, Any]:
    """Return functions that reorder an axis from (h, w, c) to (c, h, w), and back."""
    if picture is None:
        return (lambda x, axis: x), (lambda x, axis: x)
    h, w, c = picture
    places = torch.arange(h * w * c).view(h, w, c).permute(2, 0, 1).reshape(-1)
    back = torch.argsort(places)
    return (lambda x, axis: x.index_select(axis, places)), (lambda x, axis: x.index_select(axis, back))
