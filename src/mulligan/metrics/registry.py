"""Every figure of ``metrics.json`` in one table: terminal, report, page, studies and docs read it here.

To add a metric of your own, add an entry: ``METRICS["brightness"] = Metric("Brightness", compute=brightness)``.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mulligan.data.sources.toys import find_mixture
from mulligan.metrics.copies import Originals, copying
from mulligan.metrics.counts import count_classes, modes
from mulligan.metrics.distances import Moments, floor_of, frechet_distance, moments, percent
from mulligan.metrics.neighbours import manifolds
from mulligan.metrics.pixels import FEWEST, real_or_fake, sharpness

MAPS = {"judge": "a judge's features", "gist": "edges and colours", "points": "coordinates"}
"""Feature maps by their key: a trained judge, `gist` where there is none, and points in their own coordinates."""

Result = Mapping[str, Any] | float | None
"""What a metric's function returns: its figure; several figures by name; None if there is nothing to compare."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Fakes beside held-out reals: the argument of a metric's function."""

    real: NDArray[Any]
    fake: NDArray[Any]
    """Pictures (n, h, w, c), uint8, or points (n, d)."""
    real_features: NDArray[Any]
    fake_features: NDArray[Any]
    """Their features, (n, d); of points, the points."""
    moments: Moments
    seed: int = 0
    """The seed with which the fakes were drawn, also for random choices of metrics."""
    data: str = ""
    probabilities: NDArray[np.float64] | None = None
    """The judge's p(y|x) of the fakes, (n, K); None without a judge."""
    asked: NDArray[np.integer[Any]] | None = None
    """The class that each fake was asked to be, (n,)."""
    originals: Originals | None = None
    """The training pictures, in the map in which copies are searched; None for points."""
    near: tuple[str, NDArray[Any]] = ("", np.empty(0))
    """The name of that map, and the features of the fakes in it."""
    control: Callable[[], float] = lambda: 0.5
    """Returns how often a net tells the reals from other reals."""


def _frechet(pair: Comparison) -> Result:
    fd = percent(frechet_distance(pair.moments, moments(pair.fake_features)), pair.moments)
    return {"fd": fd, "fd_floor": floor_of(pair.real_features, pair.moments, len(pair.fake))}


def _neighbours(pair: Comparison) -> Result:
    return asdict(manifolds(pair.real_features, pair.fake_features))


def _real_or_fake(pair: Comparison) -> Result:
    if len(pair.fake) < FEWEST:
        return None
    share = real_or_fake(pair.real, pair.fake, seed=pair.seed)  # both nets in turn: side by side they take longer
    return {"real_or_fake": share, "real_or_fake_floor": pair.control()}


def _classes(pair: Comparison) -> Result:
    if pair.probabilities is None:
        return None
    figures = asdict(count_classes(pair.probabilities))
    figures["histogram"] = list(figures["histogram"])
    if pair.asked is not None:
        figures["label_accuracy"] = float(np.mean(pair.probabilities.argmax(axis=1) == pair.asked))
    return figures


def _copies(pair: Comparison) -> Result:
    assert pair.originals is not None
    name, fake = pair.near
    return {"by": name, "n_train": len(pair.originals.train), **asdict(copying(fake, pair.originals))}


def _modes(pair: Comparison) -> Result:
    toy = find_mixture(pair.data)
    return None if toy is None else asdict(modes(pair.fake, toy.modes, toy.std))


@dataclass(frozen=True)
class Metric:
    """One figure: its name, which way is better, its floor, how it is computed and shown."""

    label: str
    line: str = ""
    better: Literal["low", "high", ""] = ""
    """Empty if both too much and too little are bad."""
    floor: float | str | None = None
    """What a perfect generator scores: a number, or the name of the figure that holds it. (For a histogram: its number
    of classes.)"""
    compute: Callable[[Comparison], Result] | None = None
    """Takes a `Comparison` and returns the figure, several by name, or None. Metrics with one function share its
    call."""
    of: Literal["pictures", "points", "features"] = "pictures"
    """What it is computed of. Figures of features, which points have as well, are stored under the key of the map."""
    source: str = ""
    share: bool = False
    """Shown as a percentage."""
    shown: bool = True
    """False if it stands in ``metrics.json`` alone, not in tables."""


