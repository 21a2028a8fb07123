"""Curves say what the numbers say: no value is cut without a sign, no gap is bridged."""

import math
import re

import numpy as np
import pytest

from mulligan.output.pictures import charts
from mulligan.output.pictures.charts import (
    BOTTOM,
    LEFT,
    LETTER,
    RIGHT,
    TOP,
    WIDTH,
    Chart,
    Line,
    Mark,
    Scale,
    draw,
    nice_step,
    round_scale,
    short,
)


def chart(y, x=None, **more):
    x = range(len(y)) if x is None else x
    return Chart("Loss", "nats", "words", [Line("D", "judge", list(x), y)], float(max(x, default=0) or 1), **more)


def curve(text):
    """Return the points of the first curve, pen moves apart."""
    path = re.search(r'class="curve[^"]*" d="([^"]*)"', text)[1]
    return [(pen, float(a), float(b)) for pen, a, b in re.findall(r"([ML])([-\d.]+) ([-\d.]+)", path)]


def test_the_ends_of_a_curve_lie_where_the_axis_says():
    points = curve(draw(chart([0.0, 1.0, 2.0], bounds=(0.0, 2.0))))
    assert points[0] == ("M", LEFT, BOTTOM)
    assert points[2] == ("L", RIGHT, TOP)
    assert points[1][1] == pytest.approx((LEFT + RIGHT) / 2)


def test_a_logarithmic_axis_has_equal_steps_for_equal_factors():
    ys = [y for _, _, y in curve(draw(chart([0.01, 0.1, 1.0], log=True)))]
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2], abs=0.11)
    assert "log scale" in draw(chart([0.01, 1.0], log=True))


def test_what_is_not_finite_breaks_the_curve():
    assert [pen for pen, _, _ in curve(draw(chart([1.0, 2.0, math.nan, 1.0, math.inf, 2.0])))] == ["M", "L", "M", "M"]
    assert [pen for pen, _, _ in curve(draw(chart([1.0, 0.5, -1.0, 0.0, 2.0, 3.0], log=True)))] == ["M", "L", "M", "L"]


def test_nothing_to_draw_is_nothing():
    assert draw(chart([])) == ""
    assert draw(chart([math.nan, math.inf])) == ""
    assert draw(chart([-1.0, 0.0], log=True)) == ""


def test_a_value_far_beyond_leaves_the_frame_and_the_others_are_not_flattened():
    y = [1.0 + 0.1 * math.sin(i) for i in range(100)]
    y[50], y[60] = 1e6, -1e6
    places = [place for _, _, place in curve(draw(chart(y)))]
    assert places[50] < TOP < TOP + 20 < places[49] < BOTTOM < places[60]
    steady = curve(draw(chart([float(i * i) for i in range(200)])))
    assert all(TOP <= place <= BOTTOM for _, _, place in steady)  # a steady climb is not taken for an outlier


def test_a_curve_of_one_point_is_a_dot():
    assert 'class="curve judge dot"' in draw(chart([1.0]))
    assert "dot" not in draw(chart([1.0, 2.0]))


def test_long_curves_are_thinned_to_means():
    thin = charts._thin(Line("D", "judge", list(range(4000)), [float(i) for i in range(4000)]))
    assert len(thin.x) == charts.POINTS
    assert thin.y == pytest.approx(np.arange(4000).reshape(charts.POINTS, 10).mean(1))
    assert thin.x == pytest.approx(thin.y)


def test_a_chart_can_be_heard_and_says_its_values():
    text = draw(chart([3.0, 0.564]))
    assert 'role="img" aria-label="Loss over steps; at the end D 0.564"' in text
    assert "0.564</b>" in text


def test_ticks_do_not_stand_on_each_other():
    for end in (20, 999, 2000, 7000, 20_000, 123_456, 1.7, 37.0):
        text = draw(Chart("x", "", "", [Line("D", "judge", [0, end], [0.0, 1.0])], end))
        spans = []
        for side, x, words in re.findall(rf'class="tick( end| mid|)" x="([\d.]+)" y="{BOTTOM + 18}">([^<]*)<', text):
            width = LETTER * len(words)
            left = float(x) - {" end": width, " mid": width / 2, "": 0}[side]
            spans.append((left, left + width))
        spans.sort()
        assert len(spans) >= 2
        assert all(a[1] < b[0] for a, b in zip(spans, spans[1:]))
        assert spans[-1][1] <= WIDTH


def test_marks_and_levels():
    text = draw(chart([0.0, 1.0], marks=[Mark(0.5, "mode <collapse>", "alarm")], levels=((0.5, "floor"),)))
    assert "<title>mode &lt;collapse&gt;</title>" in text
    assert '<line class="level"' in text
    assert ">floor</text>" in text
    assert "level" not in draw(chart([0.0, 1.0], levels=((5.0, "far"),), bounds=(0.0, 1.0)))


@pytest.mark.parametrize(
    ("span", "step"), [(1.0, 0.5), (4.0, 1.0), (4.1, 2.0), (20_000, 5000.0), (7000, 2000.0), (0.03, 0.01)]
)
def test_nice_steps(span, step):
    assert nice_step(span) == pytest.approx(step)


def test_what_stands_left_of_the_frame_is_right():
    words = {
        -20_000.0: "−20k", 150_000.0: "150k", 25_000.0: "25k", 1.5e6: "1.5M", -1500.0: "−1,500", 0.25: "0.25",
        -0.005: "−5e−3", 1.5e-5: "1.5e−5", 2e12: "2e12", 0.0: "0",
    }  # fmt: skip
    assert {value: short(value) for value in words} == words


def test_a_scale_begins_and_ends_at_a_tick():
    for low, high in ((0.9, 4.1), (-3.0, 5.0), (7.0, 7.0), (0.0, 0.0), (0.0, 1e-30)):
        scale = round_scale(low, high, 200, 10)
        ticks = scale.ticks()
        assert len(ticks) >= 2
        assert (ticks[0], ticks[-1]) == (scale.low, scale.high)
        assert scale.low <= low <= high <= scale.high
        assert [scale(scale.low), scale(scale.high)] == [200, 10]
    assert [round_scale(low, 10.0, 0, 100).low for low in (1.0, 3.9, 8.0)] == [0.0, 0.0, 8.0]


def test_a_logarithmic_scale_has_its_ticks_at_powers_of_ten():
    assert round_scale(0.02, 300.0, 0, 100, log=True).ticks() == pytest.approx([0.01, 0.1, 1, 10, 100, 1000])
    assert [Scale(1.0, 100.0, 0, 50, log=True)(v) for v in (1.0, 10.0, 100.0)] == pytest.approx([0, 25, 50])
