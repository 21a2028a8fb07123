"""What D says is read alike in the terminal, the report, the playground and studies, whatever the loss."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mulligan.game import LOSSES, Loss
from mulligan.nn.layers.activations import sigmoid
from mulligan.output import readings
from mulligan.output.pictures.charts import draw
from mulligan.output.readings import probability, read, says
from mulligan.report import Story
from mulligan.report.curves import verdict_chart
from mulligan.training import Run, RunFolder, recipe
from mulligan.training.progress import describe_measures
from mulligan.web import look

MEANS = {"d_real": 1.5, "d_fake": -0.5}
"""Mean logits."""
SHOWN = {
    "probability": ("0.818", "0.378", "probability of real", ""),  # 1/(1 + e⁻¹·⁵), 1/(1 + e⁰·⁵)
    "logit": ("1.50", "−0.500", "logit", " (logits)"),
    "centred": ("1.00", "−1.00", "logit, centred", " (logits, centred)"),
}
SAYS = {
    "non_saturating": "probability",
    "minimax": "probability",
    "literal_cost": "probability",
    "least_squares": "logit",  # its targets are 0 and 1, without a σ
    "hinge": "logit",
    "wasserstein": "centred",  # a critic, any constant may be added to it
    "relativistic": "centred",
    "relativistic_average": "centred",
}


def test_it_is_known_how_every_loss_is_read():
    assert {name: says(kind()) for name, kind in LOSSES.items()} == SAYS


def test_a_loss_of_ones_own_that_sees_differences_only_is_read_around_their_middle():
    class Paired(Loss):
        relativistic = True
        discriminator = generator = None

    assert says(Paired()) == "centred"
    assert read(Paired(), real=3.0, fake=1.0) == (1.0, -1.0)


def test_of_a_user_s_own_loss_nothing_is_assumed(monkeypatch):
    class Own(Loss):
        discriminator = generator = None

    assert says(Own()) == "logit"
    assert read(Own(), real=3.0, fake=1.0) == (3.0, 1.0)
    monkeypatch.setattr(readings, "PROBABILISTIC", {*readings.PROBABILISTIC, Own})
    assert says(Own()) == "probability"


def test_a_probability_is_sigmoid_of_one_logit():
    for logit in (-800.0, -3.0, 0.0, 0.5, 800.0):
        assert probability(logit) == pytest.approx(float(sigmoid(np.array([logit]))[0]), rel=1e-12, abs=1e-16)
    assert math.isnan(probability(math.nan))


@pytest.mark.parametrize("name", LOSSES)
def test_terminal_and_report_say_the_same(name):
    config = recipe("ring", loss=name)
    real, fake, unit, beside = SHOWN[SAYS[name]]
    run = SimpleNamespace(config=config)
    assert describe_measures(run, MEANS) == [f"D(real) {real}, D(fake) {fake}{beside}"]
    chart = verdict_chart(Story(folder=RunFolder(Path("x")), config=config, stepped=[(1, MEANS)]))
    assert chart.unit == unit
    assert f"at the end real {real}, fake {fake}" in draw(chart)


@pytest.fixture(params=LOSSES)
def ring(request):
    run = Run(recipe("ring", loss=request.param, update="alternating", penalties=[], threads=1, steps=20))
    run.advance()
    return run


def test_a_map_is_around_the_logit_at_which_d_cannot_tell(ring):
    reading, before = says(ring.config.loss), look.field(ring)
    ring.gan.d.network.theta[-1] += 3.0  # the bias of the logit
    found = look.field(ring)
    if reading == "centred":
        assert found["centre"] - before["centre"] == pytest.approx(3.0, abs=1e-5)
    else:
        assert found["centre"] == before["centre"] == ring.config.loss.threshold
