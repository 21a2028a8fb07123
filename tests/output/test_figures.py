import math

import pytest

from mulligan.output.figures import count, duration, figure, phrase, write_out


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (2.834, "2.83"),
        (87.14, "87.1"),
        (0.01312, "0.0131"),
        (0.01, "0.0100"),
        (0.00031, "3.1e−4"),
        (9.999, "10.0"),
        (999.6, "1,000"),
        (1.876e27, "1.9e27"),
        (-3.1e-10, "−3.1e−10"),
        (0, "0"),
        (1, "1.00"),
        (None, "–"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_three_significant_digits(x, text):
    assert figure(x) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.7, "1 min"),
        (60, "1 min"),
        (185.4, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (100_000, "27 h 46 min"),
    ],
)
def test_times(seconds, text):
    assert duration(seconds) == text


def test_counts():
    assert [count(n) for n in (0, 999, 12400, -1234)] == ["0", "999", "12,400", "−1,234"]
    assert phrase(1, "sample") == "1 sample"
    assert phrase(12_400, "sample") == "12,400 samples"
    assert phrase(0, "class", "classes") == "0 classes"
    assert phrase(1, "class", "classes") == "1 class"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (12400, "12,400"),
        (0.0131, "0.0131"),
        ({"median": 2.834, "min": 2.5, "max": 3.0}, "2.83 (2.50…3.00)"),
        ({"median": 7, "min": 7, "max": 7}, "7"),
        ({"median": 7, "min": 7, "max": 9}, "7 (7…9)"),
        (None, "–"),
        (True, "–"),
        ("judge", "–"),
    ],
)
def test_what_metrics_json_holds_of_one_draw_or_of_several(found, text):
    assert write_out(found) == text
