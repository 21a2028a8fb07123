"""What ONNX Runtime and PyTorch compute of an export is what the generator computes."""

import importlib.util

import numpy as np
import pytest

from mulligan.models import bundled
from mulligan.nn import layers as nn


def by_onnx(made, folder, z, labels):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    (file,) = made.export(folder / "made.onnx")
    inputs = {"z": z} | ({} if labels is None else {"labels": labels})
    return runtime.InferenceSession(file).run(["samples"], inputs)[0]


def by_torch(made, folder, z, labels):
    torch = pytest.importorskip("torch")
    files = made.export(folder / "made.py")
    assert files == [folder / "made.py", folder / "made.weights.safetensors"]
    spec = importlib.util.spec_from_file_location("made", files[0])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with torch.no_grad():
        return module.Generator.load()(*(torch.from_numpy(x) for x in (z, labels) if x is not None)).numpy()


RUNTIMES = pytest.mark.parametrize("computed", [by_onnx, by_torch], ids=["onnx", "torch"])


@RUNTIMES
def test_every_layer(computed, question, tmp_path):
    made, z, labels, wanted = question
    found = computed(made, tmp_path, z, labels)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 1e-5


@RUNTIMES
@pytest.mark.parametrize("which", ["bundled", "mlp", "rgb"])
def test_whole_generators_in_the_range_of_the_data(computed, which, request, tmp_path):
    made = bundled() if which == "bundled" else request.getfixturevalue(which)
    found = computed(made, tmp_path, made.z(70, 4), made.labels(70, 4))
    low, high = made.spec.data_range
    assert found.shape == (70, *made.spec.shape)
    assert np.abs(found - made.sample(70, 4)).max() <= 1e-5 * (high - low)
    assert found.max() > 0.9 * high  # not merely grey


@RUNTIMES
@pytest.mark.parametrize(("data", "output"), [((10.0, 12.0), (0.0, 1.0)), ((-3.0, 2.0), (0.5, 1.5))])
def test_a_range_of_ones_own_and_another_shape(computed, data, output, make, tmp_path):
    made = make([nn.Dense(6), nn.Tanh()], 4, shape=(2, 3, 1), data_range=data, output_range=output)
    found = computed(made, tmp_path, made.z(3, 1), None)
    assert found.shape == (3, 2, 3, 1)
    assert np.abs(found - made.sample(3, 1)).max() <= 1e-5
