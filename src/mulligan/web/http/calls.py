"""The calls themselves: what each does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import FileResponse, Response, StreamingResponse

from mulligan.web.library import museum, pictures, runs
from mulligan.web.session import choices, settings

if TYPE_CHECKING:
    from mulligan.web.playground import Playground

# ── train ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def snapshot(playground: Playground) -> Any:
    """Return all that a page must know."""
    return playground.snapshot()


def stream(playground: Playground, client: str, last: str | None) -> Response:
    """Return the stream of one page."""
    playground.broadcast.check_at_most()
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(playground.broadcast.stream(client, last), media_type="text/event-stream", headers=headers)


def write_lock(playground: Playground, client: str, take: bool) -> Any:
    """Give the writer's token."""
    return playground.write_lock.ask(client, take=take)


def start(playground: Playground, **asked: Any) -> Any:
    """Start a run."""
    return playground.session.start(asked)


def check(playground: Playground, **asked: Any) -> Any:
    """Build a configuration and say how it stands."""
    config, dropped = playground.session.configured(asked)
    return {"ok": True, "settings": settings.settings_of(config), "notes": dropped}


def resume(playground: Playground, steps: int | None) -> Any:
    """Go on with the live run."""
    return playground.session.resume(steps)


def reset(playground: Playground, seed: int | None, paused: bool) -> Any:
    """Begin the live run anew."""
    return playground.session.reset(seed, paused=paused)


def step(playground: Playground, count: int) -> Any:
    """Take some steps."""
    return playground.session.step(count)


def adjust(playground: Playground, **adjusted: float | None) -> Any:
    """Adjust settings of the running run."""
    return playground.session.adjust({name: value for name, value in adjusted.items() if value is not None})


def second_try(playground: Playground, changes: list[str] | None) -> Any:
    """Begin the second try."""
    return playground.session.second_try(changes)


def go_on_with(playground: Playground, number: int) -> Any:
    """Go on with another try."""
    return playground.session.go_back(number)


async def samples(playground: Playground, weights: str) -> Any:
    """Return a grid of the live run."""
    return await playground.worker.ask("samples", {"weights": weights})


# ── run folders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def catalog(playground: Playground) -> Any:
    """Return what can be chosen."""
    return choices.catalog(playground.session.own)


def models(playground: Playground, also: str | None) -> Any:
    """Return the generators that can draw."""
    return playground.models(also)


def museum_play(playground: Playground, case: str, seed: int) -> Any:
    """Play a case of the museum."""
    museum.named(case)
    return playground.jobs.add("museum", case, seed=seed)


def own_pictures(playground: Playground, data: str, size: int | None) -> Any:
    """Return own pictures as the network will see them."""
    return pictures.preview(data, playground.session.own, size or 0)


def run_resume(playground: Playground, name: str, steps: int | None, replace: bool) -> Any:
    """Go on with a run of the folder."""
    return playground.session.open(name, playground.folder(name), steps, replace=replace)


def run_export(playground: Playground, name: str, to: str) -> Any:
    """Export a run's generator."""
    playground.folder(name)  # a run, whatever it is called
    playground.generator(name)
    return playground.jobs.add("export", name, to=to)


def bundled_export(playground: Playground, to: str) -> Any:
    """Export the generator that comes with Mulligan."""
    return playground.jobs.add("export", runs.BUNDLED_RUN, to=to)


def run_report(playground: Playground, name: str) -> Any:
    """Write a run's report."""
    playground.folder(name)
    return playground.jobs.add("report", name)


def run_evaluate(playground: Playground, name: str) -> Any:
    """Measure a run."""
    playground.folder(name)
    return playground.jobs.add("evaluate", name)


async def delete(playground: Playground, name: str) -> Any:
    """Move a run to the trash."""
    found = await runs.delete(playground, name)
    playground.broadcast.publish("runs", {})
    return found


def restore(playground: Playground, id_: str) -> Any:
    """Bring a run back."""
    found = runs.restore(playground, id_)
    playground.broadcast.publish("runs", {})
    return found


def sample(playground: Playground, name: str) -> Response:
    """Return a run's newest grid."""
    return FileResponse(runs.newest_sample(playground, name), media_type="image/png")


def sample_at(playground: Playground, name: str, step: int) -> Response:
    """Return a run's grid of one step."""
    return FileResponse(runs.sample_at(playground, name, step), media_type="image/png")


def animation(playground: Playground, name: str) -> Response:
    """Return a run's animation."""
    return FileResponse(runs.file_of(playground, name, "", "training.gif"), media_type="image/gif")


def exported(playground: Playground, name: str, file: str) -> Response:
    """Return a file that was exported."""
    path = runs.file_of(playground, name, "exports", file)
    return FileResponse(path, filename=f"{name}-{file}", media_type="application/octet-stream")


def bundled_exported(playground: Playground, file: str) -> Response:
    """Return a file that was exported of the generator that comes with Mulligan."""
    path = runs.file_of(playground, runs.BUNDLED_RUN, "exports", file)
    return FileResponse(path, filename=f"mulligan-mnist-{file}", media_type="application/octet-stream")


def page_of_report(playground: Playground, name: str) -> Response:
    """Return a run's report."""
    return FileResponse(runs.file_of(playground, name, "", "report.html"), media_type="text/html")


def health(playground: Playground) -> Any:
    """Say that the server lives."""
    return {"ok": True}
