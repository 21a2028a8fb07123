"""Ask copies of the user's G and D, in the framework that they are written in, and leave everything as it was."""

import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np

from mulligan.diagnosis.probe import COUNT, ROWS
from mulligan.errors import DataError, must_be
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream
from mulligan.watch.arrays import Layout, as_numpy, row_keys
from mulligan.watch.copies import NetCopier
from mulligan.watch.detectors import LISTEN, Began, Drew, Fact, Moves

BOUNDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "logistic": (0.0, 1.0), "relu": (0.0, math.inf)}
"""The range of each last operation, by its name in torch's graph and in JAX's."""
_KEEP = "reshape", "transpose", "squeeze", "expand_dims", "broadcast_in_dim", "convert_element_type", "copy"
"""Operations of JAX after which values are as before."""
Latent = int | Sequence[int] | Callable[[int], Any]


class AskError(Exception):
    """A net of the user's cannot be asked in this way."""


class Nets:
    """Plain functions of NumPy and JAX. `TorchNets` also knows weights and gradients."""

    name = "NumPy"
    reach = -math.inf, math.inf  # of G's last layer
    weights: tuple[Any, Any] = (), ()  # of G and of D, as far as they are known

    def __init__(self, nets: tuple[Any, Any], layout: Layout, real: Any, labels: Any):
        self.originals = self.nets = nets  # G and D; `nets` are copies, within `use_copies`
        self.layout, self.real, self.labels = layout, real, labels
        self.z: tuple[Any, ...] = ()
        self.names: tuple[str, ...] = ()  # of the keywords under which G gets z
        self.copier = NetCopier()
        self.blind = ""  # why D cannot be asked
        self.before: Array = np.zeros(0, np.float32)  # D's `mark` at the last measurement
        self.earlier: Any = None  # copies of the nets at the call before, for `moves`

    def begin(self, latent: Latent, seed: int) -> Array:
        """Draw the fixed z and the first samples, and ask D once."""
        with self.use_copies():
            self.z = self._draw_z(latent, seed)
            first = self.fakes(ROWS)
            self.blind = self._try_discriminator() if self.nets[1] is not None else ""
            self.explore()
            self.before = self.mark(self.before)
        return first

    def _draw_z(self, latent: Latent, seed: int) -> tuple[Any, ...]:
        """Draw the fixed z: Gaussian, or what a function returns for their number."""
        if callable(latent):
            drawn: Any = self.copier.copy(latent)(COUNT)
            if isinstance(drawn, dict):
                self.names, drawn = tuple(drawn), tuple(drawn.values())
            return tuple(drawn) if isinstance(drawn, (tuple, list)) else (drawn,)
        shape = (latent,) if isinstance(latent, int) else latent
        if not isinstance(shape, (tuple, list)) or not all(isinstance(n, int) and n > 0 for n in shape):
            raise AskError(f"no z can be drawn for {latent!r}")
        return (self.array(stream(seed, "eval").standard_normal((COUNT, *shape)).astype(np.float32)),)

    def explore(self) -> None:
        """Find the range that G's samples fill for huge z or, in JAX, that of the last operation that makes them."""
        jax, z, reach = sys.modules.get("jax"), self.z, (-math.inf, math.inf)
        with suppress(Exception), np.errstate(all="ignore"):  # whatever a function raises for such z
            if jax is not None and isinstance(self.draw(self.nets[0], slice(0, ROWS)), jax.Array):
                self.name = "JAX"
                program = jax.make_jaxpr(partial(self.draw, self.nets[0], slice(0, ROWS)))()
                reach = BOUNDS.get(last_operation(program.jaxpr), reach)
            else:
                self.z = tuple(1e6 * part if np.issubdtype(part.dtype, np.floating) else part for part in z)
                samples = self.fakes(ROWS)
                ends = float(samples.min()), float(samples.max())
                reach = ends if ends in BOUNDS.values() and np.isin(samples, ends).mean() > 0.5 else reach
        self.z, self.reach = z, reach

    def _try_discriminator(self) -> str:
        """Ask D once, and again with fewer samples. Return why it cannot be asked, or nothing."""
        for rows in (ROWS, 60):  # D may read packs of them, of 2 to 6, 10, 12, 15, 20 or 30
            self.real = self.real[:rows]
            try:
                self.before = self.answers()[0]
                return ""
            except Exception as error:
                reason = describe_error(error)
        return reason + (f"; not copied: {', '.join(self.copier.left_out)}" if self.copier.left_out else "")

    @contextmanager
    def use_copies(self) -> Iterator[None]:
        """Ask copies of the nets as they are now, and put back all random states of the process afterwards."""
        with self.keep_seed():
            self.copier = NetCopier()
            try:
                self.nets = self.copier.copy(self.originals)
                yield
            finally:
                self.nets = self.originals

    @contextmanager
    def keep_seed(self) -> Iterator[None]:
        """Put back all random states of the process afterwards."""
        numpy, python = np.random.get_state(), random.getstate()
        try:
            yield
        finally:
            np.random.set_state(numpy)
            random.setstate(python)

    def fakes(self, n: int, _: bool = False) -> Array:
        """Return the samples of the first n of the fixed z, in batches of `ROWS` as BatchNorm needs them."""
        parts = [self.draw(self.nets[0], slice(at, at + ROWS)) for at in range(0, n, ROWS)]
        if any(math.prod(part.shape) != len(part) * math.prod(self.layout.shape) for part in parts):
            raise AskError(f"it draws samples of shape {tuple(parts[0].shape)}")
        return np.concatenate([self.layout.samples(part) for part in parts])[:n]

    def draw(self, net: Any, rows: slice) -> Any:
        parts = [part[rows] for part in self.z]
        words = dict(zip(self.names, parts))
        return ask(net, *([] if words else parts), *self._classes(rows), **words)

    def _classes(self, rows: slice) -> tuple[Any, ...]:
        return () if self.labels is None else (self.labels[rows],)

    def scores(self, x: Any) -> Any:
        """Return D's answers: the mean over patches, the first of several, or one class above the other."""
        out = ask(self.nets[1], x, *self._classes(slice(0, len(x))))
        out = out if hasattr(out, "reshape") else as_numpy(out)
        out = out[:, 1] - out[:, 0] if out.shape == (len(x), 2) != x.shape else out
        out = out.reshape(number_of_answers(out.shape, len(x)), -1)
        if self.layout.name != "points" and out.shape[1] == math.prod(self.layout.shape):
            one = "lambda x: -(D(x) - x).reshape(len(x), -1).abs().mean(1)"
            raise DataError(must_be("discriminator", "a function that returns a number a sample", out.shape, one))
        return out.mean(-1)

    def _real_like(self, fakes: Any) -> Any:
        """Return the reals in the shape of G's samples, which the loop may flatten before D sees them."""
        alike = len(self.real) == len(fakes) and math.prod(fakes.shape) == math.prod(self.real.shape)
        return self.real.reshape(tuple(fakes.shape)) if alike else self.real

    def answers(self) -> tuple[Array, Array, Array | None]:
        """Return D's outputs for the fixed reals and as many fakes, and its slope at the reals if it is known."""
        fakes = self.draw(self.nets[0], slice(0, len(self.real)))
        real, slope = self.slope(self._real_like(fakes))
        slope = None if slope is None or len(real) < len(fakes) else self.layout.samples(slope)
        return as_numpy(real), as_numpy(self.scores(fakes)), slope

    def moves(self) -> list[Moves]:
        """Compare D's answers with those of the nets at the last call, if there was one; within `use_copies`."""
        (g, d), earlier = self.nets, self.earlier
        self.earlier = self.nets
        if earlier is None:
            return []

        def judge(net: Any, x: Any) -> Any:
            self.nets = None, net
            with self.keep_seed():
                return np.array(self.scores(x).tolist())  # float64, if D's answers are

        with self.keep_seed():
            before = self.draw(earlier[0], slice(0, len(self.real)))
        with self.keep_seed():
            after = self.draw(g, slice(0, len(self.real)))
        samples = self._real_like(before), before, after
        (real, fake, drawn), now = ([judge(net, x) for x in samples] for net in (earlier[1], d))
        rise = (drawn - fake + now[2] - now[1]) / 2  # nobody tells whether D or G steps first
        sure = abs(rise.mean()) > 2 * rise.std() / math.sqrt(len(rise))
        moved = (now[0] - real).mean(), (now[1] - fake).mean()
        stride = np.linalg.norm(as_numpy(after - before)) / np.linalg.norm(as_numpy(self.real - self.real.mean(0)))
        return [Moves._make(map(float, (*moved, rise.mean() * sure, now[0].mean() - now[1].mean(), stride)))]

    def array(self, x: Array) -> Any:
        return x

    def mark(self, real: Array) -> Array:
        """Return numbers that change where D learns: its answers for the reals."""
        return real

    def is_free(self) -> bool:
        """Tell whether D's weights are neither clipped, which makes the largest equal, nor normed; doubles copies."""
        copies = [self.copier.copy(weight) for weight in self.weights[1]]
        largest = (int((weight.abs() == weight.abs().max()).sum()) for weight in copies)
        clipped = any(1 < count < weight.numel() for count, weight in zip(largest, copies))
        before = self.answers()
        for weight in copies:
            weight.mul_(2)
        then, now = (abs(float(real.mean() - fake.mean())) for real, fake, _ in (before, self.answers()))
        return not clipped and now > 1.5 * then

    def slope(self, x: Any) -> tuple[Any, Any]:
        """Return D's outputs for x, and their gradients with respect to x, or None."""
        return self.scores(x), None

    def recorder(self, fail: Callable[[Exception], None]) -> Any:
        """Return what records facts."""
        return CallRecorder(self)


