"""The breaking bench: runs broken on purpose, and healthy ones, before the diagnosis.

    python benchmarks/breaking.py                    all cases; prints the confusion matrix and when each was named
    python benchmarks/breaking.py --seeds 0 21 22    … with other seeds as well
    python benchmarks/breaking.py --write            … and writes docs/{reference,benchmarks}/diagnosis.md
    python benchmarks/breaking.py --kept FILE        … goes on where the runs in the file ended
    python benchmarks/breaking.py --publish FILE     … and writes every measurement: docs/benchmarks/broken-runs.md
    python benchmarks/breaking.py --only scale       cases whose name holds the word; --verbose shows every measurement
    python benchmarks/breaking.py --long             healthy runs to their very end
    python benchmarks/breaking.py --overhead         what the diagnosis costs, in processor time

A case is named exactly when the first diagnosis, warning or alarm, is the expected state, and by its neighbour when it
is another one that is stated beside it. The budget is the length of the recipe; a broken run should be named before a
tenth of it is spent. One process, one thread.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import inspect
import json
import lzma
import sys
import time
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from breaking_cases import BROKEN, SOUND, Case, configure

from mulligan.bench.machine import describe
from mulligan.diagnosis import FAILURES, FIGURES, HEALTHY, Failure, matches, severities
from mulligan.errors import DivergedError
from mulligan.training import Diagnosed, Diagnosis, Measured, Run, train
from mulligan.training.probe import facts_of

COSTS = (
    ("quick", 7000, 1000),
    ("quick", 2000, 1000),
    ("mlp", 8000, 1000),
    ("mlp", 2000, 2000),
    ("ring", 10_000, 3000),
    ("ring", 2000, 2000),
)
"""Recipe, length of the run, and how many of its steps are taken to see what watching it costs."""
DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class Outcome:
    case: Case
    seed: int
    named: str
    step: int
    budget: int
    severity: str
    words: str
    seconds: float
    facts: dict[str, Any]
    looks: list[dict[str, Any]]
    """Every measurement to the end of the share, also those after the run was named."""
    ended: int = 0
    """The step at which a number was no longer finite; 0 where all were."""

    @property
    def exact(self) -> bool:
        return self.named == self.case.expected

    @property
    def right(self) -> bool:
        return self.exact or self.named in self.case.neighbours


def play(case: Case, seed: int = 0, *, verbose: bool = False, long: bool = False) -> Outcome:
    """Run a case until its share of the budget is spent, and note when it is named."""
    config = configure(case, seed)
    run = Run(config, data=None if case.data is None else case.data())
    if case.breaks is not None:
        case.breaks(run)
    diagnosis, start = Diagnosis(), time.process_time()
    named, step, words, severity, looks, ended = HEALTHY, 0, "", "", [], 0
    share = (1.0 if long else case.upto) if case.expected == HEALTHY else max(case.upto, 0.3)
    last = round(config.steps * share)
    try:
        for event in train(run, observers=[diagnosis], stop=lambda: run.step >= last):
            if verbose and isinstance(event, Measured):
                shown = severities(matches(diagnosis.measurements(facts_of(run))))
                print(event.step, *(f"{k}={v:.3g}" for k, v in event.signals.items()), shown)
                print("   ", *(f"{share:.2f}" for share in event.histogram))
            if isinstance(event, Measured):
                signals = {name: float(f"{value:.5g}") for name, value in event.signals.items() if value == value}
                shares = [float(f"{each:.5g}") for each in event.histogram]
                looks.append({"step": event.step, "signals": signals, "histogram": shares})
            if isinstance(event, Diagnosed) and named == HEALTHY:
                named, step, severity = event.state, event.step, event.severity
                words = ", ".join(
                    f"{k} {e['value']:.3g} {e['operator']} {e['threshold']:.3g}" for k, e in event.evidence.items()
                )
    except DivergedError:
        ended = run.step
    seconds, facts = time.process_time() - start, facts_of(run)._asdict()
    return Outcome(case, seed, named, step, config.steps, severity, words, seconds, facts, looks, ended)


def machine() -> str:
    """What a page calls the machine that it was made on."""
    found = describe(1)
    return f"{found['processor']}, {found['cores']} cores, Python {found['python']}, NumPy {found['numpy']}"


def keep(path: Path, outcome: Outcome) -> None:
    """Add an outcome to a file, so that a bench that is stopped goes on where it was."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**asdict(outcome), "case": outcome.case.name}, default=str) + "\n")


