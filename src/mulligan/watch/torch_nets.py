"""Ask and hear G and D that are torch modules, or functions around them. Only imported where torch already is.

Hooks that only read record what a few steps of the loop do, as a list of facts. Those on G and D tell z, mode, and the
gradient of each output of D, those on the largest weight of each net which gradients add up, and those on optimisers
which weights a step moves.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from mulligan.diagnosis.probe import ROWS
from mulligan.nn.memory import Array
from mulligan.watch.arrays import as_numpy, calm, row_keys
from mulligan.watch.detectors import NOBODY, Added, Drew, OptimizerStep, Penalised
from mulligan.watch.losses import Push, RealBatch
from mulligan.watch.nets import BOUNDS, CallRecorder, Nets, first_of, number_of_answers

_KEEP = ("View", "UnsafeView", "ReshapeAlias", "Permute", "Transpose", "Squeeze", "Unsqueeze", "Clone", "ToCopy")
"""Operations after which values are as before."""
_MOVING = torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.dropout._DropoutNd
"""Layers that work differently in eval mode."""
_NONE = np.zeros(0, np.float32)
modules = torch.nn.Module.modules  # a user's class may call something else so
Weights = Sequence[torch.Tensor]


class TorchNets(Nets):
    """Modules of torch, of Keras in torch's backend, functions that call some, and functions of raw tensors."""

    name = "PyTorch"

    def __init__(self, *args: Any):
        super().__init__(*args)
        with self.use_copies():
            first = next((leaf for leaf, _ in self.copier.leaves if leaf.is_floating_point()), torch.zeros(1))
            if any(hasattr(module, "_flatten_layers") for module in self.copier.modules):
                self.name = "Keras"
        self._like = {"device": first.device, "dtype": first.dtype}
        self.real = torch.as_tensor(self.real).to(**self._like)
        if self.labels is not None:
            self.labels = torch.as_tensor(self.labels).to(first.device)

    def array(self, x: Array) -> torch.Tensor:
        return torch.from_numpy(x).to(**self._like)

    @contextmanager
    def use_copies(self) -> Iterator[None]:
        with torch.inference_mode(False), torch.no_grad(), _ignore_compile(), super().use_copies():
            yield

    @contextmanager
    def keep_seed(self) -> Iterator[None]:
        devices = range(torch.cuda.device_count() if torch.cuda.is_initialized() else 0)
        on_mps = torch.mps.get_rng_state() if str(getattr(self.real, "device", "")).startswith("mps") else None
        try:
            with super().keep_seed(), torch.random.fork_rng(devices):
                torch.default_generator.manual_seed(0)
                for device in devices:
                    torch.cuda.default_generators[device].manual_seed(0)
                yield
        finally:
            if on_mps is not None:
                torch.mps.set_rng_state(on_mps)

    def explore(self) -> None:
        """Find G's range, the weights of each net, and the modules that take its input and give its output."""
        order: dict[torch.nn.Module, bool] = {}  # in which modules answer, and whether their input is the net's own
        errors: list[Exception] = []  # of the watch, which a net that is called would show as its own

        def note(module: Any, copy: Any, args: Any, words: Any, output: Any) -> None:
            order.setdefault(module, not any(x.requires_grad for x in tensors(args, words)))

        for module in self.copier.modules:
            hook = ReadingHook(errors.append, partial(note, module))
            self.copier.copy(module).register_forward_hook(hook, with_kwargs=True)
        with torch.enable_grad():
            leaves = [
                (weight, leaf.requires_grad_())
                for weight, leaf in self.copier.leaves
                if leaf.is_floating_point() and (weight.requires_grad or isinstance(weight, torch.nn.Parameter))
            ]
            samples = self.draw(self.nets[0], slice(0, ROWS))
            if isinstance(samples, torch.Tensor):
                self.reach = bounds_of(samples)
            answers = self.nets[1] is not None and not self.blind
            scores = self.scores(samples[: len(self.real)].detach()) if answers else None
            for error in errors:
                raise error
            generator, discriminator = self.originals
            self.weights = weights_of(generator, samples, leaves), weights_of(discriminator, scores, leaves)
        self.inner_ends = [ends_of(*each, order) for each in zip(self.originals, self.weights)]

    def mark(self, real: Array) -> Array:  # not by answers, which spectral norm changes at every pass
        sums = [float(weight.detach().sum()) for weight in self.weights[1]]  # clipped weights may change signs alone
        return np.array(_norms_of(self.weights[1]) + sums) if sums else real

    def slope(self, x: Any) -> tuple[Any, Any]:
        with torch.enable_grad():
            x = x.detach().clone().requires_grad_()
            scores = self.scores(x)
            known = isinstance(scores, torch.Tensor) and scores.requires_grad
            return scores, torch.autograd.grad(scores.sum(), x, allow_unused=True)[0] if known else None

    def recorder(self, fail: Callable[[Exception], None]) -> Any:
        return FactRecorder(self, fail) if all(self.weights) else super().recorder(fail)


