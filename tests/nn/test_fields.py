"""Ranges: what is in, what is out, and how it is said."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from mulligan.errors import ConfigError
from mulligan.nn import fields
from mulligan.nn.fields import Checked, Count, Positive


@dataclass(frozen=True)
class Spec(Checked):
    finite: fields.Finite = 0.0
    positive: Positive = 1.0
    non_negative: fields.NonNegative = 0.0
    decay: fields.Decay = 0.9
    fraction: fields.Fraction = 0.5
    positive_fraction: fields.PositiveFraction = 0.5
    count: Count = 3
    whole: fields.Whole = 3
    seed: fields.Seed = 7
    counts: tuple[Count, ...] = (64, 32)
    word: Literal["fast", "slow", "still"] = "slow"
    free: str = "anything"


@dataclass(frozen=True)
class Bare(Checked):
    rate: Positive


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("finite", (-1e300, 0, 1e300), (math.inf, -math.inf, math.nan)),
        ("positive", (1e-300, 5), (0, -1, math.inf, math.nan)),
        ("non_negative", (0, 5), (-1e-300, math.inf)),
        ("decay", (0, 0.999), (1, -0.1)),
        ("fraction", (0, 1), (1.001, -0.001)),
        ("positive_fraction", (0.001, 1), (0, 1.001)),
        ("count", (1, 10**9), (0, 1.5, 2.0, math.inf)),
        ("whole", (0, 10**9), (-1, 1.5, 2.0, math.inf)),
        ("seed", (0, 2**63 - 1), (-1, 2**63)),
    ],
)
def test_edges(field, inside, outside):
    for value in inside:
        assert getattr(Spec(**{field: value}), field) == value
    for value in (*outside, True, None, "1", 1j):
        with pytest.raises(ConfigError, match=f"Spec: {field} must be "):
            Spec(**{field: value})


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"positive": -2.0}, "a finite number, above 0, got -2.0. Try 1."),
        ({"positive_fraction": 0.0}, "a finite number, above 0 and at most 1, got 0.0. Try 0.5."),
        ({"seed": -1}, "a whole number from 0 to 9,223,372,036,854,775,807, got -1. Try 7."),
        ({"word": ["fast"]}, "'fast', 'slow' or 'still', got ['fast']. Try 'slow'."),
    ],
)
def test_words(options, rule):
    with pytest.raises(ConfigError) as caught:
        Spec(**options)
    assert str(caught.value) == f"Spec: {next(iter(options))} must be {rule}"


def test_whole_numbers_beyond_all_floats_are_refused():
    for field in ("count", "finite"):
        with pytest.raises(ConfigError, match=f"{field} must be .*, got 1000"):
            Spec(**{field: 10**400})
        with pytest.raises(ConfigError, match=f"{field} must be .*, got a number of more than 4,300 digits"):
            Spec(**{field: 10**5000})  # Python itself refuses to write it


@dataclass(frozen=True)
class Holder(Checked):
    one: Spec = Spec()
    perhaps: Spec | None = None
    several: tuple[Spec, ...] = ()
    either: tuple[Spec, ...] | Bare = Bare(1.0)


def test_objects_are_of_their_kind():
    spec, bare = Spec(), Bare(2.0)
    holder = Holder(spec, spec, [spec, spec], [spec])
    assert holder == Holder(spec, spec, (spec, spec), (spec,))
    assert hash(holder) == hash(Holder(spec, spec, (spec, spec), (spec,)))
    assert Holder(perhaps=None, either=bare).either is bare


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"one": "spec"}, r"Holder: one must .*got 'spec'."),
        ({"one": Spec}, "one must be a kind of Spec, got <class .*Spec'>"),
        ({"perhaps": 3}, r"Holder: perhaps must .*got 3"),
        ({"several": Spec()}, r"several must .*got Spec"),
        ({"several": "spec"}, "several must be .*, got 'spec'"),
        ({"either": 1}, "a list, each entry a kind of Spec, or a kind of Bare, got 1. Try Bare()."),
    ],
)
def test_objects_of_another_kind(options, rule):
    with pytest.raises(ConfigError, match=rule.replace("()", r"\(\)")):
        Holder(**options)


def test_a_field_without_default_has_a_remedy_too():
    with pytest.raises(ConfigError, match="Try 1"):
        Bare(0.0)


def test_numpy_and_integer_values_become_plain_python():
    spec = Spec(positive=np.float32(2), fraction=1, count=np.int64(7))
    assert [type(value) for value in (spec.positive, spec.fraction, spec.count)] == [float, float, int]
    assert spec.free == "anything"
    counts = Spec(counts=[np.int64(7), 2]).counts
    assert counts == (7, 2)
    assert [type(count) for count in counts] == [int, int]
