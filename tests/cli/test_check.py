import json
import re

import numpy as np
import pytest

from mulligan.nn.checking import Check
from mulligan.nn.layers import Dense


def test_the_table_has_a_line_for_each_thing(mulligan):
    code, out, err = mulligan("check", "--only", "dense")
    assert (code, err) == (0, "")
    *rows, empty, verdict = out.splitlines()
    assert empty == ""
    assert all(re.match(r"ok +\S+e−\d+ +\d+  \S.*: \S", row) for row in rows)
    counted = sum(int(row.split()[2]) for row in rows)
    assert re.match(rf"all {counted} are right \(largest error that passes \S+, limit 1.0e−6\), in \S+ s$", verdict)
    document = json.loads(mulligan("check", "--only", "dense", "--json")[1])
    assert document["passed"] is True
    assert len(document["rows"]) == counted
    assert all(row["error"] < document["tolerance"] for row in document["rows"])


def test_patterns(mulligan, refused):
    part = mulligan("check", "--only", "relu")[1]
    assert "leaky_relu" in part
    assert mulligan("check", "--only", "leaky_relu*")[1].count("leaky") < part.count("relu")
    assert mulligan("check", "--only", "Leaky_ReLU*")[1].count("leaky") == part.count("leaky")  # as on every system
    assert "--only must match the name of a check, got 'xyzzy'" in refused("check", "--only", "xyzzy")


@pytest.mark.parametrize(("factor", "error"), [(1.001, "1.0e−3"), (np.nan, "NaN")])
def test_a_wrong_formula_is_1_and_named(mulligan, monkeypatch, factor, error):
    right = Dense.product_x
    monkeypatch.setattr(Dense, "product_x", lambda self, m, dy, name: right(self, m, dy, name) * factor)
    code, out, err = mulligan("check", "--only", "dense")
    assert (code, err) == (1, "")
    assert re.search(rf"^OFF +{error} +\d+  dense 1: ", out, re.MULTILINE)
    assert re.search(r"^OFF: dense 1: .*, relative error ", out, re.MULTILINE)
    assert re.search(r"^\d+ of \d+ are off ", out, re.MULTILINE)
    code, out, err = mulligan("check", "--only", "dense", "--json")
    document = json.loads(out, parse_constant=pytest.fail)
    assert (code, document["passed"]) == (1, False)


def test_nan_is_the_largest_error(mulligan, monkeypatch):
    rows = [Check("thing", "first", 1e-9), Check("thing", "second", np.nan), Check("thing", "third", 1e-3)]
    monkeypatch.setattr("mulligan.nn.checking.check_layers", lambda pattern: iter(rows))
    monkeypatch.setattr("mulligan.game.checking.check_game", lambda pattern: iter(()))
    code, out, _ = mulligan("check")
    assert code == 1
    assert out.startswith("OFF      NaN    3  thing: second\n")
    assert "2 of 3 are off (largest error that passes 1.0e−9" in out
