"""What the book's chapters read was made by the studies that ship."""

import json
from pathlib import Path

import pytest

from experiments.book_studies import BOOK
from mulligan.studies import MEASURES, StudyRun, load_study
from mulligan.training import Run

RESULTS = Path(__file__).parents[2] / "docs" / "book" / "results"
OTHERS = {"optimisers", "symptoms", "synthetic-gradients", "watching", "matching", "matching-again"}
"""Not made by a study file, or by one that has left with its loss; they have tests of their own."""
SMOOTH = {"d_real", "d_fake", "gradient", "distance", "correlation", "mean_correlation", "range"}
"""Figures that do not jump when a last digit is another."""
MADE = sorted(path.stem for path in RESULTS.glob("*.jsonl") if path.stem not in OTHERS)


def committed(name):
    lines = (RESULTS / f"{name}.jsonl").read_text("utf-8").splitlines()
    return {result["cell"]: result for result in map(json.loads, lines)}


def study_of(name, folder):
    study, budget = ("imprint", "long") if name == "imprint-long" else (name.removesuffix("-again"), None)
    return StudyRun(load_study(BOOK.get(study, study)), folder / name, budget=budget)


@pytest.mark.parametrize("name", MADE)
def test_the_cells_are_the_study_s(name, tmp_path):
    study, results = study_of(name, tmp_path), committed(name)
    assert list(results) == list(study.cells())
    for cell, (variation, seed) in study.cells().items():
        result = results[cell]
        assert (result["variation"], result["seed"], result["status"]) == (variation.name, seed, "done")
        assert [look["step"] for look in result["measurements"]] == list(study.budget.measure_at)
        if not study.budget.cpu_seconds and seed == 0:
            assert result["steps"] == study.config(variation, seed).steps


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("cost", "digits-non-saturating/seed-0"),
        ("cost", "ring-printed/seed-0"),
        ("cost", "ring-non-saturating/seed-3"),
        ("imprint", "none/seed-7"),
        ("imprint-long", "x0.01-twice/seed-3"),
        ("imprint-causes", "x.1-batch-64-decay/seed-1"),
    ],
)
def test_the_first_look_is_found_again(name, cell, tmp_path):
    study, look = study_of(name, tmp_path), committed(name)[cell]["measurements"][0]
    run = Run(study.config(*study.cells()[cell]))
    for _ in range(look["step"]):
        run.advance()
    found = {k: v for measure in study.study.measures for k, v in MEASURES[measure](run, study.budget.count).items()}
    smooth = SMOOTH & look["figures"].keys()
    assert len(smooth) >= 3
    for figure in smooth:
        assert found[figure] == pytest.approx(look["figures"][figure], rel=1e-2), figure
