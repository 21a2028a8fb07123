"""A run as a PyTorch script: its first ten steps are ours."""

import ast
import importlib.util
import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from mulligan.cli import main
from mulligan.data import Dataset
from mulligan.data.registry import of_points
from mulligan.errors import ConfigError, UnsupportedError
from mulligan.nn.rng import restore, state_of, stream
from mulligan.nn.schedules import SCHEDULES
from mulligan.training import Recorder, Run, recipe, with_overrides
from mulligan.training.integrations.torch_script import write_torch_training

SUPPORTED = ["quick", "best", "plain", "unlabelled", "mlp", "r3gan", "classic", "ring", "kristiadi"]
REFUSED = {
    "pictures": "Translation",
    "wgan-gp": "wgan_gp, d_steps = 5",
    "hinge-sn": "Conv2d with spectral_norm",
    "dcgan": "BatchNorm",
    'ring generator.layers=["dropout",{kind="dense",units=2}]': "generator's Dropout",
    "lsgan": "BatchNorm",
    "article": "generator's optimizer",
    "jang": "Momentum",
    "classic loss.kind=feature_matching": "loss FeatureMatching",
}
LOSSES = ["ring loss.kind=relativistic_average", "ring loss.kind=literal_cost loss.smoothing=0.1"]


@pytest.fixture
def torch():
    """PyTorch, which only some of these tests need."""
    return pytest.importorskip("torch")


@pytest.fixture
def made():
    """Make a run of a recipe on a few random pictures, or on its points."""

    def made_(name, *changes):
        config = with_overrides(recipe(name), ["threads=1", "batch_size=16", "data.limit=64", *changes])
        if config.data.labels == "clusters":
            config = with_overrides(config, ["data.clusters=5"])
        data = None
        if not of_points(config.data.name):
            channels = 3 if name == "goodfellow-cifar10" else 1
            rng = np.random.default_rng(0)
            pictures = (rng.random((64, 28, 28, channels)) ** 3 * 255).astype(np.uint8)
            data = Dataset("noise", pictures, np.arange(64) % 10, tuple("0123456789"))
        return Run(config, data=data)

    return made_


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def played(run):
    """Take a step of ours; return its batch, labels and latents, and its losses."""
    latent, game = run.config.latent, run.gan.game
    real, labels = run.next_batch()
    twin = stream(0, "noise")
    restore(twin, state_of(run.gan.streams["noise"]))
    z = [latent.draw(twin, np.empty((len(real), latent.dim), np.float32)) for _ in set(game.latents)]
    return (real.copy(), labels, z), run.gan.step(real, labels)


@pytest.mark.parametrize("name", [*SUPPORTED, "classic latent.redraw=false", *LOSSES])
def test_the_first_ten_steps_agree(torch, made, tmp_path, name):
    run = made(*name.split())
    with run.gan:
        for _ in range(25):
            played(run)
        files = write_torch_training(run, tmp_path / "mine.py")
        assert [path.name for path in files] == ["mine.py", "mine.state.safetensors", "mine.data.npz"]
        torch.set_num_threads(1)
        training = imported(files[0]).Training()
        before = run.gan.g.network.theta.copy()
        for _ in range(10):
            (real, labels, z), ours = played(run)
            tensors = [torch.from_numpy(each) for each in z]
            theirs = training.play(
                torch.from_numpy(real), None if labels is None else torch.from_numpy(labels), *tensors
            )
            penalties = sum(ours[p.name] for p in run.gan.game.penalties)
            assert theirs[0] == pytest.approx(ours["d_loss"] + penalties, rel=1e-4, abs=1e-4)
            assert theirs[1] == pytest.approx(ours["g_loss"], rel=1e-4, abs=1e-4)
    again = write_torch_training(run, tmp_path / "after.py")
    expected = imported(again[0]).Training()
    for net in ("g", "d", "average"):
        a, b = (torch.cat([p.detach().ravel() for p in getattr(t, net).parameters()]) for t in (training, expected))
        if net == "d":  # a relativistic loss does not see its last bias, which rounding moves
            a, b = a[:-1], b[:-1]
        assert float((a - b).norm() / b.norm()) < (1e-3 if "average" in name else 1e-4)  # Adam divides by its rounding
    assert float(np.abs(run.gan.g.network.theta - before).max()) > 1e-4  # ten steps were taken
    assert training.step == expected.step == 35


@pytest.mark.parametrize("name", SUPPORTED)
def test_without_pytorch_the_script_is_python_and_its_state_is_the_run_s(made, tmp_path, name):
    run = made(name)
    script, state, data = write_torch_training(run, tmp_path / "mine.py")
    nodes = ast.walk(ast.parse(script.read_text()))
    names = {node.name for node in nodes if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    used = {type(getattr(run.config.schedules, each)) for each in ("lr", "penalty", "beta2")}
    assert {"Training", "play", "main", *(name for name, kind in SCHEDULES.items() if kind in used)} <= names
    tensors = load_file(state)
    for prefix, network in (("g.", run.gan.g.network), ("d.", run.gan.d.network)):
        found = [x.ravel() for key, x in tensors.items() if key.startswith(prefix) and ".exp_avg" not in f".{key[2:]}"]
        np.testing.assert_array_equal(np.sort(np.concatenate(found)), np.sort(network.theta))
    with np.load(data) as arrays:
        assert arrays["samples"].shape == run.data.images.shape


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_translation_is_refused_by_name(made, tmp_path, name):
    with pytest.raises(UnsupportedError, match=REFUSED[name]):
        write_torch_training(made(*name.split()), tmp_path / "mine.py")
    assert not list(tmp_path.iterdir())


def test_a_run_whose_data_stay_on_disk_is_refused(made, tmp_path, monkeypatch):
    run = made("ring")
    monkeypatch.setattr(Dataset, "streamed", True)
    with pytest.raises(UnsupportedError, match=r"^torch-training cannot write data that are read from disk as needed"):
        write_torch_training(run, tmp_path / "mine.py")


@pytest.fixture
def written(tmp_path, monkeypatch, capsys, made):
    """The script that the command writes of a run in this folder."""
    monkeypatch.chdir(tmp_path)
    list(Recorder("my-run").record(made("ring", "steps=6")))
    assert main(["export", "my-run", "--to", "torch-training", "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    return tmp_path / files[0]["path"]


def test_the_script_runs_although_the_run_was_at_its_end(torch, written, capsys):
    script = imported(written)
    with pytest.raises(SystemExit, match="5,000 more: python my_run_training"):
        script.main()
    script.main(450)
    assert "PyTorch; reals points" in capsys.readouterr().out
    weights = torch.load(written.parent / "average.pt")
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


def test_names_of_scripts(written, capsys, made):
    assert written.name == "my_run_training.py"
    assert main(["export", "--to", "torch-training"]) == 2
    assert "needs the folder of a run" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="Python can import"):
        write_torch_training(made("ring"), written.with_name("1.py"))
