import json
import re
import sys
from dataclasses import dataclass

import pytest

from mulligan.cli.list import KINDS, described, source_in
from mulligan.config.serialization import KINDS as REGISTRIES
from mulligan.data import DATASETS
from mulligan.training import RECIPES


def test_without_a_word_the_kinds_are_listed(mulligan):
    code, out, err = mulligan("list")
    assert (code, err) == (0, "")
    assert [line.split("\t")[0] for line in out.splitlines()] == list(KINDS)


@pytest.mark.parametrize("what", KINDS)
def test_every_name_has_a_line(what, mulligan):
    code, out, err = mulligan("list", what)
    assert (code, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert all(len(row) in (2, 3) and all(row) for row in rows)
    document = json.loads(mulligan("list", what, "--json")[1])
    assert [[row["name"], row["line"], row["source"]][: len(plain)] for row, plain in zip(document, rows)] == rows
    assert all(len(row["line"]) < 130 for row in document)


def test_what_is_listed_is_what_there_is(mulligan):
    def names(what):
        return [row["name"] for row in json.loads(mulligan("list", what, "--json")[1])]

    assert [*names("recipes"), *names("others")] == list(RECIPES)
    assert names("data") == list(DATASETS)
    listed = {tuple(names(what)) for what in KINDS}
    for registry in REGISTRIES.values():
        assert tuple(registry) in listed


def test_a_terminal_gets_a_table(monkeypatch, mulligan):
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    out = re.sub(r"\x1b\[\d*m", "", mulligan("list", "losses")[1])
    assert "\t" not in out
    assert max(map(len, out.splitlines())) <= 60
    assert " ".join(out.split()).count("Goodfellow et al. 2014") >= 2


def test_docstrings_are_taken_apart():
    class Plain:
        """Does a thing.

        More.
        """

    class Cited:
        """Does a thing (Goodfellow et al. 2014, §3; Lim & Ye 2017)."""

    class Sourced:
        """Does a thing.

        Source: Thanh-Tung et al. 2019, "Improving Generalization", Eq. 7. And more (Nobody 1999).
        """

    class Silent(Sourced):
        pass

    @dataclass
    class Unsaid(Sourced):
        rate: float = 0.5

    assert described(Plain) == ("Does a thing.", "")
    assert described(Cited) == ("Does a thing.", "Goodfellow et al. 2014, §3; Lim & Ye 2017")
    line, source = described(Sourced)
    assert line == "Does a thing."
    assert source.startswith("Thanh-Tung et al. 2019")
    assert "Nobody" not in source
    assert described(Silent) == described(Unsaid) == ("", "")
    assert source_in("as Goodfellow et al. 2014, Eq. 1, and Kingma & Ba 2015 say") == (
        "Goodfellow et al. 2014, Eq. 1; Kingma & Ba 2015"
    )
