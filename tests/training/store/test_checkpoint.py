import contextlib
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mulligan import __version__
from mulligan.errors import CheckpointError, ConfigError
from mulligan.training import Run, load_checkpoint, resume, save_checkpoint, train
from mulligan.training.store.checkpoint import checkpoints, choose_kept, folder_of, seal, step_of


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    run = Run(tiny())
    for _ in range(7):
        run.advance()
    return save_checkpoint(run, tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / whole.name))


def refused(path):
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    return str(caught.value)


def reseal(path, change):
    """Edit run.json, digest included."""
    words = json.loads((path / "run.json").read_text())
    words.pop("digest")
    change(words)
    (path / "run.json").write_bytes(seal(words))


GAMES = {
    "simultaneous": {},
    "alternating": {"update": "alternating", "d_steps": 2, "penalties": ["wgan_gp"], "loss": "wasserstein"},
    "without average": {"average": "none"},
    "uniform z": {"latent": {"dim": 3, "distribution": "uniform"}},
    "dragan": {"update": "alternating", "penalties": ["dragan"]},
    "two threads": {"threads": 2},
}
OPTIMIZERS = ["sgd", "nadam", "amsgrad"]


def pieces(config, tmp_path, data=None):
    """Train in one piece, and in three with a save, a load and a new object between: all is the same."""
    run = Run(config, data=data)
    told = [event.line() for event in train(run)]
    again = []
    piece = Run(config, data=data)
    for stop in (5, 17, None):
        again += [event.line() for event in train(piece, stop=lambda: piece.step == stop)]  # noqa: B023
        path = save_checkpoint(piece, tmp_path)
        clock = piece.wall, piece.cpu
        piece = load_checkpoint(path).run(data=data)
        assert (piece.wall, piece.cpu) == clock
    assert again == told
    assert piece.state() == run.state()
    for name, array in run.gan.arrays().items():
        assert array.tobytes() == piece.gan.arrays()[name].tobytes(), name


@pytest.mark.parametrize("game", GAMES.values(), ids=GAMES.keys())
def test_saving_and_loading_changes_nothing(tiny, game, tmp_path):
    pieces(tiny(**game), tmp_path)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_survives(tiny, optimizer, tmp_path):
    layers = {who: getattr(tiny(), who).layers for who in ("generator", "discriminator")}
    players = {who: {"layers": layers[who], "optimizer": optimizer} for who in layers}
    pieces(tiny(**players), tmp_path)


NETS = {
    "dropout and classes": (
        [
            {"kind": "one_hot", "classes": 4},
            {"kind": "dense", "units": 8},
            "relu",
            {"kind": "dense", "units": 64},
            {"kind": "reshape", "shape": [8, 8, 1]},
        ],
        ["flatten", {"kind": "dense", "units": 8}, "leaky_relu", "dropout", {"kind": "projection", "classes": 4}],
        {},
    ),
    "spectral norm": (
        [{"kind": "dense", "units": 64}, {"kind": "reshape", "shape": [8, 8, 1]}],
        ["flatten", {"kind": "dense", "units": 8, "spectral_norm": True}, "relu", {"kind": "dense", "units": 1}],
        {"loss": "hinge", "penalties": []},
    ),
    "batch norm": (
        [
            {"kind": "dense", "units": 8},
            "batch_norm",
            "relu",
            {"kind": "dense", "units": 64},
            "tanh",
            {"kind": "reshape", "shape": [8, 8, 1]},
        ],
        ["flatten", {"kind": "dense", "units": 8}, "batch_norm", "leaky_relu", {"kind": "dense", "units": 1}],
        {"penalties": [], "loss": "non_saturating", "update": "alternating"},
    ),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("net", NETS.values(), ids=NETS.keys())
def test_layers_with_chance_and_memory_survive(tiny, digits, net, threads, tmp_path):
    generator, discriminator, game = net
    changes = {"generator": {"layers": generator}, "discriminator": {"layers": discriminator}, **game}
    pieces(tiny(data="digits", threads=threads, batch_size=12, **changes), tmp_path, digits)


FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.data())
def test_every_flipped_bit_is_refused(whole, tmp_path, data):
    name = data.draw(st.sampled_from(["run.json", "arrays.safetensors"]))
    content = bytearray((whole / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    broken = Path(shutil.copytree(whole, tmp_path / "b", dirs_exist_ok=True))
    (broken / name).write_bytes(content)
    assert str(broken / name) in refused(broken)


@FUZZ
@given(st.data())
def test_every_truncation_and_every_foreign_file_is_refused(whole, tmp_path, data):
    name = data.draw(st.sampled_from(["run.json", "arrays.safetensors"]))
    content = (whole / name).read_bytes()
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    other = data.draw(st.sampled_from([cut, cut + b"\0", content + b"\n", b"", b"[]", b"{}", b"null"]) | st.binary())
    broken = Path(shutil.copytree(whole, tmp_path / "b", dirs_exist_ok=True))
    (broken / name).write_bytes(other)
    assert str(broken / name) in refused(broken)


def test_another_format_another_version_and_no_file_are_refused(copy, tmp_path):
    path = copy / "run.json"
    text = path.read_text()
    path.write_text('{"format": "other"}')
    assert "is not a checkpoint of Mulligan" in refused(copy)
    path.write_text(text)
    reseal(copy, lambda words: words.update(version=3))
    assert f"version 3 of the format, but Mulligan {__version__} reads version 2" in refused(copy)
    path.unlink()
    assert "run.json" in refused(copy)
    assert "nowhere/run.json" in refused(tmp_path / "nowhere")


def test_a_run_of_an_earlier_version_is_refused(tiny, tmp_path, record):
    record(tmp_path / "r", Run(tiny()))
    config = tmp_path / "r" / "config.toml"
    config.write_text(f"instance_noise = 0.0\n{config.read_text()}")
    with pytest.raises(ConfigError, match=r"'instance_noise'.* goes on with the Mulligan that wrote it"):
        resume(tmp_path / "r")


def test_a_configuration_that_cannot_be_built_here(copy):
    reseal(copy, lambda words: words["config"]["loss"].update(kind="my_own"))
    assert re.search(r"loss\.kind must be .*got 'my_own'", refused(copy))


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("latent", {"dim": 5}, r"'average' is \(114,\)"),
        ("data", {"limit": 99}, "was trained on other data than ring is now"),
        (None, {"threads": 2}, r"dropout\.1"),
    ],
)
def test_another_net_other_data_and_other_threads_are_refused(copy, part, changes, message):
    reseal(copy, lambda words: (words["config"][part] if part else words["config"]).update(changes))
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(copy).run()


