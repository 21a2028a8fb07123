"""The training process: it receives commands from a pipe, and reports to the same pipe. It uses no socket.

It has one thread and trains one run at a time. It reads the pipe while no run trains, and between two steps. When the
other end of the pipe closes, it saves the run and ends. The server handles Ctrl-C.

Every event of the training loop is sent as `Event.to_json` writes it. Other messages have their own kinds: ``opened``
(a description of the run), ``state``, ``pace``, ``samples``, ``checked`` (the diagnosis after its last measurement),
``answer``, ``notice`` and ``failed``, of a run that could not be opened, too.
"""

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mulligan.data.sources.mnist import load_mnist
from mulligan.errors import DivergedError, MulliganError, RunError
from mulligan.metrics import bundled_judge
from mulligan.output.readings import says
from mulligan.training import Diagnosis, Recorder, Run, plan, resume
from mulligan.training.events import Diagnosed, Event, Measured, Sampled, Started, Waiting
from mulligan.training.loop import Stop
from mulligan.training.monitor import Monitor
from mulligan.training.progress import warn_of_few
from mulligan.web import look
from mulligan.web.handle import Channel, dumps
from mulligan.web.verdict import describe_checks

POLL = 0.02
"""Seconds between two checks of the pipe. A command waits at most this long, plus a step."""
OFTEN, SELDOM = 0.3, 0.9
"""Shortest and longest interval between two grids, in seconds. It is longer if drawing a grid is very slow."""
SHARE, MOST = 0.01, 0.2
"""Share of the time that drawing grids may take: usually, and at most."""