class CallRecorder:
    """Records the z of the fakes that D gets, where nets are functions, which Python's own profiler hears."""

    hears = False  # gradients and optimisers

    def __init__(self, nets: Nets):
        self._nets, self.facts = nets, list[Fact]()
        self._z, self._size = nets.z[0].shape[1:], math.prod(nets.layout.shape)
        hears = nets.nets[1] is not None and self._size != math.prod(self._z)  # else z and samples look alike
        self._steps = 0 if hears else 2 * LISTEN
        self._codes = set[Any]()  # of functions that get z or samples where the watch asks copies
        self._asked, self._made = dict[int, Array](), dict[bytes, Array]()  # keys of z, by a call and by its first fake

    def start(self) -> None:
        """Record the step of the user's loop that begins now; by a profiler in few steps, if the user has set none."""
        self.facts.append(Began())
        self._steps += 1
        self._left = 100_000 * (self._steps < 2 * LISTEN)  # events: a whole epoch may be a step
        if self._left and not self.hears and sys.getprofile() is None:
            sys.setprofile(self._note)

    def remove(self) -> None:
        """Listen no more. Facts stay."""
        if sys.getprofile() == self._note:  # else the user has set one since
            sys.setprofile(None)

    def stop(self) -> list[Fact]:
        """Listen no more, and return the facts since the last time."""
        self.remove()
        facts, self.facts = self.facts, []
        return facts

    def _note(self, frame: Any, event: str, result: Any) -> None:
        self._left -= 1
        if self._left < 0:
            sys.setprofile(None)
        elif self._nets.nets is not self._nets.originals or frame.f_code in self._codes:
            with suppress(Exception):  # of arrays without numbers, as where JAX compiles
                if event == "call":
                    self._read(frame)
                elif event == "return" and (z := self._asked.pop(id(frame), None)) is not None:
                    self._made[as_numpy(first_of(result)).reshape(-1, self._size)[0].tobytes()] = z

    def _read(self, frame: Any) -> None:
        for x in map(frame.f_locals.get, frame.f_code.co_varnames[: frame.f_code.co_argcount]):
            shapes = [(whole := tuple(getattr(x, "shape", ()))), whole[1:]]  # of a batch, or of a single z or sample
            if self._z not in shapes and self._size not in map(math.prod, shapes):
                continue
            if self._nets.nets is not self._nets.originals:
                self._codes.add(frame.f_code)
            elif self._z in shapes:
                self._asked[id(frame)] = np.sort(row_keys(as_numpy(x).reshape(-1, *self._z)))
            elif known := self._made.keys() & {row.tobytes() for row in as_numpy(x).reshape(-1, self._size)}:
                self.facts.append(Drew(self._made[min(known)], False))


