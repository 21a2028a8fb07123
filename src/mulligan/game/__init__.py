"""The game: two players, a loss, penalties, and the step that both play. NumPy alone.

Read first `step`, with `examples/gan_by_hand.py` beside it; then `losses`.

- `step`: one worker's step from top to bottom. `passes`: D's passes over that worker's rows.
- `gan`: `GAN`, the state of a game. `player`: a player's network and its update. `draws`: all random numbers.
- `spec`: `Game`, `Player`, `Latent`, `Schedules`. `architectures`: networks that build themselves for the data.
- `losses`, `penalties`, `augment`: one registry each, to which users add their own.
- `validation`: errors for games that cannot be played. `checking`: gradient checks of steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mulligan.game.architectures import ARCHITECTURES, Architecture
from mulligan.game.augment import AUGMENTATIONS, Augmentation, Cutout, Flip, Translation
from mulligan.game.losses import (
    LOSSES,
    DiscriminatorLoss,
    GeneratorLoss,
    Hinge,
    LeastSquares,
    LiteralCost,
    Loss,
    Minimax,
    NonSaturating,
    Relativistic,
    RelativisticAverage,
    Wasserstein,
)
from mulligan.game.penalties import DRAGAN, PENALTIES, R1, R2, WGANGP, Penalty, ZeroCentered
from mulligan.game.spec import Game, Latent, Player, Schedules

if TYPE_CHECKING:
    from mulligan.game.gan import GAN

__all__ = [
    "ARCHITECTURES", "AUGMENTATIONS", "DRAGAN", "GAN", "LOSSES", "PENALTIES", "R1", "R2", "WGANGP", "Architecture",
    "Augmentation", "Cutout", "DiscriminatorLoss", "Flip", "Game", "GeneratorLoss", "Hinge",
    "Latent", "LeastSquares", "LiteralCost", "Loss", "Minimax", "NonSaturating", "Penalty", "Player",
    "Relativistic", "RelativisticAverage", "Schedules", "Translation", "Wasserstein", "ZeroCentered",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name != "GAN":  # imported at first use: a program that only draws samples starts sooner
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mulligan.game.gan import GAN

    return GAN
