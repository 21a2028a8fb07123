"""The state of a run: everything that the next step depends on, which is what a checkpoint holds.

A run stops at the first NaN or infinity, before a checkpoint can hold it, and names the tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from html import escape as escape_html
from typing import Any, NoReturn, Protocol, Self, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mulligan.config.change import Change, Overrides, changes_of, is_adjustable, replace_at
from mulligan.config.model import Config
from mulligan.config.serialization import from_table, to_plain, to_table
from mulligan.data import Dataset, Sampler, scale
from mulligan.doors.say import escape
from mulligan.errors import CheckpointError, ConfigError, DivergedError, UnsupportedError, as_whole, require
from mulligan.game.gan import GAN
from mulligan.game.validation import as_numbers, check_memory
from mulligan.nn.memory import Array, Labels, use_one_heap
from mulligan.nn.rng import restore, state_of, stream
from mulligan.nn.workers.limits import available_cores, rows_at_once
from mulligan.output.generator import Generator, GeneratorSpec
from mulligan.output.generator.generator import REALS, match_histogram
from mulligan.output.pictures import to_uint8
from mulligan.training.events import Event
from mulligan.training.samples import data_of, fingerprint_of, html_of, labels_of, locate, settle
from mulligan.training.steering import AugmentationSteering, choose_held_back

GRID = 64  # number of pictures in a sample grid
CLOUD = 1024  # number of points in a sample of points
_ROWS = 256  # rows of one pass when sampling
_BATCH = "the batch of real samples"


class Run:
    """Create this to train a configuration: pass it to `train`, or to `Recorder.record` to keep it in a folder.

    Parameters
    ----------
    config : Config
    data : Dataset, optional
        Samples to use instead of those that ``config.data`` names.
    begin : bool
        Load the weights of ``config.start``. False if a checkpoint's weights are loaded next.

    Attributes
    ----------
    config : Config
        The configuration, with the actual number of ``threads``.
    data : Dataset
    labels : (n,) int64 array or None
        The classes that the game sees: those of the data, clusters, or none.
    classes : int
    gan : GAN
    sampler : Sampler
    current : Config
        `config` with the changes of `adjust`.
    adjusted : list
        Step and changes of every `adjust`.

    Raises
    ------
    ConfigError, ShapeError, UnsupportedError
        When `config` is no configuration, or the parts do not fit together.
    DataError
        When the data cannot be read.
    """

    def __init__(self, config: Config, *, data: Dataset | None = None, begin: bool = True):
        require(isinstance(config, Config), "config", "a configuration", config, "mulligan.recipe('quick')")
        use_one_heap()  # before threads start, because a thread keeps its heap
        config = replace(config, threads=config.threads or available_cores())
        from_table(type(config), to_table(config))  # raises an error now, not at the first checkpoint
        config = locate(config) if data is None else config
        self.data = data_of(config.data, data)
        config = replace(config, data=replace(config.data, **self.data.decided)) if begin else config
        self.config = config = settle(config, self.data)
        self.labels, self.classes = labels_of(self.data, config.data)
        if config.classes not in (0, self.classes):
            raise ConfigError(
                f"classes must be {self.classes}, as {self.data.name} has with data.labels = {config.data.labels!r}, "
                f"got {config.classes}. Try classes = 0, which takes the number from the data."
            )
        game, shape = replace(config, classes=self.classes), self.data.shape
        workers = min(config.threads, config.batch_size)  # a worker without rows has no mean
        check_memory(game, shape, batch_size=config.batch_size, workers=workers)
        self.gan = GAN(game, shape, seed=config.seed, total=config.steps, workers=workers, processes=True)
        self.current = config
        self.adjusted: list[tuple[int, tuple[Change, ...]]] = []
        self._reported = 0  # number of adjustments that `take_adjustments` has returned
        rows = config.batch_size * config.d_steps
        holdout = choose_held_back(config, self.data)
        self.steering = AugmentationSteering(self, holdout) if len(holdout) else None
        self.sampler = Sampler(len(self.data) - len(holdout), rows, stream(config.seed, "batches"))
        self._pictures = np.empty((rows, *shape), np.uint8)
        self._classes = np.empty(rows, np.intp)
        self.sums: dict[str, float] = {}
        self.counted = 0
        self.wall = self.cpu = 0.0
        self.observers: Sequence[Observer] = ()
        self.trainer: dict[str, int] = {}  # the thread that trains this run, if one does
        self._observed: dict[str, Any] = {}
        self.log_position: dict[str, Any] | None = None
        if config.start and begin:
            from mulligan.training.start import take_weights  # late: it imports run folders, which import runs

            take_weights(self, config.start)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Raise an error on copy and pickle: a copy would train the same arrays."""
        raise UnsupportedError(
            "a run cannot be copied or pickled, because its workers own its memory. Try mulligan.Run(run.config)."
        )

    def __repr__(self) -> str:
        facts = f"{self.config.recipe or 'own recipe'} on {self.data.name}: step {self.step} of {self.config.steps}"
        return escape(f"Run({facts})")

    def _repr_html_(self) -> str:
        """Show the facts, a bar and the samples in a notebook."""
        return f"<div>{escape_html(repr(self))}</div>{self.bar()}{html_of(self.sample(*self.grid), self.data)}"

    def bar(self) -> str:
        """Return the progress as HTML."""
        text, total = f"step {self.step:,} of {self.config.steps:,}", self.config.steps
        return f'<div><progress max="{total}" value="{self.step}"></progress> {text}</div>'

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.gan.steps

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the game's classes: the data's names, or the numbers of clusters."""
        own = self.config.data.labels == "dataset"
        return self.data.class_names if own else tuple(map(str, range(self.classes)))

    @property
    def note(self) -> str:
        """What loading changed in the data, and what stands in for missing classes; empty if nothing."""
        notes = [self.data.note] if self.data.note else []
        if self.config.data.labels == "clusters":
            notes.append(f"{self.classes} clusters of similar pictures stand in for classes")
        if self.steering is not None:
            notes.append(
                f"{len(self.steering.holdout)} pictures are held back, to see how well D knows the others by heart: "
                "that steers how many are shifted and cut before it sees them"
            )
        return "; ".join(notes)

    # ── training ──────────────────────────────────────────────────────────────────────────────────────────────────

    def advance(self) -> dict[str, float]:
        """Take one step with the next batch, and add its measures to `sums`. A `DivergedError` names the first NaN."""
        if self.steering is not None and (change := self.steering.change(self.current.augment_probability)) is not None:
            self.adjust([change])
        measures = self.gan.step_on(self.sampler.batch_size, self.write_batch)
        if not math.isfinite(sum(measures.values())):  # the sum of all is finite only if each is
            raise self._explain_divergence(measures)
        for name, value in measures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.counted += 1
        return measures

    def adjust(self, overrides: Overrides) -> None:
        """Change rates, penalty weights or `augment_probability` between two steps: from the next step on.

        `config` stays as it was when the run began. The log gets an `Adjusted` event. Checkpoints keep the list of
        adjustments, so that a resumed run has them too.

        Parameters
        ----------
        overrides : mapping, or iterable of Change, of str and of pairs
            As `with_overrides` takes them: ``{"generator.optimizer.lr": 1e-4}``.

        Raises
        ------
        ConfigError
            When a value is not allowed, or when the setting cannot change during a run.
        """
        changes, config = changes_of(overrides), self.current
        for path, value in changes:
            if not is_adjustable(self.current, path):
                raise ConfigError(
                    f"{path} cannot change in the middle of a run; rates, penalty weights and augment_probability can. "
                    "Start a new run with it, or a second try."
                )
            config = replace_at(config, path, value)
        self.gan.game = replace(config, classes=self.classes)
        self.current = config
        self.adjusted.append((self.step, changes))

    def take_adjustments(self) -> list[tuple[int, tuple[Change, ...]]]:
        """Return the adjustments since the last call."""
        new, self._reported = self.adjusted[self._reported :], len(self.adjusted)
        return new

    def write_batch(self, out: Array) -> Labels:
        """Write the next real samples, in the networks' range, into `out`. Return their classes."""
        rows, spec = self.sampler.next_indices(), self.config.data
        if self.steering is not None:
            rows = self.steering.pool[rows]
        if self.data.is_points:
            self.data.take(rows, out)
        else:
            scale(self.data.take(rows, self._pictures), out, spec.low, spec.high)
        return None if self.labels is None else self.labels.take(rows, out=self._classes, mode="clip")

    def take_measures(self) -> dict[str, float]:
        """Return the means of all measures since the last call."""
        means = {name: total / self.counted for name, total in self.sums.items()}
        self.sums, self.counted = {}, 0
        return means

    # ── sampling ──────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def grid(self) -> tuple[Array, NDArray[np.int64] | None]:
        """The fixed z of the sample grid, and its classes: in order, or by frequency if there are many."""
        z, labels = self.draw(CLOUD if self.data.is_points else GRID, seed=self.config.seed)
        if labels is not None and self.classes <= len(labels):
            labels = np.arange(len(labels)) * self.classes // len(labels)
        return z, labels

    def draw(self, count: int, *, seed: int) -> tuple[Array, NDArray[np.int64] | None]:
        """Draw `count` z, and classes by their frequency in the data; the same ones at every step of the run."""
        count = as_whole("count", count, 0, 2**40)
        rng = stream(as_whole("seed", seed, 0, 2**63 - 1), "eval")
        z = self.config.latent.draw(rng, np.empty((count, self.config.latent.dim), np.float32))
        return z, None if self.labels is None else self.labels[rng.integers(len(self.labels), size=count)]

    def generate(self, z: Array, labels: Labels = None, *, average: bool = True) -> Array:
        """Return G(z) in the network's range, float32 (n, …), for z (n, dim) and labels (n,).

        With `average`, the averaged weights are used; without, those in training.
        """
        space = self.gan.g.network.workspace(theta=self.gan.average if average else None)
        labels = None if labels is None else np.atleast_1d(as_numbers(labels, "labels"))
        z, parts = np.atleast_1d(as_numbers(z, "z")), []
        with np.errstate(all="ignore"):
            step = rows_at_once(_ROWS, self.data.shape)
            for rows in (slice(start, start + step) for start in range(0, max(1, len(z)), step)):
                parts.append(space.forward(z[rows], None if labels is None else labels[rows], training=False).copy())
        samples = np.concatenate(parts)
        if not np.isfinite(samples).all():
            bad = samples.size - np.count_nonzero(np.isfinite(samples))
            raise DivergedError(
                f"the run diverged after step {self.step}: {bad} of {samples.size} numbers in the generator's samples "
                f"are not finite. {self._advise('generator')}"
            )
        return samples

    def sample(self, z: Array, labels: Labels = None, *, average: bool = True) -> Array:
        """Return G(z) as uint8 pictures or float32 points, like the data. Parameters as for `generate`."""
        samples = self.generate(z, labels, average=average)
        if self.data.is_points:
            return samples
        return to_uint8(samples, self.config.data.low, self.config.data.high)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the samples and their classes, with which a checkpoint recognises its data."""
        return fingerprint_of(self.data, self.labels)

    def generator(self, *, average: bool = True) -> Generator:
        """Return a copy of the generator, with averaged weights or with those in training."""
        has_names = self.labels is not None and self.config.data.labels == "dataset"
        low, high = self.config.data.low, self.config.data.high
        counts = () if self.labels is None else np.bincount(self.labels, minlength=self.classes).tolist()
        spec = GeneratorSpec(
            layers=self.gan.g.layers,
            latent=self.config.latent,
            shape=self.data.shape,
            output_range=(low, high),
            data_range=(low, high) if self.data.is_points else self.data.range,
            classes=self.classes,
            class_names=self.data.class_names if has_names else (),
            class_counts=tuple(counts),
            recipe=self.config.recipe,
            data=self.config.data.name,
            alpha=self.config.data.alpha,
            resize=self.config.data.resize,
            step=self.step,
        )
        theta = self.gan.average if average else self.gan.g.network.theta
        generator = Generator(spec, theta, self.gan.g.network.stats, threads=self.config.threads)
        if not self.config.match_histogram or self.step < self.config.steps or self.data.shape[2:] != (1,):
            return generator
        real = np.asarray(self.data.draw(rows_at_once(REALS, self.data.shape)).images)
        return match_histogram(generator, real)

    # ── what is not finite ────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        """Raise `DivergedError` when an array that a checkpoint would hold is not finite."""
        if not all(np.isfinite(array).all() for array in self.gan.arrays().values()):
            raise self._explain_divergence({})

    def _explain_divergence(self, measures: dict[str, float]) -> DivergedError:
        """Make the error for a run that diverged: the loss, the step, the first bad tensor, and what to try."""
        bad = [f"{name} = {value}" for name, value in measures.items() if not math.isfinite(value)]
        what = f"at step {self.step}: {', '.join(bad)}" if bad else f"after step {self.step}"
        tensors = [*(self._iterate_outputs() if bad else ()), *self._iterate_state()]
        first, array = next(((name, array) for name, array in tensors if not np.isfinite(array).all()), ("", None))
        where = "all tensors are finite, so the loss itself overflowed"
        if array is not None:
            count = array.size - int(np.isfinite(array).sum())
            where = f"the first tensor that is not finite is {first} ({count} of {array.size} numbers)"
        loss = " + ".join(type(part).__name__ for part in (self.config.loss, *self.config.penalties))
        return DivergedError(f"the run diverged {what} (loss {loss}); {where}. {self._advise(first)}")

    def _iterate_outputs(self) -> Iterator[tuple[str, Array]]:
        """Yield the results of the step's forward passes, in order. The weights themselves are already updated."""
        if self.gan.real is not None:
            yield _BATCH, self.gan.real
        workers = self.gan.outputs()
        for key, player, who in (("g", self.gan.g, "generator"), ("d", self.gan.d, "discriminator")):
            for number, layer in enumerate(player.layers):
                for worker in workers:
                    if number < len(worker[key]):
                        yield f"the output of {who}.layers.{number} ({type(layer).__name__})", worker[key][number]

    def _iterate_state(self) -> Iterator[tuple[str, Array]]:
        """Yield every array that a checkpoint holds. Parameters are named by their path."""
        for player, who in ((self.gan.d, "discriminator"), (self.gan.g, "generator")):
            yield from ((f"{who}.layers.{path}", array) for path, array in player.network.tensors().items())
            yield from ((f"{who}.optimizer.{slot}", array) for slot, array in player.state.items())
        yield "the average of the generator", self.gan.average

    def _advise(self, tensor: str) -> str:
        """Say what to try if this tensor was the first that is not finite."""
        if tensor == _BATCH:
            return "The data hold NaN or infinity. Remove those samples."
        from mulligan.diagnosis import Finding
        from mulligan.training.remedies import remedy_for

        config = replace(self.current, classes=self.classes)
        changes = remedy_for(Finding("divergence"), config, self.data.shape).changes
        return f"Try {', '.join(map(str, changes)) or 'a lower rate'}."

    # ── saving ────────────────────────────────────────────────────────────────────────────────────────────────────

    def watch(self, observers: Sequence[Observer]) -> None:
        """Attach observers, each with its state from the restored checkpoint."""
        self.observers = observers
        for observer in observers:
            if observer.name in self._observed:
                observer.restore(self._observed.pop(observer.name))

    def state(self) -> dict[str, Any]:
        """Return the state outside `GAN.arrays`, ready for JSON. Floats survive exactly."""
        return {
            "step": self.step,
            "sampler": self.sampler.state(),
            "streams": {name: state_of(rng) for name, rng in self.gan.streams.items()},
            "sums": self.sums,
            "counted": self.counted,
            "observers": {observer.name: observer.state() for observer in self.observers},
            "data": self.fingerprint,
            "adjusted": to_plain(self.adjusted),
        }

    def seek(self, state: dict[str, Any]) -> None:
        """Set the step, the sampler and the random streams to another run's on this data, as far as both have them."""
        if state["data"] != self.fingerprint:
            older = " Older versions chose other samples for data.limit." if self.config.data.limit else ""
            raise CheckpointError(
                f"the checkpoint was trained on other data than {self.data.name} is now (SHA-256 {state['data'][:12]}"
                f"…, here {self.fingerprint[:12]}…).{older} Restore the data, or start a new run."
            )
        for name, rng in self.gan.streams.items():
            if name in state["streams"]:
                restore(rng, state["streams"][name])
        self.sampler.restore(state["sampler"])
        self.gan.steps = state["step"]

    @classmethod
    def restore(
        cls, config: Config, arrays: dict[str, Array], state: dict[str, Any], *, data: Dataset | None = None
    ) -> Self:
        """Build a run from a checkpoint's content. A `CheckpointError` says what does not belong together."""
        run = cls(config, data=data, begin=False)
        run.seek(state)
        parts, there = {**run.gan.streams, **run.gan.arrays()}, {**state["streams"], **arrays}
        for name in sorted(parts.keys() | there.keys()):
            here, saved = (getattr(each.get(name), "shape", name in each and "there") for each in (parts, there))
            if here != saved:
                raise CheckpointError(
                    f"the checkpoint's {name!r} is {saved or 'absent'}, but in its configuration it is "
                    f"{here or 'absent'}. It belongs to another run or another version of Mulligan."
                )
        for name, array in run.gan.arrays().items():
            np.copyto(array, arrays[name])
        run.sums, run.counted = dict(state["sums"]), state["counted"]
        run._observed = dict(state["observers"])
        for step, overrides in state["adjusted"]:
            run.adjust(overrides)
            run.adjusted[-1] = (step, run.adjusted[-1][1])
        run._reported = len(run.adjusted)
        return run


Evaluator: TypeAlias = Callable[[Run], Mapping[str, Any]]
"""Returns metrics of the generator, ready for JSON. It must not change the run; random numbers are from `Run.draw`."""


class Observer(Protocol):
    """Receives every event, and may answer with its own events, for instance a diagnosis.

    A subclass that remembers nothing between events needs neither `state` nor `restore`.
    """

    name: str
    """The key of its state in a checkpoint."""

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Return the events that answer this one. It must not change the run."""

    def state(self) -> dict[str, Any]:
        """Return the observer's state, ready for JSON. Checkpoints keep it."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        return
