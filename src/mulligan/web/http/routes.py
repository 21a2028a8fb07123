"""The table of calls: `/openapi.json` says the same in the words of OpenAPI."""

from __future__ import annotations

from mulligan.web.http import calls, views
from mulligan.web.http.api import Route, threaded
from mulligan.web.http.fields import Field
from mulligan.web.http.parameters import (
    ALSO,
    CASE,
    CHANGES,
    CLIENT,
    COUNT,
    FILE,
    FORMAT,
    GAMMA,
    HEIGHT,
    NAME,
    NUMBER,
    OWN,
    PICTURE,
    PLACE,
    PLANE,
    POINT,
    POINTS,
    RATE,
    REPLACE,
    ROLL,
    SCALE,
    SEED,
    SEEN,
    SIDE,
    SIZE,
    START,
    STEP,
    STEPS,
    TRASHED,
    WALK,
    WEIGHTS,
)
from mulligan.web.library import museum, runs

PNG, GIF = "image/png", "image/gif"
BUSY = (409, 503)
MODEL_GONE = (404, 503)

ROUTES: tuple[Route, ...] = (
    # ── what goes on ──────────────────────────────────────────────────────────────────────────────────────────────
    Route("GET", "/api/snapshot", "All that a page must know.", calls.snapshot),
    Route(
        "GET", "/api/stream", "Server-sent events: snapshot, then news.", calls.stream, query={"client": CLIENT},
        media="text/event-stream", refuses=(503,),
    ),
    Route(
        "POST", "/api/control", "Become the page that writes.", calls.control,
        body={"client": CLIENT, "take": Field("bool", "Even from another page.", default=False)},
    ),
    Route("GET", "/api/catalog", "Recipes, data, losses, penalties.", calls.catalog),
    Route("GET", "/healthz", "The server lives.", calls.health),
    Route(
        "GET", "/api/pictures", "Own pictures, as the network will see them.", threaded(calls.own_pictures),
        query={"data": OWN, "size": SIZE}, refuses=(404,),
    ),
    # ── train ─────────────────────────────────────────────────────────────────────────────────────────────────────
    Route("POST", "/api/train/start", "Start a run.", calls.start, body=START, token=True, refuses=BUSY),
    Route("POST", "/api/train/check", "Check settings, start nothing.", calls.check, body=START, token=True),
    Route("POST", "/api/train/pause", "Pause.", lambda p: p.session.pause(), token=True, of_try=True, refuses=BUSY),
    Route(
        "POST", "/api/train/resume", "Go on.", calls.resume, body={"steps": STEPS}, token=True, of_try=True,
        refuses=BUSY,
    ),
    Route(
        "POST", "/api/train/step", "Take some steps, and pause.", calls.step,
        body={"count": Field("int", "Steps.", 1, 1000, default=1)}, token=True, of_try=True, refuses=BUSY,
    ),
    Route(
        "POST", "/api/train/stop", "Save, and let go.", lambda p: p.session.stop(), token=True, of_try=True,
        refuses=BUSY,
    ),
    Route(
        "POST", "/api/train/reset", "Save; the same settings, or with another seed, stand at step 0.", calls.reset,
        body={"seed": SEED, "paused": Field("bool", "Stand there.", default=True)}, token=True, of_try=True,
        refuses=BUSY,
    ),
    Route(
        "POST", "/api/train/knobs", "Adjust knobs; they act at the next step.", calls.adjust,
        body={"lr_g": RATE, "lr_d": RATE, "gamma": GAMMA}, token=True, of_try=True, refuses=BUSY,
    ),
    Route(
        "POST", "/api/train/second-try", "Go back to the last healthy checkpoint, with the remedy.", calls.second_try,
        body={"changes": CHANGES}, token=True, of_try=True, refuses=BUSY,
    ),
    Route(
        "POST", "/api/train/continue", "Go on with another try of the chain.", calls.go_on_with,
        body={"number": NUMBER}, token=True, of_try=True, refuses=BUSY,
    ),
    Route(
        "GET", "/api/train/samples", "The grid of the live run.", calls.samples, query={"weights": WEIGHTS},
        refuses=MODEL_GONE,
    ),
    # ── draw ──────────────────────────────────────────────────────────────────────────────────────────────────────
    Route(
        "GET", "/api/models", "Generators that can draw, the newest hundred.", threaded(calls.models),
        query={"also": ALSO},
    ),
    Route("GET", "/api/draw", "The picture of a seed.", views.draw, query=PICTURE, refuses=MODEL_GONE),
    Route(
        "GET", "/api/draw.png", "The same as a file.", views.draw_png, query={**PICTURE, "scale": SCALE}, media=PNG,
        refuses=MODEL_GONE,
    ),
    Route("GET", "/api/walk", "From one seed to another.", views.walk, query=WALK, refuses=MODEL_GONE),
    Route(
        "GET", "/api/walk.gif", "The same as an animation.", views.walk_gif, query=WALK, media=GIF,
        refuses=MODEL_GONE,
    ),
    Route("GET", "/api/plane", "A square between four seeds.", views.plane, query=PLANE, refuses=MODEL_GONE),
    Route("GET", "/api/plane.png", "The same as a file.", views.plane_png, query=PLANE, media=PNG, refuses=MODEL_GONE),
    Route("GET", "/api/plane/point", "One point of it.", views.plane_point, query=POINT, refuses=MODEL_GONE),
    Route(
        "GET", "/api/nearest", "The nearest training pictures.", views.nearest, query={**PICTURE, "count": COUNT},
        refuses=MODEL_GONE,
    ),
    Route(
        "POST", "/api/bundled/export", "Write the bundled generator for use elsewhere.", calls.bundled_export,
        body={"to": FORMAT}, token=True, status=202, refuses=BUSY,
    ),
    Route(
        "GET", "/api/bundled/files/{file}", "A file of it that was exported.", calls.bundled_exported,
        places={"file": FILE}, media="application/octet-stream", refuses=(404,),
    ),
    # ── look inside ───────────────────────────────────────────────────────────────────────────────────────────────
    Route(
        "GET", "/api/look/field", "D over the plane or the line.", views.look_field,
        query={**SEEN, "side": SIDE, "points": POINTS}, refuses=MODEL_GONE,
    ),
    Route(
        "GET", "/api/look/point", "D at a point.", views.look_point, query={**SEEN, "x": PLACE, "y": HEIGHT},
        refuses=MODEL_GONE,
    ),
    Route(
        "GET", "/api/look/pictures", "D's gradient at pictures.", views.look_pictures,
        query={**SEEN, "count": COUNT},
        refuses=MODEL_GONE,
    ),
    Route(
        "GET", "/api/look/layers", "Both nets, layer by layer.", views.look_layers, query=SEEN,
        refuses=MODEL_GONE,
    ),
    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────
    Route("GET", "/api/runs", "All runs, the newest first.", threaded(runs.listed)),
    Route("GET", "/api/runs/{name}", "One run.", threaded(runs.described), places={"name": NAME}, refuses=(404,)),
    Route(
        "GET", "/api/runs/{name}/curves", "Its curves.", threaded(runs.curves), places={"name": NAME},
        refuses=(404,),
    ),
    Route(
        "GET", "/api/runs/{name}/sample.png", "Its newest grid.", calls.sample, places={"name": NAME}, media=PNG,
        refuses=(404,),
    ),
    Route(
        "GET", "/api/runs/{name}/samples/{step}.png", "The grid of one step.", calls.sample_at,
        places={"name": NAME, "step": STEP}, media=PNG, refuses=(404,),
    ),
    Route(
        "GET", "/api/runs/{name}/training.gif", "All grids.", calls.animation, places={"name": NAME}, media=GIF,
        refuses=(404,),
    ),
    Route(
        "GET", "/api/runs/{name}/files/{file}", "A file that was exported.", calls.exported,
        places={"name": NAME, "file": FILE}, media="application/octet-stream", refuses=(404,),
    ),
    Route(
        "GET", "/runs/{name}/report.html", "Its report.", calls.page_of_report, places={"name": NAME},
        media="text/html", refuses=(404,),
    ),
    Route(
        "POST", "/api/runs/{name}/resume", "Go on with it, as the live run.", calls.run_resume, places={"name": NAME},
        body={"steps": STEPS, "replace": REPLACE}, token=True, refuses=(404, *BUSY),
    ),
    Route(
        "POST", "/api/runs/{name}/export", "Write its generator for use elsewhere.", calls.run_export,
        places={"name": NAME}, body={"to": FORMAT}, token=True, status=202, refuses=(404, *BUSY),
    ),
    Route(
        "POST", "/api/runs/{name}/report", "Write its report.", calls.run_report, places={"name": NAME}, token=True,
        status=202, refuses=(404, *BUSY),
    ),
    Route(
        "POST", "/api/runs/{name}/evaluate", "Measure it.", calls.run_evaluate, places={"name": NAME}, token=True,
        status=202, refuses=(404, *BUSY),
    ),
    Route(
        "POST", "/api/runs/{name}/delete", "Move it to the trash.", calls.delete, places={"name": NAME}, token=True,
        refuses=(404, *BUSY),
    ),
    Route(
        "POST", "/api/trash/{id}/restore", "Bring it back.", calls.restore, places={"id": TRASHED}, token=True,
        refuses=(404, *BUSY),
    ),
    # ── the museum ────────────────────────────────────────────────────────────────────────────────────────────────
    Route("GET", "/api/museum", "GANs that failed.", threaded(museum.listed)),
    Route("GET", "/api/museum/{case}", "One of them.", threaded(museum.case), places={"case": CASE}, refuses=(404,)),
    Route(
        "POST", "/api/museum/{case}/play", "Play it: as published, and repaired.", calls.museum_play,
        places={"case": CASE}, body={"seed": ROLL}, token=True, status=202, refuses=(404, *BUSY),
    ),
)  # fmt: skip
"""Every call."""
