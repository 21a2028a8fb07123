"""The museum for the page."""

import json

from mulligan.museum import EXHIBITS


def test_every_exhibit_shows_its_pictures(call):
    assert [entry["name"] for entry in call.get("/api/museum").json()["cases"]] == list(EXHIBITS)
    for name, exhibit in EXHIBITS.items():
        json.dumps(exhibit.words(), allow_nan=False)
        case = call.get(f"/api/museum/{name}").json()
        assert (case["title"], case["command"]) == (exhibit.title, f"mulligan museum {name}")
        assert case["played"]["fails"]
        assert {"before", "after"} <= {picture["name"] for picture in case["played"]["pictures"]}
    assert call.get("/api/museum/other").status_code == 422
