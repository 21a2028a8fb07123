"""One seed, many named streams.

Each random choice draws from its own stream. Adding a stream, or drawing more often from one, never shifts another:
evaluating more often does not change a run.
"""

import zlib
from typing import Any

import numpy as np


def stream(seed: int, name: str, index: int = 0) -> np.random.Generator:
    """Open the stream `name` of a non-negative seed: ``init.g``, ``batches``, ``dropout``, ``eval`` and so on.

    It is PCG64-DXSM, seeded by ``SeedSequence(seed, spawn_key=(crc32(name), index))``. The index is the number of a
    sub-stream, for instance the worker's.
    """
    key = (zlib.crc32(name.encode()), index)
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence(seed, spawn_key=key)))


def state_of(rng: np.random.Generator) -> dict[str, Any]:
    """Return the exact state, ready for JSON; `restore` takes it back."""
    state = rng.bit_generator.state
    return {**state, "state": {k: str(v) for k, v in state["state"].items()}}  # 128 bits: JSON readers would round them


def restore(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Set `rng` to a state that `state_of` returned."""
    rng.bit_generator.state = {**state, "state": {k: int(v) for k, v in state["state"].items()}}