class LiveRun:
    """The run that the process trains, by the server's task. `train` plays it.

    The loop calls it before every step, as its `stop`: it obeys commands and draws samples. The run's arithmetic does
    not change: samples come from the fixed z of its grid. The time spent here is subtracted from the run's clocks.
    After the trainer's `turn` of seconds, and at least a step, the loop lets other tasks of its thread run. The next
    pause is due after `steps_left`, if one is. `stopping` ends the run. `forged`: pictures of past duels.
    """

    def __init__(self, trainer: "Trainer", run: Run, task: dict[str, Any]):
        self.trainer, self.run, self.folder, self.number = trainer, run, Path(task["folder"]), task["try"]
        self.diagnosis = Diagnosis()
        self.forged: list[look.Forged] = []
        self.paused, self.stopping = bool(task.get("paused")), False
        self.steps_left: int | None = None
        self.seconds = run.wall  # of training, until the last event
        self._state = "paused"
        self._poll = self._grid = self._began = 0.0
        self._first = run.step  # of this turn
        self._interval = OFTEN
        self._mark = self._read_clocks()  # at the last message about the pace

    def answer(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer a question about the run, or adjust it. Raises a `MulliganError` when there is no answer."""
        run = self.run
        if what == "adjust":
            run.adjust(args["changes"])
            return {"config": run.current}
        questions: dict[str, Callable[..., dict[str, Any]]]
        questions = {"samples": look.samples, "field": look.field, "duel": partial(look.duel, past=self.forged)}
        return {"run": self.folder.name, "try": self.number, "step": run.step, **questions[what](run, **args)}

    def train(self) -> Iterator[bool]:
        """Train the run until it ends, in turns; yields as `Trainer.turns` does."""
        run, tell = self.run, self.trainer.tell
        monitor = Monitor.of(run) if run.config.evaluate_every else None
        run.watch([self.diagnosis])  # a resumed run restores its earlier measurements
        info = {
            "points": run.data.is_points,
            "shape": list(run.data.shape),
            "counted_classes": list(run.data.class_names),
            "data": run.data.name,
            "says": says(run.config.loss),
            "floor": None if monitor is None or run.data.is_points else monitor.floor,
        }
        tell("opened", {"step": run.step, "seconds": run.wall, "config": run.current, "info": info})
        if run.note:
            self.trainer.notify("info", run.note, "note")
        if self.diagnosis.taken:
            tell("checked", describe_checks(run, self.diagnosis))
        if not self.paused:
            self.go()
        evaluators = [] if monitor is None else [monitor]
        state = "stopped"
        for event in Recorder(self.folder).record(run, evaluators=evaluators, observers=[self.diagnosis], stop=self):
            if isinstance(event, Waiting):
                yield from self._wait()
                continue
            state = "finished" if event.name == "finished" else "stopped"
            self._report(event)
        self.show_samples()
        tell("state", {"state": state, "step": run.step, "seconds": run.wall})

    def _report(self, event: Event) -> None:
        self.trainer.tell("event", dumps(event.to_json()))
        if event.clock is not None:
            self.seconds = event.clock.wall
        if isinstance(event, Started) and (text := warn_of_few(event.samples)):
            self.trainer.notify("warning", text, "few")
        elif isinstance(event, Measured):
            self.trainer.tell("checked", describe_checks(self.run, self.diagnosis))
        elif isinstance(event, Sampled) and event.step == self.run.config.begins:
            self.show_samples()
        elif isinstance(event, Diagnosed) and event.severity == "alarm" and event.step < self.run.config.steps:
            self.pause("alarm")

    def show_samples(self) -> None:
        with contextlib.suppress(DivergedError):  # the run is about to fail with this error
            self.trainer.tell("samples", dumps({"try": self.number, **look.samples(self.run)}))

    def __call__(self) -> Stop:
        """Return whether to stop or to wait. Most calls return at once."""
        now = time.perf_counter()
        if now > self._began + self.trainer.turn and self.run.step > self._first:
            return self.stopping or "wait"
        if now < self._poll and not self.paused and self.steps_left is None:
            return self.stopping
        run, cpu = self.run, time.process_time()
        self._work(now)
        run.wall -= time.perf_counter() - now
        run.cpu -= time.process_time() - cpu
        return self.stopping or ("wait" if self.paused else False)

    def pause(self, state: str = "paused") -> None:
        """Wait before the next step, and report `state` to the server then."""
        self.paused, self.steps_left, self._state = True, None, state

    def go(self, steps: int | None = None) -> None:
        self.paused, self.steps_left = False, steps
        if steps is None:
            self.trainer.tell("state", {"state": "training", "step": self.run.step})
        self._mark = self._read_clocks()

    def _read_clocks(self) -> tuple[int, float, float]:
        return self.run.step, time.perf_counter(), time.process_time()

    def _work(self, now: float) -> None:
        if now >= self._poll:
            while not self.stopping and self.trainer.channel.has_message():
                self.trainer.obey()
            self._poll = time.perf_counter() + POLL
        if self.steps_left is not None:
            if self.steps_left <= 0:
                self.pause()
            else:
                self.steps_left -= 1
        if not self.paused and now >= self._grid and not self.stopping:
            self._show(now)

    def _wait(self) -> Iterator[bool]:
        """While paused, wait for a command to continue or stop."""
        if self.paused:
            self.run.gan.settle()
            self.show_samples()
            self.trainer.tell("state", {"state": self._state, "step": self.run.step})
            while self.paused and not self.stopping:
                yield True
                self.trainer.obey()
            self._grid = 0.0
        else:
            yield False
        self._began, self._first = time.perf_counter(), self.run.step

    def _show(self, now: float) -> None:
        before, self._mark = self._mark, self._read_clocks()
        steps, wall, cpu = (later - earlier for earlier, later in zip(before, self._mark))
        if steps:
            pace = {"seconds": self.seconds, "rate": steps / wall, "busy": cpu / wall}
            self.trainer.tell("pace", {"step": self.run.step, **pace})
        if self.trainer.watched:
            self.show_samples()
            cost = time.perf_counter() - now
            self._interval = max(OFTEN, min(SELDOM, cost / SHARE), cost / MOST)
        self._grid = time.perf_counter() + self._interval


class Trainer:
    """Trains runs by the commands that come through a channel.

    `turn` is how many seconds it trains at a time, if other tasks share the thread; see `turns`. `serial` counts the
    runs that the server has opened: each message has that of the last one.
    """

    def __init__(self, channel: Channel, turn: float = math.inf):
        self.channel, self.turn = channel, turn
        self.watched = False
        self.live: LiveRun | None = None
        self.serial = 0
        self._next: tuple[str, dict[str, Any]] | None = None
        self._over = False

    def tell(self, kind: str, content: Any = None) -> None:
        """Send the server a message."""
        try:
            self.channel.send(kind, content, self.serial)
        except OSError:  # the server is gone
            self._over = True

    def notify(self, kind: str, text: str, code: str) -> None:
        self.tell("notice", {"kind": kind, "text": text, "code": code})

    def obey(self) -> None:
        """Wait for one command, and carry it out or remember it. The end of the pipe means: save and end."""
        try:
            kind, _, content = self.channel.receive()
        except (EOFError, OSError):
            kind, content = "quit", None
        live = self.live if self.live is not None and not self.live.stopping else None
        if kind == "watch":
            self.watched = content
        elif kind == "ask":
            self.tell("answer", {"id": content["id"], **self._answer(content["what"], content["args"])})
        elif kind in ("start", "open", "second"):
            self._next = (kind, content)
        elif kind == "quit":
            self._over = True
        elif kind == "pause" and live is not None:
            live.pause()
        elif kind == "go" and live is not None:
            live.go(content)
        if live is not None and (self._next is not None or self._over or kind == "stop"):
            live.stopping = True

    def _answer(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """Return the result, or a kind of problem and why there is none."""
        if self.live is None:
            return {"refused": ("not-available", "no run is in the training process. Start one, or resume one.")}
        try:
            return {"result": self.live.answer(what, args)}
        except MulliganError as error:
            return {"refused": ("not-available", str(error))}
        except Exception as error:  # a question must never end a run
            return {"refused": ("failed", f"the question could not be answered ({type(error).__name__}: {error}).")}

    def serve(self) -> None:
        warnings.showwarning = lambda message, *rest, **more: self.notify("warning", str(message), "warning")
        load_mnist()  # nearly every run needs both, so read them early
        bundled_judge("mnist")
        for _ in self.turns():
            pass  # the next turn waits for a command

    def turns(self) -> Iterator[bool]:
        """Carry out commands until the end, in turns, so that the thread can do other work between them.

        Yields True if the next turn waits for a command, False if it continues to train.
        """
        self.tell("ready")
        while not self._over:
            if self._next is None:
                yield True
                self.obey()
            else:
                (command, task), self._next = self._next, None
                yield from self._do(command, task)

    def _do(self, command: str, task: dict[str, Any]) -> Iterator[bool]:
        """Open a run and train it. Errors are reported, and this process continues."""
        self.serial, self.live = task["serial"], None
        try:
            self.live = LiveRun(self, self._open(command, task), task)
            yield from self.live.train()
        except Exception as error:
            text = str(error) if isinstance(error, MulliganError) else f"{type(error).__name__}: {error}"
            code = "disk" if type(error) is RunError else "failed"
            self.tell("failed", {"code": code, "text": text, "step": self.live and self.live.run.step})
        if self.live is not None:
            self.live.stopping = True

    def _open(self, command: str, task: dict[str, Any]) -> Run:
        if command == "start":
            return Run(task["config"])
        if command == "open":
            return resume(task["folder"], steps=task["steps"])
        second = plan(task["parent"], Diagnosed.of(task["event"]))
        for text in second.dropped:
            self.notify("info", text, "changed")
        return second.run()
