"""The one live run: what a page sees of it, the page's commands, and the worker's messages.

Each try has the `RunHistory` of its folder, which goes on with the worker's events.
"""

import contextlib
import json
import shutil
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from mulligan.config.change import apply_overrides, list_changes, settings_of, summarise
from mulligan.config.model import Config, load_config
from mulligan.data import DATASETS
from mulligan.errors import MulliganError
from mulligan.nn.fields import Interval
from mulligan.training.events import Diagnosed
from mulligan.training.samples import choose_evenly
from mulligan.training.second_try import next_folder
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import RunFolder, take_next
from mulligan.training.store.history import RunHistory, read_run
from mulligan.web import settings
from mulligan.web.calls import Changes, Problem, Route, RunName, call, demand, post
from mulligan.web.handle import WorkerHandle
from mulligan.web.settings import RecipeName
from mulligan.web.streams import Broadcast
from mulligan.web.verdict import advice_on

Number = Annotated[int, Interval(1, 10_000, "[]", 1)]
Steps = Annotated[int, Interval(1, 10**12, "[]", 7000)]
PASSED = ("samples", "checked", "notice")
"""Messages of the worker that pages get as they are; samples are JSON already."""
UNFINISHED = ("training", "paused", "alarm")
"""States in which the worker holds an unfinished run."""
IN_HAND = ("loading", *UNFINISHED, "stopping")
"""States in which the worker reads, holds or saves a run."""
COMMANDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("empty", "loading", "stopping"), ()),
    "training": ("pause", "stop", "adjust", "second-try"),
    **dict.fromkeys(("paused", "alarm"), ("resume", "step", "stop", "adjust", "second-try")),
    **dict.fromkeys(("stopped", "finished", "failed"), ("resume", "second-try")),
}
"""Commands of the live run allowed in each state. All but loading and stopping allow a start, which saves that run."""
POINTS = 500
"""Maximum number of points of a curve that is sent to a page."""
CURVES = ("d_loss", "g_loss", "d_real", "d_fake")
DISTANCE = ("distance", "gap")


@dataclass(eq=False)
class Try:
    """One try: a run folder, and the try that it continues."""

    number: int
    run: str
    recipe: str = ""
    from_step: int = 0
    step: int = 0
    steps: int = 0
    state: str = "loading"
    parent: int | None = None
    summary: str = ""
    history: RunHistory = field(default_factory=RunHistory)

    @property
    def alarm(self) -> dict[str, Any] | None:
        """The last alarm of the diagnosis."""
        alarms = [{"state": d.state, "step": d.step} for d in self.history.diagnosed if d.severity == "alarm"]
        return alarms[-1] if alarms else None

    def content(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "history"} | {"alarm": self.alarm}


def list_tries(folder: Path) -> list[Try]:
    """Return the tries that led to a run folder, the oldest first, with their history.

    The chain begins after the last try whose folder is missing or cannot be read.
    """
    config, history = load_config(RunFolder(folder).config), read_run(folder, strict=False)
    tries, summary = list[Try](), ""
    if config.parent is not None:
        with contextlib.suppress(MulliganError):
            tries = list_tries(before := folder.parent / Path(config.parent.run).name)
            changes = [change for event in tries[-1].history.adjusted for change in event["overrides"]]
            old, _ = apply_overrides(load_config(RunFolder(before).config), changes)
            summary = summarise(list_changes(replace(old, parent=None), replace(config, parent=None)))
    number, state = len(tries) + 1, "finished" if history.step >= config.steps else "stopped"
    numbers = config.begins, history.step, config.steps
    return [*tries, Try(number, folder.name, config.recipe, *numbers, state, len(tries) or None, summary, history)]


def round_off(value: Any) -> float | None:
    """Round a number for a chart, to six significant digits; None for any other value."""
    return float(f"{value:.6g}") if isinstance(value, (int, float)) else None


def curves_of(history: RunHistory) -> dict[str, dict[str, list[Any]]]:
    """Return a run's curves as columns, thinned for the page."""
    rows = {step: {"gap": signals["gap"]} for step, signals in history.measured if "gap" in signals}
    for step, metrics in history.evaluated:
        rows[step] = rows.get(step, {}) | metrics
    return {"curves": _tabulate(history.stepped, CURVES), "distance": _tabulate(sorted(rows.items()), DISTANCE)}


def _tabulate(rows: list[tuple[int, dict[str, Any]]], names: Iterable[str]) -> dict[str, list[Any]]:
    """Return all rows, or `POINTS` evenly chosen ones that include both ends, as columns."""
    rows = choose_evenly(rows, POINTS)
    columns: dict[str, list[Any]] = {"step": [step for step, _ in rows]}
    return columns | {name: [round_off(values.get(name)) for _, values in rows] for name in names}


