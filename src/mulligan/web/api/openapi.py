"""Build the OpenAPI description from the table of calls."""

import re
from collections.abc import Sequence
from typing import Any

from mulligan import __version__
from mulligan.web.api.api import Route
from mulligan.web.api.fields import Field, object_schema

USUAL = (400, 403, 422)
"""Errors that every call may return; 401 only if the server has a token."""
WORDS = {
    400: "The request cannot be read.",
    401: "The server needs its token.",
    403: "Another site, another host, or no write lock.",
    404: "Not found.",
    405: "Another method.",
    409: "Another tab has control, another try is running, or the state does not allow it.",
    413: "The body is too large.",
    415: "The body must be JSON.",
    422: "A value is not allowed; `field` says which.",
    500: "That failed.",
    503: "Too many at once, or the training process is starting.",
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "field", "allowed", "next")},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What the value must be, what came, and what to try."},
    },
}


def description(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the description of all calls."""
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
            "schemas": {"Problem": PROBLEM},
            "securitySchemes": {"writer": {"type": "apiKey", "in": "header", "name": "X-Mulligan-Token"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    statuses = [*USUAL, *route.refuses, 500]
    if route.method == "POST":
        statuses += [413, 415]
    if route.token:
        statuses.append(409)
    answer: dict[str, Any] = {"schema": {} if route.media == "application/json" else {"type": "string"}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    found: dict[str, Any] = {
        "summary": route.line,
        "operationId": route.method.lower() + re.sub(r"\W+", "_", route.path),
        "responses": {
            str(route.status): {"description": "Done.", "content": {route.media: answer}},
            **{str(s): {"description": WORDS[s], "content": problem} for s in sorted(set(statuses))},
        },
    }
    parameters = [_parameter(name, each, "path") for name, each in route.places.items()]
    parameters += [_parameter(name, each, "query") for name, each in route.query.items()]
    if parameters:
        found["parameters"] = parameters
    if route.method == "POST":
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": object_schema(route.fields)}},
        }
    if route.token:
        found["security"] = [{"writer": []}]
    return found


def _parameter(name: str, each: Field, place: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "in": place,
        "required": place == "path" or each.required,
        "schema": each.schema(),
    }
    if each.kind == "list":
        found |= {"style": "form", "explode": False}
    if each.example is not None:
        example = each.example
        found["example"] = [int(part) for part in example.split(",")] if each.kind == "list" else example
    return found
