"""Write HTML pages in one file: templates, and a security policy that allows only the page's own content."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mulligan.output import figures

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def template(path: Path) -> Template:
    """Return a template that escapes every value not marked safe, and can call the functions of `figures`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.globals |= {name: getattr(figures, name) for name in ("count", "figure")}
    return pages.get_template(path.name)


def data_uri(picture: bytes) -> str:
    """Return a PNG as a data URI for a page."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def policy_of(style: str, script: str = "") -> str:
    """Return the content security policy of a page: it allows the exact text of one style, and of one script if any."""
    scripts = _hash(script) if script else "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
