"""The path of the tracked z's samples, and how far it got."""

import math
from typing import Any, NamedTuple


class Gone(NamedTuple):
    """Path length and net distance of a coordinate of the tracked z, in ranges of the data: root mean squares."""

    length: float
    net: float


class Path:
    """Sums the path of the tracked z's samples, and compares it with the distance that they have covered."""

    def __init__(self) -> None:
        self._last: list[float] = []
        self._length = 0.0
        self._anchors: list[tuple[int, float, list[float]]] = []

    def go(self, point: list[float], since: int) -> None:
        """Add a point. `since` is the step of the point before it; the first point is the beginning."""
        if self._last:
            self._length += math.dist(self._last, point)
        else:
            self._anchors = [(since, 0.0, point)]
        self._last = point

    def gone(self, step: int, over: int) -> Gone | None:
        """Return path and distance over the last `over` steps, and store this step; None before step `over`."""
        old = [anchor for anchor in self._anchors if anchor[0] <= step - over]
        self._anchors = [*old[-1:], *(a for a in self._anchors if a[0] > step - over), (step, self._length, self._last)]
        if not old:
            return None
        net = math.dist(old[-1][2], self._last)
        return Gone((self._length - old[-1][1]) / self._ranges, net / self._ranges)

    @property
    def travelled(self) -> float:
        """Path length since the beginning."""
        return self._length / self._ranges

    @property
    def _ranges(self) -> float:
        return 2.0 * math.sqrt(len(self._last))  # the points are in half ranges

    def state(self) -> dict[str, Any]:
        """Return the path, ready for JSON."""
        return {"last": self._last, "length": self._length, "anchors": [list(a) for a in self._anchors]}

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `state` returned."""
        self._last, self._length = list(state["last"]), state["length"]
        self._anchors = [(step, length, list(point)) for step, length, point in state["anchors"]]
