"""The process that trains. It knows no socket: it takes commands from a pipe, and tells there what happens.

It has one thread and one run at a time. It reads the pipe while nothing runs, and between two steps. When the other end
of the pipe is gone, it saves the run and ends. Ctrl-C is the server's to hear.

Every event of the training loop is told as it is, by `Event.to_json`. Other messages have their own kinds: ``opened``
(what the run is), ``state``, ``clock``, ``pace``, ``samples``, ``checked`` (what the diagnosis makes of its last
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

from mulligan.data.sources.mnist import load_mnist
from mulligan.errors import DivergedError, MulliganError
from mulligan.metrics import bundled_judge
from mulligan.serialization import from_table, to_table
from mulligan.training import Config, Diagnosis, Recorder, Run, diagnoses, plan, resume
from mulligan.training.events import Adjusted, Diagnosed, Event, Measured, Sampled, Started, Stepped, Waiting
from mulligan.training.monitor import Monitor
from mulligan.training.progress import few
from mulligan.web.inside.diagnosis import checked
from mulligan.web.inside.questions import answer, samples
from mulligan.web.session.settings import settings_of
from mulligan.web.worker.live import Live, opened
from mulligan.web.worker.protocol import Channel
from mulligan.web.worker.steering import Steering


class Worker:
    """Does what it is told.

    Parameters
    ----------
    channel : Channel
    turn : float
        Seconds of training at a time, where its thread is not its own; see `turns`.
    """

    def __init__(self, channel: Channel, turn: float = math.inf):
        self.channel, self.turn = channel, turn
        self.watched = False
        self.live: Live | None = None
        self._next: dict[str, Any] | None = None
        self._over = False

    # ── talking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, kind: str, content: dict[str, Any] | None = None, serial: int | None = None) -> None:
        """Tell the server something about the live run, or about that of a serial number."""
        if serial is None:
            serial = 0 if self.live is None else self.live.serial
        try:
            self.channel.send(kind, content, serial)
        except OSError:  # the server is gone
            self._over = True

    def notify(self, kind: str, text: str, code: str, serial: int | None = None) -> None:
        """Tell the user something."""
        self.tell("notice", {"kind": kind, "text": text, "code": code}, serial)

    def obey(self, steering: Steering | None) -> None:
        """Wait for one command, and do it or remember it; the end of the pipe is the command to end."""
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
                self.tell("event", Adjusted(run.step, tuple(words["overrides"])).to_json())
                self.tell("settings", {"table": to_table(run.current), "settings": settings_of(run.current)})

    def _answer(self, words: dict[str, Any]) -> None:
        """Answer a question about the live run, or say why not."""
        try:
            if self.live is None:
                raise MulliganError("no run has been started since the server was. Start one, or choose another run.")
            found: dict[str, Any] = {"found": answer(words["what"], self.live, words["args"])}
        except MulliganError as error:
            found = {"refused": str(error)}
        except Exception as error:  # a question must never end a run
            found = {"failed": f"{type(error).__name__}: {error}"}
        self.tell("answer", {"id": words["id"], **found})

    def show_samples(self, live: Live) -> None:
        """Tell what the generator makes of the fixed z."""
        with contextlib.suppress(DivergedError):  # the run is about to fail, and will say so
            self.tell("samples", samples(live, "average"))

    # ── living ────────────────────────────────────────────────────────────────────────────────────────────────────

    def serve(self) -> None:
        """Do what is told until the end."""
        warnings.showwarning = lambda message, *rest, **more: self.notify("warning", str(message), "warning")
        load_mnist()  # nearly every run needs both: read before the first request
        bundled_judge("mnist")
        for _ in self.turns():
            pass  # the next turn waits for a command by itself

    def turns(self) -> Iterator[bool]:
        """Do what is told until the end, in turns: for a thread that has other things to do between them.

        Yields
        ------
        bool
            True where the next turn waits for a command, False where it trains on.
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
        """Open a run and train it; what goes wrong is told, and this process lives on."""
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
            said = [d for d in diagnoses(task["parent"]) if d.severity and (d.overrides or task.get("overrides"))]
            diagnosed = said[-1] if said else None
            if task.get("overrides") and diagnosed is not None:
                healthy = 0 if task.get("restart") else diagnosed.healthy_step
                diagnosed = replace(diagnosed, overrides=tuple(task["overrides"]), healthy_step=healthy)
            second = plan(task["parent"], diagnosed)
            for text in second.dropped:
                self.notify("info", text, "changed", task["serial"])
            run = second.run()
        return Live(run, folder, task["try"], task["serial"], Diagnosis())

    def _play(self, live: Live, *, paused: bool) -> Iterator[bool]:
        run = live.run
        monitor = Monitor.of(run) if run.config.evaluate_every else None
        run.watch([live.diagnosis])  # a resumed run knows what was measured before
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
        """Tell an event as it is, and do what follows from it."""
        if not isinstance(event, Adjusted):  # told when it was done, which may be long before the loop tells it
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
