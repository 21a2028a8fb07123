"""Carry out the page's commands on the one live run: start, pause, adjust, stop, second try."""

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

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
from mulligan.web.inside.diagnosis import advice_on
from mulligan.web.problems import Problem
from mulligan.web.session import settings
from mulligan.web.session.broadcast import Broadcast
from mulligan.web.session.state import COMMANDS, UNFINISHED, State
from mulligan.web.session.tries import Try, chain
from mulligan.web.worker.handle import WorkerHandle


class Session:
    """The live run. `own` are the user's own data, by name."""

    def __init__(self, runs: Path, own: dict[str, str], worker: WorkerHandle, broadcast: Broadcast):
        self.runs, self.own, self.worker, self.broadcast = runs, own, worker, broadcast
        self.state = State()
        self.finished: Callable[[str], None] = lambda run: None
        self._said: dict[str, Any] = {}

    def status(self) -> dict[str, Any]:
        return {"status": self.state.status()}

    def publish_status(self) -> None:
        self._said = self.state.status()
        self.broadcast.publish("status", self._said)

    def publish_tries(self) -> None:
        self.broadcast.publish("tries", [each.content() for each in self.state.tries])

    def tick(self) -> None:
        self.publish_reports()
        if self.state.status() | {"order": 0} != self._said | {"order": 0}:
            self.publish_status()

    def publish_reports(self) -> None:
        reports, self.state.pending = self.state.pending, []
        for report in reports:
            self.broadcast.publish("event", report)

    def watched(self) -> None:
        """Tell the worker whether a page is open. It draws samples only for an open page."""
        with contextlib.suppress(Problem):  # a new worker is told when it is ready
            self.worker.send("watch", {"watched": self.broadcast.watched})

    def start(self, asked: settings.Asked) -> None:
        """Start a new run, which begins a new chain of tries."""
        self._check_free(asked.replace)
        known = {name: name for name in DATASETS} | self.own
        dropped: list[str] = []  # sentences about fields that a change of kind drops
        live = replace(self._config(), parent=None) if asked.recipe is None else None
        config = settings.configured(asked, known, dropped, live)
        folder = take_next(self.runs, config.recipe or "run")
        new, table = Try(1, folder.name, config.recipe, steps=config.steps, config=config), to_table(config)
        self._send("start", new, config=table, paused=asked.paused)
        self.state.begin([new], 1, f"reading {config.data.name}")
        self.state.info = {"table": table, "data": config.data.name}
        self.show_settings()
        self.broadcast.restart()
        self.broadcast.publish("runs", {})
        for text in dropped:
            self.broadcast.notify("info", text, "changed")

    def _send(self, command: str, tried: Try, **words: Any) -> None:
        place = {"folder": str(self.runs / tried.run), "try": tried.number, "serial": self.state.serial + 1}
        self.worker.send(command, place | words)

    def resume(self, *, steps: settings.Steps | None = None) -> None:
        """Continue the run: at once if it is paused, otherwise from its newest checkpoint."""
        state, current = self.state, self._try()
        if state.name in ("paused", "alarm") and steps in (None, current.steps):
            self.worker.send("go")
            state.moved("training")
            self.publish_status()
            return
        if state.name == "finished" and (steps is None or steps <= current.steps):
            least = current.steps + 1
            raise Problem("bad-field", f"steps must be at least {least:,}, got {steps}. Try {2 * least}.", "steps")
        self._open(state.tries, current, steps)

    def open(self, name: str, folder: Path, steps: int | None, *, replace: bool) -> None:
        """Continue a run from its folder, and show the tries that led to it."""
        if name == self.state.run and self.state.name in ("paused", "alarm"):
            self.resume(steps=steps)
        else:
            self._check_free(replace)
            tries = chain(folder)
            self._open(tries, tries[-1], steps)

    def _open(self, tries: list[Try], chosen: Try, steps: int | None) -> None:
        state = self.state
        live = chosen.run == state.run and state.name in UNFINISHED
        taken = state.step if live else self.newest_checkpoint(chosen.run) or 0
        if steps is not None and steps < taken:  # the worker would say so only after closing the live run
            text = (
                f"steps must be at least {taken:,}, because {chosen.run} has taken as many, got {steps}. Try {taken}."
            )
            raise Problem("bad-field", text, "steps")
        self._send("open", chosen, **({} if steps is None else {"steps": steps}))
        if state.current is not None and state.current is not chosen and state.name != "failed":
            state.current.state = "finished" if state.name == "finished" else "stopped"
        state.begin(tries, chosen.number, f"reading the checkpoint of {chosen.run}")
        chosen.steps = steps or chosen.steps
        self.broadcast.restart()

    def pause(self) -> None:
        """Pause after the current step."""
        self.worker.send("pause")

    def step(self, *, count: Annotated[int, Interval(1, 1000, "[]", 1)] = 1) -> None:
        """Take some steps and pause again."""
        self.worker.send("go", {"steps": count})

    def stop(self) -> None:
        """Save the run and close it."""
        self.worker.send("stop")
        self.state.moved("stopping")
        self.publish_status()

    def adjust(self, asked: settings.Live) -> None:
        """Adjust settings from the next step on."""
        config = self._config()
        adjusted = {name: value for name in settings.LIVE if (value := getattr(asked, name)) is not None}
        overrides = [change for name, value in adjusted.items() for change in settings.changes_for(config, name, value)]
        with settings.blamed_on(next(iter(adjusted), "")):
            apply_overrides(config, overrides)
        self.worker.send("adjust", {"overrides": overrides})

    def second_try(self, asked: list[str] | None, step: int | None = None) -> None:
        """Go back to a checkpoint (the last healthy one) with the remedy, or with the user's own changes."""
        current, said, advice = self._try(), self.state.events.get("diagnosed"), self.state.advice
        if said is None or advice is None or not said["severity"]:
            raise Problem("wrong-state", "the diagnosis has found nothing to repair in this run. Continue the run.")
        wanted = changes_of(said["overrides"]) if asked is None else settings.asked_for(asked, "changes")
        if not wanted:
            helps = "; ".join(said["remedies"])
            raise Problem("wrong-state", f"no change of settings alone repairs this. Try: {helps}.")
        changed, anew = self._changed(wanted)
        folder, number = next_folder(self.runs / current.run), len(self.state.tries) + 1
        wanted_step = advice["from_step"] if step is None else step
        begin = 0 if anew else max((each for each in advice["checkpoints"] if each <= wanted_step), default=0)
        new = Try(number, folder.name, current.recipe, begin, begin, current.steps, parent=current.number)
        new.config = changed
        new.compare(self._config())
        if not new.changes:
            text = "changes must differ from the run's settings, got the same settings. Change one, or resume the run."
            raise Problem("bad-field", text, "changes")
        with contextlib.suppress(OSError):  # the recorder reports the error
            folder.mkdir(parents=True)
        self._send("second", new, parent=str(self.runs / current.run), overrides=wanted, step=begin)
        current.state = "failed" if said["severity"] == "alarm" else "stopped"
        self.state.begin([*self.state.tries, new], number, f"going back to step {begin:,} of {current.run}")
        self.broadcast.restart()
        self.broadcast.publish("runs", {})

    def _changed(self, wanted: Any) -> tuple[Config, bool]:
        """Return the configuration after changes, and whether they make the checkpoints unusable."""
        config = self._config()
        with settings.blamed_on("changes"):
            changed = apply_overrides(config, wanted)[0]
        if (changed.data.name, changed.recipe) != (config.data.name, config.recipe):
            text = "a second try must keep its pictures and its recipe. Start a new run instead."
            raise Problem("bad-field", text, "changes")
        parts = ("data", "classes", "latent", "average")
        nets = (config.generator.layers, config.discriminator.layers)
        same = nets == (changed.generator.layers, changed.discriminator.layers)
        return changed, not same or any(getattr(config, part) != getattr(changed, part) for part in parts)

    def advise(self, event: dict[str, Any]) -> None:
        found = advice_on(Diagnosed.of(event), self._config(), self.checkpoints(self.state.run))
        self.state.advice = {**found, "tried": self._tried(event["overrides"]) if not found["from_step"] else None}

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

    def go_back(self, *, number: Annotated[int, Interval(1, 10_000, "[]", 1)]) -> None:
        """Continue another try of the chain from where it stopped."""
        chosen = next((each for each in self.state.tries if each.number == number), None)
        if chosen is None:
            text = f"number must be a try's, from 1 to {len(self.state.tries)}, got {number}. Try 1."
            raise Problem("bad-field", text, "number")
        if chosen is self.state.current:
            self.resume()
        else:
            self._open(self.state.tries, chosen, None)

    def _check_free(self, replace: bool) -> None:
        state = self.state
        if state.name in ("loading", "stopping"):
            text = f"{state.run} is being {'saved' if state.name == 'stopping' else 'read'}. Wait a moment."
            raise Problem("busy", text)
        if state.name in UNFINISHED and not replace:
            text = f"{state.run} is {'training' if state.name == 'training' else 'paused'} at step {state.step:,}. "
            raise Problem("busy", f"{text}Stop it first, or start with replace: true, which saves it.")

    def check_command(self, command: str, number: int | None, run: str | None) -> None:
        state = self.state
        if number != (state.number or None) or run not in (None, state.run):
            text = f"try must be the live one, {state.number or None}, got {number}. Reload, then choose again."
            raise Problem("stale-try", text)
        if command not in COMMANDS[state.name]:
            possible = f"Possible now: {', '.join(state.can)}" if state.can else "Wait a moment"
            raise Problem("wrong-state", f"{command} is not possible while the run is {state.name}. {possible}.")

    def _try(self) -> Try:
        assert self.state.current is not None  # else no command but start is possible
        return self.state.current

    def _config(self) -> Config:
        if "table" not in self.state.info:
            run = self.state.run
            why = "there is no run yet" if run is None else f"{run} could not be read"
            raise Problem("wrong-state", f"{why}, so no settings can be changed. Choose a recipe to start from.")
        config: Config = from_table(Config, self.state.info["table"])
        return config

    def show_settings(self) -> None:
        """Show the settings of the live run's configuration; own pictures by their name instead of their path."""
        found, names = settings.settings_of(self._config()), {path: name for name, path in self.own.items()}
        self.state.settings = found | {"data": names.get(found["data"], found["data"])}

    def checkpoints(self, run: str | None) -> list[int]:
        found = [] if run is None else checkpoints(RunFolder(self.runs / run).checkpoints)
        return [step_of(path) for path in found]

    def newest_checkpoint(self, run: str | None) -> int | None:
        return max(self.checkpoints(run), default=None)

    def clear_empty(self) -> None:
        if self.state.run is not None:
            folder = self.runs / self.state.run
            with contextlib.suppress(OSError):
                if RunFolder(folder).is_free():
                    shutil.rmtree(folder)
