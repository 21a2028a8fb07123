"""What the server and its worker say to each other."""

import json

import numpy as np

from mulligan.web.worker.protocol import dumps, plain


def test_strict_json():
    file = "caf\udce9.png"  # a name that is no UTF-8
    value = {"a": np.float32("nan"), 1: [np.arange(2), float("inf"), True, None, "é", file], "t": (np.int64(3),)}
    assert plain(value) == {"a": None, "1": [[0, 1], None, True, None, "é", file], "t": [3]}
    assert json.loads(dumps(value)) == plain(value)
