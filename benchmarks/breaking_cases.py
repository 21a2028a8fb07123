"""The runs of the breaking bench: broken on purpose, each in one way, and healthy ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mulligan.data import Dataset, load
from mulligan.diagnosis import HEALTHY
from mulligan.training import Config, Run, recipe, with_overrides

SMALL = ("generator.layers.hidden=[128]", "discriminator.layers.hidden=[128]", "report_every=50")
"""A quicker `mlp`."""
PLAIN = ("data.labels=none", "penalties=[]", "loss=non_saturating")
ONE_D = ("data.name=jang", "average=none", "penalties=[]")
NARROW = ("generator.layers.activation=leaky_relu", "generator.layers.init.gain=1")
"""A generator whose fakes are narrow at first: those of the recipe `ring` happen to begin around the ring."""
GP = ("update=alternating", "loss=wasserstein", 'penalties=[{kind="wgan_gp", weight=10}]')
CRITIC = ("penalties=[]", "loss=wasserstein")
COLLAPSE = "mode collapse"


@dataclass(frozen=True)
class Case:
    """A run: a recipe, what is changed, what should be said."""

    name: str
    recipe: str
    changes: tuple[str, ...] = ()
    expected: str = HEALTHY
    neighbours: tuple[str, ...] = ()
    data: Callable[[], Dataset] | None = None
    breaks: Callable[[Run], None] | None = None
    upto: float = 0.1
    """Share of the budget that is run."""


def rates(g: float, d: float, beta1: float = 0.0) -> tuple[str, ...]:
    pairs = (("generator", g), ("discriminator", d))
    return tuple(x for who, lr in pairs for x in (f"{who}.optimizer.lr={lr:g}", f"{who}.optimizer.beta1={beta1:g}"))


def one_picture() -> Dataset:
    mnist = load("mnist")
    return replace(mnist, images=np.repeat(np.asarray(mnist.images[:1]), 1000, axis=0), labels=None, class_names=())


def far_points() -> Dataset:
    ring = load("ring")
    return replace(ring, images=np.asarray(ring.images) * np.float32(100.0))


def joined_batch_norm(run: Run) -> None:
    """Let real and fake rows share D's batch statistics, which the package itself never does."""
    for step in run.gan.team_steps:
        step.d.real_space, step.d.spaces = None, [step.d.space]


def forget_z(run: Run) -> None:
    """Let the weights that z comes in by decay by 7 % a step: a class then has one picture, nearly."""
    step, entry, dim = run.gan.step_on, run.gan.g.network.entries[0], run.config.latent.dim

    def forgetful(*batch: Any) -> dict[str, float]:
        measures = step(*batch)
        entry.view(run.gan.g.network.theta)[:dim] *= 0.93
        return measures

    run.gan.step_on = forgetful  # type: ignore[method-assign]


def inject_nan(run: Run) -> None:
    step = run.gan.step_on

    def poisoned(*batch: Any) -> dict[str, float]:
        if run.step == 400:
            run.gan.g.network.theta[7] = np.nan
        return step(*batch)

    run.gan.step_on = poisoned  # type: ignore[method-assign]


TINY = '{kind="normal", std=0.0001}'
BATCH_NORM_D = (
    'discriminator.layers=[{kind="flatten"},{kind="dense",units=128},{kind="batch_norm"},{kind="leaky_relu"},'
    '{kind="dense",units=128},{kind="batch_norm"},{kind="leaky_relu"},{kind="dense",units=1}]'
)

