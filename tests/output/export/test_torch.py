import importlib.util
import re
import subprocess
import sys

import numpy as np
import pytest

from mulligan.errors import ConfigError
from mulligan.models import bundled
from mulligan.nn import layers as nn

torch = pytest.importorskip("torch")


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Generator


def run(made, folder, z, labels):
    """Return what PyTorch computes of an export."""
    files = made.export(folder / "made.py")
    assert files == [folder / "made.py", folder / "made.weights.safetensors"]
    with torch.no_grad():
        return imported(files[0]).load()(*(torch.from_numpy(x) for x in (z, labels) if x is not None)).numpy()


def test_every_layer(question, tmp_path):
    made, z, labels, wanted = question
    samples = run(made, tmp_path, z, labels)
    assert samples.shape == wanted.shape
    assert np.abs(samples - wanted).max() <= 1e-5


@pytest.mark.parametrize("which", ["bundled", "mlp", "rgb"])
def test_whole_generators_in_the_range_of_the_data(which, request, tmp_path):
    made = bundled() if which == "bundled" else request.getfixturevalue(which)
    samples = run(made, tmp_path, made.z(70, 4), made.labels(70, 4))
    low, high = made.spec.data_range
    assert samples.shape == (70, *made.spec.shape)
    assert np.abs(samples - made.sample(70, 4)).max() <= 1e-5 * (high - low)
    assert samples.max() > 0.9 * high  # not merely grey


@pytest.mark.parametrize(("data", "output"), [((10.0, 12.0), (0.0, 1.0)), ((-3.0, 2.0), (0.5, 1.5))])
def test_a_range_of_ones_own_and_another_shape(data, output, make, tmp_path):
    made = make([nn.Dense(6), nn.Tanh()], 4, shape=(2, 3, 1), data_range=data, output_range=output)
    samples = run(made, tmp_path, made.z(3, 1), None)
    assert samples.shape == (3, 2, 3, 1)
    assert np.abs(samples - made.sample(3, 1)).max() <= 1e-5


def test_it_can_be_trained_further_and_saved(mlp, tmp_path):
    mlp.export(tmp_path / "made.py")
    made = imported(tmp_path / "made.py").load()
    assert sum(p.numel() for p in made.parameters()) == mlp.network.n_params
    made(torch.zeros(2, 64), torch.tensor([0, 9])).sum().backward()
    assert all(p.grad is not None for p in made.parameters())


def test_the_source_needs_nothing_of_ours_and_names_what_it_is(mlp, tmp_path):
    mlp.export(tmp_path / "made.py")
    source = (tmp_path / "made.py").read_text("utf-8")
    assert "import mulligan" not in source
    assert 'latent: {"dim": 64, "distribution": "normal"}' in source
    assert "standard_normal((count, 64), numpy.float32)" in source
    assert "x2 = F.linear(x1, self.dense_1_W.T, self.dense_1_b)  # 1 Dense" in source
    assert max(map(len, source.splitlines())) <= 120
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F,E9", tmp_path / "made.py"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0 or "No module named ruff" in checked.stderr, checked.stdout


@pytest.mark.parametrize("which", ["bundled", "rgb"])
def test_the_example_in_the_source_draws_z_as_in_training(which, request, tmp_path):
    made = bundled() if which == "bundled" else request.getfixturevalue(which)
    made.export(tmp_path / "made.py")
    source = (tmp_path / "made.py").read_text("utf-8")
    z = eval(re.search(r"samples = generator\((.*?\d\)(?: - 1)?)", source)[1], {"torch": torch})
    assert z.shape == (16, made.spec.latent.dim)
    assert (float(z.abs().max()) <= 1) == (made.spec.latent.distribution == "uniform")


@pytest.mark.parametrize("name", ["my-gan.py", "2d.py", "class.py"])
def test_a_name_that_cannot_be_imported_is_refused(mlp, tmp_path, name):
    with pytest.raises(ConfigError, match=name):
        mlp.export(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
