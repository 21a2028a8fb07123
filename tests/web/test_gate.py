"""Who may knock, and what every answer carries."""

import mimetypes

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from mulligan.web.app import HEADERS, PAGE_POLICY, application

NAMES = ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "user@127.0.0.1", "127.0.0.1/x", "[::1"]


@pytest.mark.parametrize("path", ["/api/museum", "/"])
def test_only_this_servers_names_are_answered(call, path):
    for host in ("127.0.0.1:8000", "localhost:1", "LOCALHOST", "[::1]:8000"):
        assert call.get(path, headers={"host": host, "origin": f"http://{host}"}).status_code == 200
    for host in (*NAMES, "127.0.0.1:x"):
        answer = call.get(path, headers={"host": host})
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden-host")
    for hosts in (("127.0.0.1:8000", "evil.example"), ("127.0.0.1:8000",) * 2):  # two names
        answer = call.get(path, headers=[("host", host) for host in hosts])
        assert answer.json()["type"] == "/problems/forbidden-host"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9000", "file://"])
def test_pages_of_other_sites_are_refused(call, origin):
    assert call.get("/api/snapshot", headers={"origin": origin}).status_code == 403
    answer = call.client.post("/api/pile/keep", json={}, headers={"origin": origin})
    assert answer.json()["type"] == "/problems/forbidden-origin"


SITES = ("cross-site", "same-site")


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(
    ("path", "mode", "kind"),
    [
        ("/api/nearest?seed=1", "no-cors", "image"),  # makes this machine work
        ("/api/snapshot", "no-cors", "script"),
        ("/api/stream?client=0123456789abcdef", "cors", "empty"),  # an EventSource
        ("/api/snapshot", "navigate", "document"),
        ("/runs/ring-1/report.html", "navigate", "document"),
        ("/api/museum", "cors", "empty"),
        ("/js/main.js", "no-cors", "script"),
        ("/", "navigate", "iframe"),
        ("/", "no-cors", "empty"),  # a prefetch
        ("/", "websocket", "websocket"),
    ],
)
def test_another_site_gets_nothing(call, site, path, mode, kind):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": kind}
    for send in (call.client.get, call.client.head):
        answer = send(path, headers=headers)
        assert answer.status_code == 403
    answer = call.get(path, headers=headers).json()
    assert answer["type"] == "/problems/forbidden-origin"


@pytest.mark.parametrize("site", SITES)
def test_a_link_of_another_site_opens_the_page(call, site):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    for path in ("/", "/index.html"):
        assert call.get(path, headers=headers).status_code == 200
    assert call.client.post("/", headers=headers).status_code == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])  # our own page, and an address that was typed
def test_our_own_requests_are_served(call, site):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    for path in ("/", "/api/snapshot", "/js/main.js"):
        assert call.get(path, headers=headers).status_code == 200


def test_a_web_socket_is_closed(call):
    with pytest.raises(WebSocketDisconnect), call.client.websocket_connect("/api/stream"):
        pass


@pytest.mark.parametrize("path", ["/", "/api/museum", "/api/snapshot", "/nothing", "/api/nothing", "/api/draw?seed=x"])
def test_every_answer_carries_the_headers(call, path):
    headers = call.get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert headers["content-security-policy"] == PAGE_POLICY
    assert "unsafe" not in PAGE_POLICY
    assert "no-store" in headers["cache-control"] or path == "/nothing"


def test_the_systems_table_of_types_does_not_decide_what_the_page_is(playground, monkeypatch):
    monkeypatch.setattr("mimetypes._db", mimetypes.MimeTypes())
    for ending in (".js", ".css", ".svg", ".html"):
        mimetypes.add_type("text/plain", ending)
    with TestClient(application(playground), base_url="http://127.0.0.1:8000") as client:
        for path, kind in (
            ("/", "text/html; charset=utf-8"),
            ("/js/main.js", "text/javascript; charset=utf-8"),
            ("/css/tokens.css", "text/css; charset=utf-8"),
            ("/mark.svg", "image/svg+xml"),
        ):
            assert client.get(path).headers["content-type"] == kind


