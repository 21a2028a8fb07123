"""Optimisers: one frozen dataclass each, with flat vectors as state.

Read first `base`, for what a step is; then `gradient`.

- `base`: the base class: `init`, `step`, and the `update_block` that each optimiser implements; two running means.
- `gradient`: descent, plain, with momentum, with adaptive rates. `adam`: Adam's family, and why it keeps sums.

All are raced in docs/book/a-optimisers.md.
"""

from mulligan.nn.optimizers.adam import Adam, AdaMax, AMSGrad, Nadam
from mulligan.nn.optimizers.base import Optimizer, State
from mulligan.nn.optimizers.gradient import SGD, Adadelta, Adagrad, Momentum, Nesterov, RMSprop

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamax": AdaMax,
    "nadam": Nadam,
    "amsgrad": AMSGrad,
}
"""Every optimiser by the name that a configuration uses."""

__all__ = [
    "OPTIMIZERS", "SGD", "AMSGrad", "AdaMax", "Adadelta", "Adagrad", "Adam", "Momentum", "Nadam", "Nesterov",
    "Optimizer", "RMSprop", "State",
]  # fmt: skip
