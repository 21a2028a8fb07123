import json
import sys

import numpy as np
import pytest

from mulligan.errors import ConfigError
from mulligan.output.export import facts
from mulligan.output.export.onnx import OPSET, onnx_model

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")


def test_any_number_of_rows(rgb):
    session = ort.InferenceSession(onnx_model(rgb).SerializeToString())
    z = rgb.z(65, 1)
    whole = session.run(None, {"z": z})[0]
    for part in (slice(0, 1), slice(1, 65), slice(3, 3)):
        found = session.run(None, {"z": z[part]})[0]
        assert found.shape == (len(z[part]), 8, 12, 3)
        assert np.allclose(found, whole[part], atol=1e-3)


def test_what_the_file_says_of_itself(mlp):
    model = onnx_model(mlp)
    # its metadata hold two ranges: whoever has no documentation at hand must not convert twice
    assert model.graph.output[0].doc_string == "in data_range, 0.0 … 255.0, whatever output_range is"
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    words = {entry.key: entry.value for entry in model.metadata_props}
    known = facts(mlp)
    assert words.keys() == known.keys()
    assert words["seed_rule"] == known["seed_rule"]
    assert json.loads(words["data_range"]) == [0.0, 255.0]
    assert json.loads(words["latent"]) == {"dim": 64, "distribution": "normal"}
    assert json.loads(words["classes"]) == [str(k) for k in range(10)]

    def signature(values):
        return [
            (v.name, v.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
            for v in values
        ]

    assert signature(model.graph.input) == [
        ("z", onnx.TensorProto.FLOAT, ["N", 64]),
        ("labels", onnx.TensorProto.INT64, ["N"]),
    ]
    assert signature(model.graph.output) == [("samples", onnx.TensorProto.FLOAT, ["N", 28, 28, 1])]


def test_without_the_package_it_says_which_to_install(mlp, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"package onnx.*pip install 'mulligan\[onnx\]'"):
        mlp.export(tmp_path / "g.onnx")
    assert list(tmp_path.iterdir()) == []
