"""``mulligan study``, as it is typed."""

import json

import pytest

from mulligan.studies import runner as runners

RECIPE = """
steps = 20
batch_size = 8
latent = { dim = 2, distribution = "normal" }
data = { name = "ring", labels = "none", limit = 100 }
generator = { layers = { kind = "mlp_generator", hidden = [8], output = "none" } }
discriminator = { layers = { kind = "mlp_discriminator", hidden = [8] } }
"""
STUDY = """# mine: two losses
recipe = "recipe.toml"
[budgets.small]
seeds = 1
count = 50
[axes.loss]
plain = []
hinge = ["loss=hinge"]
"""


@pytest.fixture
def study(here, monkeypatch):
    """A study file whose cells run in this process."""
    from contextlib import nullcontext

    def backend(name, workers, scheduler=""):
        return nullcontext(lambda function, jobs, peek: (function(job) for job in jobs))

    monkeypatch.setattr(runners, "backend", backend)
    (here / "recipe.toml").write_text(RECIPE)
    (here / "mine.toml").write_text(STUDY)
    return "mine.toml"


def test_a_study_is_run_shown_and_kept(study, here, mulligan):
    code, out, err = mulligan("study", study)
    assert code == 0
    assert err.splitlines()[0].startswith("two losses: 2 cells")
    assert "cell 2 of 2 · hinge, seed 0: modes" in err
    assert [line.split()[0] for line in out.splitlines()[1:3]] == ["plain", "hinge"]
    assert "again    mulligan study mine.toml --out studies/mine" in out
    assert (here / "studies" / "mine" / "report.html").is_file()
    assert len((here / "studies" / "mine" / "results.jsonl").read_text().splitlines()) == 2


def test_a_second_time_needs_resume(study, mulligan):
    mulligan("study", study, "--out", "o")
    code, out, err = mulligan("study", study, "--out", "o")
    assert (code, out) == (2, "")
    assert "--resume" in err
    code, out, err = mulligan("study", study, "--out", "o", "--resume")
    assert code == 0
    assert "2 of them have ended" in err
    assert len(err.splitlines()) == 1  # nothing was run


def test_json_lines(study, mulligan):
    code, out, _ = mulligan("study", study, "--out", "o", "--json")
    assert code == 0
    *cells, end = [json.loads(line) for line in out.splitlines()]
    assert [cell["cell"] for cell in cells] == ["plain/seed-0", "hinge/seed-0"]
    assert end == {
        "event": "kept",
        "results": end["results"],
        "report": end["report"],
        "cells": 2,
        "failed": 0,
    }


def test_a_study_of_which_nothing_runs_is_a_failure(study, here, mulligan):
    (here / "recipe.toml").write_text(RECIPE.replace("ring", "no-such-data"))
    code, out, err = mulligan("study", study, "--out", "o")
    assert code == 1
    assert "2 failed" in out.replace("0, 1 failed", "2 failed")
    assert "failed: plain/seed-0: DataError" in err or "failed: plain/seed-0: ConfigError" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cots"], "Did you mean 'cost'"),
        (["mine.toml", "--budget", "huge"], "no budget 'huge'"),
        (["mine.toml", "--workers", "0"], "workers = '0'"),
        (["mine.toml", "--worker", "2"], "Did you mean '--workers'"),
    ],
)
def test_words_that_are_off(words, said, study, mulligan):
    code, _, err = mulligan("study", *words)
    assert code == 2
    assert said in err


def test_an_unknown_backend(here, mulligan):
    (here / "recipe.toml").write_text(RECIPE)
    (here / "mine.toml").write_text(STUDY)
    code, _, err = mulligan("study", "mine.toml", "--backend", "daks")
    assert code == 2
    assert "Known are loky, dask, ray" in err
