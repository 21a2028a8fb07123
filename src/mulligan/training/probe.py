"""Give the diagnosis what it measures of a run. The run does not change: random numbers come from the stream "eval"."""

import itertools

import numpy as np

from mulligan.data import scaled
from mulligan.data.sources.toys import TOYS, Gaussians
from mulligan.diagnosis.measurements import Facts
from mulligan.diagnosis.probe import COUNT, ROWS, Answers, Judge, Probe, Reals
from mulligan.diagnosis.statistics import bulk, entropy
from mulligan.game.losses import NonSaturating
from mulligan.metrics import bundled_judge
from mulligan.nn.layers import BatchNorm, LayerNorm, PixelNorm
from mulligan.nn.layers.base import walk
from mulligan.nn.layers.shape import Reshape
from mulligan.nn.memory import Array, Labels
from mulligan.nn.network import Workspace
from mulligan.nn.rng import stream
from mulligan.nn.workers.limits import rows_at_once
from mulligan.output.pictures import to_uint8
from mulligan.output.readings import probabilistic
from mulligan.training.changes import reach_of
from mulligan.training.run import Run

NORMALISING = (BatchNorm, LayerNorm, PixelNorm)
"""Layers that normalise their output, so that gradients grow as the weights before them shrink."""
COPIED = 10_000
"""Maximum number of training samples for the search for copies. With more, a short run does not copy."""
HELD = 100
"""Minimum number of held-out samples with which copies are compared."""


def probe_of(run: Run) -> Probe:
    """Return the probe of a run."""
    data, config = run.data, run.config
    rows = stream(config.seed, "eval", 1).choice(len(data), min(COUNT, len(data)), replace=False)
    x = scaled(np.asarray(data.images[rows]), config.data.low, config.data.high)
    low, high = bulk(np.asarray(data.images)) if data.is_points else (config.data.low, config.data.high)
    toy = TOYS.get(data.name)
    reals = Reals(
        x,
        low,
        high,
        labels=None if run.labels is None else run.labels[rows],
        judge=_judge(run),
        toy=toy if isinstance(toy, Gaussians) and len(toy.centres) > 1 else None,
    )
    z, labels = run.draw(COUNT, seed=config.seed)
    searched = 2 <= len(data) <= COPIED and not data.streamed and not data.is_points
    return Probe(
        reals,
        lambda n, average: run.generate(z[:n], _first(labels, n), average=average),
        facts_of(run),
        _Answers(run, reals.x[:ROWS], None if run.labels is None else run.labels[rows][:ROWS], z, labels),
        averaged=config.average is not None,
        labels=labels,
        reach=_reach(run),
        originals=(lambda: _originals(run)) if searched else None,
        samples=len(data),
        penalties=[penalty.name for penalty in config.penalties],
        begin=run.begins,
        seed=config.seed,
    )


def _judge(run: Run) -> Judge | None:
    """Return a bundled judge that fits the run's pictures."""
    judge = None if run.data.is_points else bundled_judge(run.data.name)
    if judge is None or judge.network.input_shape != run.data.shape:
        return None
    spec = run.config.data
    return lambda x: judge.features_and_probabilities(to_uint8(x, spec.low, spec.high))


def _reach(run: Run) -> tuple[float, float]:
    """Return the range that G's last activation allows."""
    g, last = run.gan.g.network, None
    for _, layer, shape in walk(g.layer, g.input_shape):
        if not layer.children(shape) and not isinstance(layer, Reshape):
            last = layer
    return reach_of(last)


def _originals(run: Run) -> tuple[Array, Array | None]:
    """Return the training pictures as rows, and held-out ones if there are enough."""
    spec, test, held = run.config.data, run.data.test, None
    if test is not None and len(test) >= HELD:
        rows = stream(run.config.seed, "eval", 3).choice(len(test), min(COUNT, len(test)), replace=False)
        held = scaled(np.asarray(test.images[rows]), spec.low, spec.high).reshape(len(rows), -1)
    seen = scaled(np.asarray(run.data.images), spec.low, spec.high)
    return seen.reshape(len(seen), -1), held


class _Answers:
    """Asks D and G of a run, large pictures a few at a time."""

    def __init__(self, run: Run, real: Array, real_labels: Labels, z: Array, labels: Labels):
        self.run, self.z, self.labels = run, z[: len(real)], _first(labels, len(real))
        self.real, self.real_labels = real, real_labels

    def __call__(self, made: Array) -> Answers:
        n, run = len(made), self.run
        step = rows_at_once(n, run.data.shape)
        parts = [slice(start, start + step) for start in range(0, n, step)]
        g, d = run.gan.g.network.workspace(), run.gan.d.network.workspace()
        shown = {"real": (self.real, self.real_labels), "fake": (made, self.labels)}
        # backward passes of D over reals and fakes, started with ones: ∇ₓD; all other gradients are multiples of it
        logits = {side: np.empty(n, np.float32) for side in shown}
        slope = {side: np.empty_like(made) for side in shown}
        for side, part in itertools.product(shown, parts):
            logits[side][part] = _forward(d, *shown[side], part)[:, 0]
            slope[side][part] = d.backward(np.ones((len(made[part]), 1), np.float32))
        loss = run.config.loss
        for_d, for_g = loss.discriminator(**logits), loss.generator(**logits)
        push = slope["fake"] * for_g.fake.reshape(n, *[1] * (made.ndim - 1))
        g.grad.fill(0)
        d.grad.fill(0)
        for part in parts:
            _forward(g, self.z, self.labels, part)
            g.backward(push[part], inputs=False)
            g.grads()
        for side, part in itertools.product(shown, parts):
            _forward(d, *shown[side], part)
            d.backward(getattr(for_d, side)[part, None], inputs=False)
            d.grads()
        first = run.gan.g.network.entries[0].view(g.grad)
        norms = {"g_first": float(np.sqrt(np.square(first).mean()))}
        for name, space in (("g", g), ("d", d)):
            norms[f"{name}_gradient"] = float(np.linalg.norm(space.grad))
            norms[f"{name}_weights"] = float(np.linalg.norm(space.theta))
        return Answers(logits["real"], logits["fake"], slope["real"], slope["fake"], push, norms)


def _forward(space: Workspace, x: Array, labels: Labels, part: slice) -> Array:
    return space.forward(x[part], None if labels is None else labels[part], training=False)


def facts_of(run: Run) -> Facts:
    """Return the facts of a run that rules need."""
    loss = run.config.loss
    smoothing = loss.smoothing if isinstance(loss, NonSaturating) else 0.0
    unsure = np.full(2, loss.level or 0.0, np.float32)  # D's best answer if it cannot tell
    nets = run.gan.g.network, run.gan.d.network
    layers = [layer for net in nets for _, layer, _ in walk(net.layer, net.input_shape)]
    return Facts(
        balance=max(loss.discriminator(real=unsure, fake=unsure).value, 0.0),
        probabilistic=probabilistic(loss),
        relativistic=loss.relativistic,
        penalised=bool(run.config.penalties),
        conditional=run.labels is not None,
        threshold=loss.level,
        least=entropy((smoothing, 1.0 - smoothing)),
        normalised=any(isinstance(layer, NORMALISING) for layer in layers),
        steps=run.config.steps,
        smoothed=run.data.is_points and run.config.average is not None,
    )


def _first(labels: Labels, n: int) -> Labels:
    return None if labels is None else labels[:n]
