"""The words that do a run again make the same configuration."""

import json
import shlex

import pytest

from mulligan.report import read
from mulligan.report.again import command
from mulligan.training import recipe, with_overrides


@pytest.mark.parametrize(
    "changes",
    [
        [],
        ["steps=12", "seed=3"],
        ["loss=hinge", "discriminator.optimizer.lr=1e-05", "generator.layers.hidden=[12, 8]"],
        ["penalties=[]", "data.labels=none", "average=none"],
        ['data.name="it\'s"'],
    ],
)
def test_the_command_makes_the_same_run(changes, folder):
    told = read(folder)
    told.config = with_overrides(recipe("quick"), changes)
    words = shlex.split(" ".join(command(told)))
    assert words[:3] == ["mulligan", "train", "quick"]
    flags = {"--steps": "steps", "--seed": "seed", "--threads": "threads", "--data": "data.name"}
    typed = []
    for option, value in zip(words[3::2], words[4::2]):
        quoted = json.dumps(value) if option == "--data" else value
        typed.append(value if option == "--set" else f"{flags[option]}={quoted}")
    assert with_overrides(recipe("quick"), typed) == told.config


def test_the_limit_of_a_recipe_is_said_where_other_data_would_lose_it(folder):
    told = read(folder)
    told.config = with_overrides(recipe("pictures"), ['data.name="mine"'])
    assert command(told)[1:] == ["--data mine", "--set data.limit=500"]


def test_a_run_that_options_cannot_say_is_done_by_its_settings(folder):
    told = read(folder)
    told.config = with_overrides(told.config, ["recipe=gone"])
    assert command(told) == ["mulligan train config.toml"]
    told.config = with_overrides(recipe("quick"), ['penalties=[{kind="r1", gamma=0.1}]'])  # one less than the recipe's
    assert command(told) == ["mulligan train config.toml"]
