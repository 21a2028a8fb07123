"""The one live run: what a page sees of it, the page's commands, and the worker's messages.

Each try has the `RunHistory` of its folder, which goes on with the worker's events.
"""

import contextlib
import itertools
import json
import shutil
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from mulligan.config.change import apply_overrides, list_changes, summarise
from mulligan.config.model import Config
from mulligan.config.toml import load_config
from mulligan.data import DATASETS
from mulligan.errors import MulliganError
from mulligan.nn.fields import Interval, Words
from mulligan.training.events import Diagnosed
from mulligan.training.second_try import next_folder
from mulligan.training.store.checkpoint import checkpoints, step_of
from mulligan.training.store.folder import RunFolder, take_next
from mulligan.training.store.history import RunHistory, read_run
from mulligan.web import settings
from mulligan.web.calls import Problem, Route, RunName, call, get, post
from mulligan.web.handle import WorkerHandle
from mulligan.web.settings import Changes, RecipeName
from mulligan.web.streams import Broadcast
from mulligan.web.verdict import advice_on

Number = Annotated[int, Interval(1, 10_000, "[]", 1)]
Weights = Annotated[str, Words(("average", "raw", "real"))]
Steps = Annotated[int, Interval(1, 10**12, "[]", 7000)]
PASSED = ("samples", "checked", "notice")
"""Messages of the worker that pages get as they are; samples are JSON already."""
UNFINISHED = ("training", "paused", "alarm")
"""States in which the worker holds an unfinished run."""
IN_HAND = ("loading", *UNFINISHED, "stopping")
"""States in which the worker reads, holds or saves a run."""
COMMANDS: dict[str, tuple[str, ...]] = {
    "empty": ("start",),
    "loading": (),
    "training": ("pause", "stop", "adjust", "second-try"),
    "paused": ("resume", "step", "stop", "adjust", "second-try"),
    "alarm": ("resume", "step", "stop", "adjust", "second-try"),
    "stopping": (),
    "stopped": ("start", "resume", "second-try"),
    "finished": ("start", "resume", "second-try"),
    "failed": ("start", "resume", "second-try"),
}
"""Commands allowed in each state. All but loading and stopping also allow `start` with ``replace``."""
POINTS = 500
"""Maximum number of points of a curve that is sent to a page."""
CURVES = ("d_loss", "g_loss", "d_real", "d_fake", "d_accuracy", "penalty")
DISTANCE = ("distance", "modes", "gap")


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
    config: Config | None = None  # before any adjustment

    @property
    def alarm(self) -> dict[str, Any] | None:
        """The last alarm of the diagnosis."""
        alarms = [{"state": d.state, "step": d.step} for d in self.history.diagnosed if d.severity == "alarm"]
        return alarms[-1] if alarms else None

    def content(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k not in ("history", "config")} | {"alarm": self.alarm}

    def compare(self, before: Config) -> None:
        assert self.config is not None
        self.summary = summarise(list_changes(*(replace(each, parent=None) for each in (before, self.config))))


def chain(folder: Path) -> list[Try]:
    """Return the tries that led to a run folder, the oldest first, with their history.

    The chain begins after the last try whose folder is missing or cannot be read.
    """
    folders = [(folder, load_config(RunFolder(folder).config))]
    while (parent := folders[0][1].parent) is not None:
        path = folder.parent / Path(parent.run).name
        try:
            folders.insert(0, (path, load_config(RunFolder(path).config)))
        except MulliganError:
            break
    tries: list[Try] = []
    for number, (path, config) in enumerate(folders, start=1):
        history = read_run(path, strict=False)
        begin = 0 if config.parent is None else config.parent.step
        state = "finished" if history.step >= config.steps else "stopped"
        one = Try(number, path.name, config.recipe, begin, history.step, config.steps, state, number - 1 or None)
        one.history, one.config = history, config
        if tries:
            one.compare(folders[number - 2][1])
        tries.append(one)
    return tries


