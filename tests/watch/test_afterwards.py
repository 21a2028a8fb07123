"""``mulligan diagnose --log … --samples … --data …``: what can be said of a GAN of another program."""

import json
import math

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


def test_bounds_of_wandb_and_words_are_left_out(tmp_path):
    path = tmp_path / "wandb.csv"
    path.write_text("Step,run - d_loss__MIN,run - d_loss,note\n5,0.1,0.7,gut\n6,,,\n")
    assert read_log(path)["d_loss"] == {5: 0.7}


def test_events_of_tensorboard_are_read(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(tmp_path))
    for step in (50, 300):
        numbers = {"stepped/d_loss": step / 100, "stepped/g_loss": 2.0}
        values = [{"tag": tag, "simple_value": value} for tag, value in numbers.items()]
        writer.add_event(Event(step=step, summary=Summary(value=values)))
    writer.close()
    (path,) = tmp_path.glob("*tfevents*")
    assert read_log(path) == {"d_loss": {50: 0.5, 300: 3.0}, "g_loss": {50: 2.0, 300: 2.0}}


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
    for samples, data in ((tmp_path / "none", reals), (tmp_path / "one", None)):
        with pytest.raises(ConfigError):
            diagnose(None, samples, data)
    for samples, data in ((tmp_path / "one", reals), (tmp_path / "one", "ring")):
        with pytest.raises(DataError):
            diagnose(None, samples, data)
    with pytest.raises(DataError):
        read_log(log(tmp_path, lambda s: 1.0, lambda s: 1.0, ("step", "accuracy", "fid")))
    save(tmp_path / "sheets" / "1.png", np.zeros((60, 60), np.uint8))
    (tmp_path / "sheets" / "2.png").write_text("cut")
    for tile in ("90x90", "28x28+2+2"):
        with pytest.raises(DataError):
            diagnose(None, tmp_path / "sheets", reals, tile)


@pytest.mark.parametrize(
    "content", [b"step,d_loss\n1,\xe9", "step,d_loss".encode("utf-16"), b"d_loss\n" + b"9" * 200_000]
)
def test_what_is_no_table_is_an_error(tmp_path, content):
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"log\.csv: cannot be read"):
        read_log(tmp_path / "log.csv")
    (tmp_path / "log.csv").write_text("step,d_loss\ninf,1\n5,2\n")
    assert read_log(tmp_path / "log.csv")["d_loss"] == {5: 2.0}
