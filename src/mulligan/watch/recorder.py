"""Record what a few steps of a torch loop do: a flat list of facts, written by hooks that only read.

Hooks on G and D tell z, mode, and the gradient that each output of D gets from a loss. One on the largest weight of
each net tells which gradients add up. Those on all optimisers tell which weights a step moves.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from mulligan.nn.memory import Array
from mulligan.watch.arrays import as_numpy, calm
from mulligan.watch.detectors import Added, Began, Drew, Fact, Judged, Labelled, Push, Stepped, way_of
from mulligan.watch.nets import first_of

_MOVING = (torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.dropout._DropoutNd)
"""Layers that work differently in eval mode."""


def row_sums(x: torch.Tensor) -> torch.Tensor:
    """Return the sum of each row: equal for equal rows. In float64, which GPUs of a Mac do not have."""
    return x.detach().cpu().double().reshape(len(x), -1).sum(1)


def fakes_in(x: torch.Tensor, made: torch.Tensor) -> slice | None:
    """Return where in a batch of D generated samples are: all of it, its beginning, or its end."""
    n, flat, seen = len(made), made.to(x.dtype).reshape(len(made), -1), x.detach().reshape(len(x), -1)
    if len(x) < n or seen.shape[1] != flat.shape[1]:  # the loop may flatten pictures for D
        return None
    return next((rows for rows in (slice(0, n), slice(len(x) - n, len(x))) if torch.equal(seen[rows], flat)), None)


def _in_eval(net: torch.nn.Module) -> bool:
    return {part.training for part in net.modules() if isinstance(part, _MOVING)} == {False}


class ReadingHook:
    """A hook that never raises or returns anything. In a deep copy or a pickle of the user's net it does nothing."""

    def __init__(self, hook: Callable[..., None], fail: Callable[[Exception], None]):
        self._hook, self._fail_with = hook, fail

    def __call__(self, *args: Any, **words: Any) -> None:
        try:
            with calm():
                self._hook(*args, **words)
        except Exception as error:
            self._fail_with(error)

    def __deepcopy__(self, memo: object) -> Any:
        return nullcontext().__exit__

    def __reduce__(self) -> Any:
        return getattr, (nullcontext(), "__exit__")


