"""Axes say what the numbers say: round ticks, equal steps for equal factors, nothing that is not escaped."""

import pytest

from mulligan.output.pictures.svg import Scale, bottom_axis, element, left_axis, nice_step, rounded, short, text


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
    for value, expected in words.items():
        assert short(value) == expected


def test_an_axis_begins_at_nought_where_its_values_nearly_do():
    for low, begins in ((1.0, 0.0), (3.9, 0.0), (8.0, 8.0)):
        assert rounded(low, 10.0, 0, 100).low == begins


def test_a_scale_begins_and_ends_at_a_tick():
    for low, high in ((0.9, 4.1), (-3.0, 5.0), (7.0, 7.0), (0.0, 0.0), (0.0, 1e-30)):
        scale = rounded(low, high, 200, 10)
        ticks = scale.ticks()
        assert len(ticks) >= 2
        assert (ticks[0], ticks[-1]) == (scale.low, scale.high)
        assert scale.low <= low <= high <= scale.high
        assert [scale(scale.low), scale(scale.high)] == [200, 10]


def test_a_logarithmic_scale_has_its_ticks_at_powers_of_ten():
    assert rounded(0.02, 300.0, 0, 100, log=True).ticks() == pytest.approx([0.01, 0.1, 1, 10, 100, 1000])
    scale = Scale(1.0, 100.0, 0, 50, log=True)
    assert [scale(v) for v in (1.0, 10.0, 100.0)] == pytest.approx([0, 25, 50])
    assert scale(0.0) < -1000  # far outside, and no error


def test_words_are_escaped_wherever_they_stand():
    assert text(1, 2.25, "a<b>&") == '<text class="tick" x="1" y="2.2">a&lt;b&gt;&amp;</text>'
    assert element("path", d='"/>', data_x="<", hidden=None) == '<path d="&quot;/&gt;" data-x="&lt;"/>'


def test_both_axes():
    y, x = rounded(0.0, 2.0, 100, 0), Scale(0.0, 4000.0, 10, 210)
    assert left_axis(y, 10, 210).count('class="rule"') == len(y.ticks()) == 5
    below = bottom_axis(x, 118, 210, unit="steps")
    assert [words in below for words in (">0<", ">1,000<", ">4,000 steps<")] == [True] * 3
    assert "rule" not in below
    assert bottom_axis(x, 118, 210, rules=(0, 100)).count('class="rule"') == len(x.ticks())
