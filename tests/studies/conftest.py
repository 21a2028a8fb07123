"""A study whose cells take milliseconds: nets of sixteen units on points of the ring."""

import pytest

RECIPE = """
# tiny: for tests.
steps = 40
batch_size = 16
loss = "non_saturating"
latent = { dim = 4, distribution = "normal" }
average = "none"
[data]
name = "ring"
labels = "none"
limit = 200
[generator]
layers = { kind = "mlp_generator", hidden = [16], output = "none" }
[discriminator]
layers = { kind = "mlp_discriminator", hidden = [16, 16] }
"""
STUDY = """
# small: which loss?
recipe = "tiny.toml"
measures = ["quality"]
columns = ["distance", "modes"]
[budgets.small]
seeds = 2
count = 200
measure_at = [0, 20]
[budgets.long]
seeds = 3
steps = 60
[axes.loss]
plain = []
hinge = ["loss=hinge"]
"""


@pytest.fixture
def hand_out(monkeypatch):
    """Let a function of (function, jobs) do the jobs; returns the numbers of workers that were asked for."""

    def replaced(run):
        started = []

        def distribute(function, jobs, workers):
            started.append(workers)
            yield from run(function, jobs)

        monkeypatch.setattr("mulligan.studies.runner.distribute", distribute)
        return started

    return replaced


@pytest.fixture
def here(hand_out):
    """Run cells in this process, one after the other; the names of those that were handed out."""
    handed = []

    def run(function, jobs):
        for job in jobs:
            handed.append(job.cell)
            yield function(job)

    hand_out(run)
    return handed


@pytest.fixture
def write(tmp_path):
    """Write a study beside its recipe, with words replaced; returns its path."""

    def written(**changes):
        text = STUDY.lstrip()
        for old, new in changes.items():
            assert REPLACED[old] in text
            text = text.replace(REPLACED[old], new)
        (tmp_path / "tiny.toml").write_text(RECIPE.lstrip(), "utf-8")
        (tmp_path / "small.toml").write_text(text, "utf-8")
        return tmp_path / "small.toml"

    return written


REPLACED = {
    "axes": '[axes.loss]\nplain = []\nhinge = ["loss=hinge"]\n',
    "seeds": "seeds = 2",
    "measure_at": "measure_at = [0, 20]",
    "measures": 'measures = ["quality"]',
    "budget": "[budgets.small]\n",
    "recipe": 'recipe = "tiny.toml"',
}
"""Parts of the study that a test may replace, by name."""
