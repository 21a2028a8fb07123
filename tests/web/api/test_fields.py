"""What a message may hold."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.web.api.fields import Field, object_schema, read_object, read_query
from mulligan.web.api.routes import START
from mulligan.web.problems import KINDS, Problem
from mulligan.web.session.settings import configured

WHOLE = Field("int", low=1, high=10, example=5)
ALL = {
    "n": WHOLE,
    "x": Field("float", low=-1.0, high=1.0, default=0.5),
    "name": Field("text", low=1, high=4, pattern="[a-z]+", say="lower-case letters"),
    "kind": Field("text", choices=("one", "two")),
    "on": Field("bool", default=False),
    "some": Field("list", low=0, high=2, inner=WHOLE),
}


def refused(*args: Any, **more: Any) -> Problem:
    with pytest.raises(Problem) as found:
        read_object(*args, **more)
    return found.value


def test_what_is_left_out_has_its_default() -> None:
    assert read_object(ALL, {}) == {
        "n": None, "x": 0.5, "name": None, "kind": None, "on": False, "some": None,
    }  # fmt: skip
    assert read_object(ALL, {"x": 1, "n": None})["x"] == 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 0), ("n", 11), ("n", 1.0), ("n", True), ("n", "5"), ("n", 10**30), ("n", []),
        ("x", 1.1), ("x", "0"), ("x", False), ("x", math.nan), ("x", math.inf), ("x", 10**400),
        ("name", ""), ("name", "abcde"), ("name", "A"), ("name", "a\n"), ("name", 3), ("kind", "On"),
        ("on", 1), ("on", "true"), ("some", [1, 2, 3]), ("some", {"0": 1}),
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_is_named(name: str, value: Any) -> None:
    problem = refused(ALL, {name: value})
    assert problem.more["field"] == name
    assert problem.detail.startswith(name)
    json.dumps(problem.content(), allow_nan=False)


def test_the_sentence_says_what_value_allowed_and_next() -> None:
    assert refused(ALL, {"n": 50}).detail == "n must be a whole number from 1 to 10, got 50. Try 5."
    assert "kind must be one of one, two, got 'on'. Did you mean 'one'?" in refused(ALL, {"kind": "on"}).detail
    assert "name must be lower-case letters, got 'A'." in refused(ALL, {"name": "A"}).detail
    assert refused(ALL, {"some": [3, 12]}).more["field"] == "some[1]"
    assert "got 'nn'. Did you mean 'n'?" in refused(ALL, {"nn": 1}).detail
    needed = {"n": Field("int", required=True, low=1, high=2)}
    assert refused(needed, {}).detail == "n must be a whole number from 1 to 2, got nothing."
    assert "must be a JSON object, got a list" in refused(ALL, []).detail


def test_a_long_value_is_not_repeated_whole() -> None:
    assert len(refused(ALL, {"name": "a" * 10_000}).detail) < 200


def test_queries() -> None:
    assert read_query(ALL, [("n", "3"), ("x", "-.5"), ("some", "1,2"), ("on", "true")])["some"] == [1, 2]
    assert read_query(ALL, [("x", "1e-3")])["x"] == 1e-3
    for pairs in (
        [("n", "٣")],
        [("n", "3_0")],
        [("n", " 3")],
        [("x", "nan")],
        [("x", "inf")],
        [("x", "0x1")],
        [("some", "1,")],
        [("n", "3"), ("n", "3")],
        [("z", "")],
        [("on", "yes")],
        [("n", "9" * 5000)],
    ):
        with pytest.raises(Problem):
            read_query(ALL, pairs)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*ALL, "other"]), inner, max_size=4),
)


@given(JSON)
def test_any_json_is_read_or_refused_in_json(value: Any) -> None:
    try:
        found = read_object(ALL, value)
    except Problem as problem:
        json.dumps(problem.content(), allow_nan=False).encode()
        known = problem.status in {kind.status for kind in KINDS.values()}
    else:
        known = found.keys() == ALL.keys()
    assert known


@given(st.lists(st.tuples(st.sampled_from([*ALL, "other"]), st.text(max_size=12)), max_size=3))
def test_any_query_is_read_or_refused(pairs: Any) -> None:
    try:
        read_query(ALL, pairs)
    except Problem as problem:
        json.dumps(problem.content(), allow_nan=False).encode()


def test_the_schema_says_the_same() -> None:
    schema = object_schema({**ALL, "must": Field("int", low=0, high=1, required=True)})
    assert schema["required"] == ["must"]
    assert schema["properties"]["n"] == {"type": ["integer", "null"], "minimum": 1, "maximum": 10}
    assert schema["properties"]["kind"]["enum"] == ["one", "two", None]
    assert schema["properties"]["name"] == {
        "type": ["string", "null"], "minLength": 1, "maxLength": 4, "pattern": "^[a-z]+$",
    }  # fmt: skip
    assert schema["additionalProperties"] is False


def test_data_of_any_name_can_be_asked_for(tmp_path):
    place = str(tmp_path / "digits 🎲.npz")
    np.savez(place, images=np.random.default_rng(0).integers(0, 256, (9, 8, 8), np.uint8))
    asked = dict.fromkeys((*START,)) | {"recipe": "mlp", "data": "mine"}
    dropped: list[str] = []
    assert configured(asked, {"mine": place}, dropped).data.name == place
    assert dropped == []