async def steer(
    playground: Any, route: Route, values: dict[str, Any], *, try_: Number, run: RunName | None = None
) -> dict[str, Any]:
    """Command the try that the page shows, which must be the live one."""
    playground.session.check_command(route.path.rpartition("/")[2], try_, run)
    await call(playground, route, values)
    return {"status": playground.session.status()}


class Session:
    """The live run, which is the last of the tries that led to it. `own` are the user's own data, by name."""

    def __init__(self, runs: Path, own: dict[str, str], worker: WorkerHandle, broadcast: Broadcast):
        self.runs, self.own, self.worker, self.broadcast = runs, own, worker, broadcast
        self.finished: Callable[[str], object] = lambda run: None
        self.serial = 0  # counts opened runs; a message with another number is out of date
        self.settings: dict[str, Any] | None = None
        self.publish_changes: Callable[[], object] = lambda: None  # called when pages must be told at once
        self.order = 0
        self._begin([], "")

    def _begin(self, tries: list[Try], text: str, config: Config | None = None) -> None:
        """Show the tries, of which the last one is being read; `config` is that of a new run."""
        self.serial += 1
        self.tries, self.text = tries, text
        self.info: dict[str, Any] = {}  # what the worker tells of a run that it has opened
        self.config: Config | None = None  # as it is now
        self.seconds = 0.0
        self.rate: float | None = None
        self.busy = 1.0  # cores that the worker gets
        self.error: dict[str, Any] | None = None
        self.samples: bytes | None = None
        self.checked: dict[str, Any] | None = None
        self.advice: dict[str, Any] | None = None
        self.metrics: dict[str, Any] | None = None
        self.pending: list[bytes] = []  # reports not yet sent to the pages
        if config is not None:
            self.info = {"data": config.data.name}
            self.use(config)
        if tries:
            self.move("loading")
            self.broadcast.restart()

    # ── what the pages are told ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def current(self) -> Try:
        """The try that the worker holds; without one, one of number 0."""
        return self.tries[-1] if self.tries else Try(0, "", state="empty")

    @property
    def state(self) -> str:
        return self.current.state

    @property
    def run(self) -> str | None:
        return self.current.run or None

    @property
    def events(self) -> dict[str, dict[str, Any]]:
        """The latest event of each kind."""
        return self.current.history.latest if self.state != "loading" else {}

    @property
    def can(self) -> list[str]:
        """The commands that are possible now. A second try needs a failure that a change of settings repairs."""
        ill = self.advice is not None and self.advice["can_try"]
        return [command for command in COMMANDS[self.state] if ill or command != "second-try"]

    def status(self) -> dict[str, Any]:
        current = self.current
        return {
            "state": self.state,
            "run": self.run,
            "try": current.number or None,
            "step": current.step,
            "steps": current.steps,
            "steps_per_second": round_off(self.rate),
            "busy": round_off(self.busy),
            "seconds": round_off(self.seconds),
            **self.info,
            "text": self.text if self.state == "loading" else "",
            "error": self.error,
            "can": self.can,
            "order": self.order,  # lets a page see which is newer: a command's answer or the stream
        }

    def snapshot(self) -> dict[str, Any]:
        """Return what pages are told at first, besides the `facts`."""
        charts: dict[str, Any] = {"curves": {}, "distance": {}}
        for each in self.tries:
            for name, columns in curves_of(each.history).items():
                charts[name][str(each.number)] = columns
        return {
            **charts,
            "events": self.events,
            "checked": self.checked,
            "saved_samples": [] if self.run is None else [*RunFolder(self.runs / self.run).grids()],
            "samples": None if self.samples is None else json.loads(self.samples),
        }

    def facts(self) -> dict[str, Any]:
        """Return what pages are told when it changes, by kind; of the list of runs, what changes it."""
        tries, runs = [each.content() for each in self.tries], {"run": self.run, "state": self.state}
        here = {name: getattr(self, name) for name in ("settings", "advice", "metrics")}
        return {"status": self.status(), "tries": tries, "runs": runs, **here}

    def publish_reports(self) -> None:
        reports, self.pending = self.pending, []
        for report in reports:
            self.broadcast.publish("event", report)

    def tell_watched(self) -> None:
        """Tell the worker whether a page is open. It draws samples only for an open page."""
        with contextlib.suppress(Problem):  # a new worker is told when it is ready
            self.worker.send("watch", not all(page.phone for page in self.broadcast.clients))

    def use(self, config: Config) -> None:
        """Take a configuration as that of the live run, and show its settings; own pictures by their name."""
        names = {path: name for name, path in self.own.items()}
        self.config, self.settings = config, settings_of(config)
        self.settings["data.name"] = names.get(config.data.name, config.data.name)

    def evaluate(self, run: str, metrics: dict[str, Any]) -> None:
        """Store the evaluation of a checkpoint, unless it belongs to another run or is out of date."""
        current = self.current
        last = self.metrics or self.events.get("evaluated", metrics)
        if current.run == run and last["step"] <= metrics["step"]:
            self.metrics = {**metrics, "try": current.number, "final": metrics["step"] == current.steps}

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @post("/api/train/start", of="session")
    def start(self, *, recipe: RecipeName | None = None, changes: Changes = (), paused: bool = False) -> dict[str, Any]:
        """Start a new run, from a recipe or else from the live run's settings; a run in hand is saved and closed."""
        self._check_free()
        places = {name: name for name in DATASETS} | self.own
        config, sentences = settings.configure(recipe, changes, places, self.config if recipe is None else None)
        folder = take_next(self.runs, config.recipe or "run")
        new = Try(1, folder.name, config.recipe, steps=config.steps)
        self._send("start", new, config=config, paused=paused)
        self._begin([new], f"reading {config.data.name}", config)
        for text in sentences:
            self.broadcast.notify("info", text, "changed")
        return {"status": self.status()}

    def _send(self, command: str, one: Try, **more: Any) -> None:
        place = {"folder": str(self.runs / one.run), "try": one.number, "serial": self.serial + 1}
        self.worker.send(command, place | more)

    @post("/api/train/resume", of="session", through=steer)
    def resume(self, *, steps: Steps | None = None) -> None:
        """Continue the run: at once if it is paused, otherwise from its newest checkpoint."""
        self.open(self.tries, steps)

    def open(self, tries: list[Try], steps: int | None) -> None:
        """Continue the last of some tries. Another run in hand is saved and closed, and so is one that trains."""
        self._check_free()
        chosen = tries[-1]
        live = chosen.run == self.run and self.state in UNFINISHED
        if live and self.state != "training" and steps in (None, self.current.steps):
            self.worker.send("go")
            self.move("training")
            return
        least = self.current.step if live else self.newest_checkpoint(chosen.run) or 0
        least = chosen.steps + 1 if chosen.state == "finished" else least
        text = f"steps must be at least {least:,}, because {chosen.run} has taken as many, got {steps}. "
        enough = (steps or chosen.steps) >= least  # the worker would say so only after closing the live run
        demand(enough, "bad-field", f"{text}Try {2 * least}.", "steps")
        self._send("open", chosen, steps=steps)
        chosen.steps = steps or chosen.steps
        self._begin(tries, f"reading the checkpoint of {chosen.run}")

    @post("/api/train/pause", of="session", through=steer)
    def pause(self) -> None:
        """Pause after the current step."""
        self.worker.send("pause")

    @post("/api/train/step", of="session", through=steer)
    def take_steps(self, *, count: Annotated[int, Interval(1, 1000, "[]", 1)] = 1) -> None:
        """Take some steps and pause again."""
        self.worker.send("go", count)

    @post("/api/train/stop", of="session", through=steer)
    def stop(self) -> None:
        """Save the run and close it."""
        self.worker.send("stop")
        self.move("stopping")

    @post("/api/train/adjust", of="session", through=steer)
    async def adjust(self, *, changes: Changes) -> None:
        """Adjust settings from the next step on. The run checks them."""
        try:
            self.use((await self.worker.ask("adjust", {"changes": changes}))["config"])
        except Problem as problem:
            raise settings.refuse(problem, changes) from problem
        self.publish_changes()

    @post("/api/train/second-try", of="session", through=steer)
    def second_try(self) -> None:
        """Go back to the last healthy checkpoint with the remedy."""
        current, event = self.current, self.events["diagnosed"]
        advice: Any = self.advice  # there is one, or the command would not be possible
        folder, number, begin = next_folder(self.runs / current.run), current.number + 1, advice["from_step"]
        new = Try(number, folder.name, current.recipe, begin, begin, current.steps, parent=current.number)
        new.summary = summarise(advice["changes"])
        self._send("second", new, parent=str(self.runs / current.run), event=event)
        current.state = "failed" if event["severity"] == "alarm" else "stopped"
        self._begin([*self.tries, new], f"going back to step {begin:,} of {current.run}")

    def _check_free(self) -> None:
        text = f"{self.run} is being {'saved' if self.state == 'stopping' else 'read'}. Wait a moment."
        demand(self.state not in ("loading", "stopping"), "busy", text)

    def check_command(self, command: str, number: int, run: str | None) -> None:
        text = f"try must be the live one, {self.current.number}, got {number}. Reload, then choose again."
        demand(number == self.current.number and run in (None, self.run), "stale-try", text)
        now, can = self.state, f"Possible now: {', '.join(self.can)}" if self.can else "Wait a moment"
        demand(command in self.can, "wrong-state", f"{command} is not possible while the run is {now}. {can}.")

    def checkpoints(self, run: str | None) -> list[int]:
        return [] if run is None else [*map(step_of, checkpoints(RunFolder(self.runs / run).checkpoints))]

    def newest_checkpoint(self, run: str | None) -> int | None:
        return max(self.checkpoints(run), default=None)

    # ── messages of the worker ────────────────────────────────────────────────────────────────────────────────────────

    def move(self, state: str, step: int | None = None) -> None:
        self.order += 1
        self.current.state = state
        self.current.step = self.current.step if step is None else step
        if state in ("stopped", "finished", "failed"):
            self.rate = None

    def hear(self, kind: str, serial: int, content: Any) -> None:
        """Handle a message by the method of its kind. Messages about a run that was replaced are dropped."""
        if serial in (0, self.serial):
            if kind in PASSED:
                setattr(self, kind, content)
                self.broadcast.publish(kind, content)
            else:
                getattr(self, f"_hear_{kind}")(content)

    def _hear_ready(self, content: Any) -> None:
        self.tell_watched()

    def _hear_state(self, content: dict[str, Any]) -> None:
        state = content["state"]
        if self.state == "stopping" and state in UNFINISHED:
            return
        self.move(state, content.get("step"))
        self.seconds = content.get("seconds", self.seconds)
        self.publish_changes()
        if state in UNFINISHED or self.run is None:
            return
        checkpoint = self.newest_checkpoint(self.run)
        if state == "finished":
            text = f"{self.run} is finished: {self.current.step:,} steps. What is measured now takes some seconds."
            self.broadcast.notify("finished", text, "finished")
            self.finished(self.run)
        elif checkpoint is not None:
            self.broadcast.notify("info", f"{self.run} is saved at step {checkpoint:,}.", "saved")

    def _hear_opened(self, content: dict[str, Any]) -> None:
        current, history = self.current, self.current.history
        self.info, self.seconds = content["info"], content["seconds"]
        self.use(content["config"])
        self.move("training", content["step"])
        current.steps = content["config"].steps
        # a killed run's log may be longer than its checkpoint
        history.latest = {kind: event for kind, event in history.latest.items() if event["step"] <= current.step}
        if "diagnosed" in self.events:  # before the run was closed last time
            self._advise(self.events["diagnosed"])
        self.broadcast.restart()

    def _hear_event(self, content: bytes) -> None:
        event = json.loads(content)
        self.current.history.add(event)
        if event["event"] == "stepped":  # may come a thousand times a second
            self.move(self.state, event["step"])
            self.pending.append(content)
            return
        self.publish_reports()
        self.broadcast.publish("event", content)
        if event["event"] == "evaluated":
            self.metrics = None  # they belong to an earlier checkpoint
        if event["event"] == "diagnosed":
            self._advise(event)
            self.publish_changes()

    def _advise(self, event: dict[str, Any]) -> None:
        assert self.config is not None  # a run that is open has one
        self.advice = advice_on(Diagnosed.of(event), self.config, self.checkpoints(self.run))

    def _hear_pace(self, content: dict[str, Any]) -> None:
        old = 0.7 if self.rate else 0.0  # the share of what came before, so that the figures are readable
        self.rate = old * (self.rate or 0.0) + (1 - old) * content["rate"]
        self.busy = old * self.busy + (1 - old) * content["busy"]
        self.seconds = content["seconds"]
        self.move(self.state, content["step"])

    def _hear_failed(self, content: dict[str, Any]) -> None:
        if self.config is None:  # it was not opened: the settings shown are those of the run before
            self.settings = None
            self.broadcast.restart()
        if self.run is not None:
            folder = self.runs / self.run
            with contextlib.suppress(OSError):
                if RunFolder(folder).is_free():  # nothing has begun there
                    shutil.rmtree(folder)
        self.error = {**content, "checkpoint_step": self.newest_checkpoint(self.run)}
        self.move("failed", content["step"])
        self.publish_changes()
        self.broadcast.notify("failed", content["text"], content["code"])

    def restart_worker(self, code: int | None) -> None:
        """Report that the training process has died and what is saved, and start another one."""
        why = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        if self.state in IN_HAND:
            step = self.newest_checkpoint(self.run)
            saved = step is not None and f"The checkpoint of step {step:,} is intact: press resume to go on from there."
            text = f"the training process ended unexpectedly ({why}). {saved or 'Nothing was saved yet.'}"
            self._hear_failed({"code": "worker-died", "text": text, "step": None})
        self.worker.spawn()
