"""Each curve of a report is the one of its name, over the steps or the CPU-seconds that it says."""

import math
from dataclasses import replace

import pytest

from mulligan.game import Relativistic
from mulligan.report import curves, read
from mulligan.report.report import compared


def test_the_shares_beside_the_fakes_are_those_of_the_reals(folder):
    assert compared(read(folder), None)[2:] == ([0.34, 0.33, 0.33], ("0", "1", "2"))


def test_each_curve_is_the_one_of_its_name(folder):
    story = read(folder)
    drawn = {(chart.title, line.name): line for chart in curves.charts_of(story) for line in chart.lines}
    steps, told = zip(*story.stepped)
    for name, who in (("D", "d"), ("G", "g")):
        line = drawn["Loss", name]
        assert (tuple(line.x), line.y) == (steps, [measures[f"{who}_loss"] for measures in told])
    for name in ("real", "fake"):
        expected = [1 / (1 + math.exp(-measures[f"d_{name}"])) for measures in told]
        assert drawn["What D says", name].y == pytest.approx(expected)
    story.config = replace(story.config, loss=Relativistic())
    says = next(chart for chart in curves.charts_of(story) if chart.title == "What D says")
    for line, sign in zip(says.lines, (0.5, -0.5), strict=True):  # the reals, then the fakes
        assert line.y == pytest.approx([sign * (measures["d_real"] - measures["d_fake"]) for measures in told])
    line, (steps, measured) = drawn["Variety and cover", "coverage"], zip(*story.measured)
    known = sorted(story.clock)
    assert line.y == [signals["coverage"] for signals in measured]
    assert line.x == [story.clock[max(s for s in known if s <= step)][1] for step in steps]  # CPU-seconds, not wall
    assert all(wall != cpu for wall, cpu in story.clock.values())
    distance = next(chart for chart in curves.charts_of(story) if chart.title == "Distance to the real")
    assert "held-out ones where there are any" in str(distance)  # a folder of pictures has none


def test_the_curve_of_a_second_try_goes_on_where_it_left_the_first(tried):
    story = read(tried)
    story.config, story.parent = (
        replace(story.config, parent=replace(story.config.parent, step=8)),
        read(tried.parent / "first"),
    )
    loss = next(chart for chart in curves.charts_of(story) if chart.title == "Loss")
    given_up, own = (line for line in loss.lines if line.name == "D")
    assert given_up.faint
    assert given_up.x == [step for step, _ in story.parent.stepped]
    assert own.x == [2, 4, 6, 8, *(step for step, _ in story.stepped if step >= 8)]


def test_a_third_try_has_of_each_before_it_what_led_here(tried):
    third, second = read(tried), read(tried)
    second.config = replace(second.config, parent=replace(second.config.parent, step=4))
    third.config, third.parent = replace(third.config, parent=replace(third.config.parent, step=8)), second
    loss = next(chart for chart in curves.charts_of(third) if chart.title == "Loss")
    own = [line for line in loss.lines if line.name == "D"][-1]
    assert own.x == [2, 4, *(4, 6, 8), *(step for step, _ in third.stepped if step >= 8)]
