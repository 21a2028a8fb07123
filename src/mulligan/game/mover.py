"""A player at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.nn.layers.combine import Sequential
from mulligan.nn.network import Network

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from mulligan.game.spec import Player
    from mulligan.nn.layers.base import Layer, Shape
    from mulligan.nn.memory import Allocate
    from mulligan.nn.optimizers import State


class Mover:
    """A player at work: its network, and its optimiser's state."""

    def __init__(
        self, player: Player, layers: tuple[Layer, ...], input_shape: Shape, dtype: DTypeLike, allocate: Allocate
    ):
        self.player = player
        self.layers = layers
        self.network = Network(Sequential(layers), input_shape, dtype, allocate)
        self.state: State = {}
        for name, array in player.optimizer.init(self.network.n_params, dtype).items():
            self.state[name] = allocate(array.shape, array.dtype)
            self.state[name][...] = array
