"""Draw axes, lines and words as SVG, for the charts of reports and studies.

Coordinates are pixels, and y points down. The page's style sheet sets colours and fonts by class: `rule` is a line
across the chart, `tick` small words; `mid` words are centred at their place, `end` words end there.
"""

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mulligan.output.figures import count

LETTER = 6.6
"""Approximate width of a letter of the ticks."""
_LEAST = 1e-300  # drawn for 0 on a logarithmic scale


def escape(words: str) -> str:
    """Escape words for markup. What XML cannot hold, such as a name's control characters, becomes a question mark."""
    return html.escape(re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "?", words))


def element(tag: str, inside: str = "", **attributes: object) -> str:
    """Return an SVG element around markup. Attributes are escaped: `cls` is ``class``, None is left out."""
    said = (
        f' {"class" if name == "cls" else name.replace("_", "-")}="{escape(_plain(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{''.join(said)}>{inside}</{tag}>" if inside or tag == "text" else f"<{tag}{''.join(said)}/>"


def _plain(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def text(x: float, y: float, words: str, cls: str = "tick", **more: object) -> str:
    """Write words at a place."""
    return element("text", escape(words), cls=cls, x=x, y=y, **more)


@dataclass(frozen=True)
class Scale:
    """Maps values from `low` to `high` to pixels from `start` to `end`; ticks have the distance `step`, if not 0."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    step: float = 0.0

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high, at = (math.log10(max(v, _LEAST)) if self.log else v for v in (self.low, self.high, value))
        return self.start + (self.end - self.start) * (at - low) / ((high - low) or 1.0)

    def ticks(self) -> list[float]:
        """Return round values from end to end."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**power for power in range(first, last + 1, max(1, math.ceil((last - first) / 5)))]
        step = self.step or nice_step(self.high - self.low)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]


def rounded(low: float, high: float, start: float, end: float, *, log: bool = False) -> Scale:
    """Return a scale that starts and ends at a tick, and at 0 if its values nearly reach 0."""
    if log:
        first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
        return Scale(10.0**first, 10.0 ** max(last, first + 1), start, end, log=True)
    if 0 < low < 0.4 * high:
        low = 0.0
    step = nice_step((high - low) or abs(high) or 1.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Scale(first * step, max(last, first + 1) * step, start, end, step=step)


def nice_step(span: float, parts: int = 4) -> float:
    """Return 1, 2 or 5 × 10ⁿ: the smallest step that divides a span into at most `parts` parts."""
    raw = span / parts
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    return next(m * power for m in (1, 2, 5, 10, 20) if m * power >= raw * (1 - 1e-9))


def left_axis(y: Scale, left: float, right: float) -> str:
    """Draw a rule from `left` to `right` at every tick, with its value on the left."""
    rules = ((t, element("line", cls="rule", x1=left, x2=right, y1=y(t), y2=y(t))) for t in y.ticks())
    return "".join(rule + text(left - 6, y(t) + 4, short(t), "tick end") for t, rule in rules)


def bottom_axis(x: Scale, y: int, right: float, *, unit: str = "", rules: tuple[float, float] | None = None) -> str:
    """Write all ticks that fit below a chart, up to `right`, the last one with its unit; draw `rules` between two y."""
    ticks, parts = x.ticks(), []
    if rules is not None:
        parts += [element("line", cls="rule", x1=x(t), x2=x(t), y1=rules[0], y2=rules[1]) for t in ticks]
    words = _written(ticks)
    last = f"{words[-1]} {unit}".strip()
    stop = min(x(ticks[-1]) + LETTER * len(last) / 2, right)
    parts.append(text(stop, y, last, "tick end"))
    free = stop - LETTER * (len(last) + 1)
    for t, each in zip(ticks[:-1], words):
        if x(t) + LETTER * len(each) / 2 < free:
            parts.append(text(x(t), y, each, "tick mid" if t else "tick"))
    return "".join(parts)


def _written(ticks: Sequence[float]) -> list[str]:
    whole = all(float(t).is_integer() and abs(t) < 1e9 for t in ticks)
    return [count(round(t)) if whole else short(t) for t in ticks]


def short(value: float) -> str:
    """Write a value in the width of a margin: 0.25, −1,500, −20k, 1.5M, 2e−5."""
    size = abs(value)
    if 1e4 <= size < 1e9:
        words = f"{value / 1e6:.10g}M" if size >= 1e6 else f"{value / 1e3:.10g}k"
    elif size and (size < 0.01 or size >= 1e9):
        mantissa, power = f"{value:.2e}".split("e")
        words = f"{float(mantissa):g}e{int(power)}"
    else:
        words = f"{value:,.10g}"
    return words.replace("-", "−")
