"""``mulligan diagnose --log … --samples … --data …``: what can be said of a GAN of another program."""

import json
import math
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mulligan.cli import main
from mulligan.errors import ConfigError, DataError
from mulligan.watch.afterwards import diagnose, from_losses, read_log, sheets

RNG = np.random.default_rng(0)
STEPS = range(0, 1000, 10)


@pytest.fixture
def reals(tmp_path):
    for number, picture in enumerate(RNG.integers(0, 256, (40, 28, 28), np.uint8)):
        save(tmp_path / "reals" / f"{number}.png", picture)
    return str(tmp_path / "reals")


def save(path, picture):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(picture).save(path)


def sheet(pictures, gap=2):
    """Draw 16 pictures as torchvision does."""
    whole = np.zeros((4 * (28 + gap) + gap,) * 2, np.uint8)
    for number, picture in enumerate(pictures):
        y, x = (gap + (28 + gap) * at for at in divmod(number, 4))
        whole[y : y + 28, x : x + 28] = picture
    return whole


def log(tmp_path, d, g, names=("step", "d_loss", "g_loss"), name="log.csv"):
    rows = [",".join(names), *(f"{s},{d(s)},{g(s)}" for s in STEPS)]
    (tmp_path / name).write_text("\n".join(rows))
    return tmp_path / name


@pytest.mark.parametrize(
    "names",
    [
        ("step", "d_loss", "g_loss"),
        ("iter", "Loss/Discriminator", "Loss/Generator"),
        ("Step", "run-3 - critic loss", "run-3 - loss_G"),
        ("epoch", "errD", "errG"),
    ],
)
def test_losses_are_found_by_their_names(tmp_path, names):
    found = read_log(log(tmp_path, lambda s: 1.0, lambda s: 2.0, names))
    assert found == {"d_loss": dict.fromkeys(STEPS, 1.0), "g_loss": dict.fromkeys(STEPS, 2.0)}


PRINTED = [
    ("[Epoch 0/2] [Batch 1/3] [D loss: 0.5] [G loss: 1.5]\n[Epoch 0/2] [Batch 2/3] [D loss: 0.4] [G loss: 1.6]\n"
     "[Epoch 1/2] [Batch 0/3] [D loss: 0.3, acc: 50%] [G loss: 1.7] [info loss: 9]", [1, 2, 3]),
    ("[0/25][50/100]\tLoss_D: 0.5 Loss_G: 1.5 D(x): 0.9 D(G(z)): 0.1 / 0.2\n"
     "[0/25][100/100]\tLoss_D: 0.4 Loss_G: 1.6 D(x): 0.9 D(G(z)): 0.1 / 0.2\n"
     "[1/25][50/100]\tLoss_D: 0.3 Loss_G: 1.7 D(x): 0.9 D(G(z)): 0.1 / 0.2", [50, 100, 151]),
    ("Epoch 1/5\n 2/938 ━━ 1:02 67ms/step - d_loss: 0.5 - g_loss: 1.5\n 3/938 ━━ 59s 6ms - d_loss: 0.4 - g_loss: 1.6\n"
     "Epoch 2/5\n 1/938 ━━ 1:02 67ms/step - d_loss: 0.3 - g_loss: 1.7", [2, 3, 5]),
    ("Epoch [0/200], Step [200/600], d_loss: 0.5, g_loss: 1.5, D(x): 0.90\n7 [D loss: 0.4] [G loss: 1.6]", [200, 208]),
    ("iter 10: critic loss = 0.5, generator loss = 1.5\n{'iter': 20, 'critic loss': 4e-1, \"g\":1.6}", [10, 20]),
    ("loaded\nLoss D: tensor(0.5, grad_fn=<B>), loss G: np.float32(1.5)\nLoss D: 0,4, loss G: 1,6", [1, 2]),
    ("Step;d_loss;g_loss\n5;0.5;1.5\n6;0,4;1,6", [5, 6]),
    ("step\trun - d_loss\trun - g_loss\n5\t0.5\t1.5\n0\t0.4\t1.6", [5, 6]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "steps"), PRINTED)
def test_what_trainings_print_is_a_log_by_steps_of_the_run(tmp_path, text, steps):
    (tmp_path / "out.txt").write_text(text)
    d, g = (0.5, 0.4, 0.3), (1.5, 1.6, 1.7)
    assert read_log(tmp_path / "out.txt") == {"d_loss": dict(zip(steps, d)), "g_loss": dict(zip(steps, g))}


@pytest.mark.parametrize("line", ["a" * 10**5, "d_loss" + " " * 10**5, "1/" * 10**4, "iter" * 10**4, "a b " * 10**6])
def test_a_line_without_end_is_read_in_a_moment(tmp_path, line):
    (tmp_path / "out.txt").write_text(f"start\n{line}\nd_loss: 1 g_loss: 2\n")
    assert read_log(tmp_path / "out.txt")["d_loss"].popitem()[1] == 1.0


