"""The training process: it receives commands from a pipe, and reports to the same pipe. It uses no socket.

It has one thread and trains one run at a time. It reads the pipe while no run trains, and between two steps. When the
other end of the pipe closes, it saves the run and ends. The server handles Ctrl-C.

Every event of the training loop is sent as `Event.to_json` writes it. Other messages have their own kinds: ``opened``
(a description of the run), ``state``, ``pace``, ``samples``, ``checked`` (the diagnosis after its last measurement),
``answer``, ``notice`` and ``refused``.
"""

import contextlib
import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mulligan.data.sources.mnist import load_mnist
from mulligan.errors import DivergedError, MulliganError
from mulligan.metrics import bundled_judge
from mulligan.output.readings import says
from mulligan.training import Diagnosis, Recorder, Run, plan, resume
from mulligan.training.events import Adjusted, Diagnosed, Event, Measured, Sampled, Started, Waiting
from mulligan.training.loop import Stop
from mulligan.training.monitor import Monitor
from mulligan.training.progress import few
from mulligan.web import look
from mulligan.web.handle import Channel, dumps
from mulligan.web.verdict import describe_checks

POLL = 0.02
"""Seconds between two checks of the pipe. A command waits at most this long, plus a step."""
OFTEN, SELDOM = 0.3, 0.9
"""Shortest and longest interval between two grids, in seconds. It is longer if drawing a grid is very slow."""
SHARE, MOST = 0.01, 0.2
"""Share of the time that drawing grids may take: usually, and at most."""


