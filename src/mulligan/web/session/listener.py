"""Handle the worker's messages: update the state and inform the pages."""

import json
import signal
from typing import Any

from mulligan.web.session.session import Session
from mulligan.web.session.state import IN_HAND, UNFINISHED


class Listener:
    """Handles the worker's messages for a session: `hear` calls the method that is named like the message's kind."""

    def __init__(self, session: Session):
        self.session, self.state, self.broadcast = session, session.state, session.broadcast

    def hear(self, kind: str, serial: int, content: bytes) -> None:
        """Handle one message. Messages about a run that was replaced are dropped."""
        if serial not in (0, self.state.serial):
            if kind == "state":
                self._left(json.loads(content))
        elif kind == "event":
            self._event(content)
        elif kind == "samples":  # large, so passed on without parsing
            self.state.samples = content
            self.broadcast.publish("samples", content)
        else:
            getattr(self, f"_{kind}")(json.loads(content))

    def _left(self, words: dict[str, Any]) -> None:
        """Record the step at which a replaced try was saved."""
        for each in self.state.tries:
            if each.run == words.get("run") and words["state"] in ("stopped", "finished") and words.get("step"):
                each.step = words["step"]

    def _ready(self, words: dict[str, Any]) -> None:
        self.session.watched()

    def _state(self, words: dict[str, Any]) -> None:
        state, name = self.state, words["state"]
        if name == "failed":
            self._fail(words["code"], words["text"], words.get("step"))
            return
        if state.name == "stopping" and name in UNFINISHED:
            return
        state.moved(name, words.get("step"))
        if words.get("saved") is not None:
            state.saved_step = words["saved"]
        self.session.publish_status()
        self.session.publish_tries()
        if name == "finished":
            text = f"{state.run} is finished: {state.step:,} steps. What is measured now takes some seconds."
            self.broadcast.notify("finished", text, "finished")
        if name == "stopped" and state.saved_step is not None:
            self.broadcast.notify("info", f"{state.run} is saved at step {state.saved_step:,}.", "saved")
        if name in ("stopped", "finished"):
            self.broadcast.publish("runs", {})
        if name == "finished" and state.run is not None:
            self.session.finished(state.run)

    def _opened(self, words: dict[str, Any]) -> None:
        state = self.state
        state.opened(words, self.session.runs)
        self.session.show_settings()
        if "diagnosed" in state.events:  # before the run was closed last time
            self.session.advise(state.events["diagnosed"])
        self.broadcast.restart()
        self.broadcast.publish("runs", {})

    def _event(self, content: bytes) -> None:
        event = json.loads(content)
        self.state.take(event)
        if event["event"] == "stepped":  # may come a thousand times a second
            self.state.pending.append(content)
            return
        self.session.publish_reports()
        self.broadcast.publish("event", content)
        if event["event"] == "diagnosed":
            self.session.advise(event)
            self.broadcast.publish("advice", self.state.advice)
            self.session.publish_tries()

    def _clock(self, words: dict[str, Any]) -> None:
        self.state.seconds = words["seconds"]
        self.state.rate = self.state.rate or words["rate"]

    def _pace(self, words: dict[str, Any]) -> None:
        self.state.paced(words)

    def _checked(self, words: dict[str, Any]) -> None:
        self.state.checked = words
        self.broadcast.publish("checked", words)

    def _settings(self, words: dict[str, Any]) -> None:
        self.state.info["table"] = words["table"]
        self.session.show_settings()
        self.broadcast.publish("settings", self.state.settings)

    def _notice(self, words: dict[str, Any]) -> None:
        self.broadcast.publish("notice", words)

    def _refused(self, words: dict[str, Any]) -> None:
        if "table" not in self.state.info:  # the settings shown are those of the run before
            self.state.settings = None
            self.broadcast.restart()
        self._fail("refused", words["text"], None)

    def _fail(self, code: str, text: str, step: int | None) -> None:
        state = self.state
        self.session.clear_empty()
        state.saved_step = self.session.newest_checkpoint(state.run)  # a checkpoint may have been deleted since
        state.error = {"text": text, "code": code, "checkpoint_step": state.saved_step}
        state.moved("failed", step)
        self.session.publish_status()
        self.session.publish_tries()
        self.broadcast.notify("failed", text, code)
        self.broadcast.publish("runs", {})

    def died(self, code: int | None) -> None:
        """Report that the process has died and what is saved, and start another one."""
        state = self.state
        why = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        if state.name in IN_HAND:
            step = self.session.newest_checkpoint(state.run)
            saved = step is not None and f"The checkpoint of step {step:,} is intact: press resume to go on from there."
            text = f"the training process ended unexpectedly ({why}). {saved or 'Nothing was saved yet.'}"
            self._fail("worker-died", text, None)
        self.session.worker.spawn()
