"""A watched training ends with the same bytes as an unwatched one, however awkward its nets, and is never ended."""

import contextlib
import copy
import io
import random
import shutil
import sys
import threading
import warnings
from collections import deque
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest

import mulligan
import mulligan.watch.watch

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
REALS = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (80, 8)).astype(np.float32))
STEPS, EVERY, N = 8, 3, 8


class G(nn.Module):
    def __init__(self, norm=None):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 16), norm or nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2))
        self.end = nn.Linear(16, 8)

    def forward(self, z):
        return torch.tanh(self.end(self.body(z)))


class D(nn.Module):
    def __init__(self, wrap=lambda layer: layer):
        super().__init__()
        self.body = nn.Sequential(wrap(nn.Linear(8, 16)), nn.LeakyReLU(), nn.Dropout(0.2), wrap(nn.Linear(16, 1)))
        self.count = nn.Parameter(torch.tensor(0), requires_grad=False)  # as Keras's dropout has one

    def forward(self, x):
        return self.body(x)


class OwnChance(G):
    """Draws from a generator of torch, of NumPy and of Python of its own."""

    def __init__(self):
        super().__init__()
        self.chance = torch.Generator().manual_seed(3)
        self.numpy, self.python = np.random.default_rng(3), random.Random(3)

    def forward(self, z):
        noise = torch.randn(z.shape, generator=self.chance) * self.numpy.random() * self.python.random()
        return super().forward(z + 0.1 * noise)


class Keeps(D):
    """Keeps a list, a plain tensor, a deque of earlier inputs, and a tensor with its graph."""

    def __init__(self):
        super().__init__()
        self.calls, self.mean, self.pool, self.last = [], torch.zeros(8), deque(maxlen=3), None

    def forward(self, x):
        self.calls.append(len(x))
        self.mean.mul_(0.9).add_(x.detach().mean(0), alpha=0.1)
        self.pool.append(x.detach().clone())
        self.last = super().forward(x - self.mean) + sum(each.mean() for each in self.pool)
        return self.last


class FrozenSpectral(nn.Module):
    """Spectral norm with u and v as frozen parameters, as it is widely copied."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        rows, columns = layer.weight.shape
        self.u = nn.Parameter(F.normalize(torch.randn(rows), dim=0), requires_grad=False)
        self.v = nn.Parameter(F.normalize(torch.randn(columns), dim=0), requires_grad=False)
        self.bar = nn.Parameter(layer.weight.data)
        del layer._parameters["weight"]

    def forward(self, x):
        self.v.data = F.normalize(self.bar.data.T @ self.u.data, dim=0)
        self.u.data = F.normalize(self.bar.data @ self.v.data, dim=0)
        self.layer.weight = self.bar / self.u.dot(self.bar @ self.v)
        return self.layer(x)


class Hooked(D):
    """Has hooks of the user: one counts into a list, one adds noise of NumPy, one keeps the gradient."""

    def __init__(self):
        super().__init__()
        self.seen, seen = [], []
        self.seen_outside = seen
        self.body[0].register_forward_hook(lambda module, x, y: seen.append(1))
        self.body[0].register_forward_pre_hook(lambda module, x: (x[0] + 0.01 * np.random.standard_normal(),))
        self.body[0].weight.register_hook(lambda grad: self.seen.append(grad.sum()))


class Checkpointed(D):
    def forward(self, x):
        return torch.utils.checkpoint.checkpoint(self.body, x, use_reentrant=False)


class InPlace(D):
    def forward(self, x):
        return self.body(x).mul_(2.0).clamp_(-5, 5)


class Recurrent(G):
    """Carries a state from call to call, with its graph cut only here."""

    def __init__(self):
        super().__init__()
        self.cell, self.state = nn.GRUCell(6, 6), None

    def forward(self, z):
        state = None if self.state is None or len(self.state) != len(z) else self.state.detach()
        self.state = self.cell(z, state)
        return super().forward(self.state)


class Unlikely(D):
    """Has a lock, an open file, functions that capture it, and a dictionary of layers that torch does not know."""

    def __init__(self):
        super().__init__()
        self.lock, self.file = threading.Lock(), io.StringIO()
        self.twice = lambda x: self.body(x) * 2
        self.table = {"rows": [0]}

    def forward(self, x):
        self.table["rows"][0] += len(x)
        return self.twice(x)


class Locked(Unlikely):
    def forward(self, x):
        with self.lock:
            self.file.write("x")
            return super().forward(x)


class Noise(nn.Module):
    """Draws from the process's own generators."""

    def forward(self, x):
        return x + 0.01 * torch.randn_like(x) + 0.01 * np.random.standard_normal() + 0.01 * random.random()