def test_events_of_tensorboard_are_read_by_its_package(tmp_path, monkeypatch):
    (tmp_path / "runs" / "1").mkdir(parents=True)
    (tmp_path / "runs" / "1" / "events.out.tfevents.1").touch()
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        read_log(tmp_path)

    class Accumulator:
        def __init__(self, path, sizes):
            assert path.endswith("tfevents.1")

        def Reload(self):
            return self

        def Tags(self):
            return {"scalars": ["loss/d"], "tensors": ["loss/g", "note"]}

        def Scalars(self, tag):
            return [SimpleNamespace(step=step, value=step / 100) for step in (50, 300)]

        def Tensors(self, tag):
            return [SimpleNamespace(step=50, tensor_proto=np.array(b"text" if tag == "note" else 2.0))]

    room = "tensorboard.backend.event_processing.event_accumulator"
    monkeypatch.setitem(sys.modules, room, SimpleNamespace(EventAccumulator=Accumulator))
    monkeypatch.setitem(sys.modules, "tensorboard.util.tensor_util", SimpleNamespace(make_ndarray=np.asarray))
    for name in ("tensorboard", "tensorboard.backend", "tensorboard.backend.event_processing", "tensorboard.util"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(__path__=[]))
    assert read_log(tmp_path) == {"d_loss": {50: 0.5, 300: 3.0}, "g_loss": {50: 2.0}}


@pytest.mark.parametrize(
    ("d", "g", "state", "step"),
    [
        (lambda s: 1.386 * math.exp(-s / 100), lambda s: 1 + s / 100, "D wins", 270),
        (lambda s: 0.693, lambda s: 0.693, "G wins", 500),
        (lambda s: math.nan if s > 700 else 0.5, lambda s: 1.0, "divergence", 710),
        (lambda s: -(2.0**(s / 50)), lambda s: 1.0, "divergence", 990),
        (lambda s: 1.2 + 0.1 * math.sin(s), lambda s: 0.9, "healthy", 990),
        (lambda s: 1.386 * math.exp(-s / 100), lambda s: 1 - s / 2000, "healthy", 990),
    ],
)  # fmt: skip
def test_curves_fit_a_failure(tmp_path, d, g, state, step):
    assert from_losses(read_log(log(tmp_path, d, g)))[:2] == (state, step)


def test_loose_pictures_are_one_set(tmp_path, reals):
    for number in range(20):
        save(tmp_path / "same" / f"{number}.png", np.full((28, 28), 90, np.uint8))
    text, findings = diagnose(None, tmp_path / "same", reals)
    assert [finding.state for finding in findings] == ["contrast illusion"]
    assert "log next time" in text


def test_sheets_are_cut_and_ordered_by_step(tmp_path, reals):
    for step, many in ((900, False), (1000, False), (50, True)):
        pictures = RNG.integers(0, 256, (16, 28, 28), np.uint8)
        save(tmp_path / "out" / f"at{step}.png", sheet(pictures if many else np.repeat(pictures[:1], 16, 0)))
    save(tmp_path / "out" / "Real_samples_300.png", sheet(pictures))  # no samples
    taken = sheets(tmp_path / "out", "28x28+2+2", 28, 1)
    assert [step for step, _ in taken] == [50, 900, 1000]
    assert taken[0][1].shape == (16, 28, 28, 1)
    assert main(["diagnose", "--samples", str(tmp_path / "out"), "--data", reals, "--tile", "28x28+2+2", "--json"]) == 0


def test_a_collapse_is_named_since_its_second_sheet(tmp_path, reals, capsys):
    for step in (100, 200):
        picture = RNG.integers(0, 256, (1, 28, 28), np.uint8)
        save(tmp_path / "out" / f"{step}.png", sheet(np.repeat(picture, 16, 0)))
    losses = log(tmp_path, lambda s: 0.693, lambda s: 0.693)
    command = ["diagnose", "--log", str(losses), "--samples", str(tmp_path / "out"), "--data", reals]
    assert main([*command, "--tile", "28x28+2+2", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [(each["step"], each["state"]) for each in said["history"]] == [(200, "dead latent")]
    assert "fits 'G wins'" in said["text"]


def test_what_a_user_mistypes_is_an_error(tmp_path, reals):
    save(tmp_path / "one" / "1.png", np.zeros((28, 28), np.uint8))
    save(tmp_path / "sheets" / "1.png", np.zeros((60, 60), np.uint8))
    (tmp_path / "sheets" / "2.png").write_text("cut")
    wrong = [("none", reals, "", ConfigError), ("one", None, "", ConfigError), ("one", reals, "", DataError)]
    wrong += [("one", "ring", "", DataError), *(("sheets", reals, t, DataError) for t in ("90x90", "28x28+2+2"))]
    for name, data, tile, error in wrong:
        with pytest.raises(error):
            diagnose(None, tmp_path / name, data, tile)
    with pytest.raises(DataError):
        read_log(log(tmp_path, lambda s: 1.0, lambda s: 1.0, ("step", "accuracy", "fid")))


@pytest.mark.parametrize(
    "content", [b"step,d_loss\n1,\xe9", "step,d_loss".encode("utf-16"), b"d_loss\n" + b"9" * 200_000, None]
)
def test_what_is_no_table_is_an_error(tmp_path, content):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "log.csv").write_bytes(content or b"")
    with pytest.raises(DataError, match=r"\.csv"):
        read_log(tmp_path / ("pipe.csv" if content is None else "log.csv"))
    (tmp_path / "log.csv").write_text("Step,run - d_loss__MIN,run - d_loss,note\ninf,1,1,\n5,0.1,2,gut\n6,,,\n")
    assert read_log(tmp_path / "log.csv")["d_loss"] == {5: 2.0}
