"""Write an evaluation as a table for the terminal, with the floors beside the figures."""

from collections.abc import Iterator
from typing import Any

from mulligan.cli.document import align
from mulligan.metrics import MAPS, figures_in, space_of
from mulligan.output.figures import count, ranged

BESIDE = {"low": "floor", "high": "ideal", "": "of the reals"}
"""The reference beside a figure, by the direction that is better."""


def table(metrics: dict[str, Any]) -> list[str]:
    """Write an evaluation as lines."""
    n, seeds, space = metrics["n"], metrics["seeds"], space_of(metrics)
    reals = "held-out ones" if metrics.get("held_out", True) else "that the generator has seen"
    draws = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}: median (range)"
    against = f"{count(n)} samples against {count(metrics['n_real'])} {reals}"
    return [f"{metrics['data']}: {against}, in {MAPS[space]}; {draws}", "", *align(_rows(metrics))]


def _rows(metrics: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each figure with its floor, or with what is right."""
    figures = figures_in(metrics).values()
    width = max(len(ranged(value, share=metric.share)) for metric, value, _ in figures)
    for metric, value, floor in figures:
        beside = ""
        if isinstance(metric.floor, str):
            beside = f"{BESIDE[metric.better]} {ranged(floor, share=metric.share)}"
        elif metric.floor is not None:
            beside = f"{metric.floor:g} is right"
        yield metric.label, ranged(value, share=metric.share).rjust(width), beside