def test_every_refusal_is_a_problem(call):
    for answer, status in (
        (call.get("/nothing"), 404),
        (call.get("/api/runs/none"), 404),
        (call.client.put("/api/snapshot"), 405),
        (call.client.post("/"), 405),
        (call.client.request("TRACE", "/api/pile"), 405),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail"} <= answer.json().keys()
        assert answer.json()["status"] == status


def test_a_token_guards_all(playground):
    secret = "s3cret-s3cret-s3cret"
    with TestClient(
        application(playground, hosts=frozenset(), token=secret), base_url="http://192.168.1.2:8000"
    ) as client:
        for path in ("/", "/api/snapshot", "/api/museum"):
            assert client.get(path).status_code == 401
            assert client.get(path, params={"token": "wrong"}).status_code == 401
        answer = client.get("/", params={"token": secret}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        client.cookies.clear()
        for path in ("/index.html", "/api/snapshot"):  # the cookie is given at / alone
            answer = client.get(path, params={"token": secret}, follow_redirects=False)
            assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        assert client.get("/api/snapshot").status_code == 401
        client.get("/", params={"token": secret}, follow_redirects=False)
        assert client.get("/api/snapshot").status_code == 200  # by the cookie
        assert client.get("/api/snapshot", headers={"origin": "http://evil.example"}).status_code == 403


def test_bodies(call):
    def post(content, kind="application/json"):
        return call.client.post("/api/pile/remove", content=content, headers={"content-type": kind})

    assert post(b'{"client": "0123456789abcdef", "numbers": []}').status_code == 200
    for content, status in (
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"NaN", 400),
        (b"[]", 400),
        (b"3", 400),
        (b"null", 400),
        (b'{"client": NaN}', 422),
        (b"[" * 50_000, 400),
        (b" " * 70_000, 400),
        (b'{"client": "\\ud800bcdefghijklmnopq"}', 422),
    ):
        assert post(content).status_code == status, content[:20]
    for kind in ("text/plain", "application/x-www-form-urlencoded"):  # what a page of another site can send
        assert post(b'{"client": "0123456789abcdef", "numbers": []}', kind).status_code == 400

    def parts():
        for _ in range(100):
            yield b" " * 1000

    assert post(parts()).status_code == 400  # with no length said


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/%2e%2e/app.py", "/..%2fapp.py", "/css/../../app.py", "//etc/passwd", "/%00"]
)
def test_only_the_page_is_served(call, path):
    assert call.get(path).status_code in (404, 400)


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..", ".trash", "a%2fb", "%00", "con\\x", "~", "-", "a" * 200])
def test_paths_stay_in_the_runs_folder(call, playground, name):
    playground.runs.mkdir()
    (playground.runs.parent / "config.toml").write_text("")
    (playground.runs / ".trash").mkdir()
    (playground.runs / ".trash" / "config.toml").write_text("")
    for path in (f"/api/runs/{name}", f"/runs/{name}/report.html", f"/api/runs/{name}/samples/0.png"):
        answer = call.get(path)
        assert answer.status_code in (404, 422) or answer.content == call.get("/").content, path


def test_links_lead_nowhere(call, playground, tmp_path):
    outside = tmp_path / "outside"
    (outside / "samples").mkdir(parents=True)
    for name in ("config.toml", "report.html", "samples/step-000000.png"):
        (outside / name).write_text("secret")
    run = playground.runs / "run-1"
    run.mkdir(parents=True)
    (run / "config.toml").write_text("")
    (run / "report.html").symlink_to(outside / "report.html")
    (run / "samples").symlink_to(outside / "samples")
    (playground.runs / "linked").symlink_to(outside)
    for path in ("/runs/run-1/report.html", "/api/runs/run-1/samples/0.png", "/runs/linked/report.html"):
        assert call.get(path).status_code == 404
