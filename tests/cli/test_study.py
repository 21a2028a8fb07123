"""``mulligan study``, as it is typed."""

import json
from pathlib import Path

import numpy as np
import pytest

from mulligan.studies import runner as runners

RECIPE = (Path(runners.__file__).parents[1] / "recipes" / "ring.toml").read_text()
STUDY = """# mine: two losses.
recipe = "recipe.toml"
[budgets.small]
seeds = 1
steps = 20
count = 50
[axes.loss]
plain = []
hinge = ["loss=hinge"]
"""


@pytest.fixture
def study(here, monkeypatch):
    """A study file whose cells run in this process."""

    monkeypatch.setattr(runners, "distribute", lambda function, jobs, workers: map(function, jobs))
    (here / "recipe.toml").write_text(RECIPE)
    (here / "mine.toml").write_text(STUDY)
    return "mine.toml"


def test_a_study_is_run_shown_and_kept(study, here, mulligan):
    code, out, err = mulligan("study", study, "--workers", 1000)
    assert code == 0
    assert err.startswith("two losses: 2 cells; 2 at once")
    assert "cell 2 of 2 · hinge, seed 0: modes" in err
    assert [line.split()[0] for line in out.splitlines()[1:3]] == ["plain", "hinge"]
    assert len((here / "studies" / "mine" / "results.jsonl").read_text().splitlines()) == 2


def test_a_column_that_nothing_measures_is_named(study, here, mulligan):
    (here / study).write_text(STUDY.replace("[budgets", 'columns = ["mode", "distance"]\n[budgets', 1))
    code, out, err = mulligan("study", study)
    assert code == 0
    assert out.split("\n", 1)[0].split() == ["steps", "seeds", "distance"]
    assert err.splitlines()[-1].startswith("columns: 'mode' was not measured; modes, good, distance, kl were.")


def test_a_second_time_needs_resume(study, mulligan, refused):
    mulligan("study", study, "--out", "o")
    assert "--resume" in refused("study", study, "--out", "o")
    code, _, err = mulligan("study", study, "--out", "o", "--resume")
    assert (code, "2 of them have ended" in err, len(err.splitlines())) == (0, True, 1)  # nothing was run


def test_a_study_that_was_stopped_goes_on(study, mulligan, monkeypatch):
    def stopped(function, jobs, workers):
        yield function(jobs[0])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(runners, "distribute", stopped)
        code, _, err = mulligan("study", study, "--out", "my studies/o")
    assert (code, "1 of 2 cells have ended. Go on with the same command and --resume" in err) == (130, True)
    code, _, err = mulligan("study", study, "--out", "my studies/o", "--resume")
    assert (code, "1 of them have ended" in err) == (0, True)


def test_json_lines(study, mulligan):
    code, out, _ = mulligan("study", study, "--out", "o", "--json")
    assert code == 0
    *cells, end = [json.loads(line) for line in out.splitlines()]
    assert [cell["cell"] for cell in cells] == ["plain/seed-0", "hinge/seed-0"]
    assert end == {"event": "kept", "results": end["results"], "cells": 2, "failed": 0}


def test_data_that_are_not_there_are_missed_before_the_first_cell(study, here, mulligan, refused):
    (here / "recipe.toml").write_text(RECIPE.replace("ring", "no-such-data"))
    err = refused("study", study, "--out", "o")
    assert err.splitlines()[-1].startswith("mulligan: no data set and no file named 'no-such-data'")
    assert "failed" not in err
    (here / "recipe.toml").write_text(RECIPE)
    assert mulligan("study", study, "--out", "o")[0] == 0  # nothing was begun


def test_what_cannot_be_measured_is_said_before_it_is_trained(study, here, mulligan, refused):
    np.save(here / "points.npy", np.random.default_rng(0).random((50, 2)))
    (here / "recipe.toml").write_text(RECIPE.replace("ring", "points.npy"))
    assert "for the measure quality, got " in refused("study", study, "--out", "o")
