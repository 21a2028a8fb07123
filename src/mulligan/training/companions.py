"""Interfaces of what a run calls while it trains: evaluators measure it, observers watch its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from mulligan.training.events import Event

if TYPE_CHECKING:
    from mulligan.training.run import Run


class Evaluator(Protocol):
    """Measures the generator during a run. It must not change the run, and takes random numbers from `Run.draw`."""

    def __call__(self, run: Run) -> Mapping[str, Any]:
        """Return metrics, ready for JSON."""


class Observer(Protocol):
    """Receives every event, and may answer with its own events, for instance a diagnosis."""

    @property
    def name(self) -> str:
        """The key of its state in a checkpoint."""

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Return the events that answer this one. It must not change the run."""

    def state(self) -> dict[str, Any]:
        """Return the observer's state, ready for JSON. Checkpoints keep it."""

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
