"""Optimisers: one frozen dataclass each, their state a dictionary of flat vectors."""

from mulligan.nn.optimizers.adam import Adam, AdaMax, AdamW, AMSGrad, Nadam, OptimisticAdam
from mulligan.nn.optimizers.base import Optimizer, State
from mulligan.nn.optimizers.gradient import SGD, Momentum, Nesterov

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adam": Adam,
    "adamax": AdaMax,
    "nadam": Nadam,
    "amsgrad": AMSGrad,
    "adamw": AdamW,
    "optimistic-adam": OptimisticAdam,
}
"""Every optimiser by the name that a configuration uses."""

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AMSGrad",
    "AdaMax",
    "Adam",
    "AdamW",
    "Momentum",
    "Nadam",
    "Nesterov",
    "OptimisticAdam",
    "Optimizer",
    "State",
]
