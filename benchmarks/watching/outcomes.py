"""What the watch said of each run, how often that was right, and the guide that shows some of the runs.

This file needs no torch, so that docs and tests can read what was measured.
"""

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, fill
from typing import Any

from cases import BROKEN, HEALTHY, LOOKALIKES, SOUND
from faults import Case
from questions import QUESTIONS

from mulligan.diagnosis import remedies_for
from mulligan.diagnosis.figures import figure_of
from mulligan.output.figures import figure
from mulligan.watch.faults import LOOP_FAULTS
from mulligan.watch.watch import meaning

DOCS = Path(__file__).parents[2] / "docs"
RESULTS, GUIDE = DOCS / "benchmarks" / "watching.jsonl", DOCS / "guides" / "my-gan-fails.md"
KEPT = ("gap", "distance", "coverage", "d_accuracy", "d_loss")
"""The figures of each measurement that the results keep."""


@dataclass(frozen=True)
class Outcome:
    """What the watch said of a run, with every measurement, as a line of JSON keeps it."""

    gan: str
    way: str
    seed: int
    named: str
    step: int
    steps: int
    seconds: float
    form: str
    error: str
    evidence: dict[str, Any]
    findings: list[tuple[int, str]]
    facts: dict[str, Any]
    measured: list[tuple[int, dict[str, float]]]
    losses: str = ""
    """What the curves of both losses alone say at this step; empty if they were not kept."""
    remedy: str = ""
    """What was mended before the run: the beginning of the remedy's words."""

    @property
    def case(self) -> Case:
        return next(c for c in (*SOUND, *LOOKALIKES, *BROKEN) if (c.gan, c.way) == (self.gan, self.way))

    @property
    def exact(self) -> bool:
        return self.named == self.case.expected

    @property
    def right(self) -> bool:
        return self.exact or self.named in self.case.neighbours


Outcomes = dict[tuple[str, str, int], Outcome]


def kept(path: Path, first: bool = False) -> Outcomes:
    """Return the outcomes in a file; the last or the first one counts for a run that was played again."""
    return {(o.gan, o.way, o.seed): o for o in lines(path)[:: -1 if first else 1] if not o.remedy}


def kept_cures(path: Path) -> dict[tuple[str, str, int, str], Outcome]:
    """Return the outcomes of mended runs in a file."""
    return {(o.gan, o.way, o.seed, o.remedy): o for o in lines(path) if o.remedy}


def lines(path: Path) -> list[Outcome]:
    """Return every outcome in a file, in the order in which they were played."""
    return [Outcome(**json.loads(line)) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


HEAD_OF_LINES = "| GAN | way | seed | expected | named | step | because |\n" + "|---" * 7 + "|"


def line(o: Outcome) -> str:
    """Tell an outcome in a row of a table."""
    said = ", ".join(f"{k} {e['value']:.3g} {e['operator']} {e['threshold']:.3g}" for k, e in o.evidence.items())
    mark = "" if o.right else " **✗**"
    beside = f" (or {', '.join(o.case.neighbours)})" if o.case.neighbours else ""
    return f"| {o.gan} | {o.way} | {o.seed} | {o.case.expected}{beside} | {o.named}{mark} | {o.step or '–'} | {said} |"


HEADS = (
    "broken",
    "named exactly",
    "exactly or by a neighbour",
    "wrongly",
    "not at all",
    "healthy",
    "accused",
    "look broken",
    "accused",
    "steps to the name",
    "at most",
    "CPU seconds to the name",
)


def counts(some: dict[str, list[Outcome]]) -> str:
    """Count names and false alarms in groups of runs, and the median of what a right name took."""
    rows = []
    for group, outcomes in some.items():
        broken, alike = ([o for o in outcomes if o.case in cases] for cases in (BROKEN, LOOKALIKES))
        sound = [o for o in outcomes if o.case in SOUND]
        exact, right, silent = (sum(v) for v in zip(*((o.exact, o.right, o.named == HEALTHY) for o in broken)))
        named = [o for o in broken if o.right]
        steps = [o.step - (100 if o.case.expected == "eval left on" else 0) for o in named]
        exactly, rightly = (f"{n} ({n / len(broken):.1%})".replace("%", " %") for n in (exact, right))
        numbers = (len(broken), exactly, rightly, len(broken) - right - silent, silent, len(sound))
        numbers += (sum(not o.exact for o in sound), len(alike), sum(not o.exact for o in alike))
        numbers += (f"{statistics.median(steps):.0f}", max(steps), f"{statistics.median(o.seconds for o in named):.1f}")
        rows.append([group, *map(str, numbers)])
    return table("", *HEADS, rows=rows)


def table(*heads: str, rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows))


