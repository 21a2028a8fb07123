"""Watch a GAN of any framework while its own loop trains it, and name what goes wrong."""

import atexit
import math
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from mulligan.diagnosis import FAILURES, Answers, Facts, Finding, Probe, Reals
from mulligan.diagnosis.figures import figure_of
from mulligan.diagnosis.probe import COUNT, ROWS
from mulligan.doors.say import mention
from mulligan.errors import ConfigError, DataError, MulliganError, as_whole, must_be
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream
from mulligan.output.figures import count, figure
from mulligan.training.events import Diagnosed, Failed, Finished, Measured, Started, Stepped
from mulligan.watch.arrays import as_numpy, calm, class_match, constant, kinds_of, layout_of, range_of
from mulligan.watch.copies import CopyError
from mulligan.watch.detectors import Judged, Loop, drift_of, signals_of
from mulligan.watch.faults import LOOP_FAULTS, PASSING, YOUNG, LoopHistory, advise
from mulligan.watch.folder import WATCHED, WatchFolder
from mulligan.watch.forms import PAIRS, Fitting, Form, Outputs, as_logits
from mulligan.watch.nets import AskError, Latent, Moves, describe_error, nets_of

TRACK = 50
"""Steps between two looks at a few samples, as in Mulligan's own runs."""
LISTEN = 12
"""Number of steps between two measurements that are recorded: two steps of G for five of D each."""
PLACES = 5
"""Number of places between two measurements at which they are recorded in turn, so that an epoch has no blind spot."""
COPIED = 10_000_000
"""Maximum number of pixels of all reals for the search for copies: 40 MB."""
LENGTH = 5000
"""Assumed length of a run, if the user does not say it."""


