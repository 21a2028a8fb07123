"""The training process: it receives commands from a pipe, and reports to the same pipe. It uses no socket.

It has one thread and trains one run at a time. It reads the pipe while no run trains, and between two steps. When the
other end of the pipe closes, it saves the run and ends. The server handles Ctrl-C.

Every event of the training loop is sent as `Event.to_json` writes it. Other messages have their own kinds: ``opened``
(a description of the run), ``state``, ``clock``, ``pace``, ``samples``, ``checked`` (the diagnosis after its last
measurement), ``settings``, ``notice`` and ``refused``.
"""

import contextlib
import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mulligan.config.change import changes_of
from mulligan.config.serialization import from_table, to_table
from mulligan.data.sources.mnist import load_mnist
from mulligan.errors import DivergedError, MulliganError
from mulligan.metrics import bundled_judge
from mulligan.training import Config, Diagnosis, Recorder, Run, diagnoses, plan, resume
from mulligan.training.events import Adjusted, Diagnosed, Event, Measured, Sampled, Started, Stepped, Waiting
from mulligan.training.monitor import Monitor
from mulligan.training.progress import few
from mulligan.web.inside.diagnosis import checked
from mulligan.web.inside.questions import answer, samples
from mulligan.web.worker.live import Live, opened
from mulligan.web.worker.protocol import Channel
from mulligan.web.worker.steering import Steering


class Worker:
    """Trains runs by the commands that come through a channel.

    `turn` is how many seconds it trains at a time, if other tasks share the thread; see `turns`.
    """

    def __init__(self, channel: Channel, turn: float = math.inf):
        self.channel, self.turn = channel, turn
        self.watched = False
        self.live: Live | None = None
        self._next: dict[str, Any] | None = None
        self._over = False

    def tell(self, kind: str, content: dict[str, Any] | None = None, serial: int | None = None) -> None:
        """Send the server a message about the live run, or about the run with a serial number."""
        if serial is None:
            serial = 0 if self.live is None else self.live.serial
        try:
            self.channel.send(kind, content, serial)
        except OSError:  # the server is gone
            self._over = True

    def notify(self, kind: str, text: str, code: str, serial: int | None = None) -> None:
        self.tell("notice", {"kind": kind, "text": text, "code": code}, serial)

    def obey(self, steering: Steering | None) -> None:
        """Wait for one command, and carry it out or remember it. The end of the pipe means: save and end."""
        try:
            kind, _, content = self.channel.receive()
        except (EOFError, OSError):
            kind, content = "quit", b"{}"
        words = json.loads(content)
        if kind == "watch":
            self.watched = bool(words["watched"])
        elif kind == "ask":
            self._answer(words)
        elif kind in ("start", "open", "second"):
            self._next = {"do": kind, **words}
        elif kind == "quit":
            self._over = True
        elif steering is not None:
            self._steer(steering, kind, words)
        if steering is not None and (self._next is not None or self._over or kind == "stop"):
            steering.stopping = True

    def _steer(self, steering: Steering, kind: str, words: dict[str, Any]) -> None:
        if kind == "pause":
            steering.pause()
        elif kind == "go":
            steering.go(words.get("steps"))
        elif kind == "adjust":
            run = steering.live.run
            try:
                run.adjust(words["overrides"])
            except MulliganError as error:
                self.notify("warning", str(error), "adjust")
            else:
                self.tell("event", Adjusted(*run.adjusted[-1]).to_json())
                self.tell("settings", {"table": to_table(run.current)})

    def _answer(self, words: dict[str, Any]) -> None:
        try:
            if self.live is None:
                raise MulliganError("no run is in the training process. Start one, resume one, or choose another run.")
            found: dict[str, Any] = {"found": answer(words["what"], self.live, words["args"])}
        except MulliganError as error:
            found = {"refused": str(error)}
        except Exception as error:  # a question must never end a run
            found = {"failed": f"{type(error).__name__}: {error}"}
        self.tell("answer", {"id": words["id"], **found})

    def show_samples(self, live: Live) -> None:
        with contextlib.suppress(DivergedError):  # the run is about to fail with this error
            self.tell("samples", samples(live, "average"))

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
                task, self._next = self._next, None
                yield from self._do(task)

    def _do(self, task: dict[str, Any]) -> Iterator[bool]:
        """Open a run and train it. Errors are reported, and this process continues."""
        try:
            live = self._opened(task)
        except Exception as error:
            text = str(error) if isinstance(error, MulliganError) else f"{type(error).__name__}: {error}"
            self.tell("refused", {"text": text}, task["serial"])
            return
        self.live = live
        try:
            yield from self._play(live, paused=bool(task.get("paused")))
        except DivergedError as error:
            self._failed(live, "diverged", str(error))
        except MulliganError as error:
            self._failed(live, "disk" if "disk" in str(error) or "write" in str(error) else "failed", str(error))
        except Exception as error:
            self._failed(live, "failed", f"{type(error).__name__}: {error}")

    def _opened(self, task: dict[str, Any]) -> Live:
        folder = Path(task["folder"])
        if task["do"] == "start":
            run = Run(from_table(Config, task["config"]))
        elif task["do"] == "open":
            run = resume(folder, steps=task.get("steps"))
        else:
            said = [d for d in diagnoses(task["parent"]) if d.severity][-1]
            asked = replace(said, overrides=changes_of(task["overrides"]), healthy_step=task["step"])
            second = plan(task["parent"], asked)
            for text in second.dropped:
                self.notify("info", text, "changed", task["serial"])
            run = second.run()
        return Live(run, folder, task["try"], task["serial"], Diagnosis())

    def _play(self, live: Live, *, paused: bool) -> Iterator[bool]:
        run = live.run
        monitor = Monitor.of(run) if run.config.evaluate_every else None
        run.watch([live.diagnosis])  # a resumed run restores its earlier measurements
        self.tell("opened", opened(live, monitor))
        if live.diagnosis.taken:
            self.tell("checked", checked(live))
        steering = Steering(self, live, paused=paused, turn=self.turn)
        if not paused:
            self.tell("state", {"state": "training", "step": run.step})
        evaluators = [] if monitor is None else [monitor]
        finished = False
        for event in Recorder(live.folder).record(
            run, evaluators=evaluators, observers=[live.diagnosis], stop=steering
        ):
            if isinstance(event, Waiting):
                yield from steering.wait()
                continue
            finished = event.name == "finished"
            self._event(live, event, steering)
        self.show_samples(live)
        state = "finished" if finished else "stopped"
        saved = run.step if run.step > run.begins else None
        self.tell("state", {"state": state, "step": run.step, "saved": saved, "run": live.folder.name})

    def _event(self, live: Live, event: Event, steering: Steering) -> None:
        if not isinstance(event, Adjusted):  # sent when it was done, which may be long before this event
            self.tell("event", event.to_json())
        if isinstance(event, Stepped) and event.clock is not None:
            self.tell("clock", {"seconds": event.clock.wall, "rate": event.clock.steps_per_second})
        elif isinstance(event, Started) and (text := few(event.samples)):
            self.notify("warning", text, "few")
        elif isinstance(event, Measured):
            self.tell("checked", checked(live))
        elif isinstance(event, Sampled) and event.step == live.run.begins:
            self.show_samples(live)
        elif isinstance(event, Diagnosed) and event.severity == "alarm" and event.step < live.run.config.steps:
            steering.pause("alarm")

    def _failed(self, live: Live, code: str, text: str) -> None:
        self.tell("state", {"state": "failed", "step": live.run.step, "code": code, "text": text})
