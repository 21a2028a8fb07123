"""Ask G and D that are torch modules, or functions around them. This file is only imported where torch already is."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from mulligan.diagnosis.probe import ROWS
from mulligan.nn.memory import Array
from mulligan.watch.nets import Nets
from mulligan.watch.recorder import Recorder

BOUNDS = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0), "Relu": (0.0, math.inf)}
"""The range of each last operation, by its name in torch's graph."""
_KEEP = ("View", "UnsafeView", "ReshapeAlias", "Permute", "Transpose", "Squeeze", "Unsqueeze", "Clone", "ToCopy")
"""Operations after which values are as before."""
Leaves = list[tuple[torch.Tensor, torch.Tensor]]
"""The user's tensors, and their copies."""


def bounds_of(made: torch.Tensor) -> tuple[float, float]:
    """Return the range of the last operation that made samples, if it has one."""
    node, name = made.grad_fn, "View"
    while node is not None and name in _KEEP:
        name = node.name().partition("Backward")[0]
        node = node.next_functions[0][0] if node.next_functions else None
    return BOUNDS.get(name, (-math.inf, math.inf))


def weights_of(net: Any, output: Any, leaves: Leaves) -> list[torch.Tensor]:
    """Return the weights of a module, or those that the output of a function depends on."""
    if isinstance(net, torch.nn.Module):
        return list(net.parameters())
    if not leaves or not isinstance(output, torch.Tensor) or not output.requires_grad:
        return []
    slopes = torch.autograd.grad(output.float().sum(), [leaf for _, leaf in leaves], allow_unused=True)
    return [weight for (weight, _), slope in zip(leaves, slopes) if slope is not None]


class TorchNets(Nets):
    """Modules of torch, of Keras in torch's backend, functions that call some, and functions of raw tensors."""

    name = "PyTorch"
    of_g: Sequence[torch.Tensor] = ()
    of_d: Sequence[torch.Tensor] = ()
    """The weights of each net."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        with self.copied():
            first = next((leaf for leaf, _ in self.copier.leaves if leaf.is_floating_point()), torch.zeros(1))
            if any(hasattr(module, "_flatten_layers") for module in self.copier.modules):
                self.name = "Keras"
        self.device, self.dtype = first.device, first.dtype
        self.real = torch.as_tensor(self.real).to(self.device, self.dtype)
        if self.labels is not None:
            self.labels = torch.as_tensor(self.labels).to(self.device)

    def array(self, x: Array) -> torch.Tensor:
        return torch.from_numpy(x).to(self.device, self.dtype)

    @contextmanager
    def copied(self) -> Iterator[None]:
        with torch.inference_mode(False), torch.no_grad(), _uncompiled(), super().copied():
            yield

    @contextmanager
    def seeded(self) -> Iterator[None]:
        devices = [torch.cuda] if torch.cuda.is_available() and torch.cuda.is_initialized() else []
        chance, on_devices = torch.get_rng_state(), [device.get_rng_state_all() for device in devices]
        on_mps = torch.mps.get_rng_state() if str(getattr(self.real, "device", "")).startswith("mps") else None
        try:
            with super().seeded():
                torch.default_generator.manual_seed(0)
                for device in devices:
                    device.manual_seed_all(0)
                yield
        finally:
            torch.set_rng_state(chance)
            for device, state in zip(devices, on_devices):
                device.set_rng_state_all(state)
            if on_mps is not None:
                torch.mps.set_rng_state(on_mps)

    def _explore(self) -> None:
        """Find G's range, the weights of each net, and the modules that hold them."""
        with torch.enable_grad():
            leaves = [
                (weight, leaf.requires_grad_())
                for weight, leaf in self.copier.leaves
                if leaf.is_floating_point() and (weight.requires_grad or isinstance(weight, torch.nn.Parameter))
            ]
            made = self.made(self.generator, slice(0, ROWS))
            self.reach = bounds_of(made) if isinstance(made, torch.Tensor) else self.reach
            generator, discriminator, _ = self._originals
            self.of_g = weights_of(generator, made, leaves)
            if discriminator is not None:
                scores = None if self.blind else self.scores(made.detach())
                self.of_d = weights_of(discriminator, scores, leaves)
            players = (("generator", self.of_g), ("discriminator", self.of_d))
            self.sizes = {name: sum(p.numel() for p in weights) for name, weights in players}

    def recorder(self, fail: Callable[[Exception], None]) -> Recorder | None:
        if not self.of_g or not self.of_d:
            return None
        generator, discriminator, _ = self._originals
        modules = (self._module(generator, self.of_g), self._module(discriminator, self.of_d))
        return Recorder(modules, {"g": self.of_g, "d": self.of_d}, fail)

    def _module(self, net: Any, weights: Sequence[torch.Tensor]) -> torch.nn.Module | None:
        """Return the net itself, or the smallest module that holds all weights of a function."""
        if isinstance(net, torch.nn.Module):
            return net
        used = {id(weight) for weight in weights}
        sizes = [(module, {id(p) for p in module.parameters()}) for module in self.copier.modules]
        return min((pair for pair in sizes if used <= pair[1]), key=lambda pair: len(pair[1]), default=(None,))[0]

    def weight(self) -> float:
        return math.sqrt(sum(float(p.detach().float().square().sum()) for p in self.of_g if p.requires_grad))

    def slope(self, x: Any) -> tuple[Any, Any]:
        if self.plain:
            return super().slope(x)
        with torch.enable_grad():
            x = x.detach().clone().requires_grad_()
            scores = self.scores(x)
            known = isinstance(scores, torch.Tensor) and scores.requires_grad
            return scores, torch.autograd.grad(scores.sum(), x, allow_unused=True)[0] if known else None


def _uncompiled() -> AbstractContextManager[Any]:
    """Call modules of `torch.compile` as they were written: their compiled backward pass works only once."""
    used = "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance")
    return torch.compiler.set_stance("force_eager") if used else nullcontext()
