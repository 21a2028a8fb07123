"""Run folders: their rows and files, and what may be done with one."""

from pathlib import Path
from typing import Any

from mulligan.web.api.draw import Format
from mulligan.web.api.route import Answer, Apart, Routes
from mulligan.web.api.values import FileName, RunName
from mulligan.web.library import runs
from mulligan.web.playground import Playground
from mulligan.web.session.settings import Steps

routes = Routes()
routes.get("/api/runs", Apart)(runs.listed)
routes.get("/api/runs/{name}", Apart)(runs.described)
routes.get("/api/runs/{name}/curves", Apart)(runs.curves)
routes.get("/api/runs/{name}/sample.png", media="image/png")(runs.newest_sample)
routes.get("/api/runs/{name}/samples/{step}.png", media="image/png")(runs.sample_at)
routes.post("/api/runs/{name}/delete")(runs.delete)
routes.post("/api/trash/{id}/restore")(runs.restore)


@routes.get("/api/runs/{name}/files/{file}", media="application/octet-stream")
def exported(playground: Playground, *, name: RunName, file: FileName) -> Answer:
    """Return an exported file of a run."""
    return Answer(runs.file_of(playground, name, "exports", file), file=f"{name}-{file}")


@routes.get("/runs/{name}/report.html", media="text/html")
def report_page(playground: Playground, *, name: RunName) -> Path:
    """Return the report of a run."""
    return runs.file_of(playground, name, "", "report.html")


@routes.post("/api/runs/{name}/resume")
def resume(
    playground: Playground, *, name: RunName, steps: Steps | None = None, replace: bool = False
) -> dict[str, Any]:
    """Resume a run as the live run; with `replace`, save and close the live one first."""
    playground.session.open(name, playground.folder(name), steps, replace=replace)
    return playground.session.status()


@routes.post("/api/runs/{name}/export", status=202)
def export(playground: Playground, *, name: RunName, to: Format) -> dict[str, Any]:
    """Export a run's generator."""
    playground.folder(name)  # raises an error for an unknown run
    playground.generator(name)
    return playground.jobs.add("export", name, to=to)


@routes.post("/api/runs/{name}/report", status=202)
def report(playground: Playground, *, name: RunName) -> dict[str, Any]:
    """Write a run's report."""
    return playground.jobs.add("report", playground.folder(name).name)
