"""Both nets, layer by layer, against what their arrays say."""

import re

import numpy as np
import pytest

from mulligan.nn.layers import ReLU, Tanh
from mulligan.web.inside.layers import RECTIFIERS, layers


def test_layer_by_layer(seen):
    found = layers(seen)
    assert [row["name"] for row in found["generator"]] == ["Dense 9→12 LeakyReLU", "Dense 12→64 Tanh"]
    assert [row["params"] for row in found["generator"]] == [9 * 12 + 12, 12 * 64 + 64]
    assert found["verdicts"]["generator"]["ok"]
    said = found["verdicts"]["generator"]["text"]
    assert re.fullmatch(r"Generated samples differ from each other \d+ % as much as real ones do\.", said)
    assert found["verdicts"]["discriminator"]["ok"]
    fake = seen.generate(*seen.draw(40, seed=0), average=False)
    assert found["generator"][-1]["activation"] == pytest.approx(float(fake.std()), rel=1e-5)
    assert found["generator"][-1]["change"] == pytest.approx(
        float(np.sqrt(fake.reshape(40, -1).var(axis=0).mean())), rel=1e-5
    )
    assert all(row["gradient"] > 0 for side in ("generator", "discriminator") for row in found[side])
    assert all(row["change"] is None for row in found["discriminator"])


def test_silent_units_are_counted_after_rectifiers(seen, monkeypatch):
    assert ReLU in RECTIFIERS
    leaky, tanh = layers(seen)["generator"]
    assert leaky["silent"] is not None
    assert tanh["silent"] is None
    monkeypatch.setattr("mulligan.web.inside.layers.RECTIFIERS", (ReLU, Tanh))
    leaky, tanh = layers(seen)["generator"]
    assert leaky["silent"] is None
    assert tanh["silent"] is not None


def test_a_dead_path_is_seen(seen):
    generator = seen.gan.g.network
    generator.entries[0].view(generator.theta)[:] *= 1e-6  # z and class arrive no more
    found = layers(seen)["verdicts"]["generator"]
    assert not found["ok"]
    assert found["title"] == "z does not arrive."
