"""The runs of ``python benchmarks/watching``: their edits fit, and each GAN hands its watch what it needs."""

import numpy as np
import pytest
from cases import BROKEN, HEALTHY, LOOKALIKES, SEEDS, SOUND
from cures import mended
from faults import planted, text_of
from outcomes import GUIDE, RESULTS, guide, kept
from pages import page
from questions import QUESTIONS

from mulligan.diagnosis import FAILURES
from mulligan.watch.faults import LOOP_FAULTS


def test_the_pages_show_what_was_measured():
    outcomes = kept(RESULTS)
    assert GUIDE.read_text("utf-8") == guide(outcomes)
    assert RESULTS.with_suffix(".md").read_text("utf-8") == page(RESULTS)


def test_each_remedy_leaves_python_and_changes_the_gan():
    found = {remedy: case for o in kept(RESULTS).values() for remedy, case in mended(o)}
    assert len(found) > 1
    for case in found.values():
        compile(text_of(case), f"{case.gan}, {case.way}, mended", "exec")


def test_each_question_has_its_run_among_the_cases():
    known = {(case.gan, case.way) for case in (*SOUND, *BROKEN, *LOOKALIKES)}
    assert {(question.gan, question.way) for question in QUESTIONS} <= known
    assert len(QUESTIONS) == len({question.thread for question in QUESTIONS}) == 20


class Recorder:
    def __init__(self, reals, generator, discriminator, latent, labels=None):
        self.reals, self.labels = reals, labels
        self.generator, self.discriminator, self.latent = generator, discriminator, latent
        self.calls = []

    def __call__(self, step, *, d_loss, g_loss, penalty=None):
        self.calls.append((step, float(d_loss.item()), float(g_loss.item())))


def test_every_edit_fits_and_leaves_python():
    for case in (*BROKEN, *LOOKALIKES):
        compile(text_of(case), f"{case.gan}, {case.way}", "exec")


def test_an_edit_that_no_longer_fits_raises():
    with pytest.raises(ValueError, match="no such line"):
        text_of(SOUND[0]._replace(edits=(("no such line", ""),)))


def test_every_expected_name_is_known_and_every_name_is_expected():
    names = {*FAILURES, *LOOP_FAULTS}
    assert {case.expected for case in BROKEN} == names
    assert {name for case in BROKEN for name in case.neighbours} <= names
    assert {case.expected for case in (*SOUND, *LOOKALIKES)} == {HEALTHY}


def test_there_are_as_many_runs_as_promised():
    assert len(SOUND) * len(SEEDS) == 24
    assert len(BROKEN) * len(SEEDS) >= 120
    assert len({case.way for case in BROKEN}) >= 20
    assert len({(case.gan, case.way) for case in (*SOUND, *BROKEN, *LOOKALIKES)}) == len((*SOUND, *BROKEN, *LOOKALIKES))


@pytest.mark.parametrize("case", SOUND, ids=lambda case: case.gan)
def test_two_steps_of_each(case, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    for needed in ("torch", *{"jax_gan": ("jax", "optax"), "keras_dcgan": ("keras",)}.get(case.gan, ())):
        pytest.importorskip(needed)
    from samples import pictures  # it imports torch

    names, watches = planted(case), []
    images, labels = pictures(names["DATA"])

    def watching(*args, **words):
        watches.append(Recorder(*args, **words))
        return watches[0]

    steps = list(names["train"](images[:256], labels[:256], 2, 0, watching))
    assert watches[0].calls == [each[:3] for each in steps]
    assert len(watches[0].reals) == 256
    for each in steps:
        assert tuple(each.real.shape) == tuple(each.fake.shape) == (64, *watches[0].reals.shape[1:])
        assert np.isfinite([each.d_loss, each.g_loss]).all()