def bounds_of(samples: torch.Tensor) -> tuple[float, float]:
    """Return the range of the last operation that made samples, if it has one."""
    node, name = samples.grad_fn, "View"
    while node is not None and name in _KEEP:
        name = node.name().partition("Backward")[0]
        node = node.next_functions[0][0] if node.next_functions else None
    return BOUNDS.get(name.lower(), (-math.inf, math.inf))


def weights_of(net: Any, output: Any, leaves: list[tuple[torch.Tensor, torch.Tensor]]) -> Weights:
    """Return the weights of a module, or those that the output of a function depends on, by their copies."""
    if isinstance(net, torch.nn.Module):
        return [weight for weight in net.parameters() if weight.is_floating_point()]  # Keras's dropout counts in one
    if not leaves or not isinstance(output, torch.Tensor) or not output.requires_grad:
        return []
    slopes = torch.autograd.grad(output.float().sum(), [leaf for _, leaf in leaves], allow_unused=True)
    return [weight for (weight, _), slope in zip(leaves, slopes) if slope is not None]


def ends_of(net: Any, weights: Weights, order: dict[torch.nn.Module, bool]) -> list[torch.nn.Module]:
    """Return the modules inside a function or module that take its input and give its output."""
    used, inside = {id(weight) for weight in weights}, {*modules(net)} if isinstance(net, torch.nn.Module) else set()
    held = {each: {id(p) for p in each.parameters()} for each in order if each is not net}
    whole = [each for each in reversed(held) if used <= held[each]]  # of modules alike, the outermost
    if whole and not inside:
        return [min(whole, key=lambda each: len(held[each]))] * 2
    own = [each for each in held if each in inside or (held[each] and held[each] <= used)]
    outer = [each for each in own if not any(each is not other and each in modules(other) for other in own)]
    if not outer or used != set().union(*map(held.__getitem__, outer)):
        return []
    return [outer[-1 if order[outer[-1]] else 0], outer[-1]]  # several D side by side are heard at the last


def _ignore_compile() -> AbstractContextManager[Any]:
    """Call modules of `torch.compile` as they were written: their compiled backward pass works only once."""
    used = "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance")
    return torch.compiler.set_stance("force_eager") if used else nullcontext()


class ReadingHook:
    """A hook that never raises or returns anything. In a deep copy or a pickle of the user's net it does nothing."""

    def __init__(self, fail: Callable[[Exception], None], hook: Callable[..., None]):
        self._fail_with, self._hook = fail, hook

    def __call__(self, *args: Any, **words: Any) -> None:
        try:
            with calm():
                self._hook(*args, **words)
        except Exception as error:
            self._fail_with(error)

    def __reduce__(self) -> Any:
        return getattr, (nullcontext(), "__exit__")


