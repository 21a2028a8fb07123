"""Run the cells of a study in processes of this machine (loky), a Dask cluster or a Ray cluster, one core a cell.

The job list is the same for all three, and joblib distributes it. Results come back as they are ready. Ray's joblib
backend returns them only all at once, so there the result files of the cells are watched as well.
"""

import contextlib
import logging
import multiprocessing
import numbers
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from mulligan.config.serialization import KINDS
from mulligan.data import DATASETS
from mulligan.errors import ConfigError, RunError, shown
from mulligan.studies.measures import MEASURES

Work = Callable[[Any], Any]
Runner = Callable[[Work, list[Any], Work], Iterator[Any]]

_POLL = 0.5  # seconds between two searches for result files


def at_once(workers: int, cells: int) -> int:
    """Return the number of workers to start: at most the number of cells, because each is a process.

    Raises
    ------
    ConfigError
        When `workers` is not a whole number from 1 on.
    """
    if not isinstance(workers, numbers.Integral) or workers < 1:
        raise ConfigError(f"workers must be a whole number from 1 on, got {shown(workers)}. Try 2.")
    return min(int(workers), max(1, cells))


def check(name: str, scheduler: str = "") -> None:
    """Check the name and the address of a backend before anything is written.

    Raises
    ------
    ConfigError
        When the name is unknown, or the backend takes no address.
    """
    if name not in BACKENDS:
        raise ConfigError(f"backend must be one of {', '.join(BACKENDS)}, got {name!r}. Try loky.")
    if scheduler and name == "loky":
        raise ConfigError(f"--scheduler must be left out for loky, got {scheduler}. Try --backend dask or ray.")


@contextmanager
def backend(name: str, workers: int, scheduler: str = "") -> Iterator[Runner]:
    """Open a backend.

    Parameters
    ----------
    name : str
        One of `BACKENDS`: loky, processes on this machine; dask, a cluster at tcp://HOST:PORT; ray, one at HOST:PORT.
    workers : int
        Number of cells at once on this machine. A running cluster has its own number.
    scheduler : str
        Address of a cluster; empty to start one on this machine, which ends with the block.

    Yields
    ------
    callable
        ``run(function, jobs, peek)`` yields the results as they come, in any order. ``peek(job)`` returns a result
        from the disk, or None.

    Raises
    ------
    ConfigError
        When the name is unknown, the address cannot be used, or a package is not installed.
    RunError
        When the cluster cannot be reached.
    """
    check(name, scheduler)
    with BACKENDS[name](workers, scheduler) as run:
        yield lambda function, jobs, peek: run(partial(_knowing, _registries(), function), jobs, peek)


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

    def run(function: Work, jobs: list[Any], peek: Work) -> Iterator[Any]:
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

    def run(function: Work, jobs: list[Any], peek: Work) -> Iterator[Any]:
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
    try:
        count = max(1, int(ray.cluster_resources().get("CPU", workers)))
        yield lambda function, jobs, peek: _watched(joblib, function, jobs, peek, count)
    finally:
        ray.shutdown()


BACKENDS: dict[str, Callable[[int, str], AbstractContextManager[Runner]]] = {"loky": _loky, "dask": _dask, "ray": _ray}
"""The function that opens each backend, given a number of workers and an address."""


def _unordered(joblib: Any, function: Work, jobs: list[Any]) -> Iterator[Any]:
    calls = (joblib.delayed(function)(job) for job in jobs)
    yield from joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")(calls)


def _watched(joblib: Any, function: Work, jobs: list[Any], peek: Work, count: int) -> Iterator[Any]:
    """Yield the results that `peek` finds while the cells run, and the rest at the end."""
    outcome: list[Any] = []

    def work() -> None:
        try:
            with joblib.parallel_config("ray", n_jobs=count):
                calls = (joblib.delayed(function)(job) for job in jobs)
                outcome.append(joblib.Parallel(batch_size=1, pre_dispatch="all")(calls))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    waiting = dict(enumerate(jobs))
    while thread.is_alive():
        thread.join(_POLL)
        for i in list(waiting):
            found = peek(waiting[i])
            if found is not None:
                del waiting[i]
                yield found
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    yield from (outcome[0][i] for i in waiting)


def _missing(package: str, error: ImportError) -> ConfigError:
    return ConfigError(
        f"--backend {package} needs a package that is not installed ({error}). Try pip install 'mulligan[{package}]'."
    )
