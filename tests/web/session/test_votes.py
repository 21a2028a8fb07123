"""Class forgery: what a round tells before and after its end, whose votes count, and what a phone may do."""

import time

import pytest
from starlette.testclient import TestClient

from mulligan.web.app import application
from mulligan.web.gate import COOKIE, for_class
from mulligan.web.session import votes
from mulligan.web.session.broadcast import Client

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
    return lambda real: monkeypatch.setattr(votes.random, "random", lambda: 0.4 if real else 0.6)


@pytest.fixture
def desk(call, stand, playground):
    stand.answers["duel"] = DUEL
    playground.pile.phone_address = "http://192.0.2.7:8000/"
    for name in PHONES:
        playground.broadcast.clients.add(Client(name, phone=True))
    return call


def vote(desk, phone, real, number=1):
    """Vote as a phone, which does not hold the write lock."""
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
    assert desk.post("/api/round/end").json()["type"] == "/problems/wrong-state"
    desk.post("/api/round/leave")
    assert now(desk) is None
    desk.post("/api/round")
    assert now(desk)["score"] == [0, 0, 0]


def test_only_a_page_that_listens_votes(desk, playground):
    desk.post("/api/round")
    for client in [*playground.broadcast.clients]:
        playground.broadcast.clients.discard(client)
    assert vote(desk, 0, True).status_code == 409
    playground.broadcast.gone[PHONES[0]] = time.monotonic()  # it connects again
    assert vote(desk, 0, True).status_code == 200
    assert (now(desk)["votes"], now(desk)["phones"]) == (1, 0)


def test_no_run_no_round(desk, stand):
    stand.answers.clear()
    assert "no run has been started" in desk.post("/api/round").json()["detail"]
    assert now(desk) is None


def test_a_phone_draws_and_votes_and_nothing_else(playground, stand):
    stand.answers["duel"] = DUEL
    playground.pile.phone_address = "http://192.0.2.7:8000/"
    app = application(playground, hosts=frozenset(), token=SECRET)
    with TestClient(app, base_url="http://192.0.2.7:8000") as phone:
        assert phone.get("/?token=wrong").status_code == 401
        assert phone.get(f"/?token={for_class(SECRET)}").status_code == 200
        assert phone.cookies[COOKIE] == for_class(SECRET)
        assert phone.get("/js/main.js").status_code == 200
        assert phone.get("/api/pile").status_code == 200
        assert phone.post("/api/pile/remove", json={"client": PHONES[0], "numbers": [1]}).status_code == 200
        lock = {"client": PHONES[0], "take": True}
        for answer in (
            phone.post("/api/write-lock", json=lock),
            phone.post("/api/round", json={}),
            phone.post("/api/pile/keep", json={}),
            phone.get("/api/snapshot"),
            phone.get("/api/runs"),
            phone.get("/runs/quick-1/report.html"),
        ):
            assert (answer.status_code, "draw or vote" in answer.json()["detail"]) == (401, True)
    with TestClient(app, base_url="http://192.0.2.7:8000") as desk:
        desk.get(f"/?token={SECRET}")
        desk.get(f"/?token={for_class(SECRET)}")  # looks at what phones see, and keeps control
        assert desk.post("/api/write-lock", json=lock).json()["writer"]
