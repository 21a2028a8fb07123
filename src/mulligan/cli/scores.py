"""Write an evaluation as a table for the terminal, with the floors beside the figures."""

from collections.abc import Iterator
from typing import Any

from mulligan.metrics import MAPS, METRICS, figures_in, median_of
from mulligan.output.figures import count, percent, ranged

BESIDE = {"low": "floor", "high": "ideal", "": "of the reals"}
"""The reference beside a figure, by the direction that is better."""


def table(metrics: dict[str, Any]) -> list[str]:
    """Write an evaluation as lines: the averaged weights, then the raw ones if they were measured."""
    n, seeds = metrics["n"], metrics["seeds"]
    reals = "held-out ones" if metrics.get("held_out", True) else "that the generator has seen"
    draws = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}: median (range)"
    lines = [f"{metrics['data']}: {count(n)} samples against {count(metrics['n_real'])} {reals}; {draws}"]
    for name, part in (("averaged weights", metrics), ("raw weights", metrics.get("raw"))):
        if part is not None:
            lines += ["", *([name] if "raw" in metrics else []), *_aligned(_of_features(part))]
            lines += ["", *_aligned(others)] if (others := _others(part)) else []
    hashes = []
    for key, name in {**MAPS, "modes": "judge of single digits"}.items():
        if "sha256" in metrics.get(key, {}):
            accuracy = median_of(metrics[key].get("accuracy"))
            right = "" if accuracy is None else f", right on {percent(accuracy)}"
            hashes.append(f"{name}: SHA-256 {metrics[key]['sha256']}{right}")
    return [*lines, "", *hashes] if hashes else lines


def _of_features(metrics: dict[str, Any]) -> list[list[str]]:
    """Return a row for each figure of features, and one for its floor; a column for each map."""
    maps = {key: figures_in(metrics, key) for key in MAPS if key in metrics}
    rows = [["", *(MAPS[key] for key in maps), ""]]
    for name, metric in METRICS.items():
        found = [figures.get(name) for figures in maps.values()]
        if not any(found):
            continue
        numbers = [ranged(each and each.value, share=metric.share) for each in found]
        rows.append([metric.label, *numbers, "" if isinstance(metric.floor, str) else _right(metric.floor)])
        if isinstance(metric.floor, str):
            floors = [ranged(each and each.floor, share=metric.share) for each in found]
            rows.append([f"  {BESIDE[metric.better]}", *floors, "what perfect samples show"])
    return rows


def _others(metrics: dict[str, Any]) -> list[list[str]]:
    """Return a row for each other figure, with its reference."""
    rows = []
    for metric, value, floor in figures_in(metrics).values():
        named = f"{BESIDE[metric.better]} {ranged(floor, share=metric.share)}"
        beside = named if isinstance(metric.floor, str) else _right(metric.floor)
        rows.append([metric.label, ranged(value, share=metric.share), beside])
    return rows


def _right(ideal: float | None) -> str:
    return "" if ideal is None else f"{ideal:g} is right"


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    for first, *cells, last in rows:
        middle = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:-1]))
        yield f"{first:<{widths[0]}}  {middle}  {last}".rstrip()