def round_off(value: Any) -> float | None:
    """Round a number for a chart, to six significant digits; None for any other value."""
    return float(f"{value:.6g}") if isinstance(value, (int, float)) else None


def curves_of(history: RunHistory) -> dict[str, dict[str, list[Any]]]:
    """Return a run's curves as columns, thinned for the page."""
    stepped = ((step, measures | {"penalty": _penalty(measures)}) for step, measures in history.stepped)
    rows = {step: {"gap": signals["gap"]} for step, signals in history.measured if "gap" in signals}
    for step, metrics in history.evaluated:
        rows[step] = rows.get(step, {}) | {"distance": metrics.get("kid"), **metrics}
    return {
        "curves": _columns(stepped, CURVES),
        "distance": _columns(sorted(rows.items()), DISTANCE),
    }


def _penalty(measures: dict[str, Any]) -> float | None:
    """Return the sum of the penalties, which are all the measures that have no column."""
    penalties = [v for name, v in measures.items() if name not in CURVES and isinstance(v, (int, float))]
    return sum(penalties) if penalties else None


def _columns(series: Iterable[tuple[int, dict[str, Any]]], names: Iterable[str]) -> dict[str, list[Any]]:
    """Return all rows, or `POINTS` evenly chosen ones that include both ends, as columns."""
    rows = [*series]
    if len(rows) > POINTS:
        rows = [rows[round(i * (len(rows) - 1) / (POINTS - 1))] for i in range(POINTS)]
    columns: dict[str, list[Any]] = {"step": [step for step, _ in rows]}
    return columns | {name: [round_off(values.get(name)) for _, values in rows] for name in names}


