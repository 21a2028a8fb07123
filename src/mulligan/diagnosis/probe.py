"""Measure a GAN of any framework, given as a few functions of arrays. The GAN does not change.

All ratios are fakes ÷ reals, so that 1 is right. Gradients of D with respect to pixels are in units of half the data's
range. So a picture in [0, 1] or [0, 255] gives the same figures as one in [−1, 1].
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mulligan.data.sources.toys import Gaussians
from mulligan.diagnosis.failures import FAR_OFF, FEW_CLASSES
from mulligan.diagnosis.measurements import Facts
from mulligan.diagnosis.statistics import (
    edges,
    energy_distance,
    entropy,
    extreme,
    mean_distance,
    nearness,
    neighbourhood,
    ratio,
    spread,
    squared_distances,
)
from mulligan.metrics import modes
from mulligan.metrics.copies import copying, originals
from mulligan.nn.memory import Array, Labels
from mulligan.nn.rng import stream

COUNT = 256  # number of fixed z, and of fixed reals
ROWS = 64  # number of these at which gradients are measured
TRACKED = 16  # number of fixed z whose samples are tracked between two measurements
ALONE = 1000  # maximum number of distinct training samples for the search for copies if none is held out

Judge = Callable[[Array], tuple[Array, Array]]
"""Returns features and class probabilities of samples."""


class Reals:
    """The fixed reals (points or pictures, as D gets them) and their statistics, with which fakes are compared.

    Classes come from a judge of pictures, or from a toy of at least two modes.
    """

    def __init__(
        self,
        x: Array,
        low: float,
        high: float,
        *,
        labels: Labels = None,
        judge: Judge | None = None,
        toy: Gaussians | None = None,
    ):
        self.x, self.low, self.judge, self.toy = x, low, judge, toy
        self.span = max(high - low, 1e-30)
        self.unit = 0.5 * self.span
        self.bottom, self.top = map(float, np.quantile(x, (0.005, 0.995)))  # interpolation overshoots in a few pixels
        self.features, self.kinds = self.see(x)
        self.radius = neighbourhood(self.features, x)
        self.spread, self.deviation = spread(x, labels), spread(x, None)
        self.distance, self.feature_distance = mean_distance(x), mean_distance(self.features)
        self.inner = spread(self.features, self.kinds)
        self.modes = self.hit(x)
        if not self.are_points:
            self.extreme, self.edges = extreme(self.pixels(x)), edges(self.pixels(x))

    @property
    def are_points(self) -> bool:
        """Whether samples are points, not pictures."""
        return self.x.ndim == 2

    def see(self, x: Array) -> tuple[Array, NDArray[np.intp] | None]:
        """Return features, and each sample's class if a judge or a toy's modes give it."""
        if self.judge is not None:
            features, p = self.judge(x)
            return features, p.argmax(axis=1)
        flat = (x.reshape(len(x), -1) - self.low) / self.unit - 1.0
        if self.toy is None:
            return flat, None
        return flat, squared_distances(x.astype(np.float64), self.toy.modes).argmin(axis=1)

    def hit(self, points: Array) -> float:
        """Return the share of a toy's modes that points hit, as `metrics.modes` defines it; NaN without modes."""
        if self.toy is None:
            return math.nan
        return modes(points, self.toy.modes, self.toy.std).captured / len(self.toy.modes)

    def pixels(self, x: Array) -> Array:
        """Return pictures in [0, 1]."""
        return (x - self.low) / self.span


class Answers(NamedTuple):
    """What D returns for the first fixed reals and as many fakes, and the gradients as far as they are known."""

    real: Array  # logits, (n,)
    fake: Array
    slope_real: Array | None = None  # ∇ₓD at each sample
    slope_fake: Array | None = None
    push: Array | None = None  # ∂L_G/∂x of each fake
    norms: Mapping[str, float] = MappingProxyType({})
    """Norms of gradients (`g_first`, `g_gradient`, `d_gradient`) and of weights (`g_weights`, `d_weights`)."""


