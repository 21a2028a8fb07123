"""Every route, and its OpenAPI description."""

import re
from collections.abc import Iterable
from dataclasses import MISSING
from typing import Any

from mulligan import __version__
from mulligan.web.api import draw, look, museum, runs, train
from mulligan.web.api.route import JSON, Route

ROUTES: tuple[Route, ...] = (*train.routes, *draw.routes, *look.routes, *runs.routes, *museum.routes)


def description(routes: Iterable[Route] = ROUTES) -> dict[str, Any]:
    """Return the description of all routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    info = {
        "title": "Mulligan's playground",
        "version": __version__,
        "description": "One machine, one user, one run at a time. GET changes nothing; POST needs the write lock.",
    }
    writer = {"type": "apiKey", "in": "header", "name": "X-Mulligan-Token"}
    kinds = {"type": "string", "title": "string", "status": "integer", "detail": "string", "field": ["string", "null"]}
    problem = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in kinds.items()},
        "required": [*kinds],
    }
    components = {"schemas": {"Problem": problem}, "securitySchemes": {"writer": writer}}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}


def _operation(route: Route) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    schemas = {name: each.schema() for name, each in route.values.items()}
    required = {name for name, each in route.values.items() if each.default is MISSING}
    in_path = re.findall(r"{(\w+)}", route.path)
    in_body = [] if route.method == "GET" else [name for name in schemas if name not in in_path]
    found: dict[str, Any] = {
        "summary": (route.function.__doc__ or "").partition("\n")[0],
        "operationId": route.method.lower() + re.sub(r"\W+", "_", route.path),
        "parameters": [
            {"name": name, "in": where, "required": name in required, "schema": each, "explode": False}
            for name, each in schemas.items()
            if name not in in_body
            for where in ("path" if name in in_path else "query",)
        ],
        "responses": {
            str(route.status): {"description": "Done.", "content": {route.media: {}}},
            "default": {"description": "A problem; its `type` says which.", "content": problem},
        },
    }
    if route.method == "POST":
        body = {
            "type": "object",
            "properties": {name: schemas[name] for name in in_body},
            "required": [name for name in in_body if name in required],
            "additionalProperties": False,
        }
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
    return found | ({"security": [{"writer": []}]} if route.locked else {})
