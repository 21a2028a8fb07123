"""What a message may hold, and every call with whatever Hypothesis thinks of: an answer or a problem, never a 500."""

import base64
import json
import math
import re
from typing import Annotated
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mulligan.nn.fields import Interval, Words
from mulligan.output.pictures import png_bytes
from mulligan.web.calls import ROUTES, Problem, Text, from_text, values_of
from mulligan.web.handle import dumps

Whole = Annotated[int, Interval(1, 10, "[]", 5)]


def takes(
    *,
    n: Whole,
    x: Annotated[float, Interval(-1.0, 1.0, "[]", 0.5)] = 0.5,
    name: Annotated[str, Text("[a-z]{1,4}", "lower-case letters", "abc")] | None = None,
    kind: Annotated[str, Words(("one", "two"))] | None = None,
    on: bool = False,
    some: tuple[Whole, ...] = (),
    class_: str = "",
):
    """Take every kind of value."""


ALL = values_of(takes)


def refused(name, value):
    with pytest.raises(Problem) as found:
        ALL[name].read(value)
    assert (found.value.kind, found.value.field) == ("bad-field", name)
    return found.value.detail


def test_what_is_left_out_has_its_default():
    assert {name: value.read(None) for name, value in ALL.items() if name != "n"} == {
        "x": 0.5, "name": None, "kind": None, "on": False, "some": (), "class_": "",
    }  # fmt: skip
    assert (ALL["x"].read(1), ALL["some"].read([3])) == (1.0, (3,))
    assert "Try 5" in refused("n", None)
    assert ALL["class_"].name == "class"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 0), ("n", 11), ("n", 1.0), ("n", True), ("n", "5"), ("n", 10**30), ("n", []), ("n", None),
        ("x", 1.1), ("x", "0"), ("x", False), ("x", math.nan), ("x", math.inf), ("x", 10**400),
        ("name", ""), ("name", "abcde"), ("name", "A"), ("name", "a\n"), ("name", 3), ("kind", "On"),
        ("on", 1), ("on", "true"), ("some", [3, 12]), ("some", {"0": 1}), ("some", "1,2"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_is_named(name, value):
    assert len(refused(name, value)) < 400


def test_values_in_an_address():
    def read(name, text):
        return ALL[name].read(from_text(ALL[name].form, text))

    assert (read("on", "true"), read("on", "false")) == (True, False)
    assert read("n", "+3") == 3
    for name, text in (
        ("n", "٣"), ("n", "3_0"), ("n", " 3"), ("some", "1,2"), ("on", "yes"),
        ("n", "9" * 5000),
    ):  # fmt: skip
        with pytest.raises(Problem):
            read(name, text)


def test_strict_json():
    file = "caf\udce9.png"  # a name that is no UTF-8
    value = {"a": np.float32("nan"), 1: [np.arange(2), float("inf"), True, None, "é", file], "t": (np.int64(3),)}
    assert json.loads(dumps(value)) == {"a": None, "1": [[0, 1], None, True, None, "é", file], "t": [3]}


# ── every route ──

QUICK = [route for route in ROUTES if route.media != "text/event-stream"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
WORDS = st.text(max_size=30) | st.sampled_from(
    ["bundled", "ring-1", "..", ".", "0", "-1", "1e999", "nan", "1,2,3,4", "%00"]
)
NAMES = ["steps", "data", "penalties", "loss.kind", "start", "parent", "penalties.0", "data.name", ""]
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), JSON), max_size=3)


@pytest.fixture
def busy(call, stand, playground, monkeypatch):
    """A run that is training, and a folder of a run."""
    png = base64.b64encode(png_bytes(np.zeros((2, 2, 1), np.uint8))).decode()
    stand.answers = {
        **{what: {} for what in ("field", "samples", "nearest", "draw")},
        "duel": {"step": 1, **{side: [{"png": png, "belief": 0.5}] for side in ("real", "fake")}},
    }
    monkeypatch.setattr(playground.jobs, "add", lambda run: None)
    call.begun(stand)
    return call


@pytest.mark.parametrize("route", QUICK, ids=lambda route: f"{route.method} {route.path}")
def test_junk(busy, route):
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(st.data())
    def one(data):
        path = route.path
        for name in re.findall(r"{(\w+)}", route.path):
            path = path.replace(f"{{{name}}}", quote(data.draw(WORDS), safe=""))
        values = [value.name for each in route.takes for value in each.values()]
        names = st.sampled_from([*values, "other"])
        query = data.draw(st.dictionaries(names, WORDS, max_size=4)) if data.draw(st.booleans()) else {}
        if route.method == "GET":
            answer = busy.client.get(path, params=query)
        else:
            body = data.draw(JSON | st.dictionaries(names, JSON, max_size=5))
            if "changes" in values and isinstance(body, dict):
                body |= {"changes": data.draw(PAIRS), "recipe": "ring", "try": 1}
                body = {name: value for name, value in body.items() if name in values}
            answer = busy.client.post(path, params=query, json=body)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "detail"} <= answer.json().keys()
            assert answer.json()["detail"].endswith((".", "?", "}", "!")), answer.json()["detail"]

    one()


@pytest.mark.parametrize("depth", [100, 950, 3000])
def test_deep_json_is_refused(busy, depth):
    content = b'{"recipe": "ring", "changes": [["latent.dim", %s%s]]}' % (b"[" * depth, b"]" * depth)
    headers = {"content-type": "application/json"}
    assert busy.client.post("/api/train/start", content=content, headers=headers).status_code in (400, 409, 422)
