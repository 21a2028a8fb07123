"""The training loop: `train` yields a stream of events. It uses no file, no terminal and no socket.

The loop pauses at every `yield`, between two steps. Checkpoints are taken only there. So a resumed run has the same
bytes, on the same machine, NumPy build and number of threads.
"""

import json
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from threading import get_ident
from typing import Any, Literal, TypeAlias

import numpy as np

from mulligan.config.model import Config
from mulligan.errors import ConfigError, DivergedError, RunError, must_be
from mulligan.training import guard
from mulligan.training.companions import Evaluator, Observer, check_observers
from mulligan.training.events import (
    Adjusted,
    Clock,
    Evaluated,
    Event,
    Failed,
    Finished,
    Sampled,
    Saved,
    Started,
    Stepped,
    Waiting,
)
from mulligan.training.interrupt import BetweenSteps, Held
from mulligan.training.run import Run

Stop: TypeAlias = bool | Literal["wait"]
"""What `stop` may return."""


def train(
    run: Run,
    *,
    evaluators: Sequence[Evaluator] = (),
    observers: Sequence[Observer] | None = None,
    save: Callable[[Saved], object] | None = None,
    stop: Callable[[], Stop] = lambda: False,
) -> Generator[Event, None, None]:
    """Train a run from its current step to the last step of its configuration.

    Parameters
    ----------
    run : Run
        Changed in place.
    evaluators : sequence of callable
        Called every ``evaluate_every`` steps. Their metrics together are an `Evaluated` event.
    observers : sequence of Observer, optional
        Their events follow the events that they answer. If none are given, a notebook shows the run: one output that is
        redrawn.
    save : callable, optional
        Called every ``save_every`` steps, after all other events of the step. A `Saved` event follows.
    stop : callable, optional
        Called before every step. If it returns True, the stream ends, without `Finished`. If it returns "wait", a
        `Waiting` event comes, and the loop goes on after it.

    Yields
    ------
    Event
        `Started` (only at the first step of the run, or of a second try), `Stepped`, `Sampled`, `Evaluated`, `Saved`,
        `Adjusted` (see `Run.adjust`), and the events of observers. The last one is `Finished`, or `Failed` before an
        error.

    Raises
    ------
    ConfigError
        When `run`, an evaluator or an observer is of the wrong type.
    RunError
        When another thread trains the run.
    DivergedError
        When a loss or an array is no longer finite.
    KeyboardInterrupt
        When Ctrl-C has come: at the end of a step, after the events that are due.
    """
    shows = observers is None  # no observers were passed
    observers = () if observers is None else observers
    check_play(run, evaluators, observers, stop if save is None else save, stop)
    run.watch(observers)
    config = run.config
    view = _view_in_notebook(run) if shows else None
    held, clock = Held(), Clock(run.wall, run.cpu, 0.0)
    reported = (run.step, run.wall)

    def answered(event: Event) -> Iterator[Event]:
        if view is not None:
            view.show(event)
        yield event
        for observer in observers:
            yield from observer.observe(run, event)

    if run.trainer.setdefault("thread", get_ident()) != get_ident():
        raise RunError(
            "another thread is training this run, and both would change the same arrays. Wait for that thread, or "
            "close() its events; or make a run for each thread (mulligan.Run(run.config))."
        )
    with run.gan as gan:
        gan.team.run(_quiet)
        try:
            if run.step == run.begins:
                yield from answered(_started(run))
                if config.sample_every:
                    yield from answered(Sampled(run.step, run.sample(*run.grid), clock=clock))
            while run.step < config.steps:
                last = _next_stop(run.step, config)
                said = _advance(run, last, stop, held)
                for step, overrides in run.take_adjustments():
                    yield from answered(Adjusted(step, overrides, clock=clock))
                if said == "wait":
                    yield Waiting(run.step)
                    continue
                if run.step < last:
                    if held() and not stop():
                        raise _between(run)
                    return
                if _due(run.step, config.report_every, config.steps, always=True):
                    rate = (run.step - reported[0]) / max(run.wall - reported[1], 1e-9)
                    clock, reported = Clock(run.wall, run.cpu, rate), (run.step, run.wall)
                    yield from answered(Stepped(run.step, run.take_measures(), clock=clock))
                guard.check(run)
                if _due(run.step, config.sample_every, config.steps):
                    yield from answered(Sampled(run.step, run.sample(*run.grid), clock=clock))
                if evaluators and _due(run.step, config.evaluate_every, config.steps):
                    metrics = {key: value for evaluate in evaluators for key, value in _figures(evaluate, run).items()}
                    yield from answered(Evaluated(run.step, metrics, clock=clock))
                if save is not None and _due(run.step, config.save_every, config.steps, always=True):
                    saved = Saved(run.step, clock=clock)
                    save(saved)
                    yield saved
            yield from answered(Finished(run.step, clock=clock))
        except DivergedError as error:  # from a step, the guard, or samples
            yield from answered(Failed(run.step, str(error), clock=clock))
            raise
        finally:
            run.trainer.clear()
        if held():
            raise _between(run)