class Recorder:
    """Records facts between `start` and `stop`."""

    def __init__(
        self,
        modules: tuple[torch.nn.Module | None, torch.nn.Module | None],
        weights: dict[str, Sequence[torch.Tensor]],
        fail: Callable[[Exception], None],
    ):
        self._modules, self._weights, self._fail = modules, weights, fail
        self.hears_both = None not in modules
        self._first = {name: max(parts, key=lambda p: (p.requires_grad, p.numel())) for name, parts in weights.items()}
        self._waiting: set[str] = set()  # weights without a hook, because they need no gradient now
        self._handles: list[Any] = []
        self.facts: list[Fact] = []
        self._fakes: list[tuple[torch.Tensor, Any]] = []  # the latest fakes, and the class that each got
        self._norms: dict[str, list[float]] = {}
        self._way = 0.0

    def start(self) -> None:
        """Record the step of the user's loop that begins now."""
        self.facts.append(Began())
        if self._handles:
            return
        for net, hook in zip(self._modules, (self._drew, self._judged)):
            if net is not None:
                self._handles.append(net.register_forward_hook(self._reading(partial(hook, net)), with_kwargs=True))
        self._handles.append(register_optimizer_step_pre_hook(self._reading(self._steps)))
        self._handles.append(register_optimizer_step_post_hook(self._reading(self._stepped)))
        self._waiting = {*self._first}

    def _hook_weights(self) -> None:
        """Give each weight its hook as soon as it needs gradients: many loops let D need none in G's step."""
        for name in [name for name in self._waiting if self._first[name].requires_grad]:
            self._waiting.remove(name)
            self._handles.append(self._first[name].register_hook(self._reading(partial(self._added, name))))

    def _reading(self, hook: Callable[..., None]) -> ReadingHook:
        return ReadingHook(hook, self._fail)

    def remove(self) -> None:
        while self._handles:
            self._handles.pop().remove()
        self._fakes = []

    def stop(self) -> tuple[list[Fact], bool]:
        """Remove the hooks, and return the facts since the last time, and whether D has BatchNorm."""
        self.remove()
        facts, self.facts, d = self.facts, [], self._modules[1]
        return facts, d is not None and any(isinstance(part, _MOVING[0]) for part in d.modules())

    # ── hooks ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _drew(self, net: torch.nn.Module, module: Any, args: Any, words: Any, output: Any) -> None:
        self._hook_weights()
        inputs, drawn = (*args, *words.values()), first_of(output)
        if isinstance(drawn, torch.Tensor) and drawn.dim():
            classes = [part.detach().clone() for part in inputs[1:2] if isinstance(part, torch.Tensor)]
            self._fakes = [*self._fakes, (drawn.detach(), *classes)][-4:]
        if torch.is_grad_enabled():  # not a sheet of samples
            z = next((x for x in inputs if isinstance(x, torch.Tensor) and x.dim() and x.is_floating_point()), None)
            self.facts.append(Drew(None if z is None else np.sort(row_sums(z).numpy()), _in_eval(net)))

    def _judged(self, net: torch.nn.Module, module: Any, args: Any, words: Any, output: Any) -> None:
        self._hook_weights()
        inputs = [x for x in (*args, *words.values()) if isinstance(x, torch.Tensor) and x.dim() > 0]
        out = first_of(output)
        if not inputs or not isinstance(out, torch.Tensor) or not out.requires_grad or not out.dim():
            return
        x = inputs[0]
        if len(out) != len(x) or len(x) < out.numel() == x.numel():  # or a picture for each sample
            return
        fake = np.zeros(len(x), bool)
        for made, *classes in self._fakes:
            rows = fakes_in(x, made)
            if rows is not None:
                fake[rows] = True
                if len(made) == len(x):
                    self._compare_classes(*classes, *inputs[1:2])
        attached = x.grad_fn is not None
        if attached and not fake.any():  # changed on the way: nobody knows what it is
            return
        if not attached and not fake.all():
            some = x.detach()[torch.from_numpy(~fake).to(x.device)].float()
            pair = () if fake.any() or len(inputs) < 2 else tuple(part.detach().clone() for part in inputs[:2])
            self.facts.append(Judged(float(some.min()), float(some.max()), _in_eval(net), pair))
        hook = partial(self._pushed, x, as_numpy(out.reshape(len(x), -1)).mean(-1), fake, attached)
        out.register_hook(self._reading(hook))

    def _compare_classes(self, *classes: Any) -> None:
        if len(classes) == 2 and classes[0].shape == classes[1].shape:
            self.facts.append(Labelled(bool((classes[0] != classes[1]).any())))

    def _pushed(self, x: torch.Tensor, values: Array, fake: Any, attached: bool, grad: torch.Tensor) -> None:
        probing = bool((grad == 1).all()) and x.is_leaf and x.requires_grad  # the first pass of a gradient penalty
        if torch.is_grad_enabled() or probing:
            return
        each = as_numpy(grad.reshape(len(x), -1)).sum(-1)
        sums = row_sums(x).numpy()
        for side, rows in (("fake", fake), ("real", ~fake)):
            if rows.any():
                mean = None
                if side == "real" and not attached:
                    mean = x.detach().cpu().double().reshape(len(x), -1).numpy()[rows].mean(0)
                mixed = not bool(rows.all())
                self.facts.append(Push(side, values[rows], each[rows], attached, mixed, np.sort(sums[rows]), mean))
        if fake.any():
            self._way = way_of(each[fake]) or self._way

    def _added(self, name: str, grad: torch.Tensor) -> None:
        if not torch.is_grad_enabled():  # else the graph of a penalty
            before = self._first[name].grad
            self.facts.append(Added(name, before is None or not bool(before.any()), self._way))

    def _steps(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        self._norms = {
            name: _norms_of(weights)
            for name, weights in self._weights.items()
            if any(id(weight) in held for weight in weights)
        }

    def _stepped(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if not self._norms:
            return
        moved = [name for name, norms in self._norms.items() if _norms_of(self._weights[name]) != norms]
        player = "".join(moved or self._norms)
        group = optimizer.param_groups[0]
        kind, rate = type(optimizer).__name__, float(group.get("lr", 0.0))
        betas = tuple(float(b) for b in group.get("betas", ()))
        left = [float(g["lr"]) / g["initial_lr"] for g in optimizer.param_groups if g.get("initial_lr")]
        grad = self._first[player[0]].grad
        pushed = grad is not None and bool(grad.any())
        self.facts.append(
            Stepped(player, kind, rate, betas, max(left, default=1.0), pushed, bool(group.get("maximize")))
        )
        self._way, self._norms = 0.0, {}


def _norms_of(weights: Sequence[torch.Tensor]) -> list[float]:
    """Return a number for each weight that shows whether it moves."""
    norms: list[float] = torch.stack(torch._foreach_norm([weight.detach() for weight in weights])).tolist()
    return norms