@dataclass(eq=False)
class Probe:
    """Measures a GAN at fixed z and fixed reals. Rules are silent about figures for which a function is missing."""

    reals: Reals
    fakes: Callable[[int, bool], Array]
    """Returns G's samples for the first n of `COUNT` fixed z, as G trains or, for True, of the averaged G."""
    facts: Facts
    answers: Callable[[Array], Answers] | None = None
    """Asks D about the first fixed reals and about these fakes, at most `ROWS` of each."""
    averaged: bool = False  # whether there is an averaged G
    labels: Labels = None  # the class of each fixed z
    reach: tuple[float, float] = (-math.inf, math.inf)  # the bounds of G's last layer
    originals: Callable[[], tuple[Array, Array | None]] | None = None
    """Returns the training samples and held-out reals, or None for these, as rows, for the search for copies."""
    samples: int = 0  # number of training samples; with many, copies are looked for less often
    penalties: Sequence[str] = ()  # which of the reported measures are penalties
    begin: int = 0  # the step before the first
    seed: int = 0

    def track(self) -> list[float]:
        """Return the averaged G's samples of the tracked z, in half ranges: ``TRACKED × min(8, d)`` numbers."""
        flat = self.fakes(TRACKED, True).reshape(TRACKED, -1) / self.reals.unit
        if flat.shape[1] > 8:
            flat = flat @ self.directions
        return [float(v) for v in flat.ravel()]

    @cached_property
    def directions(self) -> Array:
        """Eight fixed directions onto which larger samples are projected for tracking."""
        size = self.reals.x[0].size
        return stream(self.seed, "eval", 2).standard_normal((size, 8)).astype(np.float32) / math.sqrt(size)

    def lag(self) -> float:
        """Return the distance of the averaged G's samples of the tracked z from G's, in deviations of the reals."""
        apart = self.fakes(TRACKED, True) - self.fakes(TRACKED, False)
        return ratio(float(np.sqrt(np.square(apart).mean())), self.reals.deviation)

    def measure(self) -> tuple[dict[str, float], list[float]]:
        """Return the signals of a `Measurement`, finite numbers alone, and its histogram."""
        with np.errstate(all="ignore"):
            fake = self.fakes(COUNT, False)
            signals = self._variety(fake)
            histogram = self._resemblance(fake, signals)
            signals |= self._measure_average(signals)
            if self.answers is not None:
                signals |= self._gradients(fake, self.answers)
        return {name: value for name, value in signals.items() if math.isfinite(value)}, histogram

    def compare_ranges(self) -> dict[str, float]:
        """Compare the range of the data with that of G's last layer; no network is asked."""
        reals, (low, high) = self.reals, self.reach
        return {
            "scale": reals.span / (high - low if math.isfinite(high - low) else 2.0),
            "beyond": min((max(low - reals.bottom, 0.0) + max(reals.top - high, 0.0)) / reals.span, 1.0),
            "offset": abs(reals.low + reals.unit) / reals.unit,
        }

    def _variety(self, fake: Array) -> dict[str, float]:
        reals = self.reals
        signals = self.compare_ranges() | {
            "spread": ratio(spread(fake, self.labels), reals.spread),
            "span": float(fake.max() - fake.min()) / reals.span,
            "distance": ratio(mean_distance(fake), reals.distance),
            "variety": reals.deviation / reals.unit,
        }
        if not reals.are_points:
            p = reals.pixels(fake)
            signals |= {"extreme": extreme(p), "extreme_real": reals.extreme}
            signals["sharpness"] = ratio(edges(p), reals.edges)
        return signals

    def _resemblance(self, fake: Array, signals: dict[str, float]) -> list[float]:
        features, kinds = self.reals.see(fake)
        signals |= self._measure_nearness(features)
        if kinds is None or self.reals.kinds is None:
            return []
        signals["inner"] = ratio(spread(features, kinds), self.reals.inner)
        signals["classes"], shares = self._classes(kinds, self.reals.kinds)
        return shares

    def _measure_nearness(self, features: Array) -> dict[str, float]:
        d2 = squared_distances(self.reals.features, features)
        gap = energy_distance(d2, self.reals.feature_distance, mean_distance(features))
        return {"coverage": float(np.mean(d2.min(axis=1) < self.reals.radius)), "gap": gap}

    def _measure_average(self, signals: dict[str, float]) -> dict[str, float]:
        """Measure the averaged G where the figures of G itself are bad, and always the modes that it hits."""
        reals, averaged = self.reals, dict[str, float]()
        few = self.averaged and signals.get("classes", 1.0) < FEW_CLASSES.value
        far = self.averaged and reals.are_points and signals["gap"] > FAR_OFF.value
        if few or far or reals.toy is not None:
            fake = self.fakes(COUNT, True)
            features, kinds = reals.see(fake)
            if few and kinds is not None and reals.kinds is not None:
                averaged["classes_averaged"], _ = self._classes(kinds, reals.kinds)
            if far:
                averaged["gap_averaged"] = self._measure_nearness(features)["gap"]
            if reals.toy is not None:
                averaged["modes_found"] = ratio(reals.hit(fake), reals.modes)
        return averaged

    @staticmethod
    def _classes(kinds: NDArray[np.intp], of_reals: NDArray[np.intp]) -> tuple[float, list[float]]:
        """Return the effective number of classes ÷ that of the reals, and the share of each."""
        size = 1 + int(max(kinds.max(), of_reals.max()))
        shares, right = (np.bincount(k, minlength=size) / len(k) for k in (kinds, of_reals))
        return math.exp(entropy(shares) - entropy(right)), [float(v) for v in shares]

    def _gradients(self, fake: Array, answers: Callable[[Array], Answers]) -> dict[str, float]:
        n, unit = min(ROWS, len(self.reals.x)), self.reals.unit
        answer = answers(fake[:n])
        pairs = answer.real[:, None] > answer.fake
        signals = {"ranking": float(pairs.mean())} if pairs.size > 1 else {}  # D may answer once for all
        for name, slope in (("r1", answer.slope_real), ("r2", answer.slope_fake)):
            if slope is not None:
                signals[name] = unit**2 * float(np.square(slope).sum()) / n
        if answer.push is not None:
            signals["push"] = unit * float(np.linalg.norm(answer.push.reshape(n, -1), axis=1).mean()) * n
        return {**signals, **answer.norms}

    def copying(self) -> dict[str, float]:
        """Measure copying by `metrics.copies.copying`, or by `nearness` for few samples with none held out."""
        if self._copies is None:
            return {}
        fake = self.fakes(COUNT, False)
        return self._copies(fake.reshape(len(fake), -1))

    @cached_property
    def _copies(self) -> Callable[[Array], dict[str, float]] | None:
        if self.originals is None:
            return None
        seen, held = self.originals()
        if held is not None:
            known = originals(held, seen, cells=1)

            def against(rows: Array) -> dict[str, float]:
                copies = copying(rows, known)
                return {"ct_z": copies.ct_z, "authentic": copies.authpct - copies.authpct_real}

            return against
        rows = sorted({blake2b(row).digest(): number for number, row in enumerate(seen)}.values())
        distinct = seen[rows[: ALONE + 1]]
        if not 1 < len(distinct) <= ALONE or math.isinf(nearness(distinct[:1], distinct)):  # or nearly all are the same
            return None
        return lambda rows: {"nearness": nearness(rows, distinct)}