def ask(net: Any, *inputs: Any, **words: Any) -> Any:
    """Return what a net returns for these inputs, or the first of several things."""
    try:
        output = net(*inputs, **words)
    except Exception as error:  # of the user's code
        raise AskError(f"{type(error).__name__}: {error}") from error
    return first_of(output)


def last_operation(program: Any) -> str:
    """Return the name of the last operation of a program of JAX that changes values."""
    step = next((each for each in reversed(program.eqns) if each.primitive.name not in _KEEP), None)
    if step is None:
        return ""
    inner = step.params.get("jaxpr", step.params.get("call_jaxpr"))
    return str(step.primitive.name) if inner is None else last_operation(inner.jaxpr)


def number_of_answers(shape: Sequence[int], n: int) -> int:
    """Return how often D answers for n samples: once for each, for some together (PacGAN), or for all."""
    if math.prod(shape) == 1 or (n % shape[0] and math.prod(shape) % n):  # or a view has cut samples in pieces
        return 1
    return shape[0] if shape[0] > 1 and n % shape[0] == 0 else n


def first_of(output: Any) -> Any:
    """Return what a net returns, or the first of several things."""
    output = tuple(output.values()) if isinstance(output, dict) else output
    return output[0] if isinstance(output, (tuple, list)) else output


def describe_error(error: Exception) -> str:
    """Write an error in a line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def nets_of(nets: tuple[Any, Any], layout: Layout, real: Any, labels: Any) -> Nets:
    """Choose the framework that the user has imported and built the nets with."""
    kind: type[Nets] = Nets
    if "torch" in sys.modules:
        from mulligan.watch.torch_nets import TorchNets

        copier = NetCopier()
        copier.copy(nets)
        if isinstance(real, sys.modules["torch"].Tensor) or copier.modules or copier.leaves:
            kind = TorchNets
    return kind(nets, layout, real, labels)