class Scaled(nn.Module):
    def forward(self, weight):
        return weight * 0.9


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


class Many(D):
    """Takes whatever stands beside x, and returns what the test asks for."""

    def __init__(self, output=lambda y: y):
        super().__init__()
        self.output = output

    def forward(self, x, *more, **words):
        return self.output(super().forward(x))


class FlatZ(G):
    def forward(self, z):
        return super().forward(z.reshape(-1, 6))


class Counter:
    """Not a module: an object around raw tensors, with methods that count."""

    def __init__(self):
        self.w, self.v = torch.randn(6, 8) * 0.3, torch.randn(8, 1) * 0.3
        self.w.requires_grad_(), self.v.requires_grad_()
        self.calls, self.average = 0, torch.zeros(8)

    def draw(self, z):
        self.calls += 1
        return torch.tanh(z @ self.w)

    def judge(self, x):
        self.average = 0.9 * self.average + 0.1 * x.detach().mean(0)
        return (x - self.average) @ self.v


def tied():
    g, d = G(), D()
    d.body[0].weight = nn.Parameter(torch.randn(16, 8) * 0.1)
    g.end.weight = nn.Parameter(d.body[0].weight.T.contiguous().T.T)
    d.shared = g.body[0]
    return g, d


def parametrized():
    d = D(nn.utils.parametrizations.spectral_norm)
    nn.utils.parametrize.register_parametrization(d.body[3], "bias", Scaled())
    return G(), d


def raw():
    nets = Counter()
    return nets.draw, nets.judge, [nets.w], [nets.v], nets


def functions():
    g, d = G(), D()
    counts = {"g": 0}

    def draw(z):
        counts["g"] += 1
        return g(z)

    return draw, lambda x: d(x), list(g.parameters()), list(d.parameters()), (g, d, counts)


def lightning_like():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.g, self.d, self.drawn = G(), D(), 0

        def draw(self, z):
            self.drawn += 1
            return self.g(z)

        def judge(self, x):
            return self.d(x)

    both = Both()
    return both.draw, both.judge, list(both.g.parameters()), list(both.d.parameters()), both


def straight(d, x):
    return d(x)


def elsewhere(d, x):
    with torch.device("meta"):  # as where torch.set_default_device has chosen a GPU
        return d(x)


