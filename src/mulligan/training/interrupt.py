"""Ctrl-C: the first asks the run to stop at the end of the step, the second does not wait."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from mulligan.nn.workers.processes import ENDING_SIGNALS

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_HANGUP = getattr(signal, "SIGHUP", None)


def endings() -> list[int]:
    """List the signals that end this process's run: without a terminal that closes where that is ignored (`nohup`)."""
    return [number for number in ENDING_SIGNALS if number != _HANGUP or signal.getsignal(number) is not signal.SIG_IGN]


class Interrupt:
    """A flag that SIGINT (Ctrl-C), SIGTERM or SIGHUP raises; use as a context manager, and call to ask.

    The handlers stand only inside the ``with`` block, and only in the main thread, where Python allows them. After the
    first signal the system's own handling is back: the next one ends the process, and what was saved stays whole. But
    a terminal that closes says so more than once (SIGHUP); and what `nohup` has started does not end with it.

    Attributes
    ----------
    received : int or None
        Number of the signal.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Tell whether a signal has come."""
        return self.received is not None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in endings()}
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        for each in self._before:
            signal.signal(each, signal.SIG_IGN if each == _HANGUP else signal.SIG_DFL)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


class BetweenSteps(KeyboardInterrupt):
    """Ctrl-C that has waited: all steps are whole. It says what became of the run."""


class Held:
    """Lets Ctrl-C wait for the end of a step, in programs and notebooks that have no handler of their own for it.

    Use as a context manager, and call to ask whether it has come; whoever asks raises `BetweenSteps`. Half a step would
    leave one player ahead of the other, and gradients that the next step would add to its own.
    """

    def __init__(self) -> None:
        self._asked = self._holds = False

    def __call__(self) -> bool:
        """Tell whether it has come."""
        return self._asked

    def __enter__(self) -> Held:
        here = threading.current_thread() is threading.main_thread()
        self._holds = here and not self._asked and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._holds:
            signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holds:
            signal.signal(signal.SIGINT, signal.default_int_handler)
