"""Teams that run one function on all cores and let its workers `meet`, `sum` and `gather`. They know nothing of GANs.

- `threads`: `ThreadTeam`, which works everywhere; start here. `processes`: `ProcessTeam`, faster on Linux, same bytes.
- `started`: the same processes as fresh interpreters, for systems that cannot fork.
- `limits`: how many cores and how much memory this process may use, and which BLAS.
"""

from mulligan.nn.workers.limits import available_cores, can_fork
from mulligan.nn.workers.threads import ThreadTeam, shares

__all__ = ["ThreadTeam", "available_cores", "process_team", "shares"]


def process_team() -> type[ThreadTeam]:
    """Return the kind of team whose workers are processes here."""
    if can_fork():
        from mulligan.nn.workers.processes import ProcessTeam

        return ProcessTeam
    from mulligan.nn.workers.started import StartedTeam  # late: multiprocessing takes 20 ms

    return StartedTeam
