"""Watch a GAN of any framework while its own loop trains it, and name what goes wrong."""

import atexit
import math
import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from mulligan.data.sources.picture_file import premultiply
from mulligan.diagnosis import FAILURES, Answers, Facts, Finding, Probe, Reals
from mulligan.diagnosis.probe import COUNT, ROWS
from mulligan.doors.say import mention
from mulligan.doors.write import atomic_write
from mulligan.errors import ConfigError, DataError, MulliganError, RunError, as_whole, expand, must_be
from mulligan.nn.memory import Array
from mulligan.nn.rng import stream
from mulligan.output.figures import count
from mulligan.output.pictures import grid, points_picture, save_png, to_uint8
from mulligan.training import DataSpec, RunFolder, dumps_toml, recipe
from mulligan.training.events import Diagnosed, Event, Failed, Finished, Measured, Sampled, Started, Stepped
from mulligan.watch.arrays import as_numpy, calm, class_match, kinds_of, layout_of, range_of
from mulligan.watch.detectors import LISTEN, Drew, Loop, Moves, Penalised, drift_of, signals_of
from mulligan.watch.faults import LOOP_FAULTS, PASSING, YOUNG, LoopHistory, advise
from mulligan.watch.losses import LOGITS, MEANS, PROBABILITIES, KnownLoss
from mulligan.watch.nets import AskError, Latent, describe_error, nets_of

