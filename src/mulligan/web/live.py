"""The live run: what the worker trains, steers and is asked about."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mulligan.training import Diagnosis, Run


@dataclass(eq=False)
class Live:
    """The run that the worker has in its hands.

    Attributes
    ----------
    run : Run
    folder : Path
    number : int
        Of the try.
    turn : int
        The server's own number for this time that a run is in hand; every message is marked with it.
    diagnosis : Diagnosis
    worker_state : str
    path : deque
        Where the points of the first fixed z have been.
    """

    run: Run
    folder: Path
    number: int
    turn: int
    diagnosis: Diagnosis
    worker_state: str = "loading"
    path: deque[Any] = field(default_factory=lambda: deque(maxlen=50))
