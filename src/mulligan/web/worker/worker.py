"""The process that trains. It knows no socket: it is told what to do over a pipe, and says there what happens.

It has one thread and one run at a time. The pipe is read while nothing runs, and between two steps; when its other end
is gone, the run is saved and the process ends. Ctrl-C is the server's to hear.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mulligan.errors import DivergedError, MulliganError
from mulligan.nn.workers.processes import ignore_ending_signals
from mulligan.web.worker.live import Live
from mulligan.web.worker.protocol import Channel

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from mulligan.training.events import Event
    from mulligan.web.worker.steering import Steering


class Worker:
    """Does what it is told.

    Parameters
    ----------
    channel : Channel
    """

    def __init__(self, channel: Channel):
        self.channel = channel
        self.watched = False
        self.live: Live | None = None
        self._next: dict[str, Any] | None = None
        self._over = False

    # ── talking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, kind: str, content: dict[str, Any] | None = None) -> None:
        """Say something, marked with the turn and the try that it is about; to nobody, when the server is gone."""
        content = content or {}
        if self.live is not None:
            content = {"turn": self.live.turn, "try": self.live.number, **content}
        try:
            self.channel.send(kind, content)
        except OSError:
            self._over = True

    def obey(self, steering: Steering | None) -> None:
        """Wait for one command, and do it or remember it; the end of the pipe is the command to end."""
        try:
            kind, content = self.channel.receive()
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
            before = run.current
            try:
                run.adjust(words["overrides"])
            except MulliganError as error:
                self.tell("notice", {"kind": "warning", "text": str(error), "code": "adjust"})
                return
            from mulligan.serialization import to_table
            from mulligan.web.session.settings import changes, settings_of

            found = changes(to_table(before), to_table(run.current))
            words = {"step": run.step, "overrides": words["overrides"], "changes": found}
            self.tell("adjusted", words | {"settings": settings_of(run.current)})

    def _answer(self, words: dict[str, Any]) -> None:
        """Answer a question about the live run, or say why not."""
        from mulligan.web.inside.questions import answer

        try:
            if self.live is None:
                raise MulliganError("no run has been started since the server was. Start one, or choose another run.")
            found = answer(words["what"], self.live, words["args"])
            self.tell("answer", {"id": words["id"], "found": found})
        except MulliganError as error:
            self.tell("answer", {"id": words["id"], "refused": str(error)})
        except Exception as error:  # a question must never end a run
            self.tell("answer", {"id": words["id"], "failed": f"{type(error).__name__}: {error}"})

    def show_samples(self, live: Live) -> None:
        """Say what the generator makes of the fixed z."""
        from mulligan.web.inside.questions import samples

        with contextlib.suppress(DivergedError):  # the run is about to fail, and will say so
            self.tell("samples", samples(live, "average"))

    # ── living ────────────────────────────────────────────────────────────────────────────────────────────────────

    def serve(self) -> None:
        """Do what is told until the end."""
        warnings.showwarning = lambda message, *rest, **more: self.tell(
            "notice", {"kind": "warning", "text": str(message), "code": "warning"}
        )
        _warm()
        self.tell("ready")
        while not self._over:
            if self._next is None:
                self.obey(None)
            else:
                task, self._next = self._next, None
                self._do(task)

    def _do(self, task: dict[str, Any]) -> None:
        """Open a run and train it; what goes wrong is said, and this process lives on."""
        about = {"turn": int(task["turn"]), "try": int(task["try"])}
        try:
            live = self._opened(task, about)
        except MulliganError as error:
            self.tell("refused", {**about, "text": str(error)})
            return
        except Exception as error:
            self.tell("refused", {**about, "text": f"{type(error).__name__}: {error}"})
            return
        self.live = live
        try:
            self._play(live, paused=bool(task.get("paused")))
        except DivergedError as error:
            self._failed(live, "diverged", str(error))
        except MulliganError as error:
            self._failed(live, "disk" if "disk" in str(error) or "write" in str(error) else "failed", str(error))
        except Exception as error:
            self._failed(live, "failed", f"{type(error).__name__}: {error}")

    def _opened(self, task: dict[str, Any], about: dict[str, int]) -> Live:
        from mulligan.serialization import from_table
        from mulligan.training import Config, Diagnosis, Run, diagnoses, plan, resume

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
                self.tell("notice", {"kind": "info", "text": text, "code": "changed", **about})
            run = second.run()
        return Live(run, folder, about["try"], about["turn"], Diagnosis())

    def _play(self, live: Live, *, paused: bool) -> None:
        from mulligan.training import Recorder
        from mulligan.training.monitor import Monitor
        from mulligan.web.worker.live import opened
        from mulligan.web.worker.steering import Steering

        run = live.run
        monitor = Monitor.of(run) if run.config.evaluate_every else None
        run.watch([live.diagnosis])  # a resumed run knows what was said about it
        self.tell("opened", opened(live, monitor))
        self._remember(live)
        steering = Steering(self, live, paused=paused)
        if not paused:
            self.tell("state", {"state": "training", "step": run.step})
        recorder = Recorder(live.folder)
        evaluators = [] if monitor is None else [monitor]
        finished = False
        for event in recorder.record(run, evaluators=evaluators, observers=[live.diagnosis], stop=steering):
            finished = event.name == "finished"
            self._event(live, event, steering)
        self.show_samples(live)
        state = "finished" if finished else "stopped"
        saved = run.step if run.step > run.begins else None
        self.tell("state", {"state": state, "step": run.step, "saved": saved, "run": live.folder.name})

    def _remember(self, live: Live) -> None:
        """Say what was seen last, and said, before the run was closed."""
        from mulligan.training import RunFolder, diagnoses
        from mulligan.web.inside.diagnosis import diagnosed, looked

        if live.diagnosis.looks:
            self.tell("look", looked(live))
        if RunFolder(live.folder).config.is_file():
            said = [event for event in diagnoses(live.folder) if event.step <= live.run.step]
            if said:
                self.tell("diagnosis", diagnosed(live, said[-1]))

    def _event(self, live: Live, event: Event, steering: Steering) -> None:
        from mulligan.training.events import Diagnosed, Evaluated, Looked, Sampled, Saved, Started, Stepped
        from mulligan.training.progress import few
        from mulligan.web.inside.diagnosis import diagnosed, looked

        if isinstance(event, Stepped):
            clock = event.clock
            times = {} if clock is None else {"seconds": clock.wall, "rate": clock.steps_per_second}
            self.tell("report", {"step": event.step, "measures": event.measures, **times})
        elif isinstance(event, Started):
            if words := few(event.samples):
                self.tell("notice", {"kind": "warning", "text": words, "code": "few"})
        elif isinstance(event, Looked):
            self.tell("look", looked(live))
        elif isinstance(event, Sampled):
            self.tell("kept", {"step": event.step})
            if event.step == live.run.begins:
                self.show_samples(live)
        elif isinstance(event, Evaluated):
            self.tell("metrics", {"step": event.step, "metrics": event.metrics})
        elif isinstance(event, Saved):
            self.tell("saved", {"step": event.step})
        elif isinstance(event, Diagnosed):
            said = diagnosed(live, event)
            self.tell("diagnosis", said)
            if said["severity"] == "alarm" and event.step < live.run.config.steps:
                steering.pause("alarm")

    def _failed(self, live: Live, code: str, text: str) -> None:
        self.tell("state", {"state": "failed", "step": live.run.step, "code": code, "text": text})


def _warm() -> None:
    """Import and read what nearly every run needs, before anybody asks."""
    from mulligan.data.sources.mnist import load_mnist
    from mulligan.metrics import bundled

    load_mnist()
    bundled("mnist")


def main(connection: Connection) -> None:
    """Be the worker, on this end of a pipe."""
    ignore_ending_signals()  # the server hears them, and says what to do
    Worker(Channel(connection)).serve()
