"""Every route, and its OpenAPI description."""

import re
from collections.abc import Iterable
from dataclasses import MISSING
from typing import Any, get_type_hints

from mulligan import __version__
from mulligan.nn.fields import form_of
from mulligan.web.api import draw, look, museum, runs, train
from mulligan.web.api.route import JSON, Route
from mulligan.web.api.values import schema
from mulligan.web.problems import KINDS

ROUTES: tuple[Route, ...] = (*train.routes, *draw.routes, *look.routes, *runs.routes, *museum.routes)
_TEXT = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"enum": [f"/problems/{kind}" for kind in KINDS]},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT | {"description": "What the value must be, what came, and what to try."},
        "field": _TEXT | {"description": "The value that is wrong."},
    },
}


def description(routes: Iterable[Route] = ROUTES) -> dict[str, Any]:
    """Return the description of all routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mulligan's playground",
            "version": __version__,
            "description": "One machine, one user, one run at a time. GET changes nothing; POST needs the write lock.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {"writer": {"type": "apiKey", "in": "header", "name": "X-Mulligan-Token"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    hint = get_type_hints(route.function).get("return", Any)
    answer = schema(form_of(hint)) if route.media == JSON else _TEXT
    schemas = {name: _described(schema(each.form), each.line) for name, each in route.values.items()}
    required = [name for name, each in route.values.items() if each.default is MISSING]
    places = re.findall(r"{(\w+)}", route.path)
    inside = [] if route.method == "GET" else [name for name in schemas if name not in places]
    found: dict[str, Any] = {
        "summary": (route.function.__doc__ or "").partition("\n")[0],
        "operationId": route.method.lower() + re.sub(r"\W+", "_", route.path),
        "parameters": [
            {
                "name": name,
                "in": "path" if name in places else "query",
                "required": name in required,
                "schema": each,
                **({"style": "form", "explode": False} if each["type"] == "array" else {}),
            }
            for name, each in schemas.items()
            if name not in inside
        ],
        "responses": {
            str(route.status): {"description": "Done.", "content": {route.media: {"schema": answer}}},
            "default": {"description": "A problem; its `type` says which.", "content": problem},
        },
    }
    if route.method == "POST":
        body = {
            "type": "object",
            "properties": {name: schemas[name] for name in inside},
            "required": [name for name in inside if name in required],
            "additionalProperties": False,
        }
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
    return found | ({"security": [{"writer": []}]} if route.locked else {})


def _described(found: dict[str, Any], line: str) -> dict[str, Any]:
    return found | ({"description": line} if line else {})
