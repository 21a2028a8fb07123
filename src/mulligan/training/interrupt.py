"""Handle Ctrl-C: the first one stops the run at the end of a step, the second one at once."""

import signal
import threading
import time
from collections.abc import Iterable
from types import FrameType
from typing import Any, Self

from mulligan.nn.workers.processes import ENDING_SIGNALS

_HANGUP = getattr(signal, "SIGHUP", None)
TOGETHER = 0.1  # signals within this number of seconds count as one


def endings() -> list[int]:
    """Return the signals that end a run in this process. SIGHUP is left out if the process ignores it (`nohup`)."""
    return [number for number in ENDING_SIGNALS if number != _HANGUP or signal.getsignal(number) is not signal.SIG_IGN]


class Interrupt:
    """Turns SIGINT (Ctrl-C), SIGTERM and SIGHUP into a flag. Use it as a context manager, and call it to read the flag.

    The handlers are set only inside the ``with`` block, and only in the main thread, where Python allows it. The second
    signal does what it would have done without. Signals that come together, as from a supervisor, count as one. So do
    several SIGHUPs, which a closing terminal sends. `received` is the number of the signal.
    """

    def __init__(self, numbers: Iterable[int] | None = None) -> None:
        self.received: int | None = None
        self._numbers = numbers
        self._when = 0.0
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Tell whether a signal has come."""
        return self.received is not None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            numbers = endings() if self._numbers is None else self._numbers
            self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        # the handler goes only at the second signal: Python would report a pending signal that has lost its own
        if self.received is None:
            self.received, self._when = number, time.monotonic()
        elif number != _HANGUP and time.monotonic() - self._when > TOGETHER:
            signal.signal(number, self._before[number])
            signal.raise_signal(number)

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


class BetweenSteps(KeyboardInterrupt):
    """Ctrl-C, raised at the end of a step, when the run is consistent. The message says where the run is saved."""