class State:
    """What a snapshot holds."""

    def __init__(self) -> None:
        self.name = "empty"
        self.text = ""
        self.tries: list[Try] = []
        self.number = 0
        self.serial = 0  # counts opened runs; a message with another number is out of date
        self.info: dict[str, Any] = {}  # what the worker tells of a run that it has opened
        self.config: Config | None = None  # as it is now
        self.settings: dict[str, Any] | None = None
        self.step = 0
        self.seconds = 0.0
        self.rate: float | None = None
        self.saved_step: int | None = None
        self.saved_samples: list[int] = []
        self.error: dict[str, Any] | None = None
        self.samples: bytes | None = None
        self.checked: dict[str, Any] | None = None
        self.advice: dict[str, Any] | None = None
        self.metrics: dict[str, Any] | None = None
        self.pending: list[bytes] = []  # reports not yet sent to the pages
        self._order = itertools.count()

    @property
    def current(self) -> Try | None:
        """The try that the worker holds."""
        return next((t for t in self.tries if t.number == self.number), None)

    @property
    def events(self) -> dict[str, dict[str, Any]]:
        """The latest event of each kind."""
        return self.current.history.latest if self.current is not None and self.name != "loading" else {}

    @property
    def run(self) -> str | None:
        return None if self.current is None else self.current.run

    @property
    def can(self) -> list[str]:
        """The commands that are possible now. A second try needs a failure to repair."""
        ill = bool(self.events.get("diagnosed", {}).get("severity"))
        return [command for command in COMMANDS[self.name] if ill or command != "second-try"]

    def begin(self, tries: list[Try], number: int, text: str) -> None:
        self.serial += 1
        self.tries, self.number, self.text, self.name = tries, number, text, "loading"
        self.step, self.rate, self.error, self.info, self.config = 0, None, None, {}, None
        self.saved_step, self.saved_samples = None, []
        self.samples = self.checked = self.advice = self.metrics = None
        self.pending = []

    def open(self, info: dict[str, Any], runs: Path) -> None:
        self.info, self.config, self.name = info, info.pop("config"), "training"
        self.step, self.seconds = info["step"], info["seconds"]
        self.saved_step = info["step"] if info["step"] > info["begins"] else None
        self.saved_samples = [*RunFolder(runs / info["run"]).grids()]
        if (current := self.current) is not None and self.config is not None:
            current.state, current.recipe = "training", self.config.recipe
            current.from_step, current.step, current.steps = info["begins"], info["step"], info["steps"]
            history = current.history  # a killed run's log may be longer than its checkpoint
            history.adjusted = info["adjusted"]
            history.latest = {kind: event for kind, event in history.latest.items() if event["step"] <= self.step}

    def move(self, name: str, step: int | None = None) -> None:
        self.name = name
        if step is not None:
            self.step = step
        if name in ("stopped", "finished", "failed"):
            self.rate = None
        if self.current is not None:
            self.current.state, self.current.step = name, self.step

    def take(self, event: dict[str, Any]) -> None:
        kind, step = event["event"], event["step"]
        if self.current is not None:
            self.current.history.add(event)
        if kind == "stepped":
            self.move(self.name, step)
        elif kind == "sampled" and step not in self.saved_samples:
            self.saved_samples.append(step)
        elif kind == "saved":
            self.saved_step = step
        elif kind == "evaluated":
            self.metrics = None  # they belong to an earlier checkpoint

    def evaluate(self, run: str, metrics: dict[str, Any]) -> bool:
        """Store the evaluation of a checkpoint, unless it belongs to another run or is out of date."""
        current = self.current
        known = self.metrics or self.events.get("evaluated", metrics)
        if current is None or current.run != run or known["step"] > metrics["step"]:
            return False
        self.metrics = {**metrics, "try": self.number, "final": metrics["step"] == current.steps}
        return True

    def status(self) -> dict[str, Any]:
        info, settings = self.info if self.current is not None else {}, self.settings or {}
        steps = self.current.steps if self.current is not None else 0
        left = (steps - self.step) / self.rate if self.rate and self.name == "training" else None
        return {
            "state": self.name,
            "run": self.run,
            "try": self.number or None,
            "step": self.step,
            "steps": steps,
            "steps_per_second": round_off(self.rate),
            "seconds_left": round_off(left),
            "seconds": round_off(self.seconds),
            **{name: settings.get(name) for name in ("recipe", "seed")},
            **{name: info.get(name) for name in ("data", "shape", "loss", "floor")},
            **{name: info.get(name, []) for name in ("class_names", "counted_classes")},
            "points": info.get("points", False),
            "classes": info.get("classes", 0),
            "text": self.text if self.name == "loading" else "",
            "error": self.error,
            "saved_step": self.saved_step,
            "can": self.can,
            "order": next(self._order),  # lets a page see which is newer: a command's answer or the stream
        }

    def snapshot(self) -> dict[str, Any]:
        charts: dict[str, Any] = {"curves": {}, "distance": {}}
        for each in self.tries:
            for name, columns in curves_of(each.history).items():
                charts[name][str(each.number)] = columns
        more = ("settings", "saved_samples", "events", "checked", "advice", "metrics")
        return {
            "status": self.status(),
            "tries": [each.content() for each in self.tries],
            **charts,
            **{name: getattr(self, name) for name in more},
            "samples": None if self.samples is None else json.loads(self.samples),
        }


async def start_run(playground: Any, route: Route, values: dict[str, Any]) -> dict[str, Any]:
    """Call a function that starts a run or steers it, and return the status."""
    await call(playground, route, values)
    return {"status": playground.session.state.status()}


async def steer(
    playground: Any, route: Route, values: dict[str, Any], *, try_: Number, run: RunName | None = None
) -> dict[str, Any]:
    """Command the try that the page shows, which must be the live one."""
    playground.session.check_command(route.path.rpartition("/")[2], try_, run)
    return await start_run(playground, route, values)