BROKEN = (
    Case("literal cost, digits", "mlp", (*SMALL, *PLAIN, "loss=literal_cost"), "wrong sign"),
    Case("literal cost, ring", "ring", ("penalties=[]", "loss=literal_cost"), "wrong sign", ("divergence",)),
    Case("pixels 0–255", "mlp", (*SMALL, *PLAIN, "data.low=0", "data.high=255"), "wrong scale"),
    Case("points × 100", "ring", (), "wrong scale", data=far_points),
    Case(
        "weights × 0.002, all of G",
        "mlp",
        (
            *SMALL,
            *PLAIN,
            "generator.layers.init.gain=0.002",
            "generator.layers.output_init.gain=0.002",
            *rates(1e-6, 1e-6),
        ),
        "contrast illusion",
        ("dead latent",),
    ),
    Case(
        "first layer × 0.0001",
        "mlp",
        (
            *SMALL,
            *PLAIN,
            "generator.layers.init.gain=0.0001",
            "generator.layers.output_init.gain=1",
            *rates(1e-5, 1e-3),
        ),
        "dead latent",
        (COLLAPSE,),
    ),
    Case(
        "one-hot × 1000 drowns z",
        "mlp",
        (*SMALL, "generator.layers.one_hot_scale=1000"),
        "saturation",
        ("dead latent", "intra-class collapse"),
    ),
    Case(
        "β₁ 0.9, rate 1e-2",
        "mlp",
        (*SMALL, *PLAIN, *rates(1e-2, 1e-2, 0.9)),
        "divergence",
        (COLLAPSE, "D wins", "saturation"),
    ),
    Case("critic without a bound", "mlp", (*SMALL, *PLAIN, "loss=wasserstein"), "divergence", (COLLAPSE,)),
    Case("NaN injected", "mlp", SMALL, "divergence", breaks=inject_nan),
    Case(
        "saturating loss, D 5 : 1",
        "mlp",
        (*SMALL, *PLAIN, "loss=minimax", "update=alternating", "d_steps=5", *rates(2e-4, 2e-3)),
        "D wins",
    ),
    Case("D's rate × 100", "mlp", (*SMALL, *PLAIN, *rates(1e-5, 1e-3)), "D wins"),
    Case(
        "least squares, D's rate × 100",
        "mlp",
        (*SMALL, *PLAIN, "loss=least_squares", *rates(1e-5, 1e-3)),
        "D wins",
    ),
    Case(
        "batch norm over [real; fake]",
        "mlp",
        (*SMALL, *PLAIN, "update=alternating", BATCH_NORM_D),
        "D wins",
        breaks=joined_batch_norm,
    ),
    Case("critic, D's rate × 100", "mlp", (*SMALL, "data.labels=none", *GP, *rates(1e-5, 1e-3)), "D wins"),
    Case("D frozen", "mlp", (*SMALL, *PLAIN, *rates(1e-3, 1e-12)), "G wins", (COLLAPSE, "saturation")),
    Case(
        "critic frozen",
        "mlp",
        (*SMALL, "data.labels=none", *GP, *rates(1e-3, 1e-12)),
        "G wins",
        (COLLAPSE, "saturation"),
    ),
    Case(
        "least squares, G frozen, ring",
        "ring",
        ("penalties=[]", "loss=least_squares", "generator.optimizer.lr=1e-13", "generator.layers.output_init.gain=0.2"),
        "standstill",
    ),
    Case("D of one unit", "mlp", (*SMALL, *PLAIN, "discriminator.layers.hidden=[1]"), "G wins", (COLLAPSE,), upto=0.3),
    Case(
        "clipped critic, β₁ 0.9, ring",
        "ring",
        ("average=none", *CRITIC, "discriminator.clip_weights=0.2", *rates(5e-3, 5e-3, 0.9)),
        COLLAPSE,
        ("cycling",),
        upto=0.3,
    ),
    Case("no penalty, digits", "mlp", (*SMALL, *PLAIN, *rates(1e-3, 1e-3, 0.5)), COLLAPSE, upto=0.3),
    Case(
        "1-D, no penalty, β₁ 0.9",
        "ring",
        (*ONE_D, "loss=non_saturating", *rates(2e-3, 2e-3, 0.9)),
        "cycling",
        (COLLAPSE,),
        upto=0.5,
    ),
    Case(
        "1-D, critic without a bound",
        "ring",
        (*ONE_D, "loss=wasserstein", *rates(1e-3, 1e-3, 0.5)),
        "cycling",
        (COLLAPSE,),
        upto=0.5,
    ),
    Case(
        "γ 0",
        "mlp",
        (*SMALL, "data.labels=none", "penalties.0.gamma=0", "penalties.1.gamma=0"),
        "gamma off",
        (COLLAPSE, "divergence", "D wins"),
        upto=0.3,
    ),
    Case(
        "γ 1000, digits",
        "mlp",
        (*SMALL, "data.labels=none", "penalties.0.gamma=1000", "penalties.1.gamma=1000"),
        "gamma off",
    ),
    Case(
        "γ 1000, ring",
        "ring",
        (*NARROW, "penalties.0.gamma=1000", "penalties.1.gamma=1000", "schedules.penalty=constant"),
        "gamma off",
        ("G wins",),
    ),
    Case("G's rate 0.3", "mlp", (*SMALL, *PLAIN, *rates(0.3, 1e-3)), "saturation", (COLLAPSE,)),
    Case("z forgotten", "mlp", SMALL, "intra-class collapse", breaks=forget_z, upto=0.3),
    Case("fifty pictures", "mlp", (*SMALL, "data.labels=none", "data.limit=50"), "copying", upto=0.5),
    Case("one picture, repeated", "mlp", (*SMALL, "data.labels=none"), "copying", data=one_picture),
)

SOUND = (
    Case("quick", "quick"),
    Case("quick, seed 1", "quick", ("seed=1",)),
    Case("unlabelled", "unlabelled", ("data.limit=10000",)),
    Case("mlp", "mlp"),
    Case("mlp, small, no classes", "mlp", (*SMALL, "data.labels=none"), upto=0.5),
    Case("mlp, hinge, seed 2", "mlp", (*SMALL, "loss=hinge", "seed=2"), upto=0.5),
    Case("mlp, least squares", "mlp", (*SMALL, "loss=least_squares"), upto=0.5),
    Case("mlp, least squares, no classes", "mlp", (*SMALL, "loss=least_squares", "data.labels=none"), upto=0.5),
    Case(
        "mlp, [0, 1]",
        "mlp",
        (
            *SMALL,
            "data.low=0",
            "data.high=1",
            "generator.layers.output=sigmoid",
            "penalties.0.gamma=0.25",
            "penalties.1.gamma=0.25",
        ),
        upto=0.5,
    ),
    Case("mlp, wgan_gp", "mlp", (*SMALL, *GP), upto=0.5),
    Case("ring, wgan_gp, narrow G", "ring", (*NARROW, *GP), upto=0.5),
    Case("ring, least squares, narrow G", "ring", (*NARROW, "loss=least_squares"), upto=0.5),
    Case("ring, hinge, narrow G", "ring", (*NARROW, "loss=hinge"), upto=0.5),
    Case("ring", "ring", upto=0.5),
    Case("ring, seed 1", "ring", ("seed=1",), upto=0.5),
    Case("grid, narrow G", "ring", (*NARROW, "data.name=grid"), upto=0.5),
    Case("1-D, narrow G", "ring", (*NARROW, "data.name=jang"), upto=0.5),
)


def configure(case: Case, seed: int = 0) -> Config:
    changes = ["threads=1", "sample_every=0", "save_every=0", "evaluate_every=0", *case.changes]
    config = with_overrides(recipe(case.recipe), changes)
    return replace(config, seed=config.seed + seed)
