import json
from dataclasses import replace

import numpy as np

from mulligan.museum import EXHIBITS, Contrast, Picture, Played


def test_the_museum_is_listed(mulligan):
    code, out, err = mulligan("museum")
    assert (code, err) == (0, "")
    assert [line.split("\t")[0] for line in out.splitlines()] == list(EXHIBITS)
    assert mulligan("list", "museum") == (0, out, "")
    assert [row["name"] for row in json.loads(mulligan("museum", "--json")[1])] == list(EXHIBITS)


def test_a_case_is_played_and_kept(mulligan, here, monkeypatch):
    picture = Picture("before", "noise", np.zeros((8, 8), np.uint8))
    played = Played((Contrast("G moved", "how far", before=0.1, after=1.0, sign="<", threshold=0.5),), (picture,))
    monkeypatch.setitem(EXHIBITS, "frozen-d", replace(EXHIBITS["frozen-d"], play=lambda seed: played))
    code, out, err = mulligan("museum", "frozen-d", "--out", "exhibit")
    assert code == 0
    assert "G moved" in out
    assert "kept in exhibit: before.png, case.json" in out
    assert err.startswith("playing frozen-d")
    kept = json.loads((here / "exhibit" / "case.json").read_text("utf-8"))
    assert (kept["seed"], kept["fails"], kept["mended"]) == (0, True, True)
    assert (
        [f"{each['name']}.png" for each in kept["pictures"]] == ["before.png"] == [p.name for p in here.rglob("*.png")]
    )


def test_json_is_one_document_even_with_nan(mulligan, here):
    code, out, _ = mulligan("museum", "log-of-probability", "--out", "exhibit", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["name"] == "log-of-probability"
    assert [e["before"] for e in document["evidence"]][1:] == [None]  # a distance that is NaN
    assert json.loads((here / "exhibit" / "case.json").read_text("utf-8")) == document


def test_what_does_not_go_as_described_is_said(mulligan, monkeypatch):
    played = Played((Contrast("G moved", "how far", before=1.0, after=1.0, sign="<", threshold=0.5),), ())
    monkeypatch.setitem(EXHIBITS, "frozen-d", replace(EXHIBITS["frozen-d"], play=lambda seed: played))
    code, _, err = mulligan("museum", "frozen-d")
    assert code == 1
    assert "did not go as described" in err
