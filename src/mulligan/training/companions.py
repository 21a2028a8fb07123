"""What a run calls while it trains: evaluators, which measure it, and observers, which watch its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mulligan.errors import ConfigError, must_be
from mulligan.training.events import Event

if TYPE_CHECKING:
    from mulligan.training.run import Run


class Evaluator(Protocol):
    """Measures the generator. It must not change the run; random numbers come from `Run.draw`."""

    def __call__(self, run: Run) -> Mapping[str, Any]:
        """Return metrics, ready for JSON."""


@runtime_checkable
class Observer(Protocol):
    """Sees every event, and may answer with its own events, for instance a diagnosis."""

    @property
    def name(self) -> str:
        """The key of its state in a checkpoint."""

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Return the events that follow from this one. It must not change the run."""

    def state(self) -> dict[str, Any]:
        """Return its state, ready for JSON: a checkpoint keeps it."""

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""


def check_observers(observers: object) -> None:
    """Raise a ConfigError unless all are observers."""
    if not isinstance(observers, Sequence) or not all(isinstance(observer, Observer) for observer in observers):
        rule = "a list of objects with name, observe, state and restore"
        raise ConfigError(must_be("observers", rule, observers, "observers=[mulligan.training.Diagnosis()]"))
