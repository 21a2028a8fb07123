from dataclasses import dataclass

import numpy as np
import pytest

from mulligan.errors import UnsupportedError
from mulligan.nn import layers as nn
from mulligan.output.export import facts
from mulligan.output.export.plan import LOWERINGS, plainly, plan_of


def test_every_layer_of_generators_can_be_exported():
    assert set(nn.LAYERS.values()) - {nn.Projection} <= set(LOWERINGS)


def test_the_shapes_are_those_of_the_layers(question):
    made, *_ = question
    plan = plan_of(made)
    assert plan.shapes[plan.result] == made.network.output_shape
    assert [op.shape for op in plan.ops] == plan.shapes[1:]
    assert all(array.dtype == np.float32 for array in plan.arrays.values())
    assert {name for op in plan.ops for name in op.arrays.values()} == plan.arrays.keys()


@dataclass(frozen=True)
class Own(nn.ReLU):
    """A layer that nobody has heard of."""


@pytest.mark.parametrize("layer", [Own(), nn.Projection(3)], ids=["unknown", "of discriminators"])
def test_a_layer_without_an_entry_is_refused_by_name(make, layer):
    with pytest.raises(UnsupportedError, match=rf"layer 1, {type(layer).__name__}, must have an entry in .*LOWERINGS"):
        plan_of(make([nn.Dense(3), layer], 2, classes=3))


def test_a_layer_of_ones_own_is_one_entry_more(make, monkeypatch):
    monkeypatch.setitem(LOWERINGS, Own, plainly("relu"))
    assert plan_of(make([nn.Dense(3), Own()], 2)).ops[1].layer == "1 Own"


@pytest.mark.parametrize("which", ["mlp", "rgb"])
def test_the_seed_rule_is_lines_that_run(which, request):
    made = request.getfixturevalue(which)
    known = facts(made)
    words = {"numpy": np, "count": 20, "seed": 123, "class_edges": known["class_edges"]}
    exec(known["seed_rule"], words)
    assert np.array_equal(words["z"], made.z(20, 123))
    if made.classes:
        assert np.array_equal(words["labels"], made.labels(20, 123))