class Session:
    """The live run. `own` are the user's own data, by name."""

    def __init__(self, runs: Path, own: dict[str, str], worker: WorkerHandle, broadcast: Broadcast):
        self.runs, self.own, self.worker, self.broadcast = runs, own, worker, broadcast
        self.state = State()
        self.finished: Callable[[str], None] = lambda run: None
        self._last_status: dict[str, Any] = {}

    # ── what the pages are told ───────────────────────────────────────────────────────────────────────────────────────

    def publish_status(self) -> None:
        self._last_status = self.state.status()
        self.broadcast.publish("status", self._last_status)

    def publish_tries(self) -> None:
        self.broadcast.publish("tries", [each.content() for each in self.state.tries])

    def publish_reports(self) -> None:
        reports, self.state.pending = self.state.pending, []
        for report in reports:
            self.broadcast.publish("event", report)

    def tick(self) -> None:
        self.publish_reports()
        if self.state.status() | {"order": 0} != self._last_status | {"order": 0}:
            self.publish_status()

    def tell_watched(self) -> None:
        """Tell the worker whether a page is open. It draws samples only for an open page."""
        with contextlib.suppress(Problem):  # a new worker is told when it is ready
            self.worker.send("watch", self.broadcast.watched)

    def use(self, config: Config) -> None:
        """Take a configuration as that of the live run, and show its settings; own pictures by their name."""
        values, names = settings.values_of(config), {path: name for name, path in self.own.items()}
        self.state.config = config
        self.state.settings = {"recipe": config.recipe, **values, "data": names.get(values["data"], values["data"])}

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @post("/api/train/start", of="session", through=start_run)
    def start(
        self,
        *,
        recipe: RecipeName | None = None,
        changes: Changes = (),
        paused: bool = False,
        replace: bool = False,
    ) -> None:
        """Start a new run, from a recipe or else from the live run's settings, and a new chain of tries."""
        self._check_free(replace)
        known = {name: name for name in DATASETS} | self.own
        config, dropped = settings.configure(recipe, changes, known, self._config() if recipe is None else None)
        folder = take_next(self.runs, config.recipe or "run")
        new = Try(1, folder.name, config.recipe, steps=config.steps, config=config)
        self._send("start", new, config=config, paused=paused)
        self.state.begin([new], 1, f"reading {config.data.name}")
        self.state.info = {"data": config.data.name}
        self.use(config)
        self.broadcast.restart()
        self.broadcast.publish("runs", {})
        for text in dropped:
            self.broadcast.notify("info", text, "changed")

    def _send(self, command: str, one: Try, **more: Any) -> None:
        place = {"folder": str(self.runs / one.run), "try": one.number, "serial": self.state.serial + 1}
        self.worker.send(command, place | more)

    @post("/api/train/resume", of="session", through=steer)
    def resume(self, *, steps: Steps | None = None) -> None:
        """Continue the run: at once if it is paused, otherwise from its newest checkpoint."""
        state, current = self.state, self._current()
        if state.name in ("paused", "alarm") and steps in (None, current.steps):
            self.worker.send("go")
            state.move("training")
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
        least = state.step if live else self.newest_checkpoint(chosen.run) or 0
        if steps is not None and steps < least:  # the worker would say so only after closing the live run
            text = (
                f"steps must be at least {least:,}, because {chosen.run} has taken as many, got {steps}. Try {least}."
            )
            raise Problem("bad-field", text, "steps")
        self._send("open", chosen, steps=steps)
        if state.current is not None and state.current is not chosen and state.name != "failed":
            state.current.state = "finished" if state.name == "finished" else "stopped"
        state.begin(tries, chosen.number, f"reading the checkpoint of {chosen.run}")
        chosen.steps = steps or chosen.steps
        self.broadcast.restart()

    @post("/api/train/pause", of="session", through=steer)
    def pause(self) -> None:
        """Pause after the current step."""
        self.worker.send("pause")

    @post("/api/train/step", of="session", through=steer)
    def step(self, *, count: Annotated[int, Interval(1, 1000, "[]", 1)] = 1) -> None:
        """Take some steps and pause again."""
        self.worker.send("go", count)

    @post("/api/train/stop", of="session", through=steer)
    def stop(self) -> None:
        """Save the run and close it."""
        self.worker.send("stop")
        self.state.move("stopping")
        self.publish_status()

    @post("/api/train/adjust", of="session", through=steer)
    async def adjust(self, *, changes: Changes) -> None:
        """Adjust settings from the next step on. The run checks them."""
        try:
            self.use((await self.worker.ask("adjust", {"changes": changes}))["config"])
        except Problem as problem:
            if problem.kind != "not-available":
                raise
            raise settings.refuse(problem.detail, {path: path for path, _ in changes}) from problem
        self.broadcast.publish("settings", self.state.settings)

    @post("/api/train/second-try", of="session", through=steer)
    def second_try(self) -> None:
        """Go back to the last healthy checkpoint with the remedy."""
        state, current, event = self.state, self._current(), self.state.events.get("diagnosed")
        if event is None or state.advice is None or not event["severity"]:
            raise Problem("wrong-state", "the diagnosis has found nothing to repair in this run. Continue the run.")
        changes, config = Diagnosed.of(event).overrides, self._config()
        if not changes:
            helps = "; ".join(event["remedies"])
            raise Problem("wrong-state", f"no change of settings alone repairs this. Try: {helps}.")
        changed = apply_overrides(config, changes)[0]  # paths: the short name `loss` would be another
        parts = ("data", "classes", "latent", "average")
        nets = (config.generator.layers, config.discriminator.layers)
        same = nets == (changed.generator.layers, changed.discriminator.layers)
        anew = not same or any(getattr(config, part) != getattr(changed, part) for part in parts)
        folder, number = next_folder(self.runs / current.run), len(state.tries) + 1
        begin = 0 if anew else state.advice["from_step"]
        new = Try(number, folder.name, current.recipe, begin, begin, current.steps, parent=current.number)
        new.config = changed
        new.compare(config)
        with contextlib.suppress(OSError):  # the recorder reports the error
            folder.mkdir(parents=True)
        self._send("second", new, parent=str(self.runs / current.run), changes=changes, step=begin)
        current.state = "failed" if event["severity"] == "alarm" else "stopped"
        state.begin([*state.tries, new], number, f"going back to step {begin:,} of {current.run}")
        self.broadcast.restart()
        self.broadcast.publish("runs", {})

    @get("/api/train/samples", of="session")
    async def samples(self, *, weights: Weights = "average") -> dict[str, Any]:
        """Return the grid of the live run."""
        return await self.worker.ask("samples", {"weights": weights})

    def _check_free(self, replace: bool) -> None:
        state = self.state
        if state.name in ("loading", "stopping"):
            text = f"{state.run} is being {'saved' if state.name == 'stopping' else 'read'}. Wait a moment."
            raise Problem("busy", text)
        if state.name in UNFINISHED and not replace:
            text = f"{state.run} is {'training' if state.name == 'training' else 'paused'} at step {state.step:,}. "
            raise Problem("busy", f"{text}Stop it first, or start with replace: true, which saves it.")

    def check_command(self, command: str, number: int, run: str | None) -> None:
        state = self.state
        if number != (state.number or None) or run not in (None, state.run):
            text = f"try must be the live one, {state.number or None}, got {number}. Reload, then choose again."
            raise Problem("stale-try", text)
        if command not in COMMANDS[state.name]:
            possible = f"Possible now: {', '.join(state.can)}" if state.can else "Wait a moment"
            raise Problem("wrong-state", f"{command} is not possible while the run is {state.name}. {possible}.")

    def _current(self) -> Try:
        assert self.state.current is not None  # else no command but start is possible
        return self.state.current

    def _config(self) -> Config:
        if self.state.config is None:
            run = self.state.run
            why = "there is no run yet" if run is None else f"{run} could not be read"
            raise Problem("wrong-state", f"{why}, so no settings can be changed. Choose a recipe to start from.")
        return self.state.config

    def checkpoints(self, run: str | None) -> list[int]:
        return [] if run is None else [*map(step_of, checkpoints(RunFolder(self.runs / run).checkpoints))]

    def newest_checkpoint(self, run: str | None) -> int | None:
        return max(self.checkpoints(run), default=None)

    # ── messages of the worker ────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, kind: str, serial: int, content: Any) -> None:
        """Handle a message by the method of its kind. Messages about a run that was replaced are dropped."""
        if serial in (0, self.state.serial):
            if kind in PASSED:
                setattr(self.state, kind, content)
                self.broadcast.publish(kind, content)
            else:
                getattr(self, f"_hear_{kind}")(content)
        elif kind == "state" and content["state"] in ("stopped", "finished") and content.get("step"):
            for each in self.state.tries:  # a replaced try has been saved
                each.step = content["step"] if each.run == content.get("run") else each.step

    def _hear_ready(self, content: Any) -> None:
        self.tell_watched()

    def _hear_state(self, content: dict[str, Any]) -> None:
        state, name = self.state, content["state"]
        if name == "failed":
            self._fail(content["code"], content["text"], content.get("step"))
            return
        if state.name == "stopping" and name in UNFINISHED:
            return
        state.move(name, content.get("step"))
        if content.get("saved") is not None:
            state.saved_step = content["saved"]
        self.publish_status()
        self.publish_tries()
        if name == "finished":
            text = f"{state.run} is finished: {state.step:,} steps. What is measured now takes some seconds."
            self.broadcast.notify("finished", text, "finished")
        if name == "stopped" and state.saved_step is not None:
            self.broadcast.notify("info", f"{state.run} is saved at step {state.saved_step:,}.", "saved")
        if name in ("stopped", "finished"):
            self.broadcast.publish("runs", {})
        if name == "finished" and state.run is not None:
            self.finished(state.run)

    def _hear_opened(self, content: dict[str, Any]) -> None:
        self.state.open(content, self.runs)
        self.use(self._config())
        if "diagnosed" in self.state.events:  # before the run was closed last time
            self._advise(self.state.events["diagnosed"])
        self.broadcast.restart()
        self.broadcast.publish("runs", {})

    def _hear_event(self, content: bytes) -> None:
        event = json.loads(content)
        self.state.take(event)
        if event["event"] == "stepped":  # may come a thousand times a second
            self.state.pending.append(content)
            return
        self.publish_reports()
        self.broadcast.publish("event", content)
        if event["event"] == "diagnosed":
            self._advise(event)
            self.broadcast.publish("advice", self.state.advice)
            self.publish_tries()

    def _advise(self, event: dict[str, Any]) -> None:
        self.state.advice = advice_on(Diagnosed.of(event), self._config(), self.checkpoints(self.state.run))

    def _hear_pace(self, content: dict[str, Any]) -> None:
        state, rate = self.state, content["rate"]
        state.rate = rate if state.rate is None else 0.7 * state.rate + 0.3 * rate  # so that the figure is readable
        state.move(state.name, content["step"])

    def _hear_clock(self, content: dict[str, Any]) -> None:
        self.state.seconds = content["seconds"]
        self.state.rate = self.state.rate or content["rate"]

    def _hear_refused(self, content: dict[str, Any]) -> None:
        if self.state.config is None:  # the settings shown are those of the run before
            self.state.settings = None
            self.broadcast.restart()
        self._fail("refused", content["text"], None)

    def _fail(self, code: str, text: str, step: int | None) -> None:
        state = self.state
        if state.run is not None:
            folder = self.runs / state.run
            with contextlib.suppress(OSError):
                if RunFolder(folder).is_free():  # nothing has begun there
                    shutil.rmtree(folder)
        state.saved_step = self.newest_checkpoint(state.run)  # a checkpoint may have been deleted since
        state.error = {"text": text, "code": code, "checkpoint_step": state.saved_step}
        state.move("failed", step)
        self.publish_status()
        self.publish_tries()
        self.broadcast.notify("failed", text, code)
        self.broadcast.publish("runs", {})

    def restart_worker(self, code: int | None) -> None:
        """Report that the training process has died and what is saved, and start another one."""
        state = self.state
        why = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        if state.name in IN_HAND:
            step = self.newest_checkpoint(state.run)
            saved = step is not None and f"The checkpoint of step {step:,} is intact: press resume to go on from there."
            text = f"the training process ended unexpectedly ({why}). {saved or 'Nothing was saved yet.'}"
            self._fail("worker-died", text, None)
        self.worker.spawn()
