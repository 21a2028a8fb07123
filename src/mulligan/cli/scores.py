"""An evaluation as words: the table at the end, floors beside the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mulligan.metrics.merging import median_of
from mulligan.metrics.registry import MAPS
from mulligan.output.figures import count, figure, percent, ranged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FEW = 500
"""Samples below which the floor, by the covariance of as many reals, is too low by a tenth and more."""


def table(metrics: dict[str, Any]) -> list[str]:
    """Write an evaluation as lines: the averaged weights, then the raw ones where they were scored."""
    n, seeds = metrics["n"], metrics["seeds"]
    reals = "held-out ones" if metrics.get("held_out", True) else "that the generator has seen"
    draws = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}: median (range)"
    lines = [f"{metrics['data']}: {count(n)} samples against {count(metrics['n_real'])} {reals}; {draws}"]
    for name, part in (("averaged weights", metrics), ("raw weights", metrics.get("raw"))):
        if part is not None:
            lines += ["", *([name] if "raw" in metrics else []), *_one(part)]
    hashes = []
    for key, name in {**MAPS, "modes": "judge of single digits"}.items():
        if "sha256" in metrics.get(key, {}):
            right = f", right on {_percent(metrics[key]['accuracy'])}" if "accuracy" in metrics[key] else ""
            hashes.append(f"{name}: SHA-256 {metrics[key]['sha256']}{right}")
    return [*lines, "", *hashes] if hashes else lines


def _one(result: dict[str, Any]) -> Iterator[str]:
    maps = [key for key in MAPS if key in result]
    perfect = f"what perfect samples show{' at least: they are few' if result['n'] < FEW else ''}"
    rows = [
        ["", *(MAPS[key] for key in maps), ""],
        ["FD, % of variance", *(ranged(result[key]["fd"]) for key in maps), ""],
        ["  its floor", *(ranged(result[key]["fd_floor"]) for key in maps), perfect],
        ["FD∞, %", *(ranged(result[key].get("fd_infinity")) for key in maps), "extrapolated; 0 is right"],
        ["KID", *(ranged(result[key]["kid"]) for key in maps), "0 is right"],
        ["  its spread", *(ranged(result[key].get("kid_sd")) for key in maps), "standard deviation of its subsets"],
        ["precision", *(ranged(result[key]["precision"]) for key in maps), ""],
        ["recall", *(ranged(result[key]["recall"]) for key in maps), ""],
        ["density", *(ranged(result[key]["density"]) for key in maps), "1 is right"],
        ["coverage", *(ranged(result[key]["coverage"]) for key in maps), _ideal(result, maps)],
        ["real or fake?", *(ranged(result[key].get("c2st")) for key in maps), "of a fresh classifier; 0.5 is right"],
    ]
    yield from _aligned([row for row in rows if any(cell not in ("", "–") for cell in row[1:-1])])
    if "classes" in result:
        found = result["classes"]
        total = len(found["histogram"])
        yield (
            f"classes        {ranged(found['modes'])} of {total}, {ranged(found['effective_modes'])} effective; "
            f"KL {ranged(found['kl'])}, floor {ranged(found['kl_floor'])}; junk {_percent(found['junk'])}"
        )
        inside = [float(median_of(ratio)) for ratio in found["within_class_variance"]]
        asked = f"; {_percent(found['label_accuracy'])} as asked" if "label_accuracy" in found else ""
        yield f"inside them    variance {figure(min(inside))} to {figure(max(inside))} of the reals'{asked}"
    if "modes" in result:
        found = result["modes"]
        if "sha256" in found:  # digits read by a judge: no distance says which are good
            more = f"; of {count(found['n'])} samples"
        else:
            good, ideal = _percent(found["high_quality"]), _percent(found["high_quality_ideal"])
            more = f"; of high quality {good}, ideal {ideal}"
        yield (
            f"modes          {ranged(found['captured'])}; KL {ranged(found['kl'])}, floor {ranged(found['kl_floor'])}"
            f"{more}"
        )
    if "divergences" in result:
        found = result["divergences"]
        yield (
            f"in nats        KL {ranged(found['kl'])}, floor {ranged(found['kl_floor'])}; "
            f"JS {ranged(found['js'])}, floor {ranged(found['js_floor'])}"
        )
    if "log_density" in result:
        found = result["log_density"]
        yield f"log density    {ranged(found['fake'])}, of the reals {ranged(found['real'])}"
    if "copies" in result:
        found = result["copies"]
        yield (
            f"copies         authentic {ranged(found['authpct'])} %, of the reals {ranged(found['authpct_real'])} %; "
            f"C_T {ranged(found['ct_z'])} (below −3: copying)"
        )
    pixels = [name for name in ("diversity", "sharpness", "contrast") if name in result]
    if pixels:
        yield f"pictures       {', '.join(f'{name} {ranged(result[name])}' for name in pixels)} of the reals'"


def _ideal(result: dict[str, Any], maps: Sequence[str]) -> str:
    return f"{ranged(result[maps[0]]['coverage_ideal'])} is ideal"


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    for first, *cells, last in rows:
        middle = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:-1]))
        yield f"{first:<{widths[0]}}  {middle}  {last}".rstrip()


def _percent(value: Any) -> str:
    return percent(float(median_of(value)))
