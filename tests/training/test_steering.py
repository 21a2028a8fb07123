"""Pictures held back say how well D knows the others by heart, and the augmentation follows, to the same bytes."""

import numpy as np
import pytest

from mulligan.data import scale_samples
from mulligan.training import Adjusted, Recorder, Run, resume, steering, train

WHOLE = {"steps": 24, "save_every": 6, "report_every": 5, "sample_every": 8}


@pytest.fixture
def steered(pictured, digits, monkeypatch):
    """Make a run that holds back 20 of 40 pictures and decides every three steps."""
    monkeypatch.setattr(steering, "EVERY", 3)

    def made(share=0.5, **changes):
        spec = {"name": "digits", "held_back": share}
        config = pictured(**{"data": spec, "augment": ["translation"], "augment_probability": 0.5, **WHOLE, **changes})
        return Run(config, data=digits)

    return made


def test_pictures_that_are_held_back_are_never_trained_on(steered, digits):
    run = steered()
    assert (len(run.steering.holdout), run.sampler.n) == (20, 20)
    numbers = {image.tobytes(): number for number, image in enumerate(digits.images)}
    shown = set()
    for _ in range(4):
        labels = run.write_batch(x := np.empty((run.sampler.batch_size, *digits.shape), np.float32))
        rows = [numbers[np.rint((each + 1) * 127.5).astype(np.uint8).tobytes()] for each in x]
        assert [digits.labels[row] for row in rows] == labels.tolist()
        shown |= set(rows)
    assert shown == set(run.steering.pool.tolist()) == set(range(40)) - set(run.steering.holdout.tolist())


@pytest.mark.parametrize(
    ("beliefs", "known"),
    [((2, 2, 0), 0.0), ((2, 0, 0), 1.0), ((2.0, 1.5, -2.0), 0.125), ((0, 1, 1), 0.0), ((1, 0, 0), 0.0)],
)
def test_d_knows_its_pictures_by_heart_as_far_as_it_takes_new_ones_for_fakes(steered, monkeypatch, beliefs, known):
    run, said = steered(), iter(beliefs)
    monkeypatch.setattr(run.steering, "_belief", lambda *sample: next(said))
    assert run.steering.measure(0.5) == known


def test_r_v_is_measured_on_what_d_sees(steered):
    """Against the formula, without augmentation: D's mean logits of those it learns from, new ones and fakes."""
    run = steered(augment_probability=0.0)
    with run.gan:
        for _ in range(2):
            run.advance()
    seen = run.steering
    drawn = []
    seen._belief = lambda x, labels, *more: drawn.append((x.copy(), labels)) or 0.0
    seen.measure(0.0)
    del seen._belief
    space = run.gan.d.network.workspace()
    known, new, made = (float(space.forward(x, labels, training=False).mean()) for x, labels in drawn)
    pool = {each.tobytes() for each in scale_samples(np.asarray(run.data.images[seen.pool]))}
    assert {each.tobytes() for each in drawn[0][0]} <= pool
    assert not {each.tobytes() for each in drawn[1][0]} & pool
    expected = (known - new) / (known - made) if known > made + 1.0 else 0.0
    assert seen.measure(0.0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("known", "course"), [(0.9, [0.6, 0.7, 0.8, 0.9, 1.0]), (0.1, [0.4, 0.3, 0.2, 0.1, 0.0])])
def test_the_probability_follows_and_the_log_says_so(steered, monkeypatch, known, course):
    monkeypatch.setattr(steering.AugmentationSteering, "measure", lambda self, now: known)
    run = steered()
    said = [event for event in train(run, observers=()) if isinstance(event, Adjusted)]
    assert [event.step for event in said] == [3, 6, 9, 12, 15]  # then it is at its end
    assert [change for event in said for change in event.overrides] == [("augment_probability", p) for p in course]
    assert run.current.augment_probability == course[-1]


@pytest.mark.parametrize("stop", [6, 8, 9])
def test_a_resumed_run_steers_on_to_the_same_bytes(steered, digits, tmp_path, content, monkeypatch, stop):
    monkeypatch.setattr(steering, "TARGET", 0.0)  # so that it moves
    list(Recorder(tmp_path / "whole").record(whole := steered()))
    part = steered()
    list(Recorder(tmp_path / "part").record(part, stop=lambda: part.step >= stop))
    list(Recorder(tmp_path / "part").record(resume(tmp_path / "part", data=digits)))
    assert len({p for _, ((_, p),) in whole.adjusted}) > 1
    assert content(tmp_path / "whole") == content(tmp_path / "part")


def test_too_few_pictures_to_hold_back_are_all_augmented(steered, tiny):
    run = steered(share=0.39)  # 15 of 40
    assert run.steering is None
    assert (run.config.data.held_back, run.config.augment_probability, run.sampler.n) == (0.0, 1.0, 40)
    assert steered(augment=[]).steering is None
    assert "held back" in steered().note
    assert "held back" not in run.note
    ring = {"name": "ring", "labels": "none", "held_back": 0.5}
    assert Run(tiny(data=ring)).steering is None
