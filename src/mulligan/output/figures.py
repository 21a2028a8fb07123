"""Write numbers as people read them: three significant digits, thousands separators, a true minus, times in words."""

import math
from collections.abc import Iterable, Sequence
from typing import Any


def count(n: int) -> str:
    """Write a count: 12,400."""
    return f"{n:,}".replace("-", "−")


def phrase(n: int, what: str, several: str = "") -> str:
    """Write a count with its noun: 1 sample, 12,400 samples; with `several` for an irregular plural: 10 classes."""
    return f"{count(n)} {what if n == 1 else several or f'{what}s'}"


def figure(x: float | None) -> str:
    """Write a measure with three significant digits: 2.83, 87.1, 312, 0.0131; below 0.01 as 3.1e−4, from 10⁷ as 1.9e27.

    Unknown (None) is –, not 0; NaN is NaN.
    """
    if x is None:
        return "–"
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else "−∞"
    size = abs(x)
    if x == 0:
        text = "0"
    elif size < 0.01 or size >= 1e7:
        digits, power = f"{x:.1e}".split("e")
        text = f"{digits}e{int(power)}"
    elif size >= 999.5:
        text = f"{x:,.0f}"
    else:
        exponent = int(f"{size:.2e}".partition("e")[2])
        text = f"{x:.{max(0, 2 - exponent)}f}"
    return text.replace("-", "−")


def percent(share: float | None) -> str:
    """Write a share as a percentage, as `figure` writes it; unknown (None) is –."""
    return "–" if share is None else f"{figure(100 * share)} %"


def write_out(x: Any, *, share: bool = False) -> str:
    """Write a value of ``metrics.json``: a count, a measure or share, or the median of several with their range."""
    if isinstance(x, dict):
        median, low, high = (write_out(x.get(key), share=share) for key in ("median", "min", "max"))
        return median if low == high else f"{median} ({low}…{high})"
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        return "–"
    return percent(x) if share else count(x) if isinstance(x, int) else figure(x)


def duration(seconds: float) -> str:
    """Write a time: 37 s, 2 min 59 s, 1 h 04 min; below ten seconds with one decimal."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def align(rows: Iterable[Sequence[str]]) -> list[str]:
    """Write rows of cells as lines with columns; the last one may be of any length."""
    rows = [*rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]