METRICS: dict[str, Metric] = {
    "fd": Metric("FD, % of variance", "Fréchet distance of the features, per cent of the reals' variance.", "low",
        "fd_floor", _frechet, "features", "Dowson and Landau 1982; Heusel et al. 2017, eq. 6"),
    "precision": Metric("Precision", "Share of the fakes that lie among the reals (3 neighbours).", "high", None,
        _neighbours, "features", "Kynkäänniemi et al. 2019, eqs. 1 and 2"),
    "recall": Metric("Recall", "Share of the reals that lie among the fakes (3 neighbours).", "high", None,
        _neighbours, "features", "Kynkäänniemi et al. 2019, eqs. 1 and 2"),
    "coverage": Metric("Coverage", "Share of the reals with a fake beside them (5 neighbours).", "high",
        "coverage_ideal", _neighbours, "features", "Naeem et al. 2020, section 3"),
    "real_or_fake": Metric("Real or fake?", "How often a fresh net tells fakes from reals; beside, reals from reals.",
        "low", "real_or_fake_floor", _real_or_fake, source="Lopez-Paz and Oquab 2017, section 3", share=True),
    "copies.authpct": Metric("Authentic, %", "Fakes that copy no training picture.", "", "authpct_real", _copies,
        source="Alaa et al. 2022", shown=False),
    "copies.ct_z": Metric("Copying, C_T < −3", "Nearness to the training set against that of reals, in deviations.", "",
        0.0, _copies, source="Meehan et al. 2020, section 3"),
    "classes.modes": Metric("Classes", "Classes with a tenth of a fair share or more.", "high", "histogram", _classes,
        shown=False),
    "classes.effective_modes": Metric("Effective classes", "Number of evenly used classes with the same entropy.",
        "high", "histogram", _classes, shown=False),
    "classes.junk": Metric("Junk", "Share of the fakes in which the judge sees no class.", "low", 0.0, _classes,
        share=True),
    "classes.label_accuracy": Metric("Label accuracy", "Share of the fakes that show the requested class.", "high",
        1.0, _classes, share=True, shown=False),
    "sharpness": Metric("Sharpness", "Variance of the Laplacian over the reals'; below 1 blurred.", "", 1.0,
        lambda pair: sharpness(pair.fake, pair.real), source="Pech-Pacheco et al. 2000", shown=False),
    "modes.captured": Metric("Modes", "Modes that are hit: of a ring, a grid or stacked MNIST.", "high",
        None, _modes, "points", "Srivastava et al. 2017; Lin et al. 2018; Metz et al. 2017"),
    "modes.high_quality": Metric("Of high quality", "Share of the points within three deviations of a mode.", "high",
        "high_quality_ideal", _modes, "points", "Srivastava et al. 2017; Lin et al. 2018", share=True),
    "modes.kl": Metric("KL of the modes", "KL of the modes' shares from even ones, in nats.", "low", "kl_floor",
        _modes, "points"),
}  # fmt: skip
"""Every figure by its path in ``metrics.json``, where the key of the map precedes a figure of features."""


class Figure(NamedTuple):
    """A figure of an evaluation, and its floor or ideal (None if it has none)."""

    metric: Metric
    value: Any
    floor: Any


def space_of(metrics: Any) -> str:
    """Return the key of the feature map in which an evaluation compares; empty if there is none."""
    return next((key for key in MAPS if at(metrics, key, "fd") is not None), "")


def figures_in(metrics: Any) -> dict[str, Figure]:
    """Find the figures to show in the content of ``metrics.json``, by the name in `METRICS` and in its order."""
    figures = {}
    for path, metric in METRICS.items():
        section, _, name = path.rpartition(".")
        parent = space_of(metrics) if metric.of == "features" else section
        place = at(metrics, parent) if parent else metrics
        value = at(place, name)
        if value is not None and metric.shown:
            floor = at(place, metric.floor) if isinstance(metric.floor, str) else metric.floor
            figures[path] = Figure(metric, value, len(floor) if isinstance(floor, list) else floor)
    return figures


def at(metrics: Any, *path: str) -> Any:
    """Return the value at a path of nested dicts; None if there is none."""
    for key in path:
        metrics = metrics.get(key) if isinstance(metrics, dict) else None
    return metrics


def median_of(figure: Any) -> Any:
    """Return a figure, or its median if several seeds were merged."""
    return figure.get("median") if isinstance(figure, dict) else figure
