"""Pass many rows through a generator's network, in chunks that threads share, so that memory stays small."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mulligan.errors import DivergedError
from mulligan.nn.memory import Array
from mulligan.nn.network import Network
from mulligan.nn.workers.threads import ThreadTeam

CHUNK = 64
"""Rows of every pass. The number is fixed, so that a row's bytes do not depend on the number of other rows."""


def passed(network: Network, z: NDArray[np.float32], labels: NDArray[Any] | None, threads: int) -> NDArray[np.float32]:
    """Return the network's output for z, which does not depend on `threads`."""
    out = np.empty((len(z), *network.output_shape), np.float32)
    chunks = range(0, len(z), CHUNK)
    count = max(1, min(threads, len(chunks)))

    def work(worker: int) -> None:
        space = network.workspace()
        for start in chunks[worker::count]:
            part = slice(start, min(start + CHUNK, len(z)))
            given = _filled(z[part]), None if labels is None else _filled(labels[part])
            with np.errstate(all="ignore"):  # e⁻ˣ of a saturated σ is 0; other overflows are found below
                y = space.forward(*given, training=False)
            out[part] = y[: part.stop - part.start]

    with ThreadTeam(count) as team:
        team.run(work)
    if bad := out.size - np.count_nonzero(np.isfinite(out)):
        raise DivergedError(
            f"the generator's output must be finite, got {bad:,} of {out.size:,} numbers that are not: its weights "
            "have diverged. Use an earlier checkpoint of its run, or train again with a lower rate."
        )
    return out


def _filled(rows: Array) -> Array:
    """Pad to `CHUNK` rows with zeros."""
    if len(rows) == CHUNK:
        return rows
    full = np.zeros((CHUNK, *rows.shape[1:]), rows.dtype)
    full[: len(rows)] = rows
    return full
