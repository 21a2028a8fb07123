"""Options: what they are by default, what is refused, in which words, and that what the words say to try is taken."""

import math
import re

import pytest

from mulligan.errors import ConfigError
from mulligan.game import DRAGAN, R1, WGANGP, NonSaturating
from mulligan.nn import EMA, layers, optimizers, schedules
from mulligan.nn.layers import He
from mulligan.nn.optimizers import SGD, Adam

CHANNELS = {"channels": 2}
NEEDED = {
    layers.OneHot: {"classes": 3},
    layers.Dense: {"units": 3},
    layers.Scaled: {"init": He()},
    layers.Conv2d: CHANNELS,
    layers.ConvTranspose2d: CHANNELS,
}
"""What has no default."""
CONVOLUTION = {
    "channels": [0],
    "kernel": [0, (3, 0), (3, 3, 3), 2.5, True],
    "stride": [0],
    "padding": [-1, "valid"],
}
REFUSED = {
    SGD: {"lr": [0.0, math.nan]},
    optimizers.Momentum: {"momentum": [1.0, -1.0]},
    Adam: {"beta1": [1.0], "beta2": [-0.1], "eps": [0.0, 1e-50]},  # float32 rounds the last one to 0
    optimizers.Nadam: {"psi": [-1.0]},
    optimizers.Adadelta: {"rho": [1.0]},
    optimizers.RMSprop: {"rho": [-0.5]},
    optimizers.Adagrad: {"eps": [math.nan]},
    EMA: {"half_life": [0.0, math.nan], "ramp": [-1.0]},
    schedules.Constant: {"value": [-1.0, math.inf]},
    schedules.StepDecay: {"factor": [-0.1], "at": [(3, -1), (3, 2.5)]},
    schedules.Geometric: {"start": [0.0], "end": [0.0], "until": [0.0]},
    schedules.Linear: {"end": [-1.0], "from_": [1.0], "until": [0.0]},
    schedules.Cosine: {"until": [0.0, 1.5]},
    He: {"gain": [-1.0], "slope": [math.nan]},
    layers.Normal: {"std": [-0.1]},
    layers.Fill: {"value": [math.inf]},
    layers.Scaled: {"by": [math.nan], "init": [0.5]},
    layers.Conv2d: CONVOLUTION,
    layers.ConvTranspose2d: CONVOLUTION,
    layers.Dense: {"units": [0, 2.5], "init": ["he"]},
    layers.LeakyReLU: {"alpha": [1.0]},
    layers.Dropout: {"rate": [1.0]},
    layers.Reshape: {"shape": [(0, 2), 12]},
    layers.Tanh: {"gain": [0.5]},
    layers.BatchNorm: {"momentum": [0.0]},
    layers.LayerNorm: {"eps": [0.0]},
    layers.OneHot: {"classes": [0], "scale": [0.0]},
    NonSaturating: {"smoothing": [-0.1, 1.5, math.nan]},
    R1: {"gamma": [-1.0]},
    WGANGP: {"weight": [math.inf]},
    DRAGAN: {"spread": [-0.5]},
}
PUBLISHED = {
    "sgd": SGD(lr=0.01),
    "momentum": optimizers.Momentum(lr=0.01, momentum=0.9),
    "nesterov": optimizers.Nesterov(lr=0.01, momentum=0.9),
    "adagrad": optimizers.Adagrad(lr=0.01, eps=1e-10),
    "adadelta": optimizers.Adadelta(lr=1.0, rho=0.95, eps=1e-6),
    "rmsprop": optimizers.RMSprop(lr=1e-3, rho=0.9, eps=1e-8),
    "adam": Adam(lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8),
    "adamax": optimizers.AdaMax(lr=2e-3, beta1=0.9, beta2=0.999),
    "nadam": optimizers.Nadam(lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, psi=0.004),
    "amsgrad": optimizers.AMSGrad(lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8),
}
"""What stands where a configuration says nothing: the articles' numbers where they give some, else the usual ones."""


def test_numbers_left_out_are_the_published_ones():
    assert {name: cls() for name, cls in optimizers.OPTIMIZERS.items()} == PUBLISHED


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [(cls, name, value) for cls, options in REFUSED.items() for name, values in options.items() for value in values],
)
def test_refuses_values_out_of_range(cls, name, value):
    needed = NEEDED.get(cls, {})
    with pytest.raises(ConfigError) as caught:
        cls(**needed | {name: value})
    message = str(caught.value)
    assert message.startswith(f"{cls.__name__}: {name} must be ")
    assert f", got {list(value) if isinstance(value, tuple) else value!r}. Try " in message
    remedy = re.search(r"Try (?:from_ = )?(.*)\.$", message)[1]
    other = "from_" if "from_ = " in message else name
    cls(**needed | {name: value} | {other: eval(remedy, vars(layers) | vars(schedules))})


def test_a_window_that_ends_before_it_begins_is_told_both_ends():
    with pytest.raises(ConfigError, match=r"^Linear: from_ must be below until = 1\.0, got 1\.0\. Try from_ = 0\.5\.$"):
        schedules.Linear(from_=1.0)
