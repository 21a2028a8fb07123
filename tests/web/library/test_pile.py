"""The pile that all pages share: what lands on it, what is refused and why, who may add, and what becomes of it."""

import base64
import errno
import io

import numpy as np
import pytest
from PIL import Image

from mulligan.data import load
from mulligan.web.library import pile

RNG = np.random.default_rng(0)
PAGE, OTHER = "a-page-that-draws", "another-page-that-draws"


def text(picture):
    return base64.b64encode(np.asarray(picture, np.uint8).tobytes()).decode()


GREYS = RNG.integers(0, 256, (3, 28, 28)).astype(np.uint8)
COLOURS = RNG.integers(0, 256, (28, 28, 3)).astype(np.uint8)


def test_a_pile_becomes_data_of_ones_own(call, playground):
    assert call.post("/api/pile", client=PAGE, pictures=[text(grey) for grey in GREYS]).json() == {
        "refused": [],
        "numbers": [1, 2, 3],
    }
    assert call.get("/api/snapshot").json()["pile"] == {"count": 3, "newest": 3, "open": False}
    shown = call.get("/api/pile").json()["pictures"]
    assert [each["number"] for each in shown] == [1, 2, 3]
    first = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown[0]["png"]))))
    assert np.array_equal(first, GREYS[0])
    assert call.post("/api/pile/remove", client=PAGE, numbers=[2, 99]).json()["count"] == 2
    assert call.post("/api/pile/keep").json() == {"data": "drawings-1"}
    kept = np.asarray(load(playground.session.own["drawings-1"]).images)
    assert np.array_equal(kept[..., 0], GREYS[[0, 2]])
    named = [one["name"] for one in call.get("/api/catalog").json()["data"] if one["own"]]
    assert named == ["mine", "drawings-1"]


@pytest.mark.parametrize(
    ("path", "body", "kind"), [("pile/keep", {}, "drawings"), ("points", {"points": [0, 1]}, "drawn")]
)
def test_a_number_is_given_once(call, playground, path, body, kind):
    call.post("/api/pile", client=PAGE, pictures=[text(GREYS[0])])

    def keep():
        return call.post(f"/api/{path}", **body).json()["data"]

    assert [keep() for _ in range(3)] == [f"{kind}-{n}" for n in (1, 2, 3)]
    for gone in (1, 3):
        (playground.runs / f".{kind}-{gone}.npy").unlink()
    playground.session.own.clear()  # as after a restart
    assert keep() == f"{kind}-4"
    (playground.runs / f".{kind}-5.npy").touch()  # another server's
    assert keep() == f"{kind}-6"
    assert (playground.runs / f".{kind}-5.npy").read_bytes() == b""


@pytest.mark.parametrize(("path", "body"), [("pile/keep", {}), ("points", {"points": [0, 1]})])
def test_what_does_not_fit_on_the_disk_is_not_there(call, playground, path, body, monkeypatch):
    call.post("/api/pile", client=PAGE, pictures=[text(GREYS[0])])
    before = {*playground.runs.rglob("*")}

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    answer = call.post(f"/api/{path}", **body)
    assert (answer.status_code, "the disk is full" in answer.json()["detail"]) == (500, True)
    assert {*playground.runs.rglob("*")} == before
    assert list(playground.session.own) == ["mine"]


def test_the_desk_may_remove_what_a_phone_has_drawn(call):
    call.take(PAGE)
    call.post("/api/pile", client=OTHER, pictures=[text(GREYS[0])])
    assert call.post("/api/pile/remove", client=PAGE, numbers=[1]).json()["count"] == 0


def test_an_empty_pile_is_not_kept(call, playground):
    call.post("/api/pile", client=PAGE, pictures=[text(GREYS[0])])
    call.post("/api/pile/remove", client=PAGE, numbers=[1])
    assert "got none" in call.post("/api/pile/keep").json()["detail"]
    assert list(playground.session.own) == ["mine"]


def test_one_colour_among_them_makes_all_of_them_colours(call, playground):
    call.post("/api/pile", client=PAGE, pictures=[text(GREYS[0]), text(COLOURS)])
    name = call.post("/api/pile/keep").json()["data"]
    images = np.asarray(load(playground.session.own[name]).images)
    assert images.shape == (2, 28, 28, 3)
    assert np.array_equal(images[0], np.repeat(GREYS[0][..., None], 3, 2))
    assert np.array_equal(images[1], COLOURS)


def test_a_refused_picture_is_told_why(call, monkeypatch):
    monkeypatch.setattr(pile, "MOST", 2)
    blank = text(np.full((28, 28), 7))
    refused = call.post("/api/pile", client=PAGE, pictures=[blank, *(text(grey) for grey in GREYS)]).json()["refused"]
    assert [each["place"] for each in refused] == [0, 3]
    assert "one shade" in refused[0]["reason"]
    assert "has 2 pictures" in refused[1]["reason"]
    whole = text(GREYS[0])
    for wrong in ([], ["x"], [whole[:-4]], [whole] * 61):
        assert call.post("/api/pile", client=PAGE, pictures=wrong).status_code in (413, 422)


def test_pages_without_the_lock_may_add_and_take_back_only_where_a_class_may(call, playground):
    call.headers = {}
    assert call.post("/api/pile", client=PAGE, pictures=[text(GREYS[0])]).status_code == 403
    assert call.post("/api/pile/remove", client=PAGE, numbers=[1]).status_code == 403
    playground.pile.phone_address = "http://192.0.2.7:8000/?token=secret-of-the-class#pile"
    assert call.post("/api/pile", client=PAGE, pictures=[text(GREYS[0])]).status_code == 200
    assert call.post("/api/pile/remove", client=OTHER, numbers=[1]).json()["count"] == 1  # it is not theirs
    assert call.post("/api/pile/remove", client=PAGE, numbers=[1]).json()["count"] == 0
    assert call.post("/api/pile/keep").status_code == 403
    found = call.get("/api/pile").json()
    assert found["address"] == playground.pile.phone_address
    assert found["code"].startswith("data:image/svg+xml")
