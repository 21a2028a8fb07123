"""Carry out the page's commands on the one live run: start, pause, adjust, stop, second try."""

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from mulligan.config import labels
from mulligan.config.change import apply_overrides, changes_of
from mulligan.config.model import Config
from mulligan.config.serialization import from_table, to_table
from mulligan.data import DATASETS
from mulligan.errors import MulliganError
from mulligan.nn.fields import Interval
from mulligan.training.events import Diagnosed
from mulligan.training.second_try import next_folder
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import RunFolder, take_next
from mulligan.web.api.values import Seed
from mulligan.web.inside.diagnosis import advice_on
from mulligan.web.problems import Problem
from mulligan.web.session import settings
from mulligan.web.session.broadcast import Broadcast
from mulligan.web.session.state import COMMANDS, UNFINISHED, State
from mulligan.web.session.tries import Try, chain
from mulligan.web.worker.handle import WorkerHandle

Steps = Annotated[int, Interval(1, settings.LIMITS["steps"], "[]", 7000), "Length of the run."]


class Session:
    """The live run.

    Parameters
    ----------
    runs : Path
        The folder of run folders.
    own : dict of str to str
        The user's own data, by name.
    worker : WorkerHandle
    broadcast : Broadcast
    """

    def __init__(self, runs: Path, own: dict[str, str], worker: WorkerHandle, broadcast: Broadcast):
        self.runs, self.own, self.worker, self.broadcast = runs, own, worker, broadcast
        self.state = State()
        self.finished: Callable[[str], None] = lambda run: None
        self._said: dict[str, Any] = {}

    # ── for the page ──────────────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> dict[str, Any]:
        """Return the run bar."""
        return {"status": self.state.status()}

    def publish_status(self, *, always: bool = True) -> None:
        """Send the run bar to every page if it has changed."""
        status = self.state.status()
        facts = {name: value for name, value in status.items() if name != "order"}
        if always or facts != self._said:
            self._said = facts
            self.broadcast.publish("status", status)

    def publish_tries(self) -> None:
        """Send the tries to every page."""
        self.broadcast.publish("tries", [each.content() for each in self.state.tries])

    def tick(self) -> None:
        """Send every page the new reports, and the run bar if it has changed."""
        self.publish_reports()
        self.publish_status(always=False)

    def publish_reports(self) -> None:
        """Send every page the reports since the last call."""
        reports, self.state.pending = self.state.pending, []
        for report in reports:
            self.broadcast.publish("event", report)

    def snapshot(self) -> dict[str, Any]:
        """Return everything that a page shows of the run."""
        samples = None if self.state.samples is None else json.loads(self.state.samples)
        return {**self.state.snapshot(), "samples": samples}

    def watched(self) -> None:
        """Tell the worker whether a page is open. It draws samples only for an open page."""
        with contextlib.suppress(Problem):  # a new worker is told when it is ready
            self.worker.send("watch", {"watched": bool(self.broadcast.clients)})

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────

    def configured(self, asked: dict[str, Any]) -> tuple[Config, list[str]]:
        """Build the requested configuration. Also return sentences about fields that a change of kind dropped."""
        known = {name: name for name in DATASETS} | self.own
        dropped: list[str] = []
        live = replace(self._config(), parent=None) if asked["recipe"] is None else None
        return settings.configured(asked, known, dropped, live), dropped

    def named(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Return settings with own pictures under the name that the page shows instead of their path."""
        names = {path: name for name, path in self.own.items()}
        return settings | {"data": names.get(settings["data"], settings["data"])}

    def check(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Check settings without starting a run."""
        config, dropped = self.configured(asked)
        return {"ok": True, "settings": settings.settings_of(config), "notes": dropped}

    def start(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Start a new run, which begins a new chain of tries."""
        self._check_free(asked["replace"])
        config, dropped = self.configured(asked)
        self._begin(config, paused=asked["paused"])
        for text in dropped:
            self.broadcast.publish("notice", {"kind": "info", "text": text, "code": "changed"})
        return self.status()

    def _begin(self, config: Config, *, paused: bool) -> None:
        folder = take_next(self.runs, config.recipe or "run")
        text = f"reading {config.data.name}"
        table, serial = to_table(config), self.state.serial + 1
        words = {"config": table, "folder": str(folder), "try": 1, "serial": serial, "paused": paused}
        self.worker.send("start", words)
        self.state.begin([Try(1, folder.name, config.recipe, steps=config.steps, config=config)], 1, text)
        self.state.info = {"table": table, "data": config.data.name}
        self.state.settings = self.named(settings.settings_of(config))
        self.broadcast.restart()
        self.broadcast.publish("runs", {})

    def resume(self, *, steps: Steps | None = None) -> dict[str, Any]:
        """Continue the run: at once if it is paused, otherwise from its newest checkpoint."""
        state, current = self.state, self._current("resume")
        if state.name in ("paused", "alarm") and steps in (None, current.steps):
            self.worker.send("go")
            state.moved("training")
            self.publish_status()
            return self.status()
        if state.name == "finished" and (steps is None or steps <= current.steps):
            raise Problem(
                "bad-field",
                f"steps must be more than the {current.steps:,} that the run has taken. Try {current.steps + 10_000}.",
                field="steps",
            )
        self._open(state.tries, current.number, steps)
        return self.status()

    def open(self, name: str, folder: Path, steps: int | None, *, replace: bool) -> dict[str, Any]:
        """Continue a run from its folder, and show the tries that led to it."""
        if name == self.state.run and self.state.name in ("paused", "alarm"):
            return self.resume(steps=steps)
        self._check_free(replace)
        self._open(chain(folder), None, steps)
        return self.status()

    def _open(self, tries: list[Try], number: int | None, steps: int | None) -> None:
        """Let the worker continue a try (default: the last one)."""
        chosen = next(each for each in tries if number in (None, each.number) and (number or each is tries[-1]))
        self._check_enough(chosen, steps)
        text = f"reading the checkpoint of {chosen.run}"
        words = {"folder": str(self.runs / chosen.run), "try": chosen.number, "serial": self.state.serial + 1}
        self.worker.send("open", words | ({} if steps is None else {"steps": steps}))
        if self.state.current is not None and self.state.current is not chosen and self.state.name != "failed":
            self.state.current.state = "finished" if self.state.name == "finished" else "stopped"
        self.state.begin(tries, chosen.number, text)
        if steps is not None:
            chosen.steps = steps
        self.broadcast.restart()

    def pause(self) -> dict[str, Any]:
        """Pause after the current step."""
        self._current("pause")
        self.worker.send("pause")
        return self.status()

    def step(self, *, count: Annotated[int, Interval(1, 1000, "[]", 1)] = 1) -> dict[str, Any]:
        """Take some steps and pause again."""
        self._current("step")
        self.worker.send("go", {"steps": count})
        return self.status()

    def stop(self) -> dict[str, Any]:
        """Save the run and close it."""
        self._current("stop")
        self.worker.send("stop")
        self.state.moved("stopping")
        self.publish_status()
        return self.status()

    def reset(self, *, seed: Seed | None = None, paused: bool = True) -> dict[str, Any]:
        """Save the run, and open a new one with the same settings, or with another seed."""
        self._current("reset")
        config = replace(self._config(), parent=None)
        self._begin(config if seed is None else replace(config, seed=seed), paused=paused)
        return self.status()

    def adjust(self, adjusted: dict[str, float]) -> dict[str, Any]:
        """Adjust settings of the live run."""
        self._current("adjust")
        config = self._config()
        overrides = [change for name, value in adjusted.items() for change in settings.changes_for(config, name, value)]
        if not overrides:
            raise Problem(
                "bad-field", f"{' or '.join(settings.LIVE)} must be given, got none of these. Try lr_g = 0.001."
            )
        with settings.blamed_on(next(iter(adjusted))):
            apply_overrides(config, overrides)
        self.worker.send("adjust", {"overrides": overrides})
        return self.status()

    def second_try(self, overrides: list[str] | None) -> dict[str, Any]:
        """Go back to the last healthy checkpoint with the remedy, or with the user's own changes."""
        current = self._current("second-try")
        said, advice = self.state.events.get("diagnosed"), self.state.advice
        if said is None or advice is None or not said["severity"]:
            raise Problem(
                "wrong-state",
                "the diagnosis has found nothing to repair in this run. Continue the run.",
            )
        wanted = changes_of(said["overrides"]) if overrides is None else settings.asked_for(overrides, "changes")
        if not wanted:
            helps = "; ".join(said["remedies"])
            raise Problem("wrong-state", f"no change of settings alone repairs this. Try: {helps}.")
        config = self._config()
        with settings.blamed_on("changes"):
            changed = apply_overrides(config, wanted)[0]
        settings.check_below(changed, config)
        before, after = to_table(config), to_table(changed)
        found = labels.labelled(before, after)
        if not found:
            raise Problem(
                "bad-field",
                "changes must differ from the run's settings, got the same settings. Change one, or resume the run.",
                field="changes",
            )
        anew = _begins_anew(before, after)
        folder = next_folder(self.runs / current.run)
        with contextlib.suppress(OSError):  # the recorder reports the error
            folder.mkdir(parents=True)
        text, number = f"going back to step {advice['from_step']:,} of {current.run}", len(self.state.tries) + 1
        words = {
            "parent": str(self.runs / current.run),
            "folder": str(folder),
            "try": number,
            "serial": self.state.serial + 1,
        }
        self.worker.send("second", words | {"overrides": wanted, "restart": anew})
        current.state = "failed" if said["severity"] == "alarm" else "stopped"
        begin = 0 if anew else advice["from_step"]
        new = Try(number, folder.name, current.recipe, begin, begin, current.steps, parent=current.number)
        new.changes, new.summary, new.config = found, labels.summary(found), changed
        self.state.begin([*self.state.tries, new], new.number, text)
        self.broadcast.restart()
        self.broadcast.publish("runs", {})
        return self.status()

    def advise(self, event: dict[str, Any]) -> None:
        """Add to a diagnosis event what it means and what a second try would change."""
        found = advice_on(Diagnosed.of(event), self._config(), self.checkpoints(self.state.run))
        self.state.advice = {**found, "tried": self._tried(event["overrides"]) if found["restart"] else None}

    def _tried(self, overrides: list[str]) -> dict[str, Any] | None:
        """Return the failed try that a remedy would repeat, because the same settings from step 0 give the same run."""
        if not overrides:
            return None
        with contextlib.suppress(MulliganError, Problem):
            after = apply_overrides(self._config(), overrides)[0]
            for each in self.state.tries:
                same = each.config is not None and replace(each.config, parent=None) == replace(after, parent=None)
                other = each is not self.state.current
                if same and other and each.alarm is not None and not each.from_step and not each.history.adjustments:
                    return {"number": each.number, **each.alarm}
        return None

    def go_back(self, *, number: Annotated[int, Interval(1, 10_000, "[]", 1)]) -> dict[str, Any]:
        """Continue another try of the chain from where it stopped."""
        self._current("continue")
        if number not in [each.number for each in self.state.tries]:
            raise Problem(
                "bad-field",
                f"number must be a try's, from 1 to {len(self.state.tries)}, got {number}. Try 1.",
                field="number",
            )
        if number == self.state.number:
            return self.resume()
        self._open(self.state.tries, number, None)
        return self.status()

    # ── what they stand on ────────────────────────────────────────────────────────────────────────────────────────

    def _check_free(self, replace: bool) -> None:
        state = self.state
        if state.name in ("loading", "stopping"):
            raise Problem(
                "busy",
                f"{state.run} is being {'saved' if state.name == 'stopping' else 'read'}. Wait a moment.",
            )
        if state.name in UNFINISHED and not replace:
            raise Problem(
                "busy",
                f"{state.run} is {'training' if state.name == 'training' else 'paused'} at step {state.step:,}. Stop "
                "it first, or start with replace: true, which saves it.",
            )

    def _current(self, command: str) -> Try:
        current = self.state.current
        if current is None or command not in COMMANDS[self.state.name]:
            possible = f"Possible now: {', '.join(self.state.can)}" if self.state.can else "Wait a moment"
            raise Problem(
                "wrong-state",
                f"{command} is not possible while the run is {self.state.name}. {possible}.",
            )
        return current

    def check_try(self, number: int | None, run: str | None) -> None:
        """Raise an error if a command was meant for another try."""
        if number != (self.state.number or None) or run not in (None, self.state.run):
            raise Problem(
                "stale-try",
                f"try must be the live one, {self.state.number or None}, got {number}. Reload, then choose again.",
            )

    def _config(self) -> Config:
        """Return the live run's configuration with its current settings."""
        if "table" not in self.state.info:
            why = (
                "there is no run whose settings could be changed"
                if self.state.run is None
                else f"{self.state.run} could not be read, so its settings are unknown"
            )
            raise Problem("wrong-state", f"{why}. Choose a recipe to start from.")
        config: Config = from_table(Config, self.state.info["table"])
        return config

    def _check_enough(self, chosen: Try, steps: int | None) -> None:
        """Raise an error if a try has more steps already. The worker would raise it only after closing the live run."""
        state = self.state
        live = chosen.run == state.run and state.name in UNFINISHED
        taken = state.step if live else self.newest_checkpoint(chosen.run) or 0
        if steps is not None and steps < taken:
            raise Problem(
                "bad-field",
                f"steps must be at least {taken:,}, which {chosen.run} has taken already, got {steps:,}. "
                f"Try {taken:,}.",
                field="steps",
            )

    def checkpoints(self, run: str | None) -> list[int]:
        """Return the steps of a run's checkpoints."""
        found = [] if run is None else checkpoints(RunFolder(self.runs / run).checkpoints)
        return [step_of(path) for path in found]

    def newest_checkpoint(self, run: str | None) -> int | None:
        """Return the step of a run's newest checkpoint."""
        return max(self.checkpoints(run), default=None)

    def clear_empty(self) -> None:
        """Delete the folder of a run that could not begin, with any leftovers of a kill."""
        if self.state.run is not None:
            folder = self.runs / self.state.run
            with contextlib.suppress(OSError):
                if RunFolder(folder).is_free():
                    shutil.rmtree(folder)


def _begins_anew(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether a change makes the checkpoints unusable: other networks, or other data."""
    parts = ("data", "classes", "latent", "average")
    if any(before[part] != after[part] for part in parts if part in before):
        return True
    return any(before[who]["layers"] != after[who]["layers"] for who in ("generator", "discriminator"))