@dataclass(eq=False)
class LiveRun:
    """The run that the process trains.

    `number` is that of the try. `serial` counts the runs that the server has opened; each message about the run has it.
    `forged` holds the pictures of the last duels.
    """

    run: Run
    folder: Path
    number: int
    serial: int
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    forged: list[look.Forged] = field(default_factory=list)

    def describe(self, monitor: Monitor | None) -> dict[str, Any]:
        """Describe the run: how it stands, and for the page what it is."""
        run = self.run
        info = {
            "points": run.data.is_points,
            "shape": list(run.data.shape),
            "counted_classes": list(run.data.class_names),
            "data": run.data.name,
            "says": says(run.config.loss),
            "floor": None if monitor is None or run.data.is_points else monitor.floor,
        }
        return {"step": run.step, "seconds": run.wall, "config": run.current, "info": info}

    def answer(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer a question about the run, or adjust it. Raises a `MulliganError` when there is no answer."""
        run = self.run
        if what == "adjust":
            run.adjust(args["changes"])
            return {"config": run.current}
        if what == "duel":
            result, self.forged = look.play_duel(run, self.forged, **args)
        else:
            result = {"samples": look.samples, "field": look.field}[what](run, **args)
        return {"run": self.folder.name, "try": self.number, "step": run.step, **result}


class Trainer:
    """Trains runs by the commands that come through a channel.

    `turn` is how many seconds it trains at a time, if other tasks share the thread; see `turns`.
    """

    def __init__(self, channel: Channel, turn: float = math.inf):
        self.channel, self.turn = channel, turn
        self.watched = False
        self.live: LiveRun | None = None
        self._next: tuple[str, dict[str, Any]] | None = None
        self._over = False

    def tell(self, kind: str, content: Any = None, serial: int | None = None) -> None:
        """Send the server a message about the live run, or about the run with a serial number."""
        if serial is None:
            serial = 0 if self.live is None else self.live.serial
        try:
            self.channel.send(kind, content, serial)
        except OSError:  # the server is gone
            self._over = True

    def notify(self, kind: str, text: str, code: str, serial: int | None = None) -> None:
        self.tell("notice", {"kind": kind, "text": text, "code": code}, serial)

    def obey(self, controls: "Controls | None") -> None:
        """Wait for one command, and carry it out or remember it. The end of the pipe means: save and end."""
        try:
            kind, _, content = self.channel.receive()
        except (EOFError, OSError):
            kind, content = "quit", None
        if kind == "watch":
            self.watched = content
        elif kind == "ask":
            self.tell("answer", {"id": content["id"], **self._answer(content["what"], content["args"])})
        elif kind in ("start", "open", "second"):
            self._next = (kind, content)
        elif kind == "quit":
            self._over = True
        elif kind == "pause" and controls is not None:
            controls.pause()
        elif kind == "go" and controls is not None:
            controls.go(content)
        if controls is not None and (self._next is not None or self._over or kind == "stop"):
            controls.stopping = True

    def _answer(self, what: str, args: dict[str, Any]) -> dict[str, Any]:
        """Return the result, or a kind of problem and why there is none."""
        if self.live is None:
            return {"refused": ("not-available", "no run is in the training process. Start one, or resume one.")}
        try:
            result = self.live.answer(what, args)
            if what == "adjust":
                self._event(Adjusted(*self.live.run.adjusted[-1]))
            return {"result": result}
        except MulliganError as error:
            return {"refused": ("not-available", str(error))}
        except Exception as error:  # a question must never end a run
            return {"refused": ("failed", f"the question could not be answered ({type(error).__name__}: {error}).")}

    def _event(self, event: Event) -> None:
        self.tell("event", dumps(event.to_json()))

    def show_samples(self, live: LiveRun) -> None:
        with contextlib.suppress(DivergedError):  # the run is about to fail with this error
            self.tell("samples", dumps({"try": live.number, **look.samples(live.run)}))

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
                self.obey(None)
            else:
                (command, task), self._next = self._next, None
                yield from self._do(command, task)

    def _do(self, command: str, task: dict[str, Any]) -> Iterator[bool]:
        """Open a run and train it. Errors are reported, and this process continues."""
        try:
            live = LiveRun(self._open(command, task), Path(task["folder"]), task["try"], task["serial"])
        except Exception as error:
            text = str(error) if isinstance(error, MulliganError) else f"{type(error).__name__}: {error}"
            self.tell("refused", {"text": text}, task["serial"])
            return
        self.live = live
        try:
            yield from self._play(live, paused=bool(task.get("paused")))
        except DivergedError as error:
            self._fail(live, "diverged", str(error))
        except MulliganError as error:
            self._fail(live, "disk" if "disk" in str(error) or "write" in str(error) else "failed", str(error))
        except Exception as error:
            self._fail(live, "failed", f"{type(error).__name__}: {error}")

    def _open(self, command: str, task: dict[str, Any]) -> Run:
        if command == "start":
            return Run(task["config"])
        if command == "open":
            return resume(task["folder"], steps=task["steps"])
        second = plan(task["parent"], Diagnosed.of(task["event"]))
        for text in second.dropped:
            self.notify("info", text, "changed", task["serial"])
        return second.run()

    def _play(self, live: LiveRun, *, paused: bool) -> Iterator[bool]:
        run = live.run
        monitor = Monitor.of(run) if run.config.evaluate_every else None
        run.watch([live.diagnosis])  # a resumed run restores its earlier measurements
        self.tell("opened", live.describe(monitor))
        if run.note:
            self.notify("info", run.note, "note")
        if live.diagnosis.taken:
            self.tell("checked", describe_checks(run, live.diagnosis))
        controls = Controls(self, live, paused=paused)
        if not paused:
            self.tell("state", {"state": "training", "step": run.step})
        evaluators = [] if monitor is None else [monitor]
        finished = False
        for event in Recorder(live.folder).record(
            run, evaluators=evaluators, observers=[live.diagnosis], stop=controls
        ):
            if isinstance(event, Waiting):
                yield from controls.wait()
                continue
            finished = event.name == "finished"
            self._report(live, event, controls)
        self.show_samples(live)
        state = "finished" if finished else "stopped"
        self.tell("state", {"state": state, "step": run.step, "seconds": run.wall})

    def _report(self, live: LiveRun, event: Event, controls: "Controls") -> None:
        if not isinstance(event, Adjusted):  # sent when it was done, which may be long before this event
            self._event(event)
        if event.clock is not None:
            controls.seconds = event.clock.wall
        if isinstance(event, Started) and (text := few(event.samples)):
            self.notify("warning", text, "few")
        elif isinstance(event, Measured):
            self.tell("checked", describe_checks(live.run, live.diagnosis))
        elif isinstance(event, Sampled) and event.step == live.run.begins:
            self.show_samples(live)
        elif isinstance(event, Diagnosed) and event.severity == "alarm" and event.step < live.run.config.steps:
            controls.pause("alarm")

    def _fail(self, live: LiveRun, code: str, text: str) -> None:
        self.tell("state", {"state": "failed", "step": live.run.step, "code": code, "text": text})


class Controls:
    """Pass this to `train` as `stop`, which it calls before every step: it obeys commands and draws samples.

    The run's arithmetic does not change: samples come from the fixed z of its grid. The time spent here is subtracted
    from the run's clocks. After the trainer's `turn` of seconds, and at least a step, the loop lets other tasks of its
    thread run. `left` counts the steps until the next pause; None for no pause. `stopping` ends the run before the next
    step.
    """

    def __init__(self, trainer: Trainer, live: LiveRun, *, paused: bool):
        self.trainer, self.live = trainer, live
        self.paused = paused
        self.left: int | None = None
        self.stopping = False
        self.seconds = live.run.wall  # of training, until the last event
        self._state = "paused"
        self._poll = self._grid = self._began = 0.0
        self._first = live.run.step  # of this turn
        self._interval = OFTEN
        self._mark = self._read_clocks()  # at the last message about the pace

    def __call__(self) -> Stop:
        """Return whether to stop or to wait. Most calls return at once."""
        now = time.perf_counter()
        if now > self._began + self.trainer.turn and self.live.run.step > self._first:
            return self.stopping or "wait"
        if now < self._poll and not self.paused and self.left is None:
            return self.stopping
        run, cpu = self.live.run, time.process_time()
        self._work(now)
        run.wall -= time.perf_counter() - now
        run.cpu -= time.process_time() - cpu
        return self.stopping or ("wait" if self.paused else False)

    def pause(self, state: str = "paused") -> None:
        """Wait before the next step, and report `state` to the server then."""
        self.paused, self.left, self._state = True, None, state

    def go(self, steps: int | None = None) -> None:
        self.paused, self.left = False, steps
        if steps is None:
            self.trainer.tell("state", {"state": "training", "step": self.live.run.step})
        self._mark = self._read_clocks()

    def _read_clocks(self) -> tuple[int, float, float]:
        return self.live.run.step, time.perf_counter(), time.process_time()

    def _work(self, now: float) -> None:
        if now >= self._poll:
            while not self.stopping and self.trainer.channel.waiting():
                self.trainer.obey(self)
            self._poll = time.perf_counter() + POLL
        if self.left is not None:
            if self.left <= 0:
                self.pause()
            else:
                self.left -= 1
        if not self.paused and now >= self._grid and not self.stopping:
            self._show(now)

    def wait(self) -> Iterator[bool]:
        """While paused, wait for a command to continue or stop. Yields as `Trainer.turns` does."""
        if self.paused:
            self.live.run.gan.settle()
            self.trainer.show_samples(self.live)
            self.trainer.tell("state", {"state": self._state, "step": self.live.run.step})
            while self.paused and not self.stopping:
                yield True
                self.trainer.obey(self)
            self._grid = 0.0
        else:
            yield False
        self._began, self._first = time.perf_counter(), self.live.run.step

    def _show(self, now: float) -> None:
        before, self._mark = self._mark, self._read_clocks()
        steps, wall, cpu = (later - earlier for earlier, later in zip(before, self._mark))
        if steps:
            pace = {"seconds": self.seconds, "rate": steps / wall, "busy": cpu / wall}
            self.trainer.tell("pace", {"step": self.live.run.step, **pace})
        if self.trainer.watched:
            self.trainer.show_samples(self.live)
            cost = time.perf_counter() - now
            self._interval = max(OFTEN, min(SELDOM, cost / SHARE), cost / MOST)
        self._grid = time.perf_counter() + self._interval
