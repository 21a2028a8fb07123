"""The training loop: `train` yields a stream of events. It uses no file, no terminal and no socket.

The loop pauses at every `yield`, between two steps. Checkpoints are taken only there. So a resumed run has the same
bytes, on the same machine, NumPy build and number of threads.
"""

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from threading import get_ident
from typing import Literal, TypeAlias

import numpy as np

from mulligan.errors import DivergedError, RunError, require
from mulligan.training import events
from mulligan.training.interrupt import BetweenSteps, Interrupt
from mulligan.training.run import Evaluator, Observer, Run

GRIDS = 2000
"""Maximum number of grids of samples in a run, so that a night leaves a small run folder: `sample_every` is doubled."""
Stop: TypeAlias = bool | Literal["wait"]
"""What `stop` may return."""


def train(
    run: Run,
    *,
    evaluators: Sequence[Evaluator] = (),
    observers: Sequence[Observer] | None = None,
    save: Callable[[events.Saved], object] | None = None,
    stop: Callable[[], Stop] = lambda: False,
) -> Generator[events.Event, None, None]:
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
    RunError
        When another thread trains the run.
    DivergedError
        When a loss or an array is no longer finite.
    KeyboardInterrupt
        When Ctrl-C has come: at the end of a step, after the events that are due.
    """
    require(isinstance(run, Run), "run", "a run", run, "mulligan.Run(mulligan.recipe('quick'))")
    if observers is None and "IPython" in sys.modules:
        from mulligan.training.progress import Notebook, in_notebook  # late: most programs need no view

        observers = [Notebook(run)] if in_notebook() else []
    evaluators, observers = tuple(evaluators), tuple(observers or ())  # a mistake shows now, not after an hour
    run.watch(observers)
    interrupt, clock = Interrupt([signal.SIGINT]), events.Clock(run.wall, run.cpu, 0.0)

    def answer(event: events.Event) -> Iterator[events.Event]:
        yield event
        for observer in observers:
            yield from observer.observe(run, event)

    def silence(worker: int) -> None:
        if worker:  # not the caller's own thread
            np.seterr(all="ignore")

    if run.trainer.setdefault("thread", get_ident()) != get_ident():
        raise RunError(
            "another thread is training this run. Wait for it, or make a run for each (mulligan.Run(run.config))."
        )
    with contextlib.ExitStack() as stack:
        stack.callback(run.trainer.clear)
        stack.enter_context(run.gan)
        run.gan.team.run(silence)
        try:
            for event in _run_steps(run, evaluators, save, stop, interrupt):
                if isinstance(event, (events.Saved, events.Waiting)):
                    yield event
                else:
                    clock = event.clock or clock
                    yield from answer(event)
        except DivergedError as error:  # from a step, the guard, samples or an observer
            yield from answer(events.Failed(run.step, str(error), clock=clock))
            raise
    if interrupt() and (run.step == run.config.steps or not stop()):
        raise BetweenSteps(f"stopped after step {run.step}: mulligan.train(run) goes on with the same run")


def _run_steps(
    run: Run,
    evaluators: Sequence[Evaluator],
    save: Callable[[events.Saved], object] | None,
    stop: Callable[[], Stop],
    interrupt: Interrupt,
) -> Iterator[events.Event]:
    """Train, and yield each event when it is due, until the end, `stop` or Ctrl-C."""
    config, clock, last_report = run.config, events.Clock(run.wall, run.cpu, 0.0), (run.step, run.wall)
    sample_every = config.sample_every
    while 0 < GRIDS * sample_every < config.steps:
        sample_every *= 2

    def is_due(every: int, *, at_the_end: bool = False) -> bool:
        return (every > 0 and run.step % every == 0) or (run.step == config.steps and (at_the_end or every > 0))

    if run.step == run.config.begins:
        yield events.Started(
            run.step,
            clock=clock,
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
        if sample_every:
            yield events.Sampled(run.step, run.sample(*run.grid), clock=clock)
    while run.step < config.steps:
        cadences = config.report_every, sample_every, config.evaluate_every, config.save_every
        last = min([config.steps, *((run.step // every + 1) * every for every in cadences if every)])
        answer = _advance(run, last, stop, interrupt)
        for step, changes in run.take_adjustments():
            yield events.Adjusted(step, changes, clock=clock)
        if answer == "wait":
            yield events.Waiting(run.step)
            continue
        if run.step < last:
            return
        if is_due(config.report_every, at_the_end=True):
            rate = (run.step - last_report[0]) / max(run.wall - last_report[1], 1e-9)
            clock, last_report = events.Clock(run.wall, run.cpu, rate), (run.step, run.wall)
            yield events.Stepped(run.step, run.take_measures(), clock=clock)
        run.check()
        if is_due(sample_every):
            yield events.Sampled(run.step, run.sample(*run.grid), clock=clock)
        if evaluators and is_due(config.evaluate_every):
            metrics = {key: value for evaluate in evaluators for key, value in evaluate(run).items()}
            yield events.Evaluated(run.step, metrics, clock=clock)
        if save is not None and is_due(config.save_every, at_the_end=True):
            event = events.Saved(run.step, clock=clock)
            save(event)
            yield event
    yield events.Finished(run.step, clock=clock)


def _advance(run: Run, last: int, stop: Callable[[], Stop], interrupt: Interrupt) -> Stop:
    """Take steps up to number `last`, or until `stop` or Ctrl-C, and add up the time. Returns what `stop` returned."""
    answer: Stop = False
    wall, cpu = time.perf_counter(), time.process_time()
    default = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a handler of the caller's own stays
    try:
        with interrupt if default else contextlib.nullcontext(), np.errstate(all="ignore"):  # the guard finds overflows
            while run.step < last and not interrupt() and not (answer := stop()):
                run.advance()
    finally:
        run.wall += time.perf_counter() - wall
        run.cpu += time.process_time() - cpu
    return answer
