"""Run the cells of a study in processes of this machine (loky), a Dask cluster or a Ray cluster, one core a cell.

joblib distributes the same list of jobs to all three. Results come back as they are ready; Ray's joblib backend returns
only whole lists, so it gets a few cells at a time.
"""

import contextlib
import logging
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from mulligan.config.serialization import KINDS
from mulligan.data import DATASETS
from mulligan.errors import ConfigError, RunError
from mulligan.studies.measures import MEASURES

BACKENDS = ("loky", "dask", "ray")
Function = Callable[[Any], Any]
Runner = Callable[[Function, list[Any]], Iterator[Any]]
"""``run(function, jobs)`` yields the results as they come, in any order."""

_WAVE = 4  # cells of each core of a Ray cluster that are waited for together


def check(name: str, scheduler: str = "") -> None:
    """Check the name and the address of a backend before anything is written."""
    if name not in BACKENDS:
        raise ConfigError(f"backend must be one of {', '.join(BACKENDS)}, got {name!r}. Try loky.")
    if scheduler and name == "loky":
        raise ConfigError(f"--scheduler must be left out for loky, got {scheduler}. Try --backend dask or ray.")


@contextmanager
def backend(name: str, workers: int, scheduler: str = "") -> Iterator[Runner]:
    """Open a backend: `workers` cells at once on this machine, or the cluster at the address of a scheduler."""
    check(name, scheduler)
    import joblib

    with contextlib.ExitStack() as stack:
        settings = {"loky": _loky, "dask": _dask, "ray": _ray}[name](stack, workers, scheduler)

        def run(function: Function, jobs: list[Any]) -> Iterator[Any]:
            calls = [joblib.delayed(_with_registries)(_registries(), function, job) for job in jobs]
            lists = name == "ray"
            size = _WAVE * settings.get("n_jobs", 1) if lists else max(1, len(calls))
            order = "list" if lists else "generator_unordered"
            with joblib.parallel_config(**settings):
                for start in range(0, len(calls), size):
                    yield from joblib.Parallel(return_as=order, batch_size=1)(calls[start : start + size])

        yield run


def _registries() -> list[dict[str, Any]]:
    """Return the registries to which a program may have added its own kinds, data and measures."""
    return [*KINDS.values(), DATASETS, MEASURES]


def _with_registries(entries: list[dict[str, Any]], function: Function, job: Any) -> Any:
    """Do a job after copying the study's registries, because a worker has only imported Mulligan."""
    for registry, known in zip(_registries(), entries):
        registry.update(known)
    return function(job)


def _loky(stack: contextlib.ExitStack, workers: int, scheduler: str) -> dict[str, Any]:
    try:
        multiprocessing.Semaphore()
    except (ImportError, OSError):  # no writable /dev/shm: joblib would take threads, which it cannot limit
        return {"backend": "sequential"}
    stack.callback(_end_loky)
    return {"backend": "loky", "n_jobs": workers, "inner_max_num_threads": 1, "idle_worker_timeout": 20}


def _end_loky() -> None:
    from joblib.externals.loky import get_reusable_executor

    with contextlib.suppress(Exception):  # idle processes would stay for minutes
        get_reusable_executor().shutdown(wait=False, kill_workers=True)


def _dask(stack: contextlib.ExitStack, workers: int, scheduler: str) -> dict[str, Any]:
    distributed = _import("dask", "dask.distributed")
    here: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.ERROR}
    try:
        place = scheduler or stack.enter_context(distributed.LocalCluster(n_workers=workers, **here))
        stack.enter_context(distributed.Client(place, timeout="20s"))
    except (OSError, ValueError) as error:
        raise RunError(f"no Dask scheduler answers at {scheduler!r} ({error}). Check the address.") from error
    return {"backend": "dask"}


def _ray(stack: contextlib.ExitStack, workers: int, scheduler: str) -> dict[str, Any]:
    ray = _import("ray", "ray")
    _import("ray", "ray.util.joblib").register_ray()
    place = {"address": scheduler} if scheduler else {"num_cpus": workers, "include_dashboard": False}
    try:
        ray.init(log_to_driver=False, configure_logging=False, **place)
    except Exception as error:  # Ray raises a bare Exception if its node starts too slowly
        raise RunError(f"Ray does not answer ({error}). Check --scheduler {scheduler}, or try loky.") from error
    stack.callback(ray.shutdown)
    return {"backend": "ray", "n_jobs": max(1, int(ray.cluster_resources().get("CPU", workers)))}


def _import(package: str, module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"--backend {package} needs a package that is not installed ({error}). Try pip install "
            f"'mulligan[{package}]'."
        ) from error
