"""Listen to a few steps of a torch loop through hooks that only read, to find mistakes that no figure shows.

Hooks on G and D tell z, mode, outputs, and the gradient that each output of D gets. Hooks on one weight of each net and
on all optimisers tell which gradients a step adds up. They are removed after each measurement.
"""

import math
import statistics
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from mulligan.nn.memory import Array
from mulligan.watch.arrays import as_numpy, calm
from mulligan.watch.forms import Outputs
from mulligan.watch.nets import first_of

SIDES = "real", "fake"
_MOVING = (torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.dropout._DropoutNd)
"""Layers that work differently in eval mode."""


class Push(NamedTuple):
    """What an output of D was for some samples, and the gradient that it got from a loss."""

    side: str  # "real" or "fake"
    output: Array
    gradient: Array
    attached: bool  # the gradient goes on to G
    mixed: bool  # real and generated samples share the batch
    key: float = 0.0  # the same for the same samples


def way_of(gradient: Array) -> float:
    """Return 1 if a loss moves nearly all outputs up, −1 if down, and 0 if it moves them to a point between them."""
    total, size = float(-gradient.sum()), float(np.abs(gradient).sum())
    return math.copysign(1.0, total) if abs(total) > 0.5 * size else 0.0


def target_of(push: Push) -> float:
    """Return where a gradient that is s·(output − target) is 0, or NaN if it is no such line.

    This is least squares. Cross-entropy has the same form in p = σ(output), and times p(1 − p) if p is D's output.
    """
    o, g = push.output.astype(np.float64), push.gradient.astype(np.float64)
    p = 1.0 / (1.0 + np.exp(-np.clip(o, -500, 500)))
    for x, y in ((o, g), (p, g), (o, g * o * (1.0 - o))):
        apart = x - x.mean()
        slope = float(apart @ y) / max(float(apart @ apart), 1e-30)
        rest = y - y.mean() - slope * apart
        if slope > 0 and float(np.abs(rest).max()) < 1e-3 * slope * float(np.ptp(x)):
            return float(x.mean() - y.mean() / slope)
    return math.nan


def ends_of(aims: dict[str, list[Push]]) -> dict[str, float]:
    """Return where each loss moves the outputs of each side: to a target if all have one, else up or down.

    Outputs lie on both sides of a target such as 0.9, so the sign of their gradient tells nothing there.
    """
    ends = {name: statistics.median(map(target_of, pushes[-4:])) for name, pushes in aims.items()}
    if all(map(math.isfinite, ends.values())):
        return ends
    ways = {name: way_of(np.concatenate([push.gradient for push in pushes])) for name, pushes in aims.items()}
    return {name: way for name, way in ways.items() if way}


def has_moving_target(pushes: list[Push]) -> bool:
    """Tell whether the target differs from sample to sample, as with noisy labels. Then gradients show no way."""
    sizes = np.abs(np.concatenate([push.gradient for push in pushes]))
    constant = np.ptp(sizes[sizes > 0]) < 0.01 * sizes.max() if sizes.any() else True
    return not constant and not any(math.isfinite(target_of(push)) for push in pushes)


def drift_of(before: torch.Tensor, now: torch.Tensor) -> float:
    """Return how far the means of some batches are from those of earlier ones ÷ what chance makes of them.

    Chance shows from one batch to the next: batches of one class each are no drift if the classes come at random.
    """
    chance = sum(float(rows.diff(dim=0).square().sum()) / 2 / (len(rows) - 1) / len(rows) for rows in (before, now))
    return float((now.mean(0) - before.mean(0)).square().sum()) / max(chance, 1e-30)


def sums_of(x: torch.Tensor) -> torch.Tensor:
    """Return the sum of each row: equal for equal rows. In float64, which GPUs of a Mac do not have."""
    return x.detach().cpu().double().reshape(len(x), -1).sum(1)


def _modes(net: torch.nn.Module) -> set[bool]:
    return {part.training for part in net.modules() if isinstance(part, _MOVING)}


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


