"""The breaking bench: runs broken on purpose, and healthy ones, before the diagnosis.

    python benchmarks/breaking.py                    all cases; prints the confusion matrix and when each was named
    python benchmarks/breaking.py --seeds 0 21 22    … with other seeds as well
    python benchmarks/breaking.py --write            … and fills the tables of docs/benchmarks/diagnosis.md
    python benchmarks/breaking.py --kept FILE        … goes on where the runs in the file ended
    python benchmarks/breaking.py --publish FILE     … and writes every measurement: docs/benchmarks/diagnosis.md
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

import json
import lzma
import re
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from breaking_cases import BROKEN, SOUND, Case, configure
from machine import describe

from mulligan.diagnosis import FAILURES, HEALTHY, matches, severities
from mulligan.errors import DivergedError
from mulligan.training import Diagnosed, Diagnosis, Measured, Run, train
from mulligan.training.diagnosis import facts_of

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


def counts(outcomes: list[Outcome]) -> str:
    """The counts, by seed and by state, and the healthy runs, as Markdown."""
    states = [s for s in (HEALTHY, *FAILURES) if any(s in (o.case.expected, o.named) for o in outcomes)]
    lines = ["| seed | broken | named exactly | by a neighbour | wrongly | not at all | in a tenth of the budget |"]
    lines[0] += " healthy | false alarms |"
    lines.append("|---" * 9 + "|")
    for seed in sorted({o.seed for o in outcomes}):
        broken = [o for o in outcomes if o.seed == seed and o.case.expected != HEALTHY]
        sound = [o for o in outcomes if o.seed == seed and o.case.expected == HEALTHY]
        numbers = [
            len(broken),
            sum(o.exact for o in broken),
            sum(o.right and not o.exact for o in broken),
            sum(not o.right and o.named != HEALTHY for o in broken),
            sum(o.named == HEALTHY for o in broken),
            sum(o.named != HEALTHY and o.step <= 0.1 * o.budget for o in broken),
            len(sound),
            sum(not o.exact for o in sound),
        ]
        lines.append(f"| {seed} | " + " | ".join(map(str, numbers)) + " |")
    lines += ["", "| state | runs | named |", "|---|---|---|"]
    for state in states:
        names = [o.named for o in distinct(outcomes) if o.case.expected == state]
        if names:
            counted = ", ".join(f"{name} {names.count(name)}" for name in states if name in names)
            lines.append(f"| {state} | {len(names)} | {counted} |")
    quiet = [o for o in outcomes if o.exact and o.case.expected == HEALTHY]
    if quiet:
        names = Counter(o.case.name for o in distinct(quiet))
        lines += ["", "| healthy, and never called anything else | distinct runs |", "|---|---|"]
        lines += [f"| {name} | {count} |" for name, count in names.items()]
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


def fill(page: Path, **tables: str) -> None:
    """Put each table into a page, between its marks."""
    text = page.read_text("utf-8")
    for name, table in tables.items():
        marks = rf"(<!-- {name} begin -->\n).*?(<!-- {name} end -->)"
        text = re.sub(marks, lambda m, table=table: f"{m[1]}{table}\n{m[2]}", text, flags=re.S)  # type: ignore[misc]
    page.write_text(text, "utf-8")


def write(outcomes: list[Outcome], costs: str, where: str) -> None:
    """Fill the tables of docs/benchmarks/diagnosis.md."""
    seeds = " ".join(map(str, sorted({o.seed for o in outcomes})))
    made = f"Made by `python benchmarks/breaking.py --seeds {seeds} --write`, on {where}."
    fill(DOCS / "benchmarks/diagnosis.md", runs=f"{made}\n\n{counts(outcomes)}", costs=costs)


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
    print(counts(outcomes))
    if options.publish:
        publish(options.publish, outcomes)
    if options.write:
        write(outcomes, overhead(), options.machine)
    return int(not all(o.right for o in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
