"""Ask G and D that are torch modules, or functions around them. This file is only imported where torch already is."""

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType
from typing import Any

import torch

from mulligan.diagnosis import Answers
from mulligan.diagnosis.probe import ROWS
from mulligan.nn.memory import Array
from mulligan.watch.arrays import as_numpy
from mulligan.watch.listener import Listener
from mulligan.watch.nets import Nets, Slopes

BOUNDS = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0), "Relu": (0.0, math.inf)}
"""The range of each last operation, by its name in torch's graph."""
_KEEP = ("View", "UnsafeView", "ReshapeAlias", "Permute", "Transpose", "Squeeze", "Unsqueeze", "Clone", "ToCopy")
"""Operations after which values are as before."""


def modules_in(*nets: Any, depth: int = 3) -> list[torch.nn.Module]:
    """Return the modules that functions and methods use: of their object, by a closure, global or in `partial`."""
    found: list[torch.nn.Module] = []
    for net in nets if depth else ():
        function, owners = getattr(net, "__func__", net), [getattr(net, "__self__", None)]
        if isinstance(net, torch.nn.Module):
            found.append(net)
        elif inspect.isfunction(function):
            used = inspect.getclosurevars(function)
            owners += [*used.nonlocals.values(), *used.globals.values()]
            for owner in owners:
                names = () if isinstance(owner, (type, ModuleType, torch.Tensor)) else function.__code__.co_names
                parts = modules_in(*(getattr(owner, name, None) for name in names), depth=depth - 1)
                found += parts or modules_in(owner, depth=depth - 1)
        else:
            found += modules_in(*owners, getattr(net, "func", None), *getattr(net, "args", ()), depth=depth - 1)
    return list({id(module): module for module in found}.values())


def bounds_of(made: torch.Tensor) -> tuple[float, float]:
    """Return the range of the last operation that made samples, if it has one."""
    node, name = made.grad_fn, "View"
    while node is not None and name in _KEEP:
        name = node.name().partition("Backward")[0]
        node = node.next_functions[0][0] if node.next_functions else None
    return BOUNDS.get(name, (-math.inf, math.inf))


class TorchNets(Nets):
    """Modules of torch, of Keras in torch's backend, and functions that call some."""

    name, gradients = "PyTorch", True

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.of_g, self.of_d = modules_in(self.generator), modules_in(self.discriminator)
        self.modules = modules_in(self.generator, self.discriminator, self.average)
        first = next((p for module in self.modules for p in module.parameters()), torch.zeros(1))
        names = [type(part).__name__ for module in self.modules for part in module.modules()]
        names += [name for module in self.modules for name, _ in module.named_parameters()]  # Keras has no such modules
        self.normalised = any("norm" in name.lower() for name in names)
        if any(hasattr(module, "_flatten_layers") for module in self.modules):
            self.name = "Keras"
        self.device, self.dtype = first.device, first.dtype
        self.real = torch.as_tensor(self.real).to(self.device, self.dtype)
        if self.labels is not None:
            self.labels = torch.as_tensor(self.labels).to(self.device)

    def array(self, x: Array) -> torch.Tensor:
        return torch.from_numpy(x).to(self.device, self.dtype)

    @contextmanager
    def copied(self) -> Iterator[None]:
        devices = [torch.cuda] if torch.cuda.is_available() and torch.cuda.is_initialized() else []
        chance, on_devices = torch.get_rng_state(), [device.get_rng_state_all() for device in devices]
        on_mps = torch.mps.get_rng_state() if self.device.type == "mps" else None
        try:
            with torch.inference_mode(False), torch.no_grad(), _uncompiled(), super().copied():
                torch.default_generator.manual_seed(0)  # the same dropout each time
                for device in devices:
                    device.manual_seed_all(0)
                yield
        finally:
            torch.set_rng_state(chance)
            for device, state in zip(devices, on_devices):
                device.set_rng_state_all(state)
            if on_mps is not None:
                torch.mps.set_rng_state(on_mps)

    @property
    def reach(self) -> tuple[float, float]:
        with self.copied(), torch.enable_grad():
            return bounds_of(self.made(self.generator, slice(0, ROWS)))

    def listener(self, fail: Callable[[Exception], None]) -> Listener | None:
        return Listener(self.of_g[0], self.of_d[0], fail) if self.of_g and self.of_d else None

    @property
    def sizes(self) -> dict[str, int]:
        players = (("generator", self.of_g), ("discriminator", self.of_d))
        return {name: sum(p.numel() for m in modules for p in m.parameters()) for name, modules in players}

    def weight(self) -> float:
        return _norm([p for module in self.of_g for p in module.parameters() if p.requires_grad])

    def answers(self, slopes: Slopes) -> Answers:
        """Return D's outputs and all gradients, without touching ``.grad``.

        G is asked again when D's graphs are gone, so that never both take memory.
        """
        n, rows, norms = len(self.real), slice(0, len(self.real)), {}
        made = self.made(self.generator, rows)
        with torch.enable_grad():
            real, fake = self.real_like(made).detach().clone().requires_grad_(), made.detach().requires_grad_()
            r, f = self.scores(real), self.scores(fake)
            of_r, of_f, of_g = (self.array(side).to(f.dtype) for side in slopes(as_numpy(r), as_numpy(f)))
            slope_real, slope_fake, push = (
                torch.autograd.grad(out, x, seed, retain_graph=True)[0]
                for out, x, seed in ((r, real, torch.ones_like(r)), (f, fake, torch.ones_like(f)), (f, fake, of_g))
            )
            for name, net in (("d", self.discriminator), ("g", self.generator)):
                modules = modules_in(net)
                weights = [p for module in modules for p in module.parameters() if p.requires_grad]
                outs, seeds = (
                    ([r, f], [of_r / n, of_f / n]) if name == "d" else ([self.made(self.generator, rows)], [push / n])
                )
                known = [(o, s) for o, s in zip(outs, seeds) if o.requires_grad]
                if not weights or not known:
                    continue
                ends, starts = zip(*known)
                grads = torch.autograd.grad(ends, weights, starts, allow_unused=True)
                flat = [torch.zeros_like(p) if g is None else g for p, g in zip(weights, grads)]
                norms[f"{name}_gradient"] = _norm(flat)
                norms[f"{name}_weights"] = _norm(weights)
                if name == "g":
                    norms["g_first"] = float(flat[0].float().square().mean().sqrt())
        seen = self.layout.samples
        return Answers(as_numpy(r), as_numpy(f), seen(slope_real), seen(slope_fake), seen(push), norms)


def _uncompiled() -> AbstractContextManager[Any]:
    """Call modules of `torch.compile` as they were written: their compiled backward pass works only once."""
    used = "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance")
    return torch.compiler.set_stance("force_eager") if used else nullcontext()


def _norm(parts: Sequence[torch.Tensor]) -> float:
    return math.sqrt(sum(float(part.detach().float().square().sum()) for part in parts))