class FactRecorder(CallRecorder):
    """Records facts between `start` and `stop`."""

    def __init__(self, nets: TorchNets, fail: Callable[[Exception], None]):
        super().__init__(nets)
        self._inner_ends, self._called = nets.inner_ends, set[int]()  # 0 and 1, for the nets that answered
        pairs = zip(nets.nets, self._inner_ends)
        self.ends = [[net, net] if isinstance(net, torch.nn.Module) else inner for net, inner in pairs]
        self.hears = all(self.ends)
        self._d, self._guard = nets.nets[1], partial(ReadingHook, fail)
        self._weights = dict(zip("gd", nets.weights))
        self._waiting: set[str] = set()  # weights without a hook, because they need no gradient now
        self._handles: list[Any] = []
        self._inputs: list[torch.Tensor] = []  # of a D of several modules
        self._fakes: list[tuple[Array, list[Array]]] = []  # keys of the fakes of each call of G, and of what it got
        self._width = 0  # of a sample of G
        self._batch_norm = any(isinstance(part, _MOVING[0]) for net in self.ends[1] for part in modules(net))
        self._norms: dict[str, list[float]] = {}
        self._optimised = False  # an optimiser has made a step

    def start(self) -> None:
        """Record the step of the user's loop that begins now, unless long steps have told enough."""
        if self._handles:
            self._notice()
        super().start()
        if len(self.facts) > 500:  # a step of the loop may hold forty of optimisers
            self.remove()
        elif not self._handles:
            self._add_hooks()

    def _add_hooks(self) -> None:
        for ends, record in zip(self.ends, (self._record_samples, self._record_answers)):
            if ends:
                self._handles.append(ends[1].register_forward_hook(self._guard(record), with_kwargs=True))
        if len({*self.ends[1]}) > 1:
            hook = self._guard(self._keep_inputs)
            self._handles.append(self.ends[1][0].register_forward_hook(hook, with_kwargs=True))
        self._handles.append(register_optimizer_step_pre_hook(self._guard(self._measure_norms)))
        self._handles.append(register_optimizer_step_post_hook(self._guard(self._record_step)))
        self._first = {n: max(parts, key=lambda p: (p.requires_grad, p.numel())) for n, parts in self._weights.items()}
        self._waiting = {*self._first}
        self._values: dict[str, torch.Tensor] = {}  # of weights, at the last look
        self._notice()

    def remove(self) -> None:
        super().remove()
        while self._handles:
            self._handles.pop().remove()
        self._fakes = []

    def stop(self) -> list[Any]:
        for place in {0, 1} - self._called if self.facts else ():  # the loop calls net.forward, which has no hooks
            self.ends[place] = self._inner_ends[place] or self.ends[place]
        return super().stop()

    def _notice(self) -> None:
        """Notice weights that need gradients now, as D's do in some steps, and steps that the loop makes by hand."""
        for name in [name for name in self._waiting if self._first[name].requires_grad]:
            self._waiting.remove(name)
            self._handles.append(self._first[name].register_hook(self._guard(partial(self._record_addition, name))))
        if not self._optimised:
            now = {name: weight.detach().clone() for name, weight in self._first.items()}
            moved = [name for name, value in self._values.items() if not torch.equal(value, now[name].to(value))]
            self.facts += [NOBODY._replace(player=name, moved=True) for name in moved]
            self._values = now

    def _record_samples(self, net: torch.nn.Module, args: Any, words: Any, output: Any) -> None:
        self._notice()
        self._called.add(0)
        samples, inputs = first_of(output), tensors(args, words)
        if isinstance(samples, torch.Tensor) and samples.dim():
            self._width = samples[:1].numel()
            self._fakes.append((row_keys(samples), [row_keys(y) for y in inputs[:2]]))
        if torch.is_grad_enabled():  # not a sheet of samples
            z = next((x for x in inputs if x.is_floating_point()), None)
            self.facts.append(Drew(None if z is None else np.sort(row_keys(z)), _in_eval(self.ends[0])))

    def _keep_inputs(self, net: torch.nn.Module, args: Any, words: Any, output: Any) -> None:
        self._inputs = tensors(args, words)

    def _record_answers(self, net: torch.nn.Module, args: Any, words: Any, output: Any) -> None:
        self._notice()
        self._called.add(1)
        inputs, out = self._inputs or tensors(args, words), first_of(output)
        x, self._inputs = inputs[0] if inputs else None, []
        if x is None or not isinstance(out, torch.Tensor) or not out.requires_grad:
            return
        n, keys, attached = number_of_answers(out.shape, len(x)), self._keys_of(x), x.grad_fn is not None
        if (fake := self._find_fakes(keys, attached)) is None:
            return
        mixed = bool(fake.any() and not fake.all())
        moments = net is self._d and self._nets.layout.name == "points"  # of a series, not what an autoencoder returns
        drawn, sides = not moments and n < out.numel() == x.numel(), fake.reshape(n, -1)
        pictures = n > 1 and (len(out) != n or drawn)
        if pictures or (sides.any(1) != sides.all(1)).any():  # or an answer for reals and fakes together
            return
        classes = out.detach().softmax(1) if out.shape == (n, 2) != x.shape else None  # real and fake
        values, squashed = _answers_of(out, n, classes), bounds_of(out) == BOUNDS["sigmoid"]
        shared, changed = mixed and self._batch_norm, self._changes_classes(keys, inputs[1:2])
        rest = ~fake.reshape(len(x), -1)[:, 0]
        real = None if attached or fake.all() else self._describe_reals(inputs, keys, rest)
        sloped = x.is_leaf and x.requires_grad
        pushes = [
            (rows, Push(side, values[rows].ravel(), _NONE, attached, mixed, squashed, batch, shared, changed, sloped))
            for side, rows, batch in (("fake", sides[:, 0], None), ("real", ~sides[:, 0], real))
            if rows.any()
        ]
        out.register_hook(self._guard(partial(self._record_gradient, pushes, sloped, classes)))
        if x.requires_grad:
            self._handles.append(x.register_hook(self._guard(self._record_slope)))

    def _keys_of(self, x: torch.Tensor) -> Array:
        """Return keys of D's rows, or of the samples in them if D reads several as one row."""
        rows = x.reshape(len(x), -1)
        keys = row_keys(rows.reshape(-1, self._width) if self._width and rows.shape[1] % self._width == 0 else rows)
        columns = keys.reshape(len(x), -1)
        own = ~np.isin(columns, np.concatenate([_NONE, *(got[0] for _, got in self._fakes if got)])).all(0)
        return columns[:, own].ravel() if own.any() else keys  # without what G got, as D of pix2pix gets it

    def _find_fakes(self, keys: Array, attached: bool) -> Any:
        """Tell which samples of D's batch are G's; nothing if the others may be older ones, from a buffer."""
        known = [drawn for drawn, _ in self._fakes]
        fake = np.isin(keys, np.concatenate([_NONE, *known]))
        if not fake.any():
            return fake | attached  # attached: the loop has changed G's samples
        return fake if fake.all() or any(np.isin(drawn, keys).all() for drawn in known) else None

    def _describe_reals(self, inputs: list[torch.Tensor], keys: Array, rows: Any) -> RealBatch:
        """Describe the reals of a batch; their range and classes only if they have the size of the user's reals."""
        x = inputs[0].detach()
        batch, own = as_numpy(x.reshape(len(x), -1))[rows], keys.reshape(len(x), -1)[rows]
        sized = x.dim() > 1 and x[0].numel() == math.prod(self._nets.layout.shape)
        bounds = (float(batch.min()), float(batch.max())) if sized else ()
        pair = tuple(part.detach().clone() for part in inputs[:2]) if sized and rows.all() and len(inputs) > 1 else ()
        return RealBatch(np.sort(own.ravel()), batch.mean(0, np.float64), _in_eval(self.ends[1]), bounds, pair)

    def _changes_classes(self, keys: Array, classes: list[torch.Tensor]) -> bool:
        """Tell whether D gets a batch of fakes with other classes than G got, who may draw the same for several."""
        drawn = (ys for fakes, ys in self._fakes if np.array_equal(fakes, keys))
        pairs = [(y, row_keys(z)) for ys in drawn for y, z in zip(ys[1:], classes)]
        return bool(pairs) and not any(np.array_equal(y, z) for y, z in pairs)

    def _record_gradient(self, pushes: Any, sloped: bool, classes: torch.Tensor | None, grad: torch.Tensor) -> None:
        if torch.is_grad_enabled() or (sloped and bool((grad == 1).all())):  # the first pass of a gradient penalty
            self.facts.append(Penalised(False))
        else:
            if classes is not None:  # also if D returned logarithms of them
                grad = (grad - classes * grad.sum(1, keepdim=True)) / 2
            for rows, push in pushes:
                self.facts.append(push._replace(gradient=_answers_of(grad, len(rows), classes)[rows].ravel()))

    def _record_slope(self, grad: torch.Tensor) -> None:
        if grad.requires_grad:  # it has a graph, which the penalty's own pass may go through
            grad.register_hook(self._guard(lambda _: self.facts.append(Penalised(True))))

    def _record_addition(self, name: str, grad: torch.Tensor) -> None:
        if not torch.is_grad_enabled():  # else the graph of a penalty
            before = self._first[name].grad
            self.facts.append(Added(name, before is None or not bool(before.any())))

    def _measure_norms(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._notice()
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        shares = {
            name: {id(w) in held for w in some if w.requires_grad or id(w) in held}
            for name, some in self._weights.items()
        }
        whole = [name for name in shares if shares[name] == {True}]
        parts = [name for name in shares if True in shares[name]]  # BiGAN's G has an encoder that D may have, too
        for name in {*parts} - {*whole} if whole else ():  # it keeps what the other's optimiser does not move
            self._weights[name] = [weight for weight in self._weights[name] if id(weight) not in held]
        self._norms = {name: _norms_of(self._weights[name]) for name in whole or parts}

    def _record_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if not self._norms:
            return
        if not self._optimised:  # what moved before did not move by a step
            self._optimised, self.facts = True, [fact for fact in self.facts if not isinstance(fact, OptimizerStep)]
        moved = [name for name, norms in self._norms.items() if _norms_of(self._weights[name]) != norms]
        player, group = "".join(moved or self._norms), optimizer.param_groups[0]
        rate, betas = float(group.get("lr", 0.0)), tuple(float(b) for b in group.get("betas", ()))
        first, kind = self._first[player[0]], type(optimizer).__name__
        pushed, climbs = first.grad is not None and bool(first.grad.any()), bool(group.get("maximize"))
        holds = any(weight is first for group in optimizer.param_groups for weight in group["params"])
        self.facts.append(OptimizerStep(player, bool(moved), id(optimizer), kind, rate, betas, pushed, climbs, holds))
        self._norms = {}


def tensors(args: Any, words: Any) -> list[torch.Tensor]:
    """Return the batches among the inputs of a net, which may be arrays and lists of them, as in Keras."""
    lists = ([*x] if isinstance(x, (list, tuple)) else [x] for x in (*args, *words.values()))
    parts = (torch.tensor(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else x for some in lists for x in some)
    return [x for x in parts if isinstance(x, torch.Tensor) and x.dim()]


def _answers_of(out: torch.Tensor, n: int, classes: torch.Tensor | None) -> Array:
    """Return some answers for each of n samples: D may give one for each patch or moment, or two classes."""
    answers = out.reshape(n, -1) if classes is None else out[:, 1:] - out[:, :1]
    return as_numpy(answers[:, :: max(answers.shape[1] // 8, 1)])


def _in_eval(nets: list[torch.nn.Module]) -> bool:
    return {part.training for net in nets for part in modules(net) if isinstance(part, _MOVING)} == {False}


def _norms_of(weights: Weights) -> list[float]:
    """Return a number for each weight that shows whether it moves."""
    norms: list[float] = torch.stack(torch._foreach_norm([weight.detach() for weight in weights])).tolist()
    return norms
