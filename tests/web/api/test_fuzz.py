"""Every call of the OpenAPI description, with whatever Hypothesis thinks of: an answer that is described, never a 500.

Schemathesis where it is installed makes the requests from the description alone; the test after it needs nothing but
Hypothesis and throws the same kind of junk at every route of the table.
"""

import base64
import json
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mulligan.output.pictures import png_bytes
from mulligan.web.api.openapi import ROUTES, description

CALM = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
QUICK = [route for route in ROUTES if route.media != "text/event-stream"]


@pytest.fixture
def busy(call, stand):
    """A run that is training, and a folder of a run."""
    png = base64.b64encode(png_bytes(np.zeros((2, 2, 1), np.uint8))).decode()
    stand.answers = {
        **{what: {} for what in ("field", "point", "pictures", "layers", "samples", "nearest", "inverted")},
        **{
            what: {"png": png, "class": 1, "class_name": "1", **seeds}
            for what, seeds in (("draw", {"seed": 1}), ("plane", {"seeds": [1, 2]}))
        },
        "duel": {"step": 1, **{side: [{"png": png, "belief": 0.5}] for side in ("real", "fake")}},
        "walk": {"frames": [png], "from": 1, "to": 2},
    }
    call.post("/api/train/start", recipe="ring")
    stand.open()
    return call


def test_the_description_describes_every_call():
    found = description()
    described = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES}
    names = [operation["operationId"] for methods in found["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))
    for route in ROUTES:
        assert route.locked == (route.method == "POST" and route.path != "/api/write-lock"), route.path
        operation = found["paths"][route.path][route.method.lower()]
        inside = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        assert {p["name"] for p in operation["parameters"]} | inside.get("properties", {}).keys() == route.values.keys()
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("examples", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_schemathesis(busy, playground, monkeypatch, examples):
    schemathesis = pytest.importorskip("schemathesis")
    monkeypatch.setattr(playground.jobs, "add", lambda what, run, **args: {"job": what})
    app = busy.client.app
    schema = schemathesis.openapi.from_dict(description(QUICK))
    schema.app = app
    checks = [
        schemathesis.checks.not_a_server_error,
        schemathesis.specs.openapi.checks.status_code_conformance,
        schemathesis.specs.openapi.checks.content_type_conformance,
        schemathesis.specs.openapi.checks.response_schema_conformance,
    ]
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(CALM, max_examples=examples)
        @given(case=operation.as_strategy())
        def one(case):
            nonlocal tried
            tried += 1
            case.call_and_validate(base_url="http://127.0.0.1:8000", headers=busy.headers, checks=checks)

        one()
    assert tried >= 2 * len(QUICK)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
WORDS = st.text(max_size=30) | st.sampled_from(
    ["live", "bundled", "ring-1", "..", ".", "0", "-1", "1e999", "nan", "1,2,3,4", "%00"]
)


@pytest.mark.parametrize("route", QUICK, ids=lambda route: f"{route.method} {route.path}")
def test_junk(busy, playground, monkeypatch, route):
    monkeypatch.setattr(playground.jobs, "add", lambda what, run, **args: {"job": what})
    places = re.findall(r"{(\w+)}", route.path)

    @CALM
    @given(st.data())
    def one(data):
        from urllib.parse import quote

        path = route.path
        for name in places:
            path = path.replace(f"{{{name}}}", quote(data.draw(WORDS), safe=""))
        names = st.sampled_from([*route.values, "other"])
        query = data.draw(st.dictionaries(names, WORDS, max_size=4)) if data.draw(st.booleans()) else {}
        if route.method == "GET":
            answer = busy.client.get(path, params=query)
        else:
            body = data.draw(JSON | st.dictionaries(names, JSON, max_size=5))
            answer = busy.client.post(path, params=query, json=body, headers=busy.headers)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "detail"} <= answer.json().keys()
            assert answer.json()["detail"].endswith((".", "?", "}", "!")), answer.json()["detail"]

    one()
