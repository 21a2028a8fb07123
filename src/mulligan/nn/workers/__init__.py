"""Teams that run one function on all cores and let its workers `meet`, `sum` and `gather`. They know nothing of GANs.

- `threads`: `ThreadTeam`, which works everywhere; start here. `processes`: `ProcessTeam`, faster on Linux, same bytes.
- `started`: the same processes as fresh interpreters, for systems that cannot fork.
- `limits`: how many cores and how much memory this process may use; `blas`: which BLAS NumPy uses.
"""

from mulligan.nn.workers.limits import available_cores
from mulligan.nn.workers.threads import ThreadTeam, shares

__all__ = ["ThreadTeam", "available_cores", "shares"]
