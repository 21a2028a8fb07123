"""What goes along with a run, and never changes it: evaluators, which measure it, and observers, which watch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mulligan.errors import ConfigError, must_be

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mulligan.training.events import Event
    from mulligan.training.run import Run


class Evaluator(Protocol):
    """Measures the generator; must not change the run (its own chance comes from `Run.draw`)."""

    def __call__(self, run: Run) -> Mapping[str, Any]:
        """Return metrics, ready for JSON."""


@runtime_checkable
class Observer(Protocol):
    """Sees every event and may answer with events of its own, a diagnosis for instance."""

    @property
    def name(self) -> str:
        """The key of its state in a checkpoint."""

    def observe(self, run: Run, event: Event) -> Iterable[Event]:
        """Return the events that follow from this one; must not change the run."""

    def state(self) -> dict[str, Any]:
        """Return what it remembers, ready for JSON."""

    def restore(self, state: dict[str, Any]) -> None:
        """Remember what `state` returned."""


def check_observers(observers: object) -> None:
    """Refuse what cannot see events."""
    if not isinstance(observers, Sequence) or not all(isinstance(observer, Observer) for observer in observers):
        rule = "a list of objects with name, observe, state and restore"
        raise ConfigError(must_be("observers", rule, observers, "observers=[mulligan.training.Diagnosis()]"))
