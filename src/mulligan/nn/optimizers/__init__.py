"""Optimisers: one frozen dataclass each, with flat vectors as state.

Read first `base`, for what a step is; then `gradient`.

- `base`: the base class: `init`, `step`, and the `update_block` that each optimiser implements; two running means.
- `gradient`: descent, plain, with momentum, with adaptive rates. `adam`: Adam, and why it keeps sums.

All are raced in docs/book/a-optimisers.md.
"""

from mulligan.nn.optimizers.adam import Adam
from mulligan.nn.optimizers.base import Optimizer, State
from mulligan.nn.optimizers.gradient import SGD, Momentum, Nesterov, RMSprop

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSprop,
    "adam": Adam,
}
"""Every optimiser by the name that a configuration uses."""

__all__ = ["OPTIMIZERS", "SGD", "Adam", "Momentum", "Nesterov", "Optimizer", "RMSprop", "State"]