def test_other_versions_are_allowed_and_said(copy):
    reseal(copy, lambda words: words["versions"].update(numpy="1.0"))
    with pytest.warns(UserWarning, match=rf"numpy: '1\.0' → '{np.__version__}'"):
        assert load_checkpoint(copy).run().step == 7


def test_a_damaged_checkpoint_of_the_same_step_is_replaced(tiny, tmp_path):
    run = Run(tiny())
    path = save_checkpoint(run, tmp_path)
    (path / "run.json").write_text("damaged")
    assert save_checkpoint(run, tmp_path) == path
    assert load_checkpoint(path).step == 0


@pytest.mark.parametrize("call", ["os.rename", "os.replace", "os.fsync", "shutil.rmtree"])
@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_kill_while_a_checkpoint_is_saved_again_costs_nothing(tiny, tmp_path, monkeypatch, call, when):
    run = Run(tiny())
    run.advance()
    path = save_checkpoint(run, tmp_path)
    run.wall += 1.0  # of the same step: only words are new
    module, name = (os, call[3:]) if call.startswith("os.") else (shutil, call[7:])
    real, count = getattr(module, name), 0

    def killed(*args, **options):
        nonlocal count
        count += 1
        result = real(*args, **options)
        if count == when:  # the last thing that it did
            raise SystemExit
        return result

    with monkeypatch.context() as patch:
        patch.setattr(module, name, killed)
        with contextlib.suppress(SystemExit):
            save_checkpoint(run, tmp_path)
    assert [p.name for p in checkpoints(tmp_path)] == ["step-000001"]
    assert load_checkpoint(path).clock["wall"] in (run.wall - 1.0, run.wall)
    save_checkpoint(run, tmp_path)
    assert load_checkpoint(path).clock["wall"] == run.wall


def test_what_is_kept():
    assert choose_kept([10, 20], 100) == {10, 20}
    assert choose_kept(list(range(10, 101, 10)), 10) == {20, 40, 60, 80, 90, 100}
    taken = []
    for step in range(10, 101, 10):  # one after the other, pruned each time, comes to the same
        taken = sorted(choose_kept([*taken, step], 10))
    assert taken == [20, 40, 60, 80, 90, 100]
    assert choose_kept([10, 20, 30, 37], 10) == {10, 20, 30, 37}  # an early failure has all of them to go back to


def test_old_checkpoints_go(tiny, tmp_path):
    run = Run(tiny())
    for _ in range(24):
        run.advance()
        save_checkpoint(run, tmp_path)
    assert [step_of(p) for p in checkpoints(tmp_path)] == [6, 12, 18, 23, 24]


def test_names(tmp_path):
    assert step_of(Path("step-000120")) == 120
    assert step_of(Path("step-1234567")) == 1234567
    for step in (1_000_000, 999_000):
        folder_of(tmp_path, step).mkdir()
    folder_of(tmp_path, 7).touch()
    (tmp_path / "another").mkdir()
    assert list(map(step_of, checkpoints(tmp_path))) == [999_000, 1_000_000]  # not as their names would be sorted
    for other in (".step-000120.part", "step-", "step-x", "steps-3", "step-³"):
        assert step_of(Path(other)) == -1
