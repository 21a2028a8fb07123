"""The engine: layers, networks, optimisers and the workers that share a batch. NumPy and threadpoolctl alone.

Read first `layers/dense` and `layers/families`, then `network`.

- `layers/`: one page a layer. `network`: a description with one flat vector, and the passes over it.
- `memory`: buffers that are allocated once, and long vectors, one cache-sized block at a time.
- `optimizers/`, `schedules`, `averaging`: how parameters move.
- `workers/`: teams of threads or processes. `rng`: named random streams.
- `checking`: every layer against finite differences.
"""

from mulligan.nn.averaging import AVERAGES, EMA, Average
from mulligan.nn.memory import Array, Memory
from mulligan.nn.network import Network, Workspace
from mulligan.nn.rng import restore, state_of, stream

__all__ = [
    "AVERAGES", "EMA", "Array", "Average", "Memory", "Network", "Workspace", "restore", "state_of", "stream",
]  # fmt: skip
