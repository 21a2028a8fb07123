"""The pile that all pages share, and class forgery: who may add and vote, what is refused, what becomes of it."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from mulligan.data import load
from mulligan.web import classroom
from mulligan.web.app import COOKIE, application, make_class_token
from mulligan.web.streams import Client

RNG = np.random.default_rng(0)
PAGE = "a-page-that-draws"


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
    call.post("/api/pile", client=PAGE, pictures=[text(COLOURS)])  # one makes all of them colours
    assert call.post("/api/pile/keep").json() == {"data": "drawings-1"}
    kept = np.asarray(load(playground.session.own["drawings-1"]).images)
    assert np.array_equal(kept[:2], np.repeat(GREYS[[0, 2], ..., None], 3, 3))
    assert np.array_equal(kept[2], COLOURS)
    named = [one["name"] for one in call.get("/api/catalog").json()["data"] if one["own"]]
    assert named == ["mine", "drawings-1"]


def test_a_number_is_given_once(call, playground):
    assert call.post("/api/pile/keep").json()["type"] == "/problems/wrong-state"  # there is nothing on it yet
    call.post("/api/pile", client=PAGE, pictures=[text(GREYS[0])])

    def keep():
        return call.post("/api/pile/keep").json()["data"]

    assert [keep() for _ in range(3)] == [f"drawings-{n}" for n in (1, 2, 3)]
    playground.session.own.clear()  # as after a restart
    assert keep() == "drawings-4"


def test_a_refused_picture_is_told_why(call, monkeypatch):
    monkeypatch.setattr(classroom, "MOST", 2)
    blank = text(np.full((28, 28), 7))
    refused = call.post("/api/pile", client=PAGE, pictures=[blank, *(text(grey) for grey in GREYS)]).json()["refused"]
    assert [each["place"] for each in refused] == [0, 3]
    assert "one shade" in refused[0]["reason"]
    assert "has 2 pictures" in refused[1]["reason"]
    whole = text(GREYS[0])
    for wrong in (["x"], [whole[:-4]]):
        assert call.post("/api/pile", client=PAGE, pictures=wrong).status_code in (413, 422)


# ── class forgery ──

SECRET = "a-secret-of-the-class"
PHONES = [f"a-phone-of-the-class-{n}" for n in range(4)]
DUEL = {
    "step": 30,
    "real": [{"png": "REAL", "belief": 0.7}],
    "fake": [{"png": "FAKE", "belief": 0.6}],
}


@pytest.fixture
def shows(monkeypatch):
    """Choose what the next rounds show."""
    return lambda real: monkeypatch.setattr(classroom.random, "random", lambda: 0.4 if real else 0.6)


@pytest.fixture
def desk(call, stand, playground):
    stand.answers["duel"] = DUEL
    playground.pile.phone_address = "http://192.0.2.7:8000/"
    for name in PHONES:
        playground.broadcast.clients.add(Client(name, phone=True))
    return call


def vote(desk, phone, real, number=1):
    """Vote as a phone."""
    said = {"client": PHONES[phone], "number": number, "real": real}
    return desk.client.post("/api/round/vote", json=said)


def now(desk):
    return desk.get("/api/snapshot").json()["round"]


def test_a_round_is_told_only_when_it_is_over(desk, shows):
    assert now(desk) is None
    shows(real=False)
    assert desk.post("/api/round").status_code == 200
    for phone, real in ((0, True), (1, True), (2, False), (3, True), (3, True), (0, False)):  # two of them think again
        assert vote(desk, phone, real).status_code == 200
    open_ = {"number": 1, "step": 30, "png": "FAKE", "votes": 4, "phones": 4, "score": [0, 0, 0], "answer": None}
    assert now(desk) == open_
    assert desk.post("/api/round/end").status_code == 200
    assert now(desk)["answer"] == {"real": False, "belief": 0.6, "share": 0.5}
    assert now(desk)["score"] == [1, False, False]  # half of the votes are not right
    late = vote(desk, 1, False)
    assert (late.status_code, "came too late" in late.json()["detail"]) == (409, True)
    assert now(desk)["votes"] == 4


def test_the_score_counts_rounds_with_votes(desk, shows):
    for number, (real, said) in enumerate(((True, [True, True, False]), (False, [False]), (True, [])), start=1):
        shows(real)
        desk.post("/api/round")
        assert (now(desk)["number"], now(desk)["votes"]) == (number, 0)
        for phone, each in enumerate(said):
            vote(desk, phone, each, number)
        assert vote(desk, 0, True, number - 1 or 9).json()["type"] == "/problems/wrong-state"
        desk.post("/api/round/end")
    assert now(desk)["answer"]["share"] is None
    assert now(desk)["score"] == [2, 2, 1]
    desk.post("/api/round/end")  # twice is once
    assert now(desk)["score"] == [2, 2, 1]
    desk.post("/api/round/leave")
    assert now(desk) is None
    desk.post("/api/round")
    assert now(desk)["score"] == [0, 0, 0]


def test_only_a_page_that_listens_votes(desk, playground):
    desk.post("/api/round")
    for client in [*playground.broadcast.clients]:
        playground.broadcast.clients.discard(client)
    assert vote(desk, 0, True).status_code == 409
    assert (now(desk)["votes"], now(desk)["phones"]) == (0, 0)


@pytest.fixture
def app(playground, stand):
    """The application for a class."""
    stand.answers["duel"] = DUEL
    playground.pile.phone_address = "http://192.0.2.7:8000/"
    return application(playground, hosts=frozenset(), token=SECRET)


def test_a_phone_draws_and_votes_and_nothing_else(app):
    with TestClient(app, base_url="http://192.0.2.7:8000") as phone:
        assert phone.get("/?token=wrong").status_code == 401
        assert phone.get(f"/?token={make_class_token(SECRET)}").status_code == 200
        assert phone.cookies[COOKIE] == make_class_token(SECRET)
        assert phone.get("/js/main.js").status_code == 200
        pile = phone.get("/api/pile").json()
        assert pile["address"] == "http://192.0.2.7:8000/"
        assert pile["code"].startswith("data:image/svg+xml")
        for client in PHONES[:2]:
            assert phone.post("/api/pile", json={"client": client, "pictures": [text(GREYS[0])]}).status_code == 200
        both = {"client": PHONES[0], "numbers": [1, 2]}
        assert phone.post("/api/pile/remove", json=both).json()["count"] == 1  # the other one is not theirs
        for answer in (
            phone.post("/api/train/start", json={"recipe": "ring"}),
            phone.post("/api/round", json={}),
            phone.post("/api/pile/keep", json={}),
            phone.get("/api/snapshot"),
            phone.get("/api/runs"),
            phone.get("/runs/quick-1/report.html"),
        ):
            assert answer.status_code == 401
    with TestClient(app, base_url="http://192.0.2.7:8000") as desk:
        desk.get(f"/?token={SECRET}")
        desk.get(f"/?token={make_class_token(SECRET)}")  # looks at what phones see, and keeps control
        assert desk.post("/api/pile/remove", json=both).json()["count"] == 0


def test_a_phone_is_known_by_its_cookie_and_not_by_what_it_asks_for(app, playground):
    playground.broadcast.stream = lambda name, phone: iter_of(b"phone" if phone else b"desk")
    for token, kinds in ((make_class_token(SECRET), [b"phone"] * 3), (SECRET, [b"desk", b"phone", b"desk"])):
        with TestClient(app, base_url="http://192.0.2.7:8000") as page:
            page.get(f"/?token={token}")
            streams = [f"/api/stream?client={PHONES[0]}{more}" for more in ("", "&phone=true", "&phone=false")]
            assert [page.get(address).content for address in streams] == kinds


async def iter_of(*parts):
    for part in parts:
        yield part


def test_one_phone_does_not_fill_the_pile(app, monkeypatch):
    monkeypatch.setattr(classroom, "SHARE", 2)
    with TestClient(app, base_url="http://192.0.2.7:8000") as phone:
        phone.get(f"/?token={make_class_token(SECRET)}")
        for client, numbers in ((PHONES[0], [1, 2]), (PHONES[1], [3, 4])):
            added = phone.post("/api/pile", json={"client": client, "pictures": [text(grey) for grey in GREYS]}).json()
            assert (added["numbers"], [each["place"] for each in added["refused"]]) == (numbers, [2])
