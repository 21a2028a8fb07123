import json

import numpy as np

from mulligan.output.export.plan import plan_of


def test_arrays_by_path_and_one_description(mlp, tmp_path):
    mlp.export(tmp_path / "g.npz")
    with np.load(tmp_path / "g.npz", allow_pickle=False) as file:
        described, arrays = json.loads(str(file["description"])), {k: file[k] for k in file if k != "description"}
    plan = plan_of(mlp)
    assert arrays.keys() == plan.arrays.keys()
    assert all(np.array_equal(arrays[name], plan.arrays[name]) for name in arrays)
    assert np.array_equal(arrays["1.W"], mlp.network.tensors()["1.W"])
    assert [op["kind"] for op in described["ops"]] == [op.kind for op in plan.ops]
    assert described["ops"][1] == {
        "kind": "dense",
        "inputs": [1],
        "shape": [256],
        "options": {},
        "arrays": {"W": "1.W", "b": "1.b"},
        "layer": "1 Dense",
    }
    assert described["result"] == len(plan.ops)
    assert described["latent"] == {"dim": 64, "distribution": "normal"}