class Watch(AbstractContextManager["Watch"]):
    """Put this around your own training loop to learn what goes wrong with your GAN, since when, and what to change.

    ::

        watch = mulligan.Watch(reals, generator=G, discriminator=D, latent=100)
        for step, x in enumerate(loader):
            ...                                          # your own step, unchanged
            watch(step, d_loss=d_loss, g_loss=g_loss)    # every 200th call measures
        print(watch)
        watch.report("run.html")

    It works with torch modules, Keras models in torch's backend, JAX functions and NumPy functions. It measures copies
    of the nets and puts all random states back, so that it never changes the training. The first error inside the watch
    is told in a line on stderr; then the watch does nothing more, and the training goes on.

    Parameters
    ----------
    reals : array
        The training samples, or at least a few hundred of them, as D gets them: pictures (NCHW or NHWC) or points.
    generator : callable
        Returns samples for z.
    discriminator : callable, optional
        Returns a logit, a probability or a score for each sample. Without it, only samples are judged.
    latent : int, sequence of int or callable
        The length or shape of one z, which is drawn from a Gaussian; or a function that returns n of your own.
    labels : array, optional
        A class for each of the reals, if both nets take it as their second argument.
    average : callable, optional
        A generator with averaged weights, if you sample from one.
    every : int
        Calls between two measurements.
    steps : int, optional
        The planned length of the run, if known.
    folder : str or Path, optional
        A new run folder, for `mulligan diagnose` and `mulligan serve` while the run goes on.
    seed : int
        Chooses the fixed z and reals.

    Attributes
    ----------
    findings : list of Diagnosed
        What was found so far, in order: state, evidence, severity, and what to try.
    """

    def __init__(
        self,
        reals: Any,
        *,
        generator: Any,
        discriminator: Any = None,
        latent: Latent,
        labels: Any = None,
        average: Any = None,
        every: int = 200,
        steps: int | None = None,
        folder: str | Path | None = None,
        seed: int = 0,
    ):
        self.findings: list[Diagnosed] = []
        self.error = ""
        self.form: Form | None = None  # D's loss, as far as it shows
        self.step, self._seen, self._ahead = -1, 0, 0
        self._kept: dict[str, list[Any]] = {}
        self._last: dict[str, float] = {}
        self._turned, self._scale, self._is_over, self._speaks = False, 1.0, False, False
        self._recorder: Any = None
        self._classes_show = True
        self._moves, self._optimisers = list[Moves](), dict[str, Any]()
        self._folder: WatchFolder
        with self._guard(lambda: "before the first step", MulliganError):
            check_arguments(reals, generator, discriminator, average, labels, steps)
            if not isinstance(folder, (str, Path, NoneType)):
                raise ConfigError(must_be("folder", "the path of a new folder", folder, "runs/watched"))
            self.every, seed = as_whole("every", every, 1), as_whole("seed", seed, 0)
            self._begin(reals, (generator, discriminator, average), latent, labels, steps, folder, seed)
            atexit.register(_close, weakref.ref(self))

    def _begin(
        self, reals: Any, nets: tuple[Any, Any, Any], latent: Latent, labels: Any, steps: Any, folder: Any, seed: int
    ) -> None:
        self._history, self._fitting, self._loop = LoopHistory(self.every), Fitting(), Loop([])
        self._before: Array = np.zeros(0, np.float32)  # D's outputs for the reals at the measurement before
        self.layout = layout_of(reals.shape)
        rows = stream(seed, "eval", 1).choice(len(reals), min(COUNT, len(reals)), replace=False)
        if labels is not None:  # each batch gets the same classes, so that BatchNorm makes no difference between two
            parts = rows[np.argsort(kinds_of(labels[rows]), kind="stable")], COUNT // ROWS
            rows = np.concatenate([parts[0][first :: parts[1]] for first in range(parts[1])])
        fixed = self.layout.samples(reals[rows])
        whole = np.isfinite(fixed.reshape(len(fixed), -1)).all(axis=1)
        fixed, rows = fixed[whole], rows[whole]
        if len(rows) < 2:
            raise DataError(must_be("reals", "at least two samples of finite numbers", reals))
        self.low, self.high = range_of(fixed)
        repeated = None if labels is None else labels[np.resize(rows[:ROWS], COUNT)]
        self._nets = nets_of(*nets, self.layout, reals[rows[:ROWS]], repeated)
        self._label = None if labels is None else labels.shape[1:]
        self._kinds = None if labels is None else kinds_of(labels[rows])
        self._reals = Reals(fixed, self.low, self.high, labels=self._kinds)
        try:
            first = self._nets.begin(latent, seed)
        except AskError as error:
            if left_out := self._nets.copier.left_out:
                raise CopyError(f"{error}, without {', '.join(left_out)}, not copied") from error
            what = "the shape of one z, or a function, so that generator draws samples like the reals"
            raise ConfigError(must_be("latent", what, f"{latent!r} ({error})", "latent=(100, 1, 1)")) from error
        low, high = self._nets.reach
        reach = (low, high) if low <= first.min() and first.max() <= high else (-math.inf, math.inf)
        searched = len(self.layout.shape) == 3 and len(reals) * fixed[0].size <= COPIED
        self._facts = {"unlike": float((self.low, self.high, *reach) == (0.0, 1.0, -1.0, 1.0))}
        if len(self.layout.shape) == 3:
            self._facts["z_numbers"] = float(sum(math.prod(part.shape[1:]) for part in self._nets.z))
        if searched and len({row.tobytes() for row in fixed}) < len(fixed):
            distinct = len({row.tobytes() for row in self.layout.samples(reals)})
            self._facts |= {"distinct": float(distinct), "distinct_share": distinct / len(reals)}
        _, discriminator, average = nets
        self._asks = discriminator is not None and not self._nets.blind
        self._probe = Probe(
            self._reals,
            self._nets.fakes,
            Facts(0.0, False, False, False, steps=steps or LENGTH),
            self._answers if self._asks else None,
            averaged=average is not None,
            labels=None if repeated is None else kinds_of(repeated),
            reach=reach,
            originals=(lambda: (self.layout.samples(reals).reshape(len(reals), -1), None)) if searched else None,
            samples=len(reals),
            penalties=("penalty",),
            seed=seed,
        )
        self._history.averaged, self._count = average is not None, len(reals)
        self._weight = self._nets.weight()
        self._recorder = self._nets.recorder(lambda error: self._stop(error, f"at step {self.step + 1}"))
        sizes = self._nets.sizes
        started = Started(0, WATCHED, "your reals", steps or LENGTH, seed, 1, len(reals), 0, self.layout.shape, sizes)
        self._folder = WatchFolder(folder)
        self._folder.begin(started, self.low, self.high)

    def __call__(
        self, step: int, *, d_loss: Any = None, g_loss: Any = None, penalty: Any = None, **figures: Any
    ) -> None:
        """Call this at the end of each step.

        Parameters
        ----------
        step : int
            It may begin again in each epoch.
        d_loss, g_loss : scalar, optional
            The losses of this step, in any framework.
        penalty : scalar, optional
            The gradient penalty, as it is added to D's loss.
        **figures : scalar
            Other figures, such as ``g_gradient``, which the report then draws.
        """
        if not self.error:
            self._speaks = True
            with self._guard(lambda: f"at step {step}"):
                self._take(step, {"d_loss": d_loss, "g_loss": g_loss, "penalty": penalty, **figures})

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the watch: remove its hooks, note that the run is over, and sum up in a line on stderr."""
        with self._guard(lambda: "at the end"):
            if self._recorder is not None:
                self._recorder.remove()
            if not self.error and not self._is_over:
                self._is_over = True
                self._folder.add(Finished(max(self.step, 0)))
                if self._speaks:
                    mention(f"mulligan.Watch: {self._summarise()}")

    def report(self, path: str | Path) -> Path:
        """Write all that was measured as one HTML page, and return its path. What prevents it is told on stderr."""
        try:
            with calm():
                from mulligan.report import write_report

                if hasattr(self, "_folder"):
                    return write_report(self._folder.here.path, path)
                mention(f"mulligan.Watch has nothing to report: {self.error}.")
        except Exception as error:
            mention(f"mulligan.Watch could not write {path}: {describe_error(error)}")
        return Path(path)

    @contextmanager
    def _guard(self, where: Callable[[], str], *passed: type[Exception]) -> Iterator[None]:
        """Let no error of the watch end the user's training, but for `passed`: the first one ends the watch."""
        try:
            with calm():
                yield
        except passed:
            raise
        except Exception as error:
            self._stop(error, where())

    def _stop(self, error: Exception, where: str) -> None:
        if self.error:
            return
        self.error = f"{type(error).__name__} {where}: {error}"
        mention(f"mulligan.Watch stops, and your training goes on. {self.error}")
        try:
            if self._recorder is not None:
                self._recorder.remove()
        except Exception as again:
            mention(f"mulligan.Watch could not remove a hook: {again}")

    # ── one step ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, step: int, figures: dict[str, Any]) -> None:
        if self._is_over:
            return
        if step + self._ahead <= self.step:  # the user counts from 0 again, in each epoch
            self._ahead = self.step + 1 - step
        self.step = step = step + self._ahead
        for name, value in figures.items():
            if value is not None:
                self._kept.setdefault(name, []).append(value.detach().clone() if hasattr(value, "detach") else value)
        self._record(step + 1)
        if step // min(TRACK, self.every) == self._seen // min(TRACK, self.every):
            return
        measures = {name: float(np.mean([as_numpy(v) for v in values])) for name, values in self._kept.items()}
        self._kept, self._seen = {}, step
        if not all(math.isfinite(value) for value in measures.values()):
            self._fail(step)
            return
        self._folder.add(Stepped(step, measures))
        self._last = measures
        penalty = {"penalty": measures["penalty"] / self._scale} if "penalty" in measures else {}
        due = self._history.is_due(step)
        if due:
            self._read_facts()
        with self._nets.copied():
            if due and not np.isfinite(samples := self._nets.fakes(ROWS)).all():
                self._fail(step)
                return
            measurement, news = self._history.report(self._probe, step, penalty)
            if measurement is not None:
                self._folder.draw(step, samples, self.low, self.high)
        if measurement is not None:
            self._folder.add(Measured(*measurement))
        if news is not None:
            self._tell(step, news)

    def _record(self, coming: int) -> None:
        """Record the coming step, if it belongs to the few that are recorded before the next measurement."""
        places = min(max(self.every // LISTEN, 1), PLACES)
        left = LISTEN * (len(self._history.taken) % places + 1) - (-coming % self.every)
        if not (0 < left <= LISTEN or self.every <= LISTEN):
            if self._recorder is not None:
                self._recorder.remove()
            self._nets.earlier = ()
            return
        if self._recorder is not None:
            self._recorder.start()
        hears = self._recorder is not None and self._recorder.hears_both and not self._history.taken
        if self._asks and not hears and len(self._moves) < 2 * LISTEN and "with_d" not in self._history.signals:
            with self._nets.copied():
                moves = self._nets.moves()
            self._moves += [] if moves is None else [moves]

    def _read_facts(self) -> None:
        """Conclude what the recorded steps show."""
        before = self._loop
        facts, batch_norm = (list[Any](), False) if self._recorder is None else self._recorder.stop()
        self._loop = loop = Loop(facts, batch_norm, self._moves, self._count)
        signals = signals_of(loop)
        if min(len(before.means), len(loop.means)) > 2 and "d fake" in loop.aims:  # else reals may be changed fakes
            signals["drift"] = drift_of(before.means, loop.means)
        self._optimisers |= {turn.step.player: turn.step for turn in loop.steps}
        for outputs, pushes in loop.heard:
            self._fitting.hear(outputs, pushes, loop.mirrored)
        self._check_reals([(fact.low, fact.high) for fact in loop.of(Judged)])
        self._history.signals = self._facts | self._classes() | signals if self._asks else signals

    def _fail(self, step: int) -> None:
        self._tell(step, self._history.failed())
        self._folder.add(Failed(step, "a number was no longer finite"))
        self.close()

    def _tell(self, step: int, news: Finding) -> None:
        evidence = {e.name: {"value": e.value, "operator": e.operator, "threshold": e.threshold} for e in news.evidence}
        loss = None if self.form is None else self.form.name
        remedies = advise(news.state, evidence, self._nets.name, loss, self._optimisers)
        event = Diagnosed(step, news.state, evidence, remedies, severity=news.severity)
        self.findings.append(event)
        self._folder.add(event)
        if self._speaks:
            hint = f" Try: {remedies[0].partition(chr(10))[0]}." if remedies else ""
            mention(f"mulligan.Watch, step {count(step)}: {event.state}{grade(event)}. {meaning(event.state)}{hint}")

    # ── what D says ───────────────────────────────────────────────────────────────────────────────────────────────

    def _answers(self, made: Array) -> Answers:
        """Ask D, and give its outputs and slopes as logits, or as scores that are larger for reals."""
        real, fake, slope = self._nets.answers()
        outputs = Outputs(real, fake)
        self._fitting.add(outputs, self._last.get("d_loss", math.nan), self._last.get("penalty", 0.0))
        self.form, self._turned, self._scale = self._fitting.found
        form, scores, level, figures = self.form, outputs, None, dict[str, float]()
        if form is not None:
            scores, level = form.seen(outputs, self._turned), form.level
            figures["d_loss"] = form.value(*scores)
        if slope is not None and self._turned:
            slope = -slope
        if form is not None and form.outputs == "probabilities":
            p, level, scores = scores.real, 0.0, as_logits(scores)
            if slope is not None:
                slope = slope / np.maximum(p * (1 - p), 1e-12).reshape(-1, *[1] * (slope.ndim - 1))
        self._probe.facts = Facts(
            balance=math.nan if form is None else form.balance,
            probabilistic=form is not None and form.outputs != "scores",
            relativistic=form is not None and form.name == PAIRS,
            penalised="penalty" in self._last,
            conditional=self._nets.labels is not None,
            threshold=level,
            normalised=True,  # norms of gradients are not measured
            steps=self._probe.facts.steps,
        )
        figures |= {"d_real": float(scores.real.mean()), "d_fake": float(scores.fake.mean())}
        if level is not None:
            figures["d_accuracy"] = 0.5 * float((scores.real > level).mean() + (scores.fake <= level).mean())
        figures |= constant(self._reals.x, made, self.low, self.high)
        both = np.concatenate(outputs)
        figures["d_still"] = float(np.ptp(real) > 0 and np.array_equal(real, self._before))
        figures["d_constant"] = float(np.ptp(both) == 0)
        figures["clamped"] = float(np.isin(both, (0, 1)).mean()) if self._fitting.bounded else 0.0
        figures["double_sigmoid"] = float(self._fitting.is_double)
        self._before = real
        if self._weight:
            figures["g_weights"] = self._nets.weight()
            figures["g_grown"] = figures["g_weights"] / self._weight
        return Answers(*scores, slope, norms=figures)

    def _check_reals(self, ranges: list[tuple[float, float]]) -> None:
        """Raise an error if D gets no batch in about the range of the reals that were handed over."""
        span, middle = self.high - self.low, self.high + self.low
        near = (0.25 < (b - a) / span < 4 and abs(a + b - middle) <= 0.4 * span for a, b in ranges)
        if ranges and not any(near):
            low, high = ranges[0]
            got = f"[{self.low:g}, {self.high:g}], but D gets [{low:.3g}, {high:.3g}]"
            raise DataError(must_be("reals", "scaled as D gets them", got, "the samples after your transforms"))

    def _classes(self) -> dict[str, float]:
        """Measure whether classes belong to their samples: those handed over, and those that D gets."""
        kinds, pairs = self._kinds, [fact.pair for fact in self._loop.of(Judged) if fact.pair]
        if kinds is None or len(np.unique(kinds[::2])) < 4:
            return {}
        known = self._reals.x[::2], kinds[::2]
        of_reals = class_match(known, self._reals.x[1::2], kinds[1::2])
        rows = [(self.layout.samples(x), kinds_of(y)) for x, *more in pairs for y in more if y.shape[1:] == self._label]
        self._classes_show = of_reals > 0.05
        if of_reals < 0.2 or not rows:
            return {}
        x, classes = map(np.concatenate, zip(*rows))
        return {"class_in_loop": class_match(known, x, classes) / of_reals}

    # ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> str:
        """The present state: "healthy", a failure, or a mistake of the loop."""
        return self._history.current.state

    def __str__(self) -> str:
        try:
            return self._describe()
        except Exception as error:
            return f"the watch cannot be described ({describe_error(error)}). {self.error}"

    def _summarise(self) -> str:
        if not self._history.taken:
            return f"{count(self.step)} steps, too few to measure. Set every= to less than {self.every}."
        since = f" since step {count(self.findings[-1].step)}" if self.findings else ""
        more = " print(watch) tells more." if self.findings else ""
        return f"{self.state}{since}, after {count(self.step)} steps.{more}"

    def _describe(self) -> str:
        if not hasattr(self, "_folder"):  # it did not begin
            return f"the watch has stopped: {self.error}"
        taken = self._history.taken
        where = f"step {self.step}, {len(taken)} latest measurements"
        soon = f"not measured yet: the first measurement comes at step {self.every}"
        loss = "unknown" if self.form is None else self.form.name + " (fakes are 1)" * self._turned
        seen = f"{self._nets.name}; reals {self.layout.name} in [{self.low:g}, {self.high:g}]"
        lines = [f"{self.state} ({where if taken else soon})", f"  {seen}" + f"; D's loss: {loss}" * bool(taken)]
        if unseen := self._unseen():
            lines.append(f"  cannot see: {'; '.join(unseen)}")
        for finding in self.findings:
            lines.append(f"since step {finding.step}: {finding.state}{grade(finding)}. {meaning(finding.state)}")
            for name, found in finding.evidence.items():
                value, limit = figure(found["value"]), figure(found["threshold"])
                lines.append(f"  {value} {found['operator']} {limit}  {figure_of(name).meaning}")
            lines += [f"  try: {words}" for words in finding.remedies]
        return "\n".join([*lines, *([f"the watch has stopped: {self.error}"] if self.error else [])])

    def _unseen(self) -> list[str]:
        """Return what is out of reach here, and why."""
        if self._nets.blind:
            return [f"who wins and slopes, because D cannot be asked ({self._nets.blind})"]
        if not self._asks:
            return ["who wins, slopes and mistakes of the loop, because there is no discriminator="]
        hidden = {
            f"much of variety and of copies, because there are only {len(self._reals.x)} reals": (
                len(self._reals.x) < COUNT // 2
            ),
            "whether labels= belong to the reals, as classes do not differ in their mean": not self._classes_show,
            "gradients, D's slope and optimisers, which show only in PyTorch": self._recorder is None,
            "a gradient penalty that is too strong: pass penalty=": (
                self.form is not None and not self.form.balance and "penalty" not in self._last
            ),
            "who wins by D's loss, which is unknown: pass d_loss=": self.form is None and "d_loss" not in self._last,
        }
        return [words for words, holds in hidden.items() if holds]


def check_arguments(reals: Any, generator: Any, discriminator: Any, average: Any, labels: Any, steps: Any) -> None:
    """Check what the user hands over, as far as it can be told without asking the nets."""
    if not getattr(reals, "shape", None) or not hasattr(reals, "__getitem__"):
        got = type(reals).__name__
        raise DataError(must_be("reals", "an array", got, "torch.cat([x for x, _ in loader])"))
    for name, net in (("generator", generator), ("discriminator", discriminator), ("average", average)):
        if not callable(net) and (net is not None or name == "generator"):
            raise ConfigError(must_be(name, "a net or a function", net, f"{name}={name[0].upper()}"))
    if labels is not None and (not getattr(labels, "shape", None) or len(labels) != len(reals)):
        raise DataError(must_be("labels", f"an array of {len(reals)} classes, one for each of the reals", labels))
    if steps is not None:
        as_whole("steps", steps, 1)


def _close(watch: Callable[[], Watch | None]) -> None:
    """Sum up at the end of a program that does not close its watch, also after Ctrl-C."""
    if (living := watch()) is not None:
        living.close()


def grade(finding: Diagnosed) -> str:
    """Return how old a state is that may pass."""
    if finding.state not in PASSING or not finding.severity:
        return ""
    young = " (young: healthy GANs of this age may look so)"
    return young if finding.severity == "warning" else " (lasting)" * (finding.step >= YOUNG)


def meaning(state: str) -> str:
    """Return a state in a sentence."""
    healthy = "No figure is beyond its threshold."
    return LOOP_FAULTS.get(state) or (FAILURES[state].meaning if state in FAILURES else healthy)
