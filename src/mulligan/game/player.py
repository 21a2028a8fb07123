"""The state of a player during a run."""

from operator import itemgetter

import numpy as np
from numpy.typing import DTypeLike

from mulligan.game.spec import Player
from mulligan.nn.averaging import Average
from mulligan.nn.averaging import update_block as update_average
from mulligan.nn.layers.base import Layer, Shape
from mulligan.nn.layers.combine import Sequential
from mulligan.nn.memory import Allocate, Array, blocks_of
from mulligan.nn.network import Network, Workspace, sum_gradients
from mulligan.nn.optimizers import State
from mulligan.nn.workers.threads import Worker


class PlayerState:
    """A player's network and its optimiser's state."""

    def __init__(
        self,
        player: Player,
        layers: tuple[Layer, ...],
        input_shape: Shape,
        dtype: DTypeLike,
        allocate: Allocate,
        average: Average | None = None,
    ):
        self.player, self.layers = player, layers
        self.network = Network(Sequential(layers), input_shape, dtype, allocate)
        self.state: State = {}
        for name, array in player.optimizer.init(self.network.n_params, dtype).items():
            self.state[name] = allocate(array.shape, array.dtype)
            self.state[name][...] = array
        self._vectors = [self.state[name] for name in player.optimizer.slots]
        numbers = [entry.path.partition(".")[0] for entry in self.network.entries]  # of layers: 8 for 8.W
        self._last = self.network.entries[numbers.index(numbers[-1])].part.start if numbers else 0
        self._rule = average
        # without an average, the network's own parameters
        self.average: Array = self.network.theta if average is None else allocate(self.network.theta.shape, dtype)

    def advance(self) -> None:
        """Count the optimiser's step, once for all workers, before they `move`."""
        self.player.optimizer.advance(self.state)

    def move(self, spaces: list[Workspace], worker: Worker, step: int, factor: float) -> None:
        """Move this worker's part of the parameters, block by block, and their average.

        `spaces` are every worker's, with its gradient; `step` counts the steps before this one. `factor` is
        the schedule's, of the rate.
        """
        theta, grad, state = self.network.theta, spaces[0].grad, self.state
        optimizer, bound = self.player.optimizer, self.player.clip_weights
        lr = float(optimizer.lr * factor)  # a schedule of the user's may give NumPy's float64
        share = 1.0 - lr * self.player.last_decay
        weight = None if self._rule is None else self._rule.weight(step)
        own = blocks_of(theta.size, worker.number, worker.count)
        whole = self.network.needs_finish
        if whole:  # the norm of a weight matrix is needed first
            for part in own:
                sum_gradients(spaces, part)
            worker.meet()
            if worker.number == 0:
                spaces[0].finish()
            worker.meet()
        for part in own:
            if not whole and len(spaces) > 1:
                sum_gradients(spaces, part)
            moved = theta[part]
            if share < 1.0:
                moved[max(self._last - part.start, 0) :] *= share  # θ ← (1 − lr·λ)·θ
            optimizer.update_block(state, moved, grad[part], *map(itemgetter(part), self._vectors), lr=lr)
            if bound:
                np.clip(moved, -bound, bound, out=moved)
            if weight is not None:
                update_average(self.average[part], moved, weight)