CASES = {
    "plain": (lambda: (G(), D()), straight),
    "another default device": (lambda: (G(), D()), elsewhere),
    "own generators of random numbers": (lambda: (OwnChance(), D()), straight),
    "a list, a plain tensor, a deque": (lambda: (G(), Keeps()), straight),
    "frozen u and v": (lambda: (G(), D(FrozenSpectral)), straight),
    "spectral norm": (lambda: (G(), D(nn.utils.spectral_norm)), straight),
    "parametrizations": (parametrized, straight),
    "weight norm of today": (lambda: (G(), D(nn.utils.parametrizations.weight_norm)), straight),
    "weight norm of yesterday": (lambda: (G(), D(nn.utils.weight_norm)), straight),
    "lazy": (lambda: (G(nn.LazyBatchNorm1d()), nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(1))), straight),
    "hooks": (lambda: (G(), Hooked()), straight),
    "compiled": (lambda: (torch.compile(G(), backend="eager"), torch.compile(D(), backend="eager")), straight),
    "DataParallel": (lambda: (nn.DataParallel(G()), nn.DataParallel(D())), straight),
    "shared weights": (tied, straight),
    "checkpointing": (lambda: (G(), Checkpointed()), straight),
    "in-place output": (lambda: (G(), InPlace()), straight),
    "an LSTM": (lambda: (G(), nn.Sequential(nn.LSTM(8, 4), _As(itemgetter(0)), nn.Linear(4, 1))), straight),
    "a state between calls": (lambda: (Recurrent(), D()), straight),
    "closures over itself": (lambda: (G(), Unlikely()), straight),
    "a lock and a file": (lambda: (G(), Locked()), straight),
    "global random numbers": (lambda: (G(Noise()), D()), straight),
    "own autograd function": (lambda: (G(), nn.Sequential(D(), _As(Doubled.apply))), straight),
    "BatchNorm without momentum": (lambda: (G(nn.BatchNorm1d(16, momentum=None)), D()), straight),
    "InstanceNorm with statistics": (lambda: (G(nn.GroupNorm(4, 16)), nn.Sequential(_As(_folded), D())), straight),
    "float64": (lambda: (G().double(), D().double()), straight),
    "keyword": (lambda: (G(), D()), lambda d, x: d(x=x)),
    "None": (lambda: (G(), Many()), lambda d, x: d(x, None)),
    "numbers and texts": (lambda: (G(), Many()), lambda d, x: d(x, 3, "a", way="up")),
    "lists and dicts": (lambda: (G(), Many()), lambda d, x: d(x, [x, 1], {"a": x}, y=None)),
    "only keywords": (lambda: (G(), Many()), lambda d, x: d(x=x, y=torch.zeros(3))),
    "returns a scalar": (lambda: (G(), Many(torch.mean)), straight),
    "returns a number a batch": (lambda: (G(), Many(lambda y: y.mean(0))), straight),
    "returns a tuple": (lambda: (G(), Many(lambda y: (y, y * 2))), lambda d, x: d(x)[0]),
    "returns a dict": (lambda: (G(), Many(lambda y: {"out": y, "more": None})), lambda d, x: d(x)["out"]),
    "returns a list": (lambda: (G(), Many(lambda y: [y])), lambda d, x: d(x)[0]),
    "flat z": (lambda: (FlatZ(), D()), straight),
    "raw tensors": (raw, straight),
    "functions": (functions, straight),
    "methods": (lightning_like, straight),
    "vmapped": (lambda: (G(), nn.Sequential(nn.Linear(8, 1))), lambda d, x: torch.vmap(d)(x)),
    "functional": (lambda: (G(), D()), lambda d, x: torch.func.functional_call(d, dict(d.named_parameters()), (x,))),
    "frozen half": (lambda: (G(), _frozen(D())), straight),
}
BLIND = {"a lock and a file"}
"""Cases in which D cannot be asked, or not so."""
WAYS = ("", "no_grad", "inference_mode", "errors", "amp", "saves", "copies", "accumulates")
"""What the loop around the watch does besides."""


