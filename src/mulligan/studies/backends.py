"""Run the cells of a study in processes of this machine (loky), a Dask cluster or a Ray cluster, one core a cell.

The job list is the same for all three, and joblib distributes it. Results come back as they are ready; Ray's joblib
backend returns only whole lists, so it gets a few cells at a time.
"""

import contextlib
import logging
import multiprocessing
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from mulligan.config.serialization import KINDS
from mulligan.data import DATASETS
from mulligan.errors import ConfigError, RunError
from mulligan.studies.measures import MEASURES

Work = Callable[[Any], Any]
Runner = Callable[[Work, list[Any]], Iterator[Any]]
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
    with BACKENDS[name](workers, scheduler) as run:
        yield lambda function, jobs: run(partial(_knowing, _registries(), function), jobs)


def _registries() -> list[dict[str, Any]]:
    """Return the registries to which a program may have added its own kinds, data and measures."""
    return [*KINDS.values(), DATASETS, MEASURES]


def _knowing(known: list[dict[str, Any]], function: Work, job: Any) -> Any:
    """Do a job after copying the study's registries, because a worker has only imported Mulligan."""
    for registry, entries in zip(_registries(), known):
        registry.update(entries)
    return function(job)


@contextmanager
def _loky(workers: int, scheduler: str) -> Iterator[Runner]:
    import joblib

    def run(function: Work, jobs: list[Any]) -> Iterator[Any]:
        if not _semaphores():  # joblib would fall back to threads, which it cannot limit
            yield from map(function, jobs)
            return
        with joblib.parallel_config("loky", n_jobs=workers, inner_max_num_threads=1):
            yield from _unordered(joblib, function, jobs)

    try:
        yield run
    finally:
        with contextlib.suppress(Exception):  # idle processes would stay for minutes
            from joblib.externals.loky import get_reusable_executor

            get_reusable_executor().shutdown(wait=False, kill_workers=True)


def _semaphores() -> bool:
    """Whether processes can wait for each other here, which needs a writable /dev/shm."""
    try:
        multiprocessing.Semaphore()
    except (ImportError, OSError):
        return False
    return True


@contextmanager
def _dask(workers: int, scheduler: str) -> Iterator[Runner]:
    try:
        distributed: Any = import_module("dask.distributed")
    except ImportError as error:
        raise _missing("dask", error) from error
    import joblib

    def run(function: Work, jobs: list[Any]) -> Iterator[Any]:
        with joblib.parallel_config("dask"):
            yield from _unordered(joblib, function, jobs)

    here: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.ERROR}
    with contextlib.ExitStack() as stack:
        try:
            place = scheduler or stack.enter_context(distributed.LocalCluster(n_workers=workers, **here))
            stack.enter_context(distributed.Client(place, timeout="20s"))
        except (OSError, ValueError) as error:
            raise RunError(f"no Dask scheduler answers at {scheduler!r} ({error}). Check the address.") from error
        yield run


@contextmanager
def _ray(workers: int, scheduler: str) -> Iterator[Runner]:
    try:
        ray: Any = import_module("ray")
        register_ray: Any = import_module("ray.util.joblib").register_ray
    except ImportError as error:
        raise _missing("ray", error) from error
    import joblib

    register_ray()
    silent: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    try:
        if scheduler:
            host, _, port = scheduler.removeprefix("ray://").rpartition(":")
            if port.isdigit():  # Ray itself would try for minutes
                socket.create_connection((host.strip("[]"), int(port)), timeout=20.0).close()
            ray.init(address=scheduler, **silent)
        else:
            ray.init(num_cpus=workers, include_dashboard=False, **silent)
    except Exception as error:  # Ray raises a bare Exception if its node starts too slowly
        if scheduler:
            raise RunError(f"no Ray cluster answers at {scheduler!r} ({error}). Check the address.") from error
        raise RunError(f"Ray did not start on this machine ({error}). Close other programs, or try loky.") from error
    count = max(1, int(ray.cluster_resources().get("CPU", workers)))

    def run(function: Work, jobs: list[Any]) -> Iterator[Any]:
        with joblib.parallel_config("ray", n_jobs=count), joblib.Parallel(batch_size=1, pre_dispatch="all") as parallel:
            for start in range(0, len(jobs), _WAVE * count):
                yield from parallel(joblib.delayed(function)(job) for job in jobs[start : start + _WAVE * count])

    try:
        yield run
    finally:
        ray.shutdown()


BACKENDS: dict[str, Callable[[int, str], AbstractContextManager[Runner]]] = {"loky": _loky, "dask": _dask, "ray": _ray}
"""The function that opens each backend, given a number of workers and an address."""


def _unordered(joblib: Any, function: Work, jobs: list[Any]) -> Iterator[Any]:
    calls = (joblib.delayed(function)(job) for job in jobs)
    yield from joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")(calls)


def _missing(package: str, error: ImportError) -> ConfigError:
    return ConfigError(
        f"--backend {package} needs a package that is not installed ({error}). Try pip install 'mulligan[{package}]'."
    )
