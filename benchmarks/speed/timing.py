"""Time blocks of steps, in turns, and sum the turns up."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from sides import Side

CHUNK = 0.02
"""Seconds between two readings of the clock, so that an asynchronous library can work ahead of its caller."""
WIDE_BLOCK, WIDE_ROUNDS = 0.3, 0.15
"""Spreads, relative to the median, above which a side is marked: inside its blocks, and between its rounds."""

Block: TypeAlias = dict[str, Any]
"""``ms``, the median of the chunks' milliseconds a step; ``low``, ``high``, their 10 and 90 % quantiles; ``steps``."""


def time_block(side: Side, seconds: float, clock: Callable[[], float] = time.perf_counter) -> Block:
    """Rewind, warm up for a tenth of the time, then time chunks of steps by `clock`."""
    side.rewind()
    begin, warm = clock(), 0
    while clock() - begin < max(0.1 * seconds, CHUNK) or warm < 2:
        side.step()
        side.wait()
        warm += 1
    chunk = max(1, round(CHUNK * warm / (clock() - begin)))
    times: list[float] = []
    begin = clock()
    while clock() - begin < seconds or len(times) < 3:
        start = clock()
        for _ in range(chunk):
            side.step()
        side.wait()
        times.append(1000 * (clock() - start) / chunk)
    low, middle, high = (float(q) for q in np.quantile(times, [0.1, 0.5, 0.9]))
    return {"ms": middle, "low": low, "high": high, "steps": len(times) * chunk}


def take_turns(sides: Mapping[str, Callable[[], Block]], rounds: int, pause: float) -> dict[str, list[Block]]:
    """Let the sides time a block each, `rounds` times, with a rest before each block."""
    order = list(sides)
    taken: dict[str, list[Block]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side in order:
            time.sleep(pause)
            taken[side].append(sides[side]())
        order = order[1:] + order[:1]  # so that no side always follows the same one
    return taken


def summary(taken: Mapping[str, list[Block]]) -> dict[str, dict[str, Any]]:
    """Return each side's median time, and its ratio to ours, which is formed inside one round."""
    ours, results = [block["ms"] for block in taken["mulligan"]], {}
    for side, blocks in taken.items():
        theirs = [block["ms"] for block in blocks]
        ratios = [b / a for a, b in zip(ours, theirs)]
        ms = statistics.median(theirs)
        results[side] = {
            "rounds": blocks,
            "ms": ms,
            "steps_per_second": 1000 / ms,
            "ratio": {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)},
            "wide": is_wide(blocks, ratios),
        }
    return results


def is_wide(blocks: list[Block], ratios: list[float]) -> bool:
    """Tell whether a side's timings spread too far to be trusted."""
    inside = statistics.median((b["high"] - b["low"]) / b["ms"] for b in blocks)
    spreads = [(max(v) - min(v)) / statistics.median(v) for v in ([b["ms"] for b in blocks], ratios)]
    return bool(inside > WIDE_BLOCK or max(spreads) > WIDE_ROUNDS)
