"""Each curve of a report is the one of its name, over the steps or the CPU-seconds that it says."""

import math
from dataclasses import replace

import pytest

from mulligan.game import Relativistic
from mulligan.output.generator import Generator
from mulligan.report import curves, read
from mulligan.report.report import real_classes


def test_the_shares_beside_the_fakes_are_those_of_the_reals(folder):
    assert real_classes(read(folder), None) == ([0.34, 0.33, 0.33], ("0", "1", "2"))


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
    steps, signals = zip(*story.measured)
    line = drawn["Variety and cover", "coverage"]
    assert (tuple(line.x), line.y) == (steps, [each["coverage"] for each in signals])
    distance = next(chart for chart in curves.charts_of(story) if chart.title == "Distance to the real")
    assert "held-out ones if there are any" in str(distance)  # a folder of pictures has none


def test_the_step_of_the_best_weights_is_marked(folder, tell):
    tell(folder, event="evaluated", step=16, metrics={"distance": 0.1})
    tell(folder, event="evaluated", step=24, metrics={"distance": 0.2})

    def marks():
        chart = next(chart for chart in curves.charts_of(read(folder)) if chart.title == "Distance to the real")
        return [mark.words for mark in chart.marks]

    assert not marks()
    made = Generator.load(folder / "generator.safetensors")
    Generator(replace(made.spec, step=16), made.theta, made.stats).save(folder / "best.safetensors")
    (words,) = marks()
    assert "step 16" in words
