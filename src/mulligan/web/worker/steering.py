"""Work between two training steps: read commands, wait while paused, draw samples.

`train` calls `stop` before every step, and `Steering` is that callable. The run's arithmetic does not change: samples
come from the fixed z of its grid. The time spent here is subtracted from the run's clocks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mulligan.training.loop import Stop
from mulligan.web.worker.live import Live

if TYPE_CHECKING:
    from mulligan.web.worker.worker import Worker

POLL = 0.02
"""Seconds between two checks of the pipe. A command waits at most this long, plus a step."""
OFTEN, SELDOM = 0.3, 0.9
"""Shortest and longest interval between two grids, in seconds. It is longer if drawing a grid is very slow."""
SHARE, MOST = 0.01, 0.2
"""Share of the time that drawing grids may take: usually, and at most."""


class Steering:
    """Pass this to `train` as `stop`: it obeys commands and draws samples between steps.

    After `turn` seconds of training, and at least a step, the loop lets other tasks of its thread run. `left` counts
    the steps until the next pause; None for no pause. `stopping` ends the run before the next step.
    """

    def __init__(self, worker: Worker, live: Live, *, paused: bool, turn: float):
        self.worker, self.live = worker, live
        self.paused, self.turn = paused, turn
        self.left: int | None = None
        self._stands = "paused"
        self.stopping = False
        self._poll = self._grid = self._began = 0.0
        self._first = live.run.step  # of this turn
        self._interval = OFTEN
        self._mark: tuple[int, float] = (live.run.step, 0.0)  # step and time of the last pace message
        self._spent = 0.0  # seconds spent in this class since then

    def __call__(self) -> Stop:
        """Return whether to stop or to wait. Most calls return at once."""
        now = time.perf_counter()
        if now > self._began + self.turn and self.live.run.step > self._first:
            return self.stopping or "wait"
        if now < self._poll and not self.paused and self.left is None:
            return self.stopping
        run, cpu = self.live.run, time.process_time()
        self._work(now)
        took = time.perf_counter() - now
        self._spent += took
        run.wall -= took
        run.cpu -= time.process_time() - cpu
        return self.stopping or ("wait" if self.paused else False)

    def pause(self, state: str = "paused") -> None:
        """Wait before the next step, and report `state` to the server then."""
        self.paused, self.left, self._stands = True, None, state

    def go(self, steps: int | None = None) -> None:
        self.paused, self.left = False, steps
        if steps is None:
            self.worker.tell("state", {"state": "training", "step": self.live.run.step})
        self._mark, self._spent = (self.live.run.step, time.perf_counter()), 0.0

    def _work(self, now: float) -> None:
        if now >= self._poll:
            while not self.stopping and self.worker.channel.waiting():
                self.worker.obey(self)
            self._poll = time.perf_counter() + POLL
        if self.left is not None:
            if self.left <= 0:
                self.pause()
            else:
                self.left -= 1
        if not self.paused and now >= self._grid and not self.stopping:
            self._show(now)

    def wait(self) -> Iterator[bool]:
        """While paused, wait for a command to continue or stop. Yields as `Worker.turns` does."""
        if self.paused:
            self.live.run.gan.settle()
            self.worker.show_samples(self.live)
            self.worker.tell("state", {"state": self._stands, "step": self.live.run.step})
            while self.paused and not self.stopping:
                yield True
                self.worker.obey(self)
            self._grid = 0.0
        else:
            yield False
        self._began, self._first = time.perf_counter(), self.live.run.step

    def _show(self, now: float) -> None:
        step, then = self._mark
        spent = now - then - self._spent
        if then and spent > 0 and self.live.run.step > step:
            self.worker.tell("pace", {"step": self.live.run.step, "rate": (self.live.run.step - step) / spent})
        self._mark, self._spent = (self.live.run.step, now), 0.0
        if self.worker.watched:
            self.worker.show_samples(self.live)
            cost = time.perf_counter() - now
            self._interval = max(OFTEN, min(SELDOM, cost / SHARE), cost / MOST)
        self._grid = time.perf_counter() + self._interval
