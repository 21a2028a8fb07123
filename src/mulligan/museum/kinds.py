"""Kinds that only the museum's recipes use, under names that begin with `museum.`."""

from typing import Any

from mulligan.museum.jang import ClampedProbability, JangDiscriminator, Stratified, Times
from mulligan.museum.mistakes import AutogradCost, EveryFew, Frozen, LogOfProbability, UnguardedWGANGP
from mulligan.museum.papers import Marginals, RisingMomentum
from mulligan.museum.quirks import ArticleAdam, ArticleDiscriminator, ArticleGenerator, ArticleOutput
from mulligan.nn.layers import Sigmoid
from mulligan.output.export.plan import LOWERINGS, Place, Plan
from mulligan.training.remedies.changes import REACH

KINDS: dict[str, type[Any]] = {
    "article_adam": ArticleAdam,
    "article_output": ArticleOutput,
    "article_generator": ArticleGenerator,
    "article_discriminator": ArticleDiscriminator,
    "frozen": Frozen,
    "log_of_probability": LogOfProbability,
    "unguarded_wgan_gp": UnguardedWGANGP,
    "every_few": EveryFew,
    "autograd_cost": AutogradCost,
    "stratified": Stratified,
    "times": Times,
    "clamped_probability": ClampedProbability,
    "jang_discriminator": JangDiscriminator,
    "marginals": Marginals,
    "rising_momentum": RisingMomentum,
}
"""Optimisers, layers, losses … by name. `mulligan.config.serialization` reads them here."""


def _article_output(plan: Plan, at: Place) -> int:
    """Lower an `ArticleOutput` for export. Its output is that of a dense layer; only its gradient is wrong."""
    value = plan.add(at, "dense", at.value, shape=at.output, arrays=at.arrays("W", "b"))
    return plan.add(at, "sigmoid", value, shape=at.output)


LOWERINGS[ArticleOutput] = _article_output
REACH[ArticleOutput] = REACH[Sigmoid]
