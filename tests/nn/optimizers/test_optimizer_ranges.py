"""Hyper-parameters of optimisers: what they are by default, what is refused, and in which words."""

import numpy as np
import pytest

from mulligan.errors import ConfigError
from mulligan.nn.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdaMax,
    AdamW,
    AMSGrad,
    Extragradient,
    Lookahead,
    Momentum,
    Nadam,
    Nesterov,
    OptimisticAdam,
    RMSprop,
)

REFUSED = [
    (SGD, {"lr": 0.0}),
    (SGD, {"lr": float("nan")}),
    (Momentum, {"momentum": 1.0}),
    (Momentum, {"momentum": -1.0}),
    (Nesterov, {"momentum": 1.0}),
    (Adam, {"beta1": 1.0}),
    (Adam, {"beta2": -0.1}),
    (Adam, {"eps": 0.0}),
    (Adam, {"eps": 1e-50}),  # which float32 rounds to 0
    (AdamW, {"weight_decay": -1.0}),
    (Nadam, {"psi": -1.0}),
    (Adadelta, {"rho": 1.0}),
    (RMSprop, {"rho": -0.5}),
    (Adagrad, {"eps": float("nan")}),
    (Lookahead, {"k": 0}),
    (Lookahead, {"k": 2.5}),
    (Lookahead, {"alpha": 0.0}),
    (Lookahead, {"alpha": 1.5}),
]


PUBLISHED = {
    "sgd": SGD(lr=0.01),
    "momentum": Momentum(lr=0.01, momentum=0.9),
    "nesterov": Nesterov(lr=0.01, momentum=0.9),
    "adagrad": Adagrad(lr=0.01, eps=1e-10),
    "adadelta": Adadelta(lr=1.0, rho=0.95, eps=1e-6),
    "rmsprop": RMSprop(lr=1e-3, rho=0.9, eps=1e-8),
    "adam": Adam(lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8),
    "adamax": AdaMax(lr=2e-3, beta1=0.9, beta2=0.999),
    "nadam": Nadam(lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, psi=0.004),
    "amsgrad": AMSGrad(lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8),
    "adamw": AdamW(lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01),
    "optimistic_adam": OptimisticAdam(lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8),
    "extragradient": Extragradient(base=Adam()),
    "lookahead": Lookahead(base=Adam(), k=5, alpha=0.5),
}
"""What stands where a configuration says nothing: the articles' numbers where they give some, else the usual ones."""


def test_numbers_left_out_are_the_published_ones():
    assert {name: cls() for name, cls in OPTIMIZERS.items()} == PUBLISHED


@pytest.mark.parametrize(("cls", "values"), REFUSED)
def test_refuses_values_out_of_range(cls, values):
    ((key, value),) = values.items()
    with pytest.raises(ConfigError) as caught:
        cls(**values)
    message = str(caught.value)
    assert message.startswith(f"{cls.__name__}: {key} must be ")
    assert f", got {value!r}. Try " in message
    assert f"Try {key} = " in message


def test_numpy_scalars_become_python_numbers():
    assert type(Adam(lr=np.float64(1e-3)).lr) is float


def test_a_schedule_of_beta2_needs_an_option_beta2_and_stays_in_its_range():
    with pytest.raises(ConfigError, match=r"SGD must have an option beta2 .* 0\.9"):
        SGD().rates(1.0, beta2=0.9)
    for beta2 in (1.0, -0.1):
        with pytest.raises(ConfigError, match=rf"Adam: beta2 .* got {beta2:g} "):
            Adam().rates(1.0, beta2=beta2)
