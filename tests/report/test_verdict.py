"""A finished run gets a verdict from its figures, the gravest first; never silence, and never beside a diagnosis."""

import pytest

from mulligan.report import read, verdict
from mulligan.training import Diagnosed

FALLING = [1.0, 0.8, 0.7, 0.6, 0.5, 0.4]
LEVEL = [1.0, 0.5, 0.41, 0.4, 0.4, 0.4]
TURNED = [1.0, 0.5, 0.4, 0.5, 0.6, 0.7]


def tell(share, **figures):
    return {"figures": {"real_or_fake": share, **figures}}


@pytest.fixture
def told(finished):
    """The story of a finished run with these figures."""

    def made(curve=LEVEL, samples=500, coverage=0.9, sure=1.0, figures=(), **more):
        story = read(finished)
        steps = [4 * (number + 1) for number in range(len(curve))]
        story.evaluated = [(step, {"distance": value, "floor": 0.1}) for step, value in zip(steps, curve)]
        story.diagnosed = []
        story.stepped = [(step, {"d_real": 1.0 + sure * step, "d_fake": 0.0}) for step in steps]
        gist = {"fd": 3.0, "fd_floor": 1.0, "coverage": coverage, "coverage_ideal": 0.97}
        story.metrics = {"n": 250, "n_real": 250, "data": "mine", "gist": gist, "real_or_fake": 0.7}
        story.metrics |= {"real_or_fake_floor": 0.52, "sharpness": 1.0, **dict(figures)}
        story.started, story.best = story.started | {"samples": samples}, steps[curve.index(min(curve))]
        for name, value in more.items():
            setattr(story, name, value)
        return story

    return made


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"samples": 99}, "few", "99 pictures"),
        ({"samples": 100}, "level", "3.00"),
        ({"curve": TURNED}, "worse", "step 12"),
        ({"curve": TURNED, "samples": 99}, "few", "99"),
        ({"curve": FALLING}, "improving", "from 3.00 to about 2.60"),  # 1 + 2 · .8: what lies above the floor
        ({"coverage": 0.5}, "missing", "48.5 %"),
        ({"coverage": 0.5, "curve": FALLING}, "missing", "about 2.60. A net"),
        (tell(0.6), "good", "in 60.0 % of cases, pictures from others in 52.0 %"),
        ({**tell(0.6), "curve": FALLING}, "good", "about 2.60"),
        (tell(None), "level", "No net was asked"),
        (tell(0.6, sharpness=0.67), "level", "see blur (sharpness 0.670 of theirs)."),
        (tell(0.7, sharpness=1.3, classes={"junk": 0.05}), "level", "(sharpness 1.30 of theirs) and about 3 samples"),
        (tell(0.7, held_out=False), "level", "samples from pictures that the generator has seen in 70.0 %"),
        ({"evaluated": [(13, {"distance": 0.5})]}, "short", "1.00"),  # not measured in the first half
        ({"evaluated": []}, "short", "1.00"),
    ],
)
def test_the_gravest_figure_decides(told, changes, kind, said):
    found = verdict(told(**changes))
    assert found.kind == kind
    assert said in found.words


def test_by_heart_is_said_only_of_a_d_that_has_become_surer(told):
    assert "by heart" in verdict(told(TURNED)).words
    assert "by heart" not in verdict(told(TURNED, sure=-0.01)).words
    assert "best.safetensors" in verdict(told(TURNED)).words
    assert "best.safetensors" not in verdict(told(TURNED, best=4)).words


def test_there_is_no_verdict_without_figures_or_beside_a_failure(told, finished):
    assert verdict(read(finished)) is None  # not evaluated
    assert verdict(told(finished=False)) is None
    assert verdict(told(diagnosed=[Diagnosed(4, "mode collapse", {}, severity="alarm")])) is None
    points = {"n": 9, "n_real": 9, "data": "ring", "points": {"fd": 1.0}}
    assert verdict(told(metrics=points)) is None
