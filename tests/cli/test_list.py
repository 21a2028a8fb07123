import json
import sys

import pytest

from mulligan.cli.about import KINDS
from mulligan.config.serialization import KINDS as REGISTRIES
from mulligan.data import DATASETS
from mulligan.training import RECIPES


def names(mulligan, what):
    return [row["name"] for row in json.loads(mulligan("list", what, "--json")[1])]


def test_without_a_word_the_kinds_are_listed(mulligan):
    code, out, err = mulligan("list")
    assert (code, err) == (0, "")
    assert [line.split("\t")[0] for line in out.splitlines()] == list(KINDS)


@pytest.mark.parametrize("what", KINDS)
def test_every_name_has_a_line(what, mulligan):
    code, out, err = mulligan("list", what)
    assert (code, err) == (0, "")
    rows = [dict(zip(("name", "line"), line.split("\t"))) for line in out.splitlines()]
    assert json.loads(mulligan("list", what, "--json")[1]) == rows
    assert all(row["name"] and row["line"] for row in rows)


def test_what_is_listed_is_what_there_is(mulligan):
    assert [*names(mulligan, "recipes"), *names(mulligan, "others")] == list(RECIPES)
    assert names(mulligan, "data") == list(DATASETS)
    listed = {tuple(names(mulligan, what)) for what in KINDS}
    assert {tuple(registry) for registry in REGISTRIES.values()} <= listed


def test_a_terminal_gets_columns_and_the_recipes_to_start_with(monkeypatch, mulligan):
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True, raising=False)
    out = mulligan("list", "losses")[1]
    assert "\t" not in out
    recipes = mulligan("list", "recipes")[1]
    assert recipes.index("quick") < recipes.index("best")
    assert "mulligan list others" in recipes
    assert "article-mended-7" not in recipes
