"""An evaluation as words: floors beside the figures, one line for a glance, the table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mulligan.metrics.merging import median_of
from mulligan.output.figures import count, figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAPS = {"judge": "judge", "pca64": "PCA-64", "randconv": "random conv", "points": "coordinates"}
"""Feature maps by their key in metrics.json, in the order of the columns."""
FEW = 500
"""Samples below which the floor, by the covariance of as many reals, is too low by a tenth and more."""


def glance(metrics: dict[str, Any]) -> str:
    """Say in a line what an evaluator found during training."""
    words = []
    if "kid" in metrics:
        words.append(f"KID {figure(metrics['kid'])}")
    if "modes" in metrics:
        effective = f" ({figure(metrics['effective_modes'])} effective)" if "effective_modes" in metrics else ""
        what = ("class" if metrics["modes"] == 1 else "classes") if effective else "modes"
        words.append(f"{metrics['modes']} {what}{effective}")
    for key, name in (("high_quality", "of high quality"), ("junk", "junk"), ("label_accuracy", "as asked")):
        if key in metrics:
            words.append(f"{_percent(metrics[key])} {name}")
    known = {"kid", "modes", "effective_modes", "high_quality", "junk", "label_accuracy"}
    others = {k: v for k, v in metrics.items() if k not in known and isinstance(v, (int, float))}
    return " · ".join([*words, *(f"{name} {figure(value)}" for name, value in others.items())])


def table(metrics: dict[str, Any]) -> list[str]:
    """Write an evaluation as lines: the averaged weights, then the raw ones where they were scored."""
    n, seeds = metrics["n"], metrics["seeds"]
    reals = "held-out ones" if metrics.get("held_out", True) else "as many that the generator has seen"
    draws = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}: median (range)"
    lines = [f"{metrics['data']}: {count(n)} samples against {count(metrics['n_real'])} {reals}; {draws}"]
    for name, part in (("averaged weights", metrics), ("raw weights", metrics.get("raw"))):
        if part is not None:
            lines += ["", *([name] if "raw" in metrics else []), *_one(part)]
    lines.append("")
    for key in MAPS:
        if "sha256" in metrics.get(key, {}):
            right = f", right on {_percent(metrics[key]['accuracy'])}" if "accuracy" in metrics[key] else ""
            lines.append(f"{MAPS[key]}: SHA-256 {metrics[key]['sha256']}{right}")
    return lines


def _one(result: dict[str, Any]) -> Iterator[str]:
    maps = [key for key in MAPS if key in result]
    perfect = f"what perfect samples show{' at least: they are few' if result['n'] < FEW else ''}"
    rows = [
        ["", *(MAPS[key] for key in maps), ""],
        ["FD, % of variance", *(_value(result[key]["fd"]) for key in maps), ""],
        ["  its floor", *(_value(result[key]["fd_floor"]) for key in maps), perfect],
        ["FD∞, %", *(_value(result[key].get("fd_infinity")) for key in maps), "extrapolated; 0 is right"],
        ["KID", *(_value(result[key]["kid"]) for key in maps), "0 is right"],
        ["precision", *(_value(result[key]["precision"]) for key in maps), ""],
        ["recall", *(_value(result[key]["recall"]) for key in maps), ""],
        ["density", *(_value(result[key]["density"]) for key in maps), "1 is right"],
        ["coverage", *(_value(result[key]["coverage"]) for key in maps), _ideal(result, maps)],
        ["real or fake?", *(_value(result[key].get("c2st")) for key in maps), "of a fresh classifier; 0.5 is right"],
    ]
    yield from _aligned([row for row in rows if any(cell not in ("", "–") for cell in row[1:-1])])
    if "classes" in result:
        found = result["classes"]
        total = len(found["histogram"])
        yield (
            f"classes        {_value(found['modes'])} of {total}, {_value(found['effective_modes'])} effective; "
            f"KL {_value(found['kl'])}, floor {_value(found['kl_floor'])}; junk {_percent(found['junk'])}"
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
            f"modes          {_value(found['captured'])}; KL {_value(found['kl'])}, floor {_value(found['kl_floor'])}"
            f"{more}"
        )
    if "divergences" in result:
        found = result["divergences"]
        yield (
            f"in nats        KL {_value(found['kl'])}, floor {_value(found['kl_floor'])}; "
            f"JS {_value(found['js'])}, floor {_value(found['js_floor'])}"
        )
    if "log_density" in result:
        found = result["log_density"]
        yield f"log density    {_value(found['fake'])}, of the reals {_value(found['real'])}"
    if "copies" in result:
        found = result["copies"]
        yield (
            f"copies         authentic {_value(found['authpct'])} %, of the reals {_value(found['authpct_real'])} %; "
            f"C_T {_value(found['ct_z'])} (below −3: copying)"
        )
    pixels = [name for name in ("diversity", "sharpness", "contrast") if name in result]
    if pixels:
        yield f"pictures       {', '.join(f'{name} {_value(result[name])}' for name in pixels)} of the reals'"


def _ideal(result: dict[str, Any], maps: Sequence[str]) -> str:
    return f"{_value(result[maps[0]]['coverage_ideal'])} is ideal"


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    for first, *cells, last in rows:
        middle = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:-1]))
        yield f"{first:<{widths[0]}}  {middle}  {last}".rstrip()


def _value(value: Any) -> str:
    """Write a figure, with its range where several draws differ."""
    if isinstance(value, int):
        return count(value)
    if not isinstance(value, dict):
        return figure(value)
    median, low, high = (_value(value[key]) for key in ("median", "min", "max"))
    return median if low == high else f"{median} ({low}…{high})"


def _percent(value: Any) -> str:
    return f"{figure(100 * float(median_of(value)))} %"