WATCHED = "watched"
"""The name of a watched run's recipe and data."""
TRACK = 50
"""Steps between two looks at a few samples, as in Mulligan's own runs."""


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
        every: int = 200,
        steps: int | None = None,
        folder: str | Path | None = None,
        seed: int = 0,
    ):
        self.findings: list[Diagnosed] = []
        self.error, self.step = "", -1
        self.loss: KnownLoss | None = None  # D's, if it is known
        self._seen, self._ahead, self._is_over, self._speaks = 0, 0, False, False
        self._losses: dict[str, list[Any]] = {}  # and other figures, since the last report
        self._last: dict[str, float] = {}  # their means then
        self._moves, self._optimisers = list[Moves](), dict[str, Any]()
        with self._guard(lambda: "before the first step", MulliganError):
            check_arguments(reals, generator, discriminator, labels)
            self.every, seed = as_whole("every", every, 1), as_whole("seed", seed, 0)
            self._length = 5000 if steps is None else as_whole("steps", steps, 1)
            self._begin(reals, (generator, discriminator), latent, labels, seed)
            self._folder = WatchFolder(folder)
            started = Started(0, WATCHED, "your reals", self._length, seed, 1, len(reals), 0, self.layout.shape, {})
            self._folder.begin(started, self.low, self.high)
            atexit.register(_close, weakref.ref(self))

    def _begin(self, reals: Any, nets: tuple[Any, Any], latent: Latent, labels: Any, seed: int) -> None:
        self._history, self._loop = LoopHistory(self.every), Loop([])
        self.layout = layout_of(reals.shape)
        rows = stream(seed, "eval", 1).choice(len(reals), min(COUNT, len(reals)), replace=False)
        fixed = self.layout.samples(reals[rows])
        whole = np.isfinite(fixed.reshape(len(fixed), -1)).all(axis=1)
        fixed, rows = fixed[whole], rows[whole]
        if len(rows) < 2:
            raise DataError(must_be("reals", "at least two samples of finite numbers", reals))
        self.low, self.high = range_of(fixed)
        if self.low == self.high:
            raise DataError(must_be("reals", "samples that differ", f"{self.low:g} everywhere"))
        repeated = None if labels is None else labels[np.resize(rows[:ROWS], COUNT)]  # alike in each batch
        self._nets = nets_of(nets, self.layout, reals[rows[:ROWS]], repeated)
        first = self._draw_first(latent, seed)
        low, high = self._nets.reach
        reach = (low, high) if low <= first.min() and first.max() <= high else (-math.inf, math.inf)
        searched = self._describe_data(reals, fixed, reach)
        self._asks = nets[1] is not None and not self._nets.blind
        self._kinds = None if labels is None else kinds_of(labels[rows])
        self._probe = Probe(
            Reals(fixed, self.low, self.high, labels=self._kinds),
            self._nets.fakes,
            Facts(0.0, False, False, False, labels is not None, normalised=True, steps=self._length),
            self._answers if self._asks else None,
            labels=None if repeated is None else kinds_of(repeated),
            reach=reach,
            originals=(lambda: (self.layout.samples(reals).reshape(len(reals), -1), None)) if searched else None,
            samples=len(reals),
            penalties=("penalty",),
            seed=seed,
        )
        self._recorder = self._nets.recorder(lambda error: self._stop(error, f"at step {self.step + 1}"))

    def _describe_data(self, reals: Any, fixed: Array, reach: tuple[float, float]) -> bool:
        """Note what data and z show before the first step, and return whether copies are searched for."""
        pictures = len(self.layout.shape) == 3
        searched = pictures and len(reals) * fixed[0].size <= 10_000_000  # numbers, 40 MB
        self._facts = {"unlike": float((self.low, self.high, *reach) == (0.0, 1.0, -1.0, 1.0))}
        if pictures:
            self._facts["z_numbers"] = float(sum(math.prod(part.shape[1:]) for part in self._nets.z))
        if searched and len({row.tobytes() for row in fixed}) < len(fixed):
            distinct = len({row.tobytes() for row in self.layout.samples(reals)})
            self._facts |= {"distinct": float(distinct), "distinct_share": distinct / len(reals)}
        return searched

    def _draw_first(self, latent: Latent, seed: int) -> Array:
        """Return G's first samples, and explain what prevents them."""
        try:
            return self._nets.begin(latent, seed)
        except AskError as error:
            if left_out := self._nets.copier.left_out:
                raise AskError(f"{error}, without {', '.join(left_out)}, not copied") from error
            what = "the shape of one z, or a function, so that generator draws samples like the reals"
            raise ConfigError(must_be("latent", what, f"{latent!r} ({error})", "latent=(100, 1, 1)")) from error

    def __call__(
        self, step: int, *, d_loss: Any = None, g_loss: Any = None, penalty: Any = None, **figures: Any
    ) -> None:
        """Call this at the end of each step, with its losses as scalars of any framework.

        Parameters
        ----------
        step : int
            It may begin again in each epoch.
        d_loss, g_loss, penalty : scalar, optional
            The losses of this step, and the gradient penalty as it is added to D's loss.
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
            if not self.error and not self._is_over:
                self._is_over = True
                self._recorder.remove()
                self._folder.add(Finished(max(self.step, 0)))
                if self._speaks:
                    mention(f"mulligan.Watch: {self._summarise()}")

    def report(self, path: str | Path) -> Path:
        """Write all that was measured as one HTML page, and return its path. What prevents it is told on stderr."""
        try:
            with calm():
                from mulligan.report import write_report

                return write_report(self._folder.here.path, path)
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
        with suppress(Exception):
            self._recorder.remove()

    def _take(self, step: int, figures: dict[str, Any]) -> None:
        if self._is_over:
            return
        if step + self._ahead <= self.step:  # the user counts from 0 again, in each epoch
            self._ahead = self.step + 1 - step
        self.step = step = step + self._ahead
        for name, value in figures.items():
            if value is not None:
                self._losses.setdefault(name, []).append(value.detach().clone() if hasattr(value, "detach") else value)
        self._record(step + 1)
        if step // min(TRACK, self.every) > self._seen // min(TRACK, self.every):
            self._report(step)

    def _report(self, step: int) -> None:
        """Add up the losses since the last report, and measure if it is time."""
        measures = {name: float(np.mean([as_numpy(v) for v in values])) for name, values in self._losses.items()}
        self._losses, self._seen = {}, step
        if not all(math.isfinite(value) for value in measures.values()):
            self._fail(step)
            return
        self._folder.add(Stepped(step, measures))
        self._last = measures
        due = self._history.is_due(step)
        if due:
            self._read_facts()
        with self._nets.use_copies():
            if due and not np.isfinite(samples := self._nets.fakes(ROWS)).all():
                self._fail(step)
                return
            penalties = {name: value for name, value in measures.items() if name == "penalty"}
            measurement, news = self._history.report(self._probe, step, penalties)
            if measurement is not None:
                self._folder.draw(step, samples, self.low, self.high)
        if measurement is not None:
            self._folder.add(Measured(*measurement))
        if news is not None:
            self._tell(step, news)

    def _record(self, coming: int) -> None:
        """Record the coming step, if it belongs to the few that are recorded before the next measurement."""
        places = min(max(self.every // LISTEN, 1), 5)  # in turn, so that an epoch has no blind spot
        left = LISTEN * (len(self._history.taken) % places + 1) - (-coming % self.every)
        if not (0 < left <= LISTEN or self.every <= LISTEN or (coming <= LISTEN and not self._recorder.hears)):
            self._recorder.remove()
            self._nets.earlier = None
            return
        self._recorder.start()
        known = "with_d" in self._history.signals
        hears = self._recorder.hears and (known or not self._history.taken)
        enough = 2 * LISTEN if left > LISTEN // 2 else 4 * LISTEN  # a move costs several steps of a small net
        if self._asks and not hears and len(self._moves) < enough and (left <= LISTEN // 2 or not known):
            with self._nets.use_copies():
                self._moves += self._nets.moves()
        else:
            self._nets.earlier = None

    def _read_facts(self) -> None:
        """Conclude what the recorded steps show."""
        before = self._loop
        self._loop = loop = Loop(self._recorder.stop(), self._moves, self._probe.samples)
        signals = signals_of(loop)
        if "with_d" in self._history.signals and not self._recorder.hears:  # first moves tell it, before G goes ahead
            signals.pop("with_d", None)
        if min(len(before.means), len(loop.means)) > 2 and "d fake" in loop.aims:  # else reals may be changed fakes
            signals["drift"] = drift_of(before.means, loop.means)
        sizes = (len(drew.z) for drew in loop.of(Drew) if drew.z is not None)
        self._history.batch = max(sizes, default=self._history.batch)
        self._optimisers |= {turn.step.player: turn.step for turn in loop.steps}
        self.loss = loop.loss or self.loss
        self._check_reals([batch.bounds for batch in loop.batches if batch.bounds])
        if self._kinds is not None:
            signals |= self._match_classes(self._kinds, loop)
        self._history.signals |= self._facts | signals if self._asks else signals  # what is unknown now stays as it was

    def _match_classes(self, kinds: Any, loop: Loop) -> dict[str, float]:
        """Measure whether the classes that D gets belong to its reals, if the means of classes differ."""
        shape, reals = self._nets.labels.shape[1:], self._probe.reals.x
        pairs = [batch.pair for batch in loop.batches if batch.pair and batch.pair[1].shape[1:] == shape]
        if sum(len(x) for x, _ in pairs) < ROWS // 2 or len(np.unique(kinds[::2])) < 4:
            return {}
        x = np.concatenate([self.layout.samples(x) for x, _ in pairs])
        classes = np.concatenate([kinds_of(y) for _, y in pairs])
        of_reals, in_loop = (
            class_match(reals[::2], kinds[::2], *those) for those in ((reals[1::2], kinds[1::2]), (x, classes))
        )
        return {"class_in_loop": in_loop / of_reals} if of_reals > 0.2 else {}

    def _fail(self, step: int) -> None:
        self._tell(step, self._history.name_failure(self._probe))
        self._folder.add(Failed(step, "a number was no longer finite"))
        self.close()

    def _tell(self, step: int, news: Finding) -> None:
        evidence = {e.name: {"value": e.value, "operator": e.operator, "threshold": e.threshold} for e in news.evidence}
        held = "penalty" in self._last or any(fact.reached for fact in self._loop.of(Penalised))
        loss = self.loss and self.loss.name
        remedies = advise(news.state, evidence, self._nets.name, loss, self._optimisers, held)
        event = Diagnosed(step, news.state, evidence, remedies, severity=news.severity)
        self.findings.append(event)
        self._folder.add(event)
        if self._speaks:
            hint = f" Try: {remedies[0].partition(chr(10))[0]}." if remedies else ""
            mention(f"mulligan.Watch, step {count(step)}: {event.state}{grade(event)}. {meaning(event.state)}{hint}")

    def _answers(self, fakes: Array) -> Answers:
        """Ask D, and give its outputs as logits, or as scores that are larger for reals."""
        real, fake, slope = self._nets.answers()
        both, loss, ends, mark = np.concatenate([real, fake]), self.loss, self._loop.ends, self._nets.mark(real)
        still = np.array_equal(mark, self._nets.before) and not self._loop.is_at_rest
        figures = {
            "d_still": float(np.ptp(real) > 0 and still),
            "d_constant": float(np.ptp(both) == 0),
            "clamped": float(np.isin(both, (0, 1)).mean()) if loss is PROBABILITIES else 0.0,
        }
        if loss is MEANS and not any(fact.reached for fact in self._loop.of(Penalised)):
            figures["free"] = float(self._nets.is_free())
        self._nets.before = mark
        if loss is not None:
            real, fake = (loss.scores(each, ends.get("d real", 1.0), ends.get("d fake", 0.0)) for each in (real, fake))
            figures["d_loss"] = loss.value(real, fake)
            reals = self._probe.reals
            apart = float(np.linalg.norm((reals.x[: len(fakes)] - fakes).reshape(len(fakes), -1), axis=1).mean())
            if loss is MEANS and apart:
                figures["critic_climb"] = (reals.unit * float(real.mean() - fake.mean()) / apart) ** 2
            if loss.level is not None:
                figures["d_accuracy"] = 0.5 * float((real > loss.level).mean() + (fake <= loss.level).mean())
        self._probe.facts = self._probe.facts._replace(
            balance=math.nan if loss is None else loss.balance,
            probabilistic=loss in (LOGITS, PROBABILITIES),
            penalised="penalty" in self._last,
            threshold=None if loss is None else loss.level,
        )
        figures |= {"d_real": float(real.mean()), "d_fake": float(fake.mean())}
        return Answers(real, fake, slope, norms=figures)

    def _check_reals(self, ranges: list[tuple[float, ...]]) -> None:
        """Raise an error if D gets no batch in about the range of the reals that were handed over."""
        span, middle = self.high - self.low, self.high + self.low
        near = (0.25 < (b - a) / span < 4 and abs(a + b - middle) <= 0.4 * span for a, b in ranges)
        if ranges and not any(near):
            got = "[{:g}, {:g}], but D gets [{:.3g}, {:.3g}]".format(self.low, self.high, *ranges[0][:2])
            raise DataError(must_be("reals", "scaled as D gets them", got, "the samples after your transforms"))

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
        if not hasattr(self, "_probe"):  # it did not begin
            return f"the watch has stopped: {self.error}"
        taken = len(self._history.taken)
        soon = f"not measured yet: the first measurement comes at step {self.every}"
        lines = [f"{self.state} ({f'step {self.step}, {taken} latest measurements' if taken else soon})"]
        loss = "unknown" if self.loss is None else self.loss.name
        lines += [f"  {self._nets.name}; reals {self.layout.name} in [{self.low:g}, {self.high:g}]; D's loss: {loss}"]
        if unseen := self._unseen():
            lines.append(f"  cannot see: {unseen}")
        for finding in self.findings:
            lines.append(f"since step {finding.step}: {finding.state}{grade(finding)}. {meaning(finding.state)}")
            lines += [f"  {line}" for line in finding.lines()]
            lines += [f"  try: {words}" for words in finding.remedies]
        return "\n".join([*lines, *([f"the watch has stopped: {self.error}"] if self.error else [])])

    def _unseen(self) -> str:
        """Return what is out of reach here, and why."""
        if self._nets.blind:
            return f"who wins and slopes, because D cannot be asked ({self._nets.blind})"
        if not self._asks:
            return "who wins, slopes and mistakes of the loop, because there is no discriminator="
        if not self._recorder.hears:
            return "gradients, losses and optimisers, which show only in modules of PyTorch"
        if self._loop.players and not self._loop.of(Drew):
            return "what G draws, because the loop does not call generator(z). Hand over the net that it trains"
        return "who wins by D's loss, which is unknown" if self.loss is None and self._history.taken else ""


class WatchFolder:
    """Writes the events and samples of a watch; into a temporary folder if the user named none."""

    def __init__(self, path: str | Path | None):
        self.lost = ""  # why nothing more is written
        if path is None:
            path = mkdtemp(prefix="mulligan-watch-")
            weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)
        self.here = RunFolder(expand(path))
        self.here.check_free()

    def begin(self, started: Started, low: float, high: float) -> None:
        """Write the settings that are known, and the first event."""
        base = recipe("quick", steps=started.steps, match_histogram=False)
        config = replace(base, recipe=WATCHED, watched=True, data=DataSpec(WATCHED, labels="none", low=low, high=high))
        with self._writing():
            self.here.samples.mkdir(parents=True, exist_ok=True)
            atomic_write(self.here.config, dumps_toml(config).encode())
        self.add(started)

    def add(self, event: Event) -> None:
        """Write an event."""
        with self._writing():
            if not self.lost:
                with self.here.events.open("a", encoding="utf-8") as log:
                    log.write(event.line())

    def draw(self, step: int, samples: Array, low: float, high: float) -> None:
        if samples.ndim == 2:
            images, sheet = samples, points_picture(samples, low, high)
        else:
            images = to_uint8(samples.reshape(len(samples), -1), low, high).reshape(samples.shape)  # straight colours
            images = premultiply(images) if samples.shape[-1] == 4 else images
            sheet = grid(images)
        with self._writing():
            if not self.lost:
                save_png(self.here.samples / f"step-{step:06d}.png", sheet)
        self.add(Sampled(step, images))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let a disk that is full or gone end the writing, not the watch."""
        try:
            yield
        except (OSError, RunError) as error:
            self.lost = f"{self.here.path} can no longer be written ({error})"
            mention(f"mulligan.Watch goes on without its folder: {self.lost}.")


def check_arguments(reals: Any, generator: Any, discriminator: Any, labels: Any) -> None:
    """Check what the user hands over, as far as it can be told without asking the nets."""
    if not getattr(reals, "shape", None) or not hasattr(reals, "__getitem__"):
        raise DataError(must_be("reals", "an array", type(reals).__name__, "torch.cat([x for x, _ in loader])"))
    for name, net in (("generator", generator), ("discriminator", discriminator)):
        if not callable(net) and (net is not None or name == "generator"):
            raise ConfigError(must_be(name, "a net or a function", net, f"{name}={name[0].upper()}"))
    if labels is not None and (not getattr(labels, "shape", None) or len(labels) != len(reals)):
        raise DataError(must_be("labels", f"an array of {len(reals)} classes, one for each of the reals", labels))


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