def kept(path: Path) -> dict[tuple[str, int], Outcome]:
    cases = {case.name: case for case in (*BROKEN, *SOUND)}
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = (json.loads(line) for line in lines)
    return {(f["case"], f["seed"]): Outcome(**{**f, "case": cases[f["case"]]}) for f in found if f["case"] in cases}


def distinct(outcomes: list[Outcome]) -> list[Outcome]:
    """Leave out healthy runs that repeat another: `quick, seed 1` of one seed is `quick` of the next."""
    found = {(o.case.expected != HEALTHY and o.case.name, repr(configure(o.case, o.seed))): o for o in outcomes}
    return list(found.values())


def publish(path: Path, outcomes: list[Outcome]) -> None:
    """Write the runs, what was measured, and the truth: xz of a line of JSON for each."""
    with lzma.open(path, "wt", encoding="utf-8", preset=9) as file:
        for o in distinct(outcomes):
            truth = {k: getattr(o.case, k) for k in ("recipe", "changes", "expected", "neighbours")}
            told = {k: getattr(o, k) for k in ("named", "step", "severity", "budget", "ended", "facts", "looks")}
            words = {"case": o.case.name, "seed": o.seed, **truth, **told}
            file.write(json.dumps(words, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")


def report(outcomes: list[Outcome]) -> str:
    """The counts, by seed and by state, and the list of cases, as Markdown."""
    states = [s for s in (HEALTHY, *FAILURES) if any(s in (o.case.expected, o.named) for o in outcomes)]
    lines = ["| seed | broken | named exactly | by a neighbour | wrongly | not at all | in a tenth of the budget |"]
    lines[0] += " healthy | false alarms |"
    lines.append("|---" * 9 + "|")
    for seed in sorted({o.seed for o in outcomes}):
        broken = [o for o in outcomes if o.seed == seed and o.case.expected != HEALTHY]
        sound = [o for o in outcomes if o.seed == seed and o.case.expected == HEALTHY]
        counts = [
            len(broken),
            sum(o.exact for o in broken),
            sum(o.right and not o.exact for o in broken),
            sum(not o.right and o.named != HEALTHY for o in broken),
            sum(o.named == HEALTHY for o in broken),
            sum(o.named != HEALTHY and o.step <= 0.1 * o.budget for o in broken),
            len(sound),
            sum(not o.exact for o in sound),
        ]
        lines.append(f"| {seed} | " + " | ".join(map(str, counts)) + " |")
    lines += ["", "| state | runs | named |", "|---|---|---|"]
    for state in states:
        names = [o.named for o in distinct(outcomes) if o.case.expected == state]
        if names:
            counted = ", ".join(f"{name} {names.count(name)}" for name in states if name in names)
            lines.append(f"| {state} | {len(names)} | {counted} |")
    lines += ["", "| run | seed | should be | was named | at step | of the budget | because |", "|---" * 7 + "|"]
    quiet = [o for o in outcomes if o.exact and o.case.expected == HEALTHY]
    for o in outcomes:
        if o in quiet:
            continue
        beside = f" (or {', '.join(o.case.neighbours)})" if o.case.neighbours else ""
        where = (f"{o.step:,}", f"{100 * o.step / o.budget:.1f} %") if o.step else ("–", "–")
        soft = " (warning)" if o.severity == "warning" else ""
        mark = "" if o.right else " **✗**"
        named = f"{o.named}{soft}{mark}"
        cells = (o.case.name, str(o.seed), f"{o.case.expected}{beside}", named, *where, o.words)
        lines.append("| " + " | ".join(cells) + " |")
    if quiet:
        names = "; ".join(dict.fromkeys(o.case.name for o in quiet))
        lines += ["", f"Healthy, and never called anything else ({len(distinct(quiet))} distinct runs): {names}."]
    return "\n".join(lines)


def overhead() -> str:
    """Processor time of everything that the diagnosis does ÷ that of the steps, as Markdown."""
    heads = ("recipe", "length", "steps taken", "steps between measurements", "steps, s", "diagnosis, s", "per cent")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, length, steps in COSTS:
        run, spent = Run(configure(Case(name, name, (f"steps={length}",)))), 0.0
        watch = Diagnosis()
        begin = time.process_time()
        for event in train(run, stop=lambda run=run, steps=steps: run.step >= steps):  # type: ignore[misc]
            before = time.process_time()
            list(watch.observe(run, event))
            spent += time.process_time() - before
        rest = time.process_time() - begin - spent
        cells = (
            name,
            f"{length:,}",
            f"{steps:,}",
            watch.every,
            f"{rest:.2f}",
            f"{spent:.3f}",
            f"{100 * spent / rest:.1f}",
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _shows(failure: Failure) -> str:
    """Return the docstring of a rule on one line."""
    return " ".join(inspect.cleandoc(failure.rule.__doc__ or "").split())


def reference() -> str:
    """docs/reference/diagnosis.md."""
    figures = "\n".join(f"| `{name}` | {figure.meaning} |" for name, figure in FIGURES.items())
    states = "\n".join(f"| {name} | {each.meaning} | {_shows(each)} |" for name, each in FAILURES.items())
    return f"""# The diagnosis

While a run trains, the diagnosis measures it every 150 to 250 steps. It names the first of the failures below that
shows. This page lists the failures and explains the figures; [how well it names them](../benchmarks/diagnosis.md) was
tried on runs broken on purpose and on healthy ones.

A measurement takes 256 fixed z, 256 fixed reals, and what the steps measured in between. A failure that two
measurements in a row show is reported once, in the terminal and in `events.jsonl`. `mulligan diagnose RUN` repeats it
with what to try, and `--try` does it.

| state | what it means | what its rule does |
|---|---|---|
{states}

## What it cannot see

- *Labels that do not belong to their pictures.* G draws good pictures, and any under each label. How often D ranks a
  picture above the same one under another label is near one half then, but in healthy runs, too, for hundreds of steps.
  The report's row *Label accuracy* (`label_accuracy` of `mulligan evaluate`) shows it.
- *What only slows a run down.* `dcgan` with D's rate × 30 draws worse digits than without, but comes nearer at every
  measurement, as a healthy run does.
- *What has to be compared, in a run of less than 450 steps.* That has two measurements, and of these only the
  second can say that the fakes come no nearer: a frozen D has no name yet.
- *Blends of a few pictures.* Fakes are copies where they are half as far from a training picture as these are from
  each other. A G that mixes forty of them may stay above that for thousands of steps; so does a blur.
- *Modes that a toy lacks*, before three quarters of the run are over: a healthy grid finds its own about then.
- *Cycles, early.* A path that leads nowhere needs 500 steps to be seen once, and one more measurement to be believed.
- *A divergence, as such:* it shows as saturation or collapse before it shows as NaN.
- *A rare kind that is lost.* Of one in a hundred, two or three are among 256 reals, and of 256 fakes of a G that has
  it, one time in thirteen none is. Pictures without a judge are compared by distances alone.

Thresholds were set on small nets.

## The figures

| name | what it is |
|---|---|
{figures}
"""


def measured(outcomes: list[Outcome], costs: str, where: str) -> str:
    """docs/benchmarks/diagnosis.md."""
    command = f"python benchmarks/breaking.py --seeds {' '.join(map(str, sorted({o.seed for o in outcomes})))} --write"
    return f"""# How well the diagnosis names failures

[The diagnosis](../reference/diagnosis.md) was tried on runs broken on purpose and on healthy ones. Here is every run,
with what was named, when, and why.

This page is made by `{command}`,
on {where}.

## Runs broken on purpose, and healthy ones

Rules, thresholds, cases and accepted names were chosen on seeds 0 to 7, 21, 22, 31, 32 and 41 to 46. On the way, cases
that proved to recover, or to be named by chance, were exchanged; three settings with a Wasserstein critic that were
meant to be healthy did not learn in the time they have, and are out; and one expected name was changed (one-hot × 1000:
from dead latent to saturation). Toys of other data or loss than the recipe `ring` is made for have a generator of
LeakyReLU (`narrow G`): with the recipe's own, of steps, they were called ill before they were well, 5 times in 28
healthy runs of seeds 43 and 44.

The rules failed twice on new seeds, and were changed ([decision 7](../decisions/0007-diagnosis.md)): on seeds 43 and 44
they named 51 of 56 broken runs exactly, 4 by a neighbour and 1 wrongly, without a false alarm; on seeds 45 and 46, 50
exactly and 6 by a neighbour, with two false alarms.

The seeds of this page came afterwards, and nothing was changed for them, with one exception: the rule for least squares
and hinge was tried on seeds 51 and 52 of its own case, so that only seed 53 is new there. The page has their third run:
in two before, by engines that rounded otherwise, 75 and 76 of 84 broken runs were named exactly and the others by a
neighbour. Rules that came later were found on runs that are not among these cases; after each change all runs were
repeated on 2 cores of an AMD EPYC (Zen 4; the last time Zen 5), and every row came out as it stands.

Seeds 61 to 63 were played once all of this stood, and nothing was changed after them (`--seeds 61 62 63`; AMD EPYC,
Zen 5): of 87 broken runs 75 were named exactly and 12 by a neighbour, 85 in a tenth of their budget, and none of the
50 healthy ones was called ill.

*Least squares, G frozen* came last: with 2,000 points, such a run was called "D wins", not a standstill. The rule for D
now asks whether G has moved. This case and those of "D wins" were played again (AMD EPYC, Zen 5).

A neighbour is another accepted name, given beside the right one in the table of runs. Most digits come from a small
`mlp`. A healthy `quick` or `ring` of "seed 1" is the one of the next seed: four of 54 healthy rows repeat another, and
50 runs are distinct. Healthy runs of digits are followed for a tenth or a half of their length, toys for a half; broken
ones for 30 to 50 per cent. All that was measured is [a data set of its own](broken-runs.md), for other detectors.

{report(outcomes)}

## What it costs

Processor time, one thread, by `python benchmarks/breaking.py --overhead`.

{costs}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose names hold this")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--kept", type=Path, help="a file of JSON lines that outcomes are read from, and added to")
    parser.add_argument("--publish", type=Path, help="write all that was measured, compressed by xz")
    parser.add_argument("--machine", default=machine(), help="what the page calls this machine")
    for flag in ("--verbose", "--write", "--long", "--overhead"):
        parser.add_argument(flag, action="store_true")
    options = parser.parse_args()
    names = [case.name for case in (*BROKEN, *SOUND)]
    if not any(options.only in name for name in names):
        parser.error(f"--only {options.only}: no case's name holds it. Known are {', '.join(names)}.")
    if options.overhead:
        print(overhead())
        return 0
    outcomes, done = [], kept(options.kept) if options.kept else {}
    for case, seed in product((*BROKEN, *SOUND), options.seeds):
        if options.only not in case.name:
            continue
        outcome = done.get((case.name, seed)) or play(case, seed, verbose=options.verbose, long=options.long)
        outcomes.append(outcome)
        if options.kept and (case.name, seed) not in done:
            keep(options.kept, outcome)
        print(
            f"{'✓' if outcome.right else '✗'} {case.name}, seed {seed}: {outcome.named} at {outcome.step} "
            f"[{case.expected}] {outcome.words} ({outcome.seconds:.1f} s)",
            file=sys.stderr,
            flush=True,
        )
    print(report(outcomes))
    if options.publish:
        publish(options.publish, outcomes)
    if options.write:
        (DOCS / "reference" / "diagnosis.md").write_text(reference(), encoding="utf-8")
        text = measured(outcomes, overhead(), options.machine)
        (DOCS / "benchmarks" / "diagnosis.md").write_text(text, encoding="utf-8")
    return int(not all(o.right for o in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
