"""The final metrics of a report: the table, and the classes beside the real ones."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mulligan.metrics import MAPS, at, figures_in, median_of
from mulligan.output.figures import count, ranged
from mulligan.output.pages import template
from mulligan.output.pictures import svg
from mulligan.report.story import Story

ARROWS = {"low": " ↓", "high": " ↑", "": ""}
"""Sign behind a label: the better direction."""


class Row(NamedTuple):
    """A metric in the table: label, value of averaged and raw weights, best value or floor, explanation."""

    words: str
    average: str
    raw: str
    best: str
    how: str


def measured(story: Story) -> str:
    """Write which samples were compared with which data."""
    metrics = story.metrics
    if not metrics:
        return ""
    draws = metrics.get("seeds", [])
    spread = f"; {len(draws)} draws: median (least…most)" if len(draws) > 1 else ""
    reals = "held-out ones" if metrics.get("held_out", True) else "that the generator has seen"
    fakes = f"{count(metrics['n'])} samples" + (f" of step {count(metrics['step'])}" if "step" in metrics else "")
    return f"{fakes} against {count(metrics['n_real'])} {reals} of {metrics['data']}{spread}."


def blocks(story: Story) -> list[tuple[str, list[Row]]]:
    """Return the final metrics with floors or best values, one block for each feature space."""
    raw = at(story.metrics, "raw")
    titles = {**MAPS, "": "classes, copies, pictures"}
    return [(title, [*_rows(story.metrics, raw, space)]) for space, title in titles.items()]


def _rows(metrics: Any, raw: Any, space: str) -> Iterator[Row]:
    of_raw = figures_in(raw, space)
    for name, (metric, value, floor) in figures_in(metrics, space).items():
        beside = of_raw[name].value if name in of_raw else None
        best = "" if floor is None else f"{floor:g}" if floor is metric.floor else ranged(floor, share=metric.share)
        average, of_raw_weights = (ranged(each, share=metric.share) for each in (value, beside))
        yield Row(metric.label + ARROWS[metric.better], average, of_raw_weights, best, metric.line)


def classes(story: Story, real: Sequence[float], names: Sequence[str]) -> str:
    """Draw the share of each class beside that of the reals, if `real` has any; empty if the classes are unknown."""
    shares = [float(median_of(v)) for v in at(story.metrics, "classes", "histogram") or []]
    behind = story.measured_before
    told = f"by the judge, of the {'final samples' if behind is None else f'samples of step {count(behind)}'}"
    if not shares and story.histogram:
        shares, told = story.histogram, f"of 256 samples at the last measurement, step {count(story.measured[-1][0])}"
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
            svg.element("title", svg.escape(f"{name}: {100 * share:.1f} %{beside}")),
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
