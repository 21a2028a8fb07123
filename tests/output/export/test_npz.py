import json

import numpy as np

from mulligan.models import bundled
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


def test_a_generator_rebuilt_by_hand(tmp_path):
    """As a reader of the description would, without anything of ours; the guide does all operations of this one."""
    made = bundled()
    made.export(tmp_path / "g.npz")
    with np.load(tmp_path / "g.npz") as file:
        described = json.loads(str(file["description"]))
        x, labels = made.z(8, 3), made.labels(8, 3)
        for op in described["ops"]:
            own = {name: file[path] for name, path in op["arrays"].items()}
            options, n = op["options"], len(x)
            if op["kind"] == "one_hot":
                x = np.concatenate([x, options["scale"] * np.eye(options["classes"])[labels]], -1)
            elif op["kind"] == "dense":
                x = x @ own["W"] + own["b"]
            elif op["kind"] == "leaky_relu":
                x = np.maximum(x, options["alpha"] * x)
            elif op["kind"] == "reshape":
                x = x.reshape(n, *op["shape"])
            elif op["kind"] == "tanh":
                x = np.tanh(x)
            elif op["kind"] == "conv_transpose":
                (height, width, depth), (kh, kw) = op["shape"], own["W"].shape[:2]
                s, top, left = options["stride"], options["top"], options["left"]
                y = np.zeros((n, height + kh, width + kw, depth))
                for i, j in np.ndindex(*x.shape[1:3]):
                    y[:, s * i : s * i + kh, s * j : s * j + kw] += np.einsum("nc,abck->nabk", x[:, i, j], own["W"])
                x = y[:, top : top + height, left : left + width] + own["b"]
    assert np.abs(x - (made.sample(8, 3) / 127.5 - 1)).max() <= 1e-5
