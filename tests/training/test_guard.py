import numpy as np
import pytest

from mulligan.data import Dataset
from mulligan.errors import DivergedError
from mulligan.training import Recorder, Run, load_checkpoint, resume, save_checkpoint, train


def tensor(run, who, path):
    return (run.gan.g if who == "generator" else run.gan.d).network.tensors()[path]


def diverge(run):
    with pytest.raises(DivergedError) as caught:
        list(train(run))
    return str(caught.value)


def test_the_loss_the_step_and_the_first_tensor_are_named(tiny):
    run = Run(tiny())
    run.advance()
    tensor(run, "discriminator", "2.W")[3, 3] = np.nan
    words = diverge(run)
    assert "diverged at step 2: d_loss = nan" in words
    assert "(loss Relativistic + R1 + R2)" in words
    assert "the first tensor that is not finite is the output of discriminator.layers.2 (Dense)" in words
    assert "discriminator.optimizer.lr=0.000333" in words  # what the diagnosis proposes


def test_the_generator_is_named_when_it_is_first(tiny):
    run = Run(tiny(generator={"layers": tiny().generator.layers}))
    tensor(run, "generator", "0.b")[0] = np.inf
    words = diverge(run)
    assert "the output of generator.layers.0 (Dense)" in words
    assert "Try generator.optimizer.beta2=0.99, generator.optimizer.beta1=0." in words  # Adam's own are in it


def test_bad_data_is_named_as_such(tiny):
    points = np.zeros((40, 2), np.float32)
    points[7] = np.nan
    words = diverge(Run(tiny(), data=Dataset("mine", points)))
    assert "the first tensor that is not finite is the batch of real samples" in words
    assert "Remove those samples" in words


def test_the_rate_that_was_adjusted_to_is_the_one_to_lower(tiny):
    run = Run(tiny(steps=200))
    run.adjust(["discriminator.optimizer.lr=1e30"])
    assert "discriminator.optimizer.lr=0.001" in diverge(run)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["d_loss", "g_loss"])
def test_no_measure_hides_another(tiny, monkeypatch, bad, name):
    run = Run(tiny())
    run.advance()
    monkeypatch.setattr(run.gan, "step_on", lambda *batch: {"d_loss": -1.0, "g_loss": 2.0, name: bad})
    with pytest.raises(DivergedError, match=f"at step 1: {name} = {bad} "):
        run.advance()


def test_arrays_are_checked_before_they_are_kept(tiny, tmp_path):
    run = Run(tiny())
    run.check()
    run.gan.d.state["v"][5] = np.nan
    words = r"the run diverged after step 0 .* is discriminator\.optimizer\.v \(1 of "
    with pytest.raises(DivergedError, match=words):
        run.check()
    with pytest.raises(DivergedError):
        save_checkpoint(run, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_samples_that_are_not_finite_are_refused(tiny):
    run = Run(tiny())
    run.gan.average[:] = 3e38
    with pytest.raises(DivergedError, match="diverged after step 0: 2048 of 2048 numbers in the generator's samples"):
        run.sample(*run.grid)


def test_every_kept_array_is_checked(tiny):
    names = Run(tiny()).gan.arrays().keys()
    assert {"average", "g.theta", "d.theta", "g.optimizer.m", "d.optimizer.v"} <= names
    for name in names:
        run = Run(tiny())
        array = run.gan.arrays()[name]
        if array.dtype.kind == "f" and array.size:
            array[-1] = np.inf
            with pytest.raises(DivergedError, match="is not finite is"):
                run.check()


def test_the_last_healthy_checkpoint_stays_and_is_named(tiny, tmp_path):
    run = Run(tiny())
    events = Recorder(tmp_path / "r").record(run)
    while next(events).to_json() != {"event": "saved", "step": 12}:
        pass
    tensor(run, "discriminator", "0.b")[0] = np.nan
    with pytest.raises(DivergedError) as caught:
        list(events)
    healthy = tmp_path / "r" / "checkpoints" / "step-000012"
    assert str(caught.value).endswith(f"The last healthy checkpoint is {healthy}.")
    assert load_checkpoint(healthy).step == 12
    assert resume(tmp_path / "r").step == 12