def _view_in_notebook(run: Run) -> Any:
    if "IPython" not in sys.modules:
        return None
    from mulligan.training.progress import in_notebook, view_of  # late: most programs need no view

    return view_of(run) if in_notebook() else None


def check_play(run: object, evaluators: object, observers: object, *calls: object) -> None:
    """Raise a ConfigError unless `run` is a run, and evaluators, observers and `calls` can be called."""
    if not isinstance(run, Run):
        raise ConfigError(must_be("run", "a run", run, "mulligan.Run(mulligan.recipe('quick'))"))
    if not isinstance(evaluators, Sequence) or not all(map(callable, evaluators)):
        rule = "a list of functions that take a run and return a dict of figures"
        raise ConfigError(must_be("evaluators", rule, evaluators, "evaluators=[measure]"))
    check_observers(observers)
    for call in calls:
        if not callable(call):
            raise ConfigError(must_be("save and stop", "functions", call, "stop=lambda: False"))


def _between(run: Run) -> BetweenSteps:
    return BetweenSteps(f"stopped after step {run.step}: mulligan.train(run) goes on with the same run")


def _figures(evaluate: Evaluator, run: Run) -> dict[str, Any]:
    """Return an evaluator's metrics as JSON values."""
    found = evaluate(run)
    try:
        figures = {name: figure.item() if isinstance(figure, np.generic) else figure for name, figure in found.items()}
        json.dumps(figures)
    except (AttributeError, TypeError, ValueError) as error:
        what, rule = f"what the evaluator {evaluate!r} returns", "a dict of numbers, texts, lists and dicts"
        raise ConfigError(must_be(what, rule, found, "return {'share': 0.5}")) from error
    return figures


def _advance(run: Run, last: int, stop: Callable[[], Stop], held: Held) -> Stop:
    """Take steps up to number `last`, or until `stop` or Ctrl-C, and add up the time. Returns what `stop` returned."""
    said: Stop = False
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        with held, np.errstate(all="ignore"):  # the guard finds overflows and can say where
            while run.step < last and not held() and not (said := stop()):
                run.advance()
    finally:
        run.wall += time.perf_counter() - wall
        run.cpu += time.process_time() - cpu
    return said


def _quiet(worker: int) -> None:
    """Silence the floating-point warnings of this thread, unless it is the caller's own."""
    if worker:
        np.seterr(all="ignore")


def _due(step: int, every: int, steps: int, *, always: bool = False) -> bool:
    return (step == steps and (always or every > 0)) or (every > 0 and step % every == 0)


def _next_stop(step: int, config: Config) -> int:
    """Return the next step after which an event is due."""
    cadences = (config.report_every, config.sample_every, config.evaluate_every, config.save_every)
    return min([config.steps, *((step // every + 1) * every for every in cadences if every)])


def _started(run: Run) -> Started:
    config = run.config
    return Started(
        run.step,
        clock=Clock(run.wall, run.cpu, 0.0),
        recipe=config.recipe,
        data=run.data.name,
        steps=config.steps,
        seed=config.seed,
        threads=config.threads,
        samples=len(run.data),
        classes=run.classes,
        shape=run.data.shape,
        parameters={"generator": run.gan.g.network.n_params, "discriminator": run.gan.d.network.n_params},
    )