class Listener:
    """Listens between `start` and `stop`. `signals` and `heard` are what it has found."""

    rows = math.inf
    """Number of training samples: a batch of all of them may be the same in each step."""

    def __init__(self, generator: torch.nn.Module, discriminator: torch.nn.Module, fail: Callable[[Exception], None]):
        self.g, self.d, self._fail = generator, discriminator, fail
        self.first = {
            name: max(net.parameters(), key=lambda p: p.requires_grad, default=None)
            for name, net in (("g", self.g), ("d", self.d))
        }
        self._handles: list[Any] = []
        self._clear()
        self._last: dict[str, torch.Tensor] = {}  # the first z and the first reals of the step before
        self._means: list[torch.Tensor] = []  # of the first reals of each step
        self._earlier: list[torch.Tensor] = []  # the same, a measurement ago

    def _clear(self) -> None:
        self.signals: dict[str, float] = {}
        self.heard: list[tuple[Outputs, Outputs]] = []
        self.ranges: list[tuple[float, float]] = []  # of D's real inputs, and of others that may be changed fakes
        self.pairs: list[list[Any]] = []  # the latest reals of D, and the classes that it got with them
        self._fakes: list[tuple[torch.Tensor, Any]] = []  # the latest fakes, and the class that each got
        self._pending: list[Push] = []
        self._aims: dict[str, list[Push]] = {}  # what each player's steps did to the outputs of each side
        self._added: dict[str, list[float]] = {"g": [], "d": []}  # for each part of a gradient, where fakes are pushed
        self._old: dict[str, int] = {"g": 0, "d": 0}  # number of these that an earlier step has used
        self._aim, self._first, self.mirrored = 0.0, {"z", "x"}, False
        self._stepper, self._joint, self._astray = "", False, False  # who stepped last, and after which pushes
        self._steppers, self._misled = set[str](), False  # who stepped at all, and whether G did for D's loss

    def start(self) -> None:
        if self._handles:
            return
        self._clear()
        for net, hook in ((self.g, self._made), (self.d, self._judged)):
            self._handles.append(net.register_forward_hook(self._reading(hook), with_kwargs=True))
        self._handles.append(register_optimizer_step_pre_hook(self._reading(self._stepped)))
        for name, weight in self.first.items():
            if weight is not None and weight.requires_grad:
                self._handles.append(weight.register_hook(self._reading(partial(self._add, name))))

    def _reading(self, hook: Callable[..., None]) -> "ReadingHook":
        return ReadingHook(hook, self._fail)

    def step(self) -> None:
        """Note that the user's loop begins another step."""
        self._first = {"z", "x"}

    def remove(self) -> None:
        while self._handles:
            self._handles.pop().remove()

    def stop(self) -> None:
        """Remove the hooks, and conclude where the pushes go."""
        self.remove()
        self._conclude("")
        if min(len(self._earlier), len(self._means)) > 2 and "d fake" in self._aims:  # else reals may be changed fakes
            self.signals["drift"] = drift_of(torch.stack(self._earlier), torch.stack(self._means))
        self._earlier, self._means = self._means, []
        if (self._astray and "g" not in self._steppers) or (self._misled and "d" not in self._steppers):
            self.signals["foreign"] = 1.0
        aims, ends = self._aims, ends_of(self._aims)
        if {"d real", "d fake"} <= aims.keys():
            r, f = (np.concatenate([p.output for p in aims[f"d {side}"]]) for side in SIDES)
            higher, reached = float((r[:, None] > f).mean()), not any(p.gradient.any() for p in aims["d fake"])
            if reached and r.mean() * f.mean() > 0:  # a hinge that is content with both on one side
                ends |= {"d real": 1.0, "d fake": 1.0}
            elif not 0.02 < higher < 0.98 and (reached or any(has_moving_target(aims[f"d {s}"]) for s in SIDES)):
                ends |= {"d real": higher, "d fake": 1 - higher}  # D does what its loss asks for
        if {"d real", "d fake"} <= ends.keys():
            real, fake = ends["d real"], ends["d fake"]
            self.mirrored = real < fake
            self.signals["one_target"] = float(abs(real - fake) < 0.2)
            if "g fake" in ends:
                self.signals["with_d"] = float(abs(ends["g fake"] - fake) < abs(ends["g fake"] - real))
        elif {"d real", "g fake"} <= aims.keys() and "d fake" not in aims and {"g", "d"} <= self._steppers:
            found = ((push.key, ends_of({"d real": [push]}).get("d real", math.nan)) for push in aims["d real"])
            ways = {(key, round(way, 1)) for key, way in found if math.isfinite(way)}
            same = len({key for key, _ in ways}) < len(ways)  # the same reals under both labels
            self.signals["one_sided"] = float(same or len({way for _, way in ways}) == 1)  # else changed fakes
        if any(isinstance(part, torch.nn.modules.batchnorm._BatchNorm) for part in self.d.modules()):
            of_d, of_g = ([push.mixed for push in self._aims.get(f"{player} fake", [])] for player in "dg")
            self.signals["mixed"] = float(any(of_d) and bool(of_g) and not any(of_g))
        self._fakes, self._pending = [], []

    # ── hooks ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _made(self, module: torch.nn.Module, args: Any, words: Any, output: Any) -> None:
        inputs = *args, *words.values()
        drawn = first_of(output)
        if isinstance(drawn, torch.Tensor) and drawn.dim():
            self._fakes = [*self._fakes, (drawn.detach(), *inputs[1:2])][-4:]
        if torch.is_grad_enabled():  # not a sheet of samples
            self.signals["eval"] = float(_modes(module) == {False})
        z = next((x for x in inputs if isinstance(x, torch.Tensor) and x.dim() and x.is_floating_point()), None)
        if z is not None and torch.is_grad_enabled():
            self._compare("z", z)

    def _compare(self, name: str, x: torch.Tensor) -> None:
        """Tell whether the first z or reals of this step are those of the step before."""
        if name in self._first:
            self._first.remove(name)
            rows = sums_of(x).sort().values  # in any order
            last, self._last[name] = self._last.get(name), rows
            if last is not None and 1 < len(rows) < self.rows:
                self.signals[f"same_{name}"] = float(torch.equal(last, rows) or bool(rows[0] == rows[-1]))

    def _compare_classes(self, *kinds: Any) -> None:
        """Note whether D got other classes than G with the same samples."""
        told = [y for y in kinds if isinstance(y, torch.Tensor)]
        if len(told) == 2 and told[0].shape == told[1].shape:
            apart = float(bool((told[0] != told[1]).any()))
            self.signals["class_changed"] = max(self.signals.get("class_changed", 0.0), apart)

    def _judged(self, module: torch.nn.Module, args: Any, words: Any, output: Any) -> None:
        inputs = [x for x in (*args, *words.values()) if isinstance(x, torch.Tensor) and x.dim() > 0]
        out = first_of(output)
        if not inputs or not isinstance(out, torch.Tensor) or not out.requires_grad:
            return
        x = inputs[0]
        if not out.dim() or len(out) != len(x):
            return
        if len(x) < out.numel() == x.numel():  # a picture for each sample, such as an autoencoder's
            return
        fake = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        seen = x.detach().reshape(len(x), -1)  # the loop may flatten pictures for D
        for made, *kinds in self._fakes:
            n, flat = len(made), made.to(x.dtype).reshape(len(made), -1)
            for rows in {(0, n), (len(x) - n, len(x))} if len(x) >= n and seen.shape[1] == flat.shape[1] else ():
                if torch.equal(seen[slice(*rows)], flat):
                    fake[slice(*rows)] = True
                    if n == len(x):
                        self._compare_classes(*kinds, *inputs[1:2])
        attached = x.grad_fn is not None
        if attached and not bool(fake.any()):  # changed on the way: nobody knows what it is
            return
        if not attached and not bool(fake.all()):
            some = x.detach()[~fake].float()
            self.signals["eval_d"] = float(_modes(module) == {False})
            self.pairs = [*self.pairs, [part.detach() for part in inputs[:2]]][-4:] if fake.sum() == 0 else self.pairs
            self.ranges.append((float(some.min()), float(some.max())))
        between = x.is_leaf and x.requires_grad
        values = as_numpy(out.reshape(len(x), -1)).mean(-1)
        mask, key = fake.cpu().numpy(), float(sums_of(x).sum())

        def pushed(grad: torch.Tensor) -> None:
            probing = bool((grad == 1).all()) and between  # the first pass of a gradient penalty
            if torch.is_grad_enabled() or probing:
                return
            each = as_numpy(grad.reshape(len(x), -1)).sum(-1)
            for side, rows in (("fake", mask), ("real", ~mask)):
                if rows.any():
                    self._pending.append(Push(side, values[rows], each[rows], attached, not rows.all(), key))
            if "x" in self._first and not attached and not mask.all():  # not those between real and fake
                self._means.append(seen[~fake].cpu().double().mean(0))
                self._compare("x", seen[~fake])
            if mask.any():
                self._aim = way_of(each[mask]) or self._aim

        out.register_hook(self._reading(pushed))

    def _add(self, name: str, grad: torch.Tensor) -> None:
        if torch.is_grad_enabled():  # the graph of a penalty
            return
        weight = self.first[name]
        before = None if weight is None else weight.grad
        if before is None or not bool(before.any()):
            self._added[name], self._old[name] = [], 0
        self._added[name].append(self._aim)

    def _stepped(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        names = [name for name, weight in self.first.items() if weight is not None and id(weight) in held]
        if not names:
            return
        self.signals["foreign"] = max(self.signals.get("foreign", 0.0), float(len(names) == 2))
        self._steppers.update(names)
        pushes, last = self._pending, self._stepper
        self._stepper = names[0] if len(names) == 1 else ""
        self._conclude(self._stepper)
        if {last, self._stepper} == {"g", "d"} and not pushes and self._joint:
            self.signals["undetached"] = 1.0
        if pushes:
            sides = {(push.side, push.attached) for push in pushes}
            self._misled = self._misled or (names == ["g"] and sides == {("real", False), ("fake", False)})
            self._joint = sides == {("real", False), ("fake", True)}
            self._astray = (self._stepper == "d" and sides == {("fake", True)}) or (self._astray and last == "d")
        for name in names if len(names) == 1 else ():
            fresh = {sign for sign in self._added[name][self._old[name] :] if sign}
            stale = self._old[name] > 0 or (name == "d" and len(fresh) == 2)  # or of G's pass
            self.signals[f"stale_{name}"] = max(self.signals.get(f"stale_{name}", 0.0), float(stale))
            if name == "g":
                groups = [group for group in optimizer.param_groups if group.get("initial_lr")]  # set by a schedule
                self.signals["rate"] = max((group["lr"] / group["initial_lr"] for group in groups), default=1.0)
                grad = None if (weight := self.first["g"]) is None else weight.grad
                alone = bool(pushes) and not any(push.attached for push in pushes)
                self.signals["cut"] = float(alone and (grad is None or not bool(grad.any())))
                if self.signals["cut"] and self._astray:  # D's optimiser steps after G's loss, and G's after D's
                    self.signals["foreign"] = 1.0
                mixed = float(len(fresh) == 2 and not stale)
                self.signals["undetached"] = max(self.signals.get("undetached", 0.0), mixed)
            self._old[name] = len(self._added[name])
        self._aim = 0.0

    def _conclude(self, player: str) -> None:
        """Give the pushes since the last step to the player who steps now; without one, to G if they reach it."""
        pushes, self._pending = self._pending, []
        apart = any(p.side == "fake" and not p.attached for p in pushes)
        if player == "g" and apart and not any(p.attached for p in pushes):  # G's loss does not reach G
            return
        of: dict[str, list[Push]] = {"d": [], "g": []}
        for push in pushes:
            own = player != "d" or apart if player else not push.mixed  # Keras does not tell who steps
            if push.side == "fake" and push.attached and own:
                of["g"].append(push)
            elif player != "g" or apart:  # or G's loss also compares with reals
                of["d"].append(push)
        for whose, some in of.items():
            for push in some:
                self._aims.setdefault(f"{whose} {push.side}", []).append(push)
        sides = [[p for p in of["d"] if p.side == side] for side in SIDES]
        if all(sides):
            real, fake = sides[0][-1], sides[1][-1]
            self.heard.append((Outputs(real.output, fake.output), Outputs(real.gradient, fake.gradient)))
