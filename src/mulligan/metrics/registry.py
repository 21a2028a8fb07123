"""Every figure of ``metrics.json`` in one table: terminal, report, page, studies and docs read it here.

To add a metric of your own, add an entry: ``METRICS["brightness"] = Metric("Brightness", compute=brightness)``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, NamedTuple

from mulligan.metrics.comparison import Comparison, Found, Pictures

MAPS = {"judge": "judge", "gist": "edges and colours", "pca64": "PCA-64", "points": "coordinates"}
"""Feature maps by their key, in the order of display. The first one that an evaluation has is the main one."""


@dataclass(frozen=True)
class Metric:
    """One figure: its name, which way is better, its floor, how it is computed and shown."""

    label: str
    """A few words, with the unit."""
    line: str = ""
    """A sentence."""
    better: Literal["low", "high", ""] = ""
    """Empty if both too much and too little are bad."""
    floor: float | str | None = None
    """What a perfect generator scores: a number, or the name of the figure that holds it. (For a histogram: its number
    of classes.)"""
    compute: Callable[[Any], Found] | None = None
    """Takes a `Comparison` and returns the figure, several by name, or None. Metrics with one function share its
    call."""
    of: Literal["pictures", "points", "features"] = "pictures"
    """What is compared. Figures of features are computed in each feature map, and stored under its key."""
    source: str = ""
    """Paper and section."""
    share: bool = False
    """Shown as a percentage."""


# fmt: off
METRICS: dict[str, Metric] = {
    "fd": Metric("FD, % of variance", "Fréchet distance of the features, per cent of the reals' variance.", "low",
        "fd_floor", Comparison.frechet, "features", "Dowson and Landau 1982; Heusel et al. 2017, eq. 6"),
    "fd_infinity": Metric("FD∞, %", "FD, extrapolated to endless samples.", "low", 0.0,
        Comparison.frechet, "features", "Chong and Forsyth 2020"),
    "sliced": Metric("Sliced Wasserstein, %", "Mean over directions of the squared distance of sorted projections.",
        "low", "sliced_floor", Comparison.sliced, "features", "Bonneel et al. 2015; Berthet et al. 2026 (MIND)"),
    "kid": Metric("KID", "Squared MMD of the features with a cubic kernel, mean of random subsets.", "low", 0.0,
        Comparison.kernel, "features", "Bińkowski et al. 2018, section 4"),
    "kid_sd": Metric("KID, its spread", "Standard deviation of KID over its subsets.", "", None,
        Comparison.kernel, "features"),
    "precision": Metric("Precision", "Share of the fakes that lie among the reals (3 neighbours).", "high", None,
        Comparison.neighbours, "features", "Kynkäänniemi et al. 2019, eqs. 1 and 2"),
    "recall": Metric("Recall", "Share of the reals that lie among the fakes (3 neighbours).", "high", None,
        Comparison.neighbours, "features", "Kynkäänniemi et al. 2019, eqs. 1 and 2"),
    "density": Metric("Density", "How many reals' neighbourhoods a fake lies in, over the number expected.", "", 1.0,
        Comparison.neighbours, "features", "Naeem et al. 2020, section 3"),
    "coverage": Metric("Coverage", "Share of the reals with a fake beside them (5 neighbours).", "high",
        "coverage_ideal", Comparison.neighbours, "features", "Naeem et al. 2020, section 3"),
    "c2st": Metric("Real or fake?", "How often a fresh classifier tells fake from real.", "", 0.5,
        Comparison.told_apart, "features", "Lopez-Paz and Oquab 2017, section 3"),
    "classes.modes": Metric("Classes", "Classes with a tenth of a fair share or more.", "high", "histogram",
        Pictures.classes),
    "classes.effective_modes": Metric("Effective classes", "Number of evenly used classes with the same entropy.",
        "high", "histogram", Pictures.classes),
    "classes.kl": Metric("KL of the classes", "KL of the fakes' classes from the reals', in nats.", "low", "kl_floor",
        Pictures.classes),
    "classes.junk": Metric("Junk", "Share of the fakes in which the judge sees no class.", "low", 0.0,
        Pictures.classes, share=True),
    "classes.within_class_variance": Metric("Variety inside classes",
        "Variance of the features inside each class over the reals'.", "", 1.0, Pictures.classes),
    "classes.score": Metric("Classifier score", "Sure and varied, in one number.", "high", "histogram",
        Pictures.classes, source="Salimans et al. 2016, section 4"),
    "classes.label_accuracy": Metric("Label accuracy", "Share of the fakes that show the requested class.", "high",
        1.0, Pictures.classes, share=True),
    "modes.captured": Metric("Modes", "Modes that are found: of a ring, a grid, stacked MNIST or pixel faces.", "high",
        None, Comparison.modes, "points", "Srivastava et al. 2017; Lin et al. 2018; Metz et al. 2017"),
    "modes.high_quality": Metric("Of high quality", "Share of the points within three deviations of a mode.", "high",
        "high_quality_ideal", Comparison.modes, "points", "Srivastava et al. 2017; Lin et al. 2018", share=True),
    "modes.kl": Metric("KL of the modes", "KL of the modes' shares from even ones, in nats.", "low", "kl_floor",
        Comparison.modes, "points"),
    "modes.label_accuracy": Metric("Label accuracy", "Share of stacked digits that show the number that was asked for.",
        "high", 1.0, share=True),
    "divergences.kl": Metric("KL", "KL from a toy's density in one dimension, in nats.", "low", "kl_floor",
        Comparison.divergences, "points"),
    "divergences.js": Metric("JS", "Jensen–Shannon divergence from a toy's density in one dimension, in nats.", "low",
        "js_floor", Comparison.divergences, "points"),
    "log_density.fake": Metric("Log density", "Mean log density of the toy at the fakes; reals beside.", "", "real",
        Comparison.log_density, "points"),
    "copies.authpct": Metric("Authentic, %", "Fakes that copy no training picture; reals beside.", "",
        "authpct_real", Pictures.copies, source="Alaa et al. 2022"),
    "copies.ct_z": Metric("Copying, C_T < −3", "Nearness to the training set against that of reals, in deviations.", "",
        0.0, Pictures.copies, source="Meehan et al. 2020, section 3"),
    "diversity": Metric("Diversity", "Dissimilarity (1 − SSIM) of fakes of one class over that of the reals.", "", 1.0,
        Pictures.diversity, source="Odena et al. 2017, section 4.2"),
    "sharpness": Metric("Sharpness", "Variance of the Laplacian over the reals'; below 1 blurred.", "", 1.0,
        Pictures.sharpness, source="Pech-Pacheco et al. 2000"),
    "contrast": Metric("Contrast", "Distance from grey over the reals'.", "", 1.0, Pictures.contrast),
}
# fmt: on
"""Every figure by its path in ``metrics.json``, where the key of a map precedes a figure of features."""


class Figure(NamedTuple):
    """A figure of an evaluation, and its floor or ideal (None if it has none)."""

    metric: Metric
    value: Any
    floor: Any


def figures_in(metrics: Any, space: str = "") -> dict[str, Figure]:
    """Find the figures in the content of ``metrics.json``.

    Parameters
    ----------
    metrics : dict
        From `mulligan.evaluate`.
    space : str
        Key of a feature map, for the figures of its features; by default the figures that belong to no map.

    Returns
    -------
    dict of str to Figure
        By the name in `METRICS`, in its order. A figure with a value for each class becomes their median and range.
    """
    found = {}
    for path, metric in METRICS.items():
        if (metric.of == "features") is bool(space):
            *sections, name = (space, path) if space else path.split(".")
            section = at(metrics, *sections)
            if (value := _together(at(section, name))) is not None:
                floor = section.get(metric.floor) if isinstance(metric.floor, str) else metric.floor
                found[path] = Figure(metric, value, len(floor) if isinstance(floor, list) else floor)
    return found


def at(metrics: Any, *path: str) -> Any:
    """Return the value at a path of nested dicts; None if there is none."""
    for key in path:
        metrics = metrics.get(key) if isinstance(metrics, dict) else None
    return metrics


def median_of(figure: Any) -> Any:
    """Return a figure, or its median if several seeds were merged."""
    return figure.get("median") if isinstance(figure, dict) else figure


def _together(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    each = [figure for entry in value if isinstance(figure := median_of(entry), (int, float))]
    return {"median": median(each), "min": min(each), "max": max(each)} if each else None
