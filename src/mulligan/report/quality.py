"""The final metrics of a report: the rows of the table, and the classes beside the real ones."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mulligan.metrics.merging import at, median_of
from mulligan.metrics.registry import MAPS
from mulligan.output.figures import count, ranged
from mulligan.output.pages import template
from mulligan.output.pictures import svg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mulligan.report.story import Story

ROWS = (
    ("fd", "FD ↓", "per cent of the reals' variance"),
    ("fd_infinity", "FD∞ ↓", "extrapolated to endless samples"),
    ("kid", "KID ↓", "mean of random subsets"),
    ("kid_sd", "KID, its spread", "standard deviation of its subsets"),
    ("precision", "Precision ↑", "fakes among the reals, k 3"),
    ("recall", "Recall ↑", "reals among the fakes, k 3"),
    ("density", "Density", "k 5"),
    ("coverage", "Coverage ↑", "reals with a fake beside them, k 5"),
    ("c2st", "Real or fake?", "how often a fresh classifier tells"),
)
BEST = {"fd_infinity": "0", "kid": "0", "density": "1", "c2st": "0.5"}
FLOORS = {"fd": "fd_floor", "coverage": "coverage_ideal"}


class Row(NamedTuple):
    """A metric in the table: in words, of the averaged weights and of the raw ones, its best or floor, and how."""

    words: str
    average: Any
    raw: Any
    best: str
    how: str


def measured(story: Story) -> str:
    """Say what was measured against what."""
    metrics = story.metrics
    if metrics is None:
        return ""
    draws = metrics.get("seeds", [])
    spread = f"; {len(draws)} draws: median (least…most)" if len(draws) > 1 else ""
    reals = "held-out ones" if metrics.get("held_out", True) else "that the generator has seen"
    fakes = f"{count(metrics['n'])} samples" + (f" of step {count(metrics['step'])}" if "step" in metrics else "")
    return f"{fakes} against {count(metrics['n_real'])} {reals} of {metrics['data']}{spread}."


def blocks(story: Story) -> list[tuple[str, list[Row]]]:
    """Return the final metrics, each with its floor or best: one feature space is one block."""
    metrics = story.metrics or {}
    raw = metrics.get("raw")
    maps = [(title, list(_of_map(metrics, raw, key))) for key, title in MAPS.items()]
    others = [
        Row(words, found, at(raw, *path), best, how)
        for words, path, best, how in _wanted(metrics)
        if (found := at(metrics, *path)) is not None
    ]
    return [*maps, ("classes, copies, pictures", others)]


def _of_map(metrics: dict[str, Any], raw: Any, key: str) -> Iterator[Row]:
    for name, words, how in ROWS:
        found = at(metrics, key, name)
        if found is not None:
            best = BEST.get(name) or ranged(at(metrics, key, FLOORS.get(name, "")))
            yield Row(words, found, at(raw, key, name), best, how)


def _wanted(metrics: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Yield words, where the figure stands, its best, how."""
    total = str(len(at(metrics, "classes", "histogram") or []))
    yield "Effective classes ↑", ("classes", "effective_modes"), total, "exp of the entropy of the judge's answers"
    yield "KL of classes ↓", ("classes", "kl"), ranged(at(metrics, "classes", "kl_floor")), "nats"
    yield "Junk ↓", ("classes", "junk"), "0", "share of samples that the judge is not sure of"
    yield "As asked ↑", ("classes", "label_accuracy"), "1", "share of samples of the class that was asked for"
    yield "Modes ↑", ("modes", "captured"), "", ""
    yield "Of high quality ↑", ("modes", "high_quality"), ranged(at(metrics, "modes", "high_quality_ideal")), ""
    yield "KL of modes ↓", ("modes", "kl"), ranged(at(metrics, "modes", "kl_floor")), "nats"
    yield "KL ↓", ("divergences", "kl"), ranged(at(metrics, "divergences", "kl_floor")), "nats, to the exact density"
    yield "JS ↓", ("divergences", "js"), ranged(at(metrics, "divergences", "js_floor")), "nats, to the exact density"
    yield (
        "Log density",
        ("log_density", "fake"),
        ranged(at(metrics, "log_density", "real")),
        "that of the reals beside",
    )
    yield (
        "Authentic, %",
        ("copies", "authpct"),
        ranged(at(metrics, "copies", "authpct_real")),
        "that of reals left out of the search beside",
    )
    yield "Copying, C_T", ("copies", "ct_z"), "0", "below −3: copying"
    yield "Diversity", ("diversity",), "1", "1 − SSIM, of the reals'"
    yield "Sharpness", ("sharpness",), "1", "of the reals'"
    yield "Contrast", ("contrast",), "1", "of the reals'"


# ── classes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def classes(story: Story, real: Sequence[float], names: Sequence[str]) -> str:
    """Draw how often each class comes, beside the reals' share; nothing where the classes are not known.

    Parameters
    ----------
    story : Story
    real : sequence of float
        The reals' shares; empty where they are not known.
    names : sequence of str
    """
    shares = [float(median_of(v)) for v in at(story.metrics, "classes", "histogram") or []]
    behind = story.measured_before
    told = f"by the judge, of the {'final samples' if behind is None else f'samples of step {count(behind)}'}"
    if not shares and story.histogram:
        shares, told = story.histogram, f"of 256 samples at the last look, step {count(story.looked[-1][0])}"
    if not shares or len(shares) > 40:
        return ""
    real = real if len(real) == len(shares) else []
    top = max([*shares, *real]) or 1.0
    width, gap, bottom = 480, 480 / len(shares), 132
    bar, parts = min(0.62 * gap, 34.0), []
    step = max(1, -(-len(shares) // 12))
    for i, share in enumerate(shares):
        x, height = (i + 0.5) * gap, 110 * share / top
        beside = f", real {100 * real[i]:.1f} %" if real else ""
        name = names[i] if i < len(names) else str(i)
        inside = [
            svg.element("title", escape(f"{name}: {100 * share:.1f} %{beside}")),
            svg.element("rect", cls="bar", x=x - bar / 2, y=bottom - height, width=bar, height=height),
        ]
        if real:
            y, wide = bottom - 110 * real[i] / top, 0.42 * gap
            inside.append(svg.element("path", cls="realshare", d=f"M{x - wide:.1f} {y:.1f}h{2 * wide:.1f}"))
        label = (name if len(name) <= 8 else name[:7] + "…") if i % step == 0 else ""
        parts.append(svg.element("g", "".join([*inside, svg.text(x, bottom + 16, label, "tick mid")])))
    least = min(range(len(shares)), key=lambda i: shares[i])
    rarest = names[least] if least < len(names) else least
    return template(Path(__file__).parent / "classes.html").render(
        parts="".join(parts),
        width=width,
        label=f"Classes: the rarest is {rarest} with {100 * shares[least]:.1f} %",
        real=real,
        told=f"{told}; full height is {100 * top:.1f} %.",
    )
