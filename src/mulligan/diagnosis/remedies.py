"""What to try, in words and as lines of torch: one table for watched loops and for Mulligan's own runs."""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class Remedy(NamedTuple):
    """What to change: in words, and for torch as lines before and after."""

    words: str
    before: str = ""
    after: str = ""
    states: Sequence[str] = ()
    figures: Sequence[str] = ()  # evidence that speaks for this remedy, which is told only with it
    losses: Sequence[str] = ()  # D's losses for which the lines are meant; any, if empty
    key: str = ""  # the name by which `mulligan.training.remedies` finds it

    def write(self, framework: str) -> str:
        """Write the remedy for a framework."""
        if not self.after or framework != "PyTorch":
            return self.words
        before = "".join(f"\n    - {line}" for line in self.before.splitlines())
        return self.words + before + "".join(f"\n    + {line}" for line in self.after.splitlines())


REMEDIES = [
    Remedy(**each) for each in tomllib.loads(Path(__file__).with_name("remedies.toml").read_text("utf-8"))["remedy"]
]
"""Every remedy of a failure, or of a mistake in a loop, the more promising first."""
WORDS = {remedy.key: remedy.words for remedy in REMEDIES if remedy.key}
"""The words of those that are also changes of a setting."""


def remedies_for(state: str, evidence: Iterable[str] = ()) -> list[Remedy]:
    """Return what to try: what this evidence speaks for, then what helps in general."""
    known = [remedy for remedy in REMEDIES if state in remedy.states]
    return [r for r in known if {*r.figures} & {*evidence}] + [r for r in known if not r.figures]
