"""The cure: does the second try of a broken run end where a healthy run ends?

    python benchmarks/curing.py                  every case that a setting can cure; prints a table
    python benchmarks/curing.py --only scale     cases whose name holds the word
    python benchmarks/curing.py --conv           the convolutional `quick`, shortened
    python benchmarks/curing.py --write          … and writes its part of docs/benchmarks/second-tries.md
    python benchmarks/curing.py --seeds 0 1      … with other seeds as well
    python benchmarks/curing.py --kept FILE      … goes on where the runs in the file ended; with --told, plays no more

docs/benchmarks/second-tries.md says what is measured, and its limits.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import contextlib
import json
import math
import re
import tempfile
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from breaking import machine
from breaking_cases import BROKEN, SMALL, Case, configure, rates

from mulligan.data import TOYS
from mulligan.data.sources.toys import Gaussians
from mulligan.errors import DivergedError, MulliganError
from mulligan.metrics import bundled_judge, count_classes, frechet_distance, modes, moments, percent
from mulligan.training import Diagnosed, Diagnosis, Recorder, Run, plan, train

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "second-tries.md"
STEPS = 4000
SHORT = 1500
"""Steps of `quick` with --conv."""
COUNT = 2000
UNNAMED = "not named"
HEALTHY = "healthy "
"""What the names of healthy runs begin with."""
PLAIN = ("data.labels=none",)
CONV = (
    Case("literal cost", "quick", ("loss=literal_cost", "penalties=[]")),
    Case("γ 0", "quick", ("penalties.0.gamma=0", "penalties.1.gamma=0")),
    Case("γ 1000", "quick", ("penalties.0.gamma=1000", "penalties.1.gamma=1000", "schedules.penalty=constant")),
    Case("D frozen", "quick", ("discriminator.optimizer.lr=1e-12",)),
    Case("D's rate × 1000", "quick", ("penalties=[]", "generator.optimizer.lr=3e-6")),
    Case("critic without a bound", "quick", ("penalties=[]", "loss=wasserstein")),
    Case("no penalty, β₁ 0.9", "quick", ("penalties=[]", *rates(1e-2, 1e-2, 0.9))),
    Case("pixels 0–255", "quick", ("data.low=0", "data.high=255")),
    Case("G's rate 0.3", "quick", ("generator.optimizer.lr=0.3",)),
    Case("one-hot × 1000 drowns z", "quick", ("generator.layers.one_hot_scale=1000",)),
    Case("fifty pictures", "quick", ("data.limit=50",)),
    Case("no classes, no penalty", "quick", (*PLAIN, "penalties=[]")),
)
"""Each cause on the convolutional recipe; what a setting breaks, a setting can cure."""


def measured(run: Run) -> tuple[int, int, float]:
    """Return how many classes or modes there are, of how many, and FD; NaN for points."""
    if run.data.is_points:
        made = run.sample(*run.draw(COUNT, seed=1))
        toy = TOYS[run.data.name]
        assert isinstance(toy, Gaussians)
        return modes(made, toy.modes, toy.std).captured, len(toy.modes), float("nan")
    judge, test = bundled_judge("mnist"), run.data.test
    assert judge is not None
    assert test is not None
    features, p = judge.features_and_probabilities(run.generator().images(COUNT, seed=1))
    real, _ = judge.features_and_probabilities(np.asarray(test.images[:COUNT]))
    of_real = moments(real)
    fd = percent(frechet_distance(of_real, moments(features)), of_real)
    return count_classes(p).modes, 10, fd


def finished(run: Run) -> tuple[int, int, float]:
    for _ in train(run):
        pass
    return measured(run)


@dataclass
class Cure:
    """What became of a case: what was said of the broken run, and what the second try ended with.

    Attributes
    ----------
    begins : int
        The step that the second try went back to; −1 where there was none.
    found : int
        Classes or modes; −1 where there is nothing to measure.
    kinds : int
        How many there are in the data.
    healthy : int
        How many the healthy run found.
    """

    case: str
    seed: int
    named: str = UNNAMED
    begins: int = -1
    changes: str = ""
    found: int = -1
    kinds: int = 0
    fd: float = math.nan
    healthy: int = 0
    healthy_fd: float = math.nan

    @property
    def verdict(self) -> str:
        cured = self.found >= self.healthy and not self.fd > 2 * self.healthy_fd
        return "stayed healthy" if cured and self.named == UNNAMED else "yes" if cured else "no"

    def row(self) -> str:
        """The line of the table."""
        figures = [f"{value:.1f}" if value == value else "–" for value in (self.fd, self.healthy_fd)]
        kinds = f"{self.found} of {self.kinds}" if self.found >= 0 else "–"
        begins = str(self.begins) if self.begins >= 0 else "–"
        cells = (self.case, str(self.seed), self.named, begins, kinds, *figures, self.verdict, self.changes)
        return "| " + " | ".join(cells) + " |"


def second_try(case: Case, seed: int, folder: Path, steps: int) -> tuple[Cure, Run | None]:
    """Break a run until it is named, and plan the second try; the run as it was where nothing is said of it."""
    config = replace(configure(case, seed), steps=steps, save_every=250)
    run, said, cure = Run(config), None, Cure(case.name, seed)
    events = Recorder(folder).record(
        run, observers=[Diagnosis()], stop=lambda: said is not None and said.severity == "alarm"
    )
    try:
        for event in events:
            if isinstance(event, Diagnosed) and event.severity:
                said = event
            if run.step >= steps // 2:
                break
    except DivergedError:
        pass
    if said is None:
        return cure, Run(config)
    cure.named = said.state
    try:
        second = plan(folder, said)
    except MulliganError as error:
        cure.changes = str(error).replace(str(folder), "the run")
        return cure, None
    cure.changes = "; ".join(second.changes)
    again = second.run()
    cure.begins = again.begins
    return cure, again


def kept(path: Path | None) -> dict[tuple[str, int], Cure]:
    lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.is_file() else []
    return {(cure.case, cure.seed): cure for cure in (Cure(**json.loads(line)) for line in lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose names hold this")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--conv", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--kept", type=Path, help="a file of JSON lines that results are read from, and added to")
    parser.add_argument("--told", action="store_true", help="only what the file holds")
    parser.add_argument("--machine", default=machine(), help="what the page calls this machine")
    options = parser.parse_args()
    steps, cases = (SHORT, CONV) if options.conv else (STEPS, BROKEN)
    names = [case.name for case in cases]
    if not any(options.only in name for name in names):
        parser.error(f"--only {options.only}: no case's name holds it. Known are {', '.join(names)}.")
    sound = {
        ("mlp", True): Case("mlp", "mlp", SMALL),
        ("mlp", False): Case("mlp", "mlp", (*SMALL, "data.labels=none")),
        ("ring", False): Case("ring", "ring"),
        ("quick", True): Case("quick", "quick"),
        ("quick", False): Case("quick", "quick", PLAIN),
    }
    done = kept(options.kept)

    def remember(cure: Cure) -> Cure:
        done[cure.case, cure.seed] = cure
        if options.kept is not None:
            with options.kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(cure)) + "\n")
        return cure

    def healthy(kind: tuple[str, bool], seed: int) -> Cure:
        name = f"{HEALTHY}{kind[0]}, {'classes' if kind[1] else 'no classes'}"
        if (name, seed) not in done:
            found, kinds, fd = finished(Run(replace(configure(sound[kind], seed), steps=steps)))
            remember(Cure(name, seed, found=found, kinds=kinds, fd=fd))
        return done[name, seed]

    heads = ("run", "seed", "named", "second try from", "classes or modes", "FD", "healthy FD", "cured", "changes")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    missing: list[str] = []
    for case, seed in product(cases, options.seeds):
        hooked = case.data is not None or case.breaks is not None or "data.name=jang" in case.changes
        if options.only not in case.name or hooked:
            continue
        if options.told and (case.name, seed) not in done:
            missing.append(f"{case.name} ({seed})")
            continue
        if (case.name, seed) not in done:
            with tempfile.TemporaryDirectory() as name:
                cure, run = second_try(case, seed, Path(name) / "run", steps)
            if run is not None:
                best = healthy((case.recipe, run.labels is not None), seed)
                cure.healthy, cure.healthy_fd = best.found, best.fd
                with contextlib.suppress(DivergedError):
                    cure.found, cure.kinds, cure.fd = finished(run)
            remember(cure)
        lines.append(done[case.name, seed].row())
        print(lines[-1], flush=True)
    sick = len(lines)
    lines += [cure.row() for (name, seed), cure in done.items() if name.startswith(HEALTHY) and seed in options.seeds]
    print(*lines[sick:], sep="\n")
    if options.write:
        flag, part = ("--conv ", "quick") if options.conv else ("", "small")
        seeds = " ".join(map(str, options.seeds))
        command = f"python benchmarks/curing.py {flag}--seeds {seeds} --write"
        made = f"Made by `{command}`, {steps:,} steps each, one thread, on {options.machine}."
        if missing:
            made += f"\n\nNot measured, case and seed: {', '.join(missing)}."
        marks = rf"(<!-- {part} begins -->\n).*?(<!-- {part} ends -->)"
        table = made + "\n\n" + "\n".join(lines)
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(re.sub(marks, lambda m: f"{m[1]}{table}\n{m[2]}", text, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
