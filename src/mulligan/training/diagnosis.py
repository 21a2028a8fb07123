"""The diagnosis of a run: an observer that names what goes wrong, with its evidence and its remedy.

It does not change the run, and random numbers come from the stream "eval". Every checkpoint holds its state, so that a
resumed run gets the same reports.
"""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from mulligan.config.change import is_adjustable
from mulligan.data import scale_samples
from mulligan.data.sources.toys import find_mixture
from mulligan.diagnosis.history import History
from mulligan.diagnosis.measurements import Facts, Finding
from mulligan.diagnosis.probe import COUNT, ROWS, Answers, Judge, Probe, Reals
from mulligan.diagnosis.statistics import bulk, entropy
from mulligan.game.losses import NonSaturating
from mulligan.metrics.features.judge import bundled_judge_for
from mulligan.nn.layers import BatchNorm, LayerNorm
from mulligan.nn.layers.base import walk
from mulligan.nn.memory import Array, Labels
from mulligan.nn.network import Workspace
from mulligan.nn.rng import stream
from mulligan.nn.workers.limits import rows_at_once
from mulligan.output.pictures import to_uint8
from mulligan.output.readings import says
from mulligan.training.events import Diagnosed, Event, Failed, Measured, Stepped
from mulligan.training.remedies import find_reach, remedy_for
from mulligan.training.run import Run

NORMALISING = (BatchNorm, LayerNorm)
"""Layers that normalise their output, so that gradients grow as the weights before them shrink."""
COPIED = 10_000
"""Maximum number of training samples for the search for copies. With more, a short run does not copy."""
HELD = 100  # minimum number of held-out samples with which copies are compared


class Diagnosis(History):
    """Pass this to `train` as an observer to have failures named.

    Parameters
    ----------
    every : int, optional
        Steps between two measurements (default: a 32nd of the run, from 150 to 250). A measurement is taken with the
        next report.

    It has the attributes of `mulligan.diagnosis.History`.
    """

    name = "diagnosis"
    _probe: tuple[Run, Probe] | None = None

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Add up reports. When a measurement is due, return it, and the diagnosis if the state has changed."""
        if not isinstance(event, (Failed, Stepped)):
            return []
        if self._probe is None or self._probe[0] is not run:
            self._probe = run, probe_of(run)
        if isinstance(event, Failed):
            return [self._tell(run, self.name_failure(self._probe[1]), event)]
        measurement, news = self.report(self._probe[1], event.step, event.measures)
        events: list[Event] = [] if measurement is None else [Measured(*measurement, clock=event.clock)]
        return events if news is None else [*events, self._tell(run, news, event)]

    def _tell(self, run: Run, finding: Finding, event: Event) -> Diagnosed:
        advice = remedy_for(finding, replace(run.current, classes=run.classes), run.data.shape)
        live = bool(run.adjusted) and all(is_adjustable(run.current, each.path) for each in advice.changes)
        return Diagnosed(
            run.step,
            finding.state,
            {e.name: {"value": e.value, "operator": e.operator, "threshold": e.threshold} for e in finding.evidence},
            advice.words,
            overrides=advice.changes,
            severity=finding.severity,
            healthy_step=0 if advice.restart and not live else max(self.clean, run.config.begins),
            clock=event.clock,
        )


def probe_of(run: Run) -> Probe:
    """Return the probe of a run."""
    data, config = run.data, run.config
    rows = stream(config.seed, "eval", 1).choice(len(data), min(COUNT, len(data)), replace=False)
    x = scale_samples(np.asarray(data.images[rows]), config.data.low, config.data.high)
    low, high = bulk(np.asarray(data.images)) if data.is_points else (config.data.low, config.data.high)
    classes = None if run.labels is None else run.labels[rows]
    reals = Reals(x, low, high, labels=classes, judge=_find_judge(run), toy=find_mixture(data.name))
    z, labels = run.draw(COUNT, seed=config.seed)
    n = min(ROWS, len(x))
    searched = 2 <= len(data) <= COPIED and not data.is_points
    return Probe(
        reals,
        lambda n, average: run.generate(z[:n], _take_first(labels, n), average=average),
        facts_of(run),
        partial(_ask, run, x[:n], _take_first(classes, n), z[:n], _take_first(labels, n)),
        averaged=config.average is not None,
        labels=labels,
        reach=find_reach(run.gan.g.network.layer, run.gan.g.network.input_shape),
        originals=(lambda: _read_originals(run)) if searched else None,
        samples=len(data),
        penalties=[penalty.name for penalty in config.penalties],
        begin=run.config.begins,
        seed=config.seed,
    )


def _find_judge(run: Run) -> Judge | None:
    """Return a bundled judge that fits the run's pictures."""
    judge = bundled_judge_for(run.data)
    if judge is None:
        return None
    spec = run.config.data
    return lambda x: judge.features_and_probabilities(to_uint8(x, spec.low, spec.high))


def _read_originals(run: Run) -> tuple[Array, Array | None]:
    """Return the training pictures as rows, and held-out ones if there are enough."""
    spec, test, holdout = run.config.data, run.data.test, None
    if test is not None and len(test) >= HELD:
        rows = stream(run.config.seed, "eval", 3).choice(len(test), min(COUNT, len(test)), replace=False)
        holdout = scale_samples(np.asarray(test.images[rows]), spec.low, spec.high).reshape(len(rows), -1)
    pictures = scale_samples(np.asarray(run.data.images), spec.low, spec.high)
    return pictures.reshape(len(pictures), -1), holdout


def _ask(run: Run, real: Array, real_labels: Labels, z: Array, labels: Labels, fakes: Array) -> Answers:
    """Ask D and G of a run, large pictures a few at a time."""
    n = len(fakes)
    step = rows_at_once(n, run.data.shape)
    parts = [slice(start, start + step) for start in range(0, n, step)]
    g, d = run.gan.g.network.workspace(), run.gan.d.network.workspace()
    sides = {"real": (real, real_labels), "fake": (fakes, labels)}
    # backward passes of D over reals and fakes, started with ones: ∇ₓD; all other gradients are multiples of it
    logits = {side: np.empty(n, np.float32) for side in sides}
    slope = {side: np.empty_like(fakes) for side in sides}
    for side, part in itertools.product(sides, parts):
        logits[side][part] = _forward(d, *sides[side], part)[:, 0]
        slope[side][part] = d.backward(np.ones((len(fakes[part]), 1), np.float32))
    loss = run.config.loss
    for_d, for_g = loss.discriminator(**logits), loss.generator(**logits)
    push = slope["fake"] * for_g.fake.reshape(n, *[1] * (fakes.ndim - 1))
    g.grad.fill(0)
    d.grad.fill(0)
    for part in parts:
        _forward(g, z, labels, part)
        g.backward(push[part], inputs=False)
        g.grads()
    for side, part in itertools.product(sides, parts):
        _forward(d, *sides[side], part)
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
        probabilistic=says(loss) == "probability",
        relativistic=loss.relativistic,
        penalised=bool(run.config.penalties),
        conditional=run.labels is not None,
        threshold=loss.level,
        least=entropy((smoothing, 1.0 - smoothing)),
        normalised=any(isinstance(layer, NORMALISING) for layer in layers),
        steps=run.config.steps,
        smoothed=run.data.is_points and run.config.average is not None,
    )


def _take_first(labels: Labels, n: int) -> Labels:
    return None if labels is None else labels[:n]
