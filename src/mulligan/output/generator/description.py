"""What a generator is, without its parameters: all that a file must say beside them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from mulligan.errors import ConfigError
from mulligan.game.spec import Latent
from mulligan.nn.layers.base import Layer
from mulligan.nn.ranges import check_ranges


@dataclass(frozen=True)
class GeneratorSpec:
    """What a generator is, without its parameters.

    Parameters
    ----------
    layers : tuple of Layer
        From z to samples.
    latent : Latent
        Where z comes from.
    shape : tuple of int
        Of one sample, as the data has it: (height, width, channels) or (d,).
    output_range : (float, float)
        What the network gives for black and white.
    data_range : (float, float)
        What the data has there.
    classes : int
        0 for a generator without labels.
    class_names : tuple of str
        One a class, or none.
    class_counts : tuple of int
        How many samples of each class the training data has; none for equal shares.
    recipe, data : str
        Names of both; one's own data is named by its path.
    step : int
        Steps trained.
    """

    layers: tuple[Layer, ...]
    latent: Latent
    shape: tuple[int, ...]
    output_range: tuple[float, float] = (-1.0, 1.0)
    data_range: tuple[float, float] = (0.0, 255.0)
    classes: int = 0
    class_names: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    recipe: str = ""
    data: str = ""
    step: int = 0

    def __post_init__(self) -> None:
        check_ranges(self)
        for name in ("output_range", "data_range"):
            low, high = getattr(self, name)
            if not -math.inf < low < high < math.inf:
                raise ConfigError(f"{name} = ({low}, {high}) is not allowed; both are finite and the first is lower.")
        if self.classes < 0:
            raise ConfigError(f"classes = {self.classes} is not allowed; it must be 0 (none) or more.")
        for name in ("class_names", "class_counts"):
            if len(getattr(self, name)) not in (0, self.classes):
                raise ConfigError(f"{name} has {len(getattr(self, name))} entries; one for each of {self.classes}.")
        if self.class_counts and (min(self.class_counts) < 0 or sum(self.class_counts) == 0):
            raise ConfigError(
                f"class_counts = {self.class_counts} is not allowed; counts are 0 or more, and not all 0."
            )

    @property
    def is_picture(self) -> bool:
        """Whether samples are grey or RGB pictures, and not points."""
        return len(self.shape) == 3 and self.shape[2] in (1, 3)

    @property
    def data_name(self) -> str:
        """The name of the data without the folder where it lay, which is nobody else's business."""
        return re.split(r"[/\\]", self.data.rstrip("/\\"))[-1]