# ── the guide ─────────────────────────────────────────────────────────────────────────────────────────────────────────

HEAD = """# My GAN fails

```{index} ! my GAN fails, ! mode collapse, ! loss of 0
```

Twenty questions that people ask in public trackers, most of them without an answer there. Each has an answer here, and
a small PyTorch GAN in which `mulligan.Watch` was asked: what was changed, and what it said. Put
[three lines](watch.md) into your own loop to ask it about yours.

`gan`, `wgan`, `wgan_gp` and `cgan` are PyTorch-GAN's dense nets on digits, `dcgan` and `infogan` its convolutional
ones. `tutorial` is the DCGAN of PyTorch's tutorial at 16×16. `sngan` has the hinge loss and spectral norm, `r3gan` a
relativistic loss (`benchmarks/watching/gans`). Where the watch named something else than we had written down before,
the page says so. A name stands after two measurements, 200 steps apart, that agree. [How often the name was
right](../benchmarks/watching.md) is on a page of its own. This page is made by `python benchmarks/watching --write`.
"""


def guide(outcomes: dict[tuple[str, str, int], Outcome]) -> str:
    """docs/guides/my-gan-fails.md."""
    parts = [HEAD]
    for number, question in enumerate(QUESTIONS, 1):
        repository, issue = question.thread.split(" #")
        address = f"https://github.com/{repository}/issues/{issue}"
        asked = f"## {number}. {question.asked}\n\nAsked in [{question.thread}]({address})."
        parts += [asked, fill(question.answer, 119)]
        outcome = outcomes.get((question.gan, question.way, 0))
        if outcome is not None:
            parts.append(_shown(outcome))
    parts.append("## Mistakes of a loop, one by one\n\nEach was planted in a GAN that trains well without it.")
    exact = {o.named: o for o in reversed(outcomes.values()) if o.exact}
    for fault in (*LOOP_FAULTS, "wrong sign", "standstill", "copying"):
        if fault in exact:
            parts += [f"### {fault[0].upper()}{fault[1:]}", meaning(fault), _shown(exact[fault])]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _shown(o: Outcome) -> str:
    """Show what was changed in a GAN, and what the watch said."""
    case = o.case
    changed = "\n".join(line for edit in case.edits for line in _difference(*edit))
    text = f"Measured: `{o.gan}`, {o.way}."
    if changed:
        text += f"\n\n```diff\n{changed}\n```"
    if not o.exact:
        text += f"\n\nExpected was: {case.expected}."
    return f"{text}\n\n```text\n{said(o)}\n```"


def _difference(old: str, new: str) -> list[str]:
    before, after = (dedent(side.strip("\n")).splitlines() for side in (old, new))
    return [
        *(f"- {line}" for line in before if line not in after),
        *(f"{' ' if line in before else '+'} {line}" for line in after),
    ]


def said(o: Outcome) -> str:
    """Write what the watch said in its own words."""
    if o.named == HEALTHY:
        (_, first), (step, last) = o.measured[0], o.measured[-1]
        words = {"gap": figure_of("gap").meaning, "d_loss": "D's loss"}
        spans = ((words[name], first.get(name), last.get(name)) for name in words)
        moved = (f"  {figure(a)} → {figure(b)}  {meant}" for meant, a, b in spans if a is not None and b is not None)
        return "\n".join([f"healthy at step {step}", *moved])
    lines = [f"since step {o.step}: {o.named}. {meaning(o.named)}"]
    for name, e in o.evidence.items():
        lines.append(f"  {figure(e['value'])} {e['operator']} {figure(e['threshold'])}  {figure_of(name).meaning}")
    return "\n".join([*lines, f"  try: {remedies_for(o.named, o.evidence)[0].write('PyTorch')}"])