class _As(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def _folded(x):
    return x.reshape(len(x), -1)


def _frozen(d):
    d.body[0].requires_grad_(False)
    return d


def state_of(x, seen):
    """Return all that an object holds, as something that can be compared: tensors, numbers, states, in any depth."""
    if isinstance(x, torch.Tensor):
        return x.detach().clone().numpy().tobytes() if not nn.parameter.is_lazy(x) else "lazy"
    if isinstance(x, torch.Generator):
        return x.get_state().numpy().tobytes()
    if isinstance(x, np.random.Generator):
        return str(x.bit_generator.state)
    if isinstance(x, random.Random):
        return x.getstate()
    if isinstance(x, (int, float, str, bytes, bool, type(None))):
        return x
    if id(x) in seen:
        return "again"
    seen[id(x)] = x  # kept alive, so that no other object gets its id
    if isinstance(x, dict):
        return [(str(name), state_of(value, seen)) for name, value in x.items()]
    if isinstance(x, (list, tuple, set, deque)):
        return [state_of(value, seen) for value in x]
    if isinstance(x, io.StringIO):
        return x.getvalue()
    if isinstance(x, (nn.Module, Counter)):
        x = getattr(x, "_orig_mod", x)
        return [(name, state_of(value, seen)) for name, value in vars(x).items() if not name.endswith("hooks")]
    return type(x).__name__


def train(build, call, way="", watching=True, tracer=None, steps=STEPS, every=EVERY):
    """Train for a few steps, and return all bytes at the end and the watch."""
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        g, d, *more = build()
        of_g, of_d, held = more if more else (None, None, (g, d))
        flat = isinstance(g, FlatZ)
        dtype = next((p.dtype for p in getattr(g, "parameters", list)()), torch.float32)
        reals = REALS.to(dtype)
        if of_g is None:
            if "lazy" in str(type(d[0] if isinstance(d, nn.Sequential) else d)).lower():
                g(torch.zeros(4, 6)), d(torch.zeros(4, 8))
            of_g, of_d = list(g.parameters()), [p for p in d.parameters() if p.requires_grad]
        opt_g, opt_d = torch.optim.Adam(of_g, 1e-3), torch.optim.Adam(of_d, 1e-3)
        if way == "errors":
            warnings.simplefilter("error")
        if tracer is not None:
            sys.settrace(tracer)
            stack.callback(sys.settrace, None)
        watch = mulligan.Watch(reals, generator=g, discriminator=d, latent=6, every=every) if watching else None
        for step in range(1, steps + 1):
            x = reals[torch.randint(len(reals), (N,))]
            z = torch.randn(N, 6, dtype=dtype) if not flat else torch.randn(N * 6)
            with torch.autocast("cpu", torch.bfloat16, enabled=way == "amp"):
                fake = g(z)
                d_loss = F.softplus(-call(d, x)).mean() + F.softplus(call(d, fake.detach())).mean()
            if way != "accumulates" or step % 2:
                opt_d.zero_grad()
            d_loss.backward()
            opt_d.step()
            with torch.autocast("cpu", torch.bfloat16, enabled=way == "amp"):
                g_loss = F.softplus(-call(d, fake)).mean()
            opt_g.zero_grad()
            g_loss.backward()
            opt_g.step()
            if way == "saves" and isinstance(g, nn.Module):
                torch.save([g.state_dict(), d.state_dict()], io.BytesIO())
                if isinstance(g, G):
                    torch.save(g, io.BytesIO())
            if way == "copies" and isinstance(g, nn.Module):
                copy.deepcopy(g)(z)
            around = {"no_grad": torch.no_grad, "inference_mode": torch.inference_mode}.get(way, contextlib.nullcontext)
            with around():
                if watch is not None:
                    watch(step, d_loss=d_loss, g_loss=g_loss)
        if watch is not None:
            watch.close()
            str(watch)
    seen = {}
    chance = torch.get_rng_state().numpy().tobytes(), str(np.random.get_state()), random.getstate()
    grads = [None if p.grad is None else p.grad.numpy().tobytes() for p in [*of_g, *of_d]]
    moments = [state_of(opt.state_dict(), seen) for opt in (opt_g, opt_d)]
    filters = None if way == "errors" else len(warnings.filters)
    weights = [p.detach().clone().numpy().tobytes() for p in [*of_g, *of_d]]
    return (state_of(held, seen), weights, grads, moments, chance, filters), watch


def differences(a, b, path=""):
    """Return where two states differ."""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return [each for i, (x, y) in enumerate(zip(a, b)) for each in differences(x, y, f"{path}/{i}")]
    return [] if a == b else [(path, str(a)[:60], str(b)[:60])]


@pytest.mark.parametrize("name", CASES)
def test_awkward_nets_end_with_the_same_bytes(name, capfd):
    build, call = CASES[name]
    plain, _ = train(build, call, watching=False)
    watched, watch = train(build, call)
    assert differences(watched, plain) == []
    assert watch.error == ""
    assert ("cannot be asked" in str(watch)) is (name in BLIND)


@pytest.mark.parametrize("way", WAYS)
def test_loops_that_do_more_end_with_the_same_bytes(way):
    plain, _ = train(lambda: (G(), D()), straight, way, watching=False)
    watched, watch = train(lambda: (G(), D()), straight, way)
    assert watched == plain
    assert watch.error == ""


def test_a_scripted_net_is_named_and_left_out(capfd):
    build = CASES["plain"][0]
    train(lambda: tuple(map(torch.jit.script, build())), straight, watching=False)  # it compiles at its first steps
    plain, _ = train(lambda: tuple(map(torch.jit.script, build())), straight, watching=False)
    watched, watch = train(lambda: tuple(map(torch.jit.script, build())), straight)
    assert differences(watched, plain) == []
    assert "torch.jit" in watch.error


@pytest.mark.parametrize("when", ["begin", "later"])
def test_a_folder_that_cannot_be_written_ends_neither_training_nor_watch(tmp_path, when, capfd, monkeypatch):
    def full(*args, **words):
        raise OSError(28, "No space left on device")

    if when == "begin":
        monkeypatch.setattr("mulligan.watch.watch.atomic_write", full)
    watch = mulligan.Watch(REALS, generator=G(), discriminator=D(), latent=6, every=2, folder=tmp_path / "run")
    monkeypatch.setattr(Path, "open", full)
    with watch:
        for step in range(1, 6):
            watch(step)
    assert "2 latest measurements" in str(watch)
    monkeypatch.undo()
    shutil.rmtree(tmp_path)
    assert watch.report(tmp_path / "run.html") == tmp_path / "run.html"
    assert capfd.readouterr().err.count("\n") == 4  # with a finding, for D rests, and the summary


def test_nothing_is_raised_where_stderr_is_closed_and_warnings_are_errors(monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        broken = D()
        with mulligan.Watch(REALS, generator=G(), discriminator=broken, latent=6, every=2) as watch:
            del broken.body
            for step in range(1, 6):
                watch(step)
    assert "body" in watch.error


def test_ctrl_c_within_a_measurement_is_the_user_s_and_leaves_no_trace():
    pressed = []

    def draw(z):
        if pressed:
            raise KeyboardInterrupt
        torch.rand(1), np.random.rand(), random.random()
        return REALS[: len(z)]

    watch = mulligan.Watch(REALS, generator=draw, latent=6, every=2)
    pressed.append(1)
    before = torch.get_rng_state(), str(np.random.get_state()), random.getstate()
    with pytest.raises(KeyboardInterrupt):
        watch(2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (str(np.random.get_state()), random.getstate()) == before[1:]


GUARDS = {"__call__", "__exit__", "__init__", "__str__", "_guard", "_stop", "ask", "calm", "close", "first_of"}
"""Functions that are the guard, or that run the user's code: an error in `ask` is one of the user's."""


HOME = str(Path(mulligan.watch.watch.__file__).parent)


def train_traced(each_line, file=HOME, function=""):
    """Train the plain case for as few steps as all lines of the watch need, and call `each_line` at those of a file."""

    def trace(frame, event, arg):
        code = frame.f_code
        if not code.co_filename.startswith(file) or function not in ("", code.co_name):
            return None
        if event == "line":
            each_line((code.co_filename, frame.f_lineno), code.co_name)
        return trace

    return train(*CASES["plain"], tracer=trace, steps=3, every=2)[0]


@pytest.mark.slow  # a short training for each line
def test_an_error_at_any_line_of_the_watch_leaves_the_training_alone(capfd):
    lines, wrong = {}, []
    train_traced(lines.setdefault)
    plain, _ = train(*CASES["plain"], watching=False, steps=3)
    for place, function in lines.items():
        if function in GUARDS:
            continue

        def fail(here, function, place=place):
            if here == place:  # after an error Python traces no further
                raise OSError("injected")

        try:
            wrong += [(place, "bytes")] * bool(differences(train_traced(fail, place[0], function), plain))
        except Exception as error:
            wrong.append((place, repr(error)))
    assert wrong == [], "\n".join(map(str, wrong))


def end_in_keras(watching):
    """Train two models of Keras, whose dropout has a random state of its own, and return all their states."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    norm, drop, last = keras.layers.BatchNormalization(), keras.layers.Dropout(0.2), keras.layers.Dropout(0.2)
    g = keras.Sequential([keras.Input((6,)), keras.layers.Dense(16, "relu"), norm, drop, keras.layers.Dense(8, "tanh")])
    d = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, "relu"), last, keras.layers.Dense(1)])
    steps = [(net, keras.optimizers.Adam(1e-3)) for net in (d, g)]
    watch = mulligan.Watch(REALS.numpy(), generator=g, discriminator=d, latent=6, every=EVERY) if watching else None
    for step in range(STEPS):
        for net, optimizer in steps:
            fake = g(torch.randn(N, 6), training=True)
            real = F.softplus(-d(REALS[:N], training=True)).mean()
            sign = 1 if net is d else -1
            loss = F.softplus(sign * d(fake, training=True)).mean() + (real if net is d else 0)
            net.zero_grad()
            loss.backward()
            with torch.no_grad():
                optimizer.apply([v.value.grad for v in net.trainable_weights], net.trainable_weights)
        if watch is not None:
            watch(step, d_loss=loss)
    assert watch is None or (not watch.error and "Keras" in str(watch))
    return [np.asarray(v.value.detach()) for net, optimizer in steps for v in (*net.variables, *optimizer.variables)]


def end_in_jax(watching):
    """Train two functions of JAX, whose weights are closed over, and return the weights."""
    jax = pytest.importorskip("jax")
    keys = jax.random.split(jax.random.PRNGKey(0), 4)
    new = {"g": [jax.random.normal(key, shape) * 0.3 for key, shape in zip(keys, [(6, 16), (16, 8)])]}
    new |= {"d": [jax.random.normal(key, shape) * 0.3 for key, shape in zip(keys[2:], [(8, 16), (16, 1)])]}

    def run(weights, x):
        return jax.nn.relu(x @ weights[0]) @ weights[1]

    def loss(weights, name, z, x):
        fake, real = run(weights["d"], run(weights["g"], z)), run(weights["d"], x)
        pushed = jax.nn.softplus(fake).mean() + jax.nn.softplus(-real).mean()
        return pushed if name == "d" else jax.nn.softplus(-fake).mean()

    slopes = jax.jit(jax.value_and_grad(loss), static_argnums=1)
    nets = {"generator": lambda z: run(new["g"], z), "discriminator": lambda x: run(new["d"], x)}
    watch = mulligan.Watch(REALS.numpy(), **nets, latent=6, every=EVERY) if watching else None
    for step in range(STEPS):
        for name in ("d", "g"):
            z = jax.random.normal(jax.random.fold_in(keys[0], step), (N, 6))
            value, grads = slopes(new, name, z, REALS[:N].numpy())
            new[name] = [w - 0.1 * slope for w, slope in zip(new[name], grads[name])]
        if watch is not None:
            watch(step, g_loss=value)
    assert watch is None or not watch.error
    return [np.asarray(w) for name in new for w in new[name]]


@pytest.mark.parametrize("end", [end_in_keras, end_in_jax])
def test_other_frameworks_end_with_the_same_bytes(end):
    plain, watched = ([state.tobytes() for state in end(watching)] for watching in (False, True))
    assert plain == watched
