"""What a message may hold."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.nn.fields import Interval, Words, form_of
from mulligan.web.api.train import Settings
from mulligan.web.api.values import Many, Text, from_text, schema, values_of
from mulligan.web.problems import Problem
from mulligan.web.session.settings import configured

Whole = Annotated[int, Interval(1, 10, "[]", 5)]


def takes(
    *,
    n: Whole,
    x: Annotated[float, Interval(-1.0, 1.0, "[]", 0.5)] = 0.5,
    name: Annotated[str, Text("[a-z]{1,4}", "lower-case letters", "abc"), "A name."] | None = None,
    kind: Annotated[str, Words(("one", "two"))] | None = None,
    on: bool = False,
    some: Annotated[tuple[int, ...], Many(form_of(Whole), 0, 2)] = (),
    class_: str = "",
) -> None:
    """Take every kind of value."""


ALL = values_of(takes)


def refused(name: str, value: Any) -> Problem:
    with pytest.raises(Problem) as found:
        ALL[name].read(value)
    assert (found.value.kind, found.value.field) == ("bad-field", name)
    json.dumps(found.value.content(), allow_nan=False)
    return found.value


def test_what_is_left_out_has_its_default() -> None:
    assert {name: value.read(MISSING) for name, value in ALL.items() if name != "n"} == {
        "x": 0.5, "name": None, "kind": None, "on": False, "some": (), "class_": "",
    }  # fmt: skip
    assert (ALL["x"].read(1), ALL["x"].read(None), ALL["some"].read([3])) == (1.0, 0.5, (3,))
    assert "nothing" in refused("n", MISSING).detail
    assert (ALL["class_"].name, ALL["name"].line) == ("class", "A name.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 0), ("n", 11), ("n", 1.0), ("n", True), ("n", "5"), ("n", 10**30), ("n", []), ("n", None),
        ("x", 1.1), ("x", "0"), ("x", False), ("x", math.nan), ("x", math.inf), ("x", 10**400),
        ("name", ""), ("name", "abcde"), ("name", "A"), ("name", "a\n"), ("name", 3), ("kind", "On"),
        ("on", 1), ("on", "true"), ("some", [1, 2, 3]), ("some", [3, 12]), ("some", {"0": 1}), ("some", "1,2"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_is_named(name: str, value: Any) -> None:
    assert len(refused(name, value).detail) < 400


def test_the_sentence_says_what_must_hold_what_came_and_what_to_try() -> None:
    assert all(fact in refused("n", 50).detail for fact in ("10", "got 50", "Try 5."))
    assert "'one'" in refused("kind", "on").detail
    assert "got 'A'" in refused("name", "A").detail


def test_a_text_holds_no_letter_that_no_file_can_have() -> None:
    anything = Text("(.|\n)*", "text", "a")
    assert anything.plain("a\n🎲") == "a\n🎲"
    for text in ("\0", "\ud800"):
        with pytest.raises(ValueError):  # noqa: PT011
            anything.plain(text)


def test_values_in_an_address() -> None:
    def read(name: str, text: str) -> Any:
        return ALL[name].read(from_text(ALL[name].form, text))

    assert (read("some", "1,2"), read("on", "true"), read("on", "false")) == ((1, 2), True, False)
    assert (read("n", "+3"), read("x", "1e-3"), read("x", "-.5"), read("some", "")) == (3, 1e-3, -0.5, ())
    for name, text in (
        ("n", "٣"), ("n", "3_0"), ("n", " 3"), ("x", "nan"), ("x", "inf"), ("x", "0x1"), ("some", "1,"), ("on", "yes"),
        ("n", "9" * 5000),
    ):  # fmt: skip
        with pytest.raises(Problem):
            read(name, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


@given(st.sampled_from([*ALL]), JSON)
def test_any_json_is_read_or_refused_in_json(name: str, value: Any) -> None:
    try:
        ALL[name].read(value)
        ALL[name].read(from_text(ALL[name].form, str(value)))
    except Problem as problem:
        json.dumps(problem.content(), allow_nan=False).encode("utf-8", "backslashreplace")


def test_the_schema_says_the_same() -> None:
    assert {name: schema(value.form) for name, value in ALL.items()} == {
        "n": {"type": "integer", "minimum": 1, "maximum": 10},
        "x": {"type": "number", "minimum": -1.0, "maximum": 1.0},
        "name": {"type": "string", "pattern": "^([a-z]{1,4})$"},
        "kind": {"type": "string", "enum": ["one", "two"]},
        "on": {"type": "boolean"},
        "some": {"type": "array", "items": schema(form_of(Whole)), "minItems": 0, "maxItems": 2},
        "class_": {"type": "string"},
    }  # fmt: skip


def test_data_of_any_name_can_be_asked_for(tmp_path):
    place = str(tmp_path / "digits 🎲.npz")
    np.savez(place, images=np.random.default_rng(0).integers(0, 256, (9, 8, 8), np.uint8))
    asked = Settings(recipe="mlp", data="mine")
    dropped: list[str] = []
    assert configured(asked, {"mine": place}, dropped).data.name == place
    assert dropped == []
