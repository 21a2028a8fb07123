"""``mulligan site``: put the playground into a folder that any file server can serve."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from mulligan.cli.options import OtherFolder


def command(
    out: Annotated[Positional[Path], arg(metavar="OUT", help_behavior_hint="")],
    *,
    pyodide: Annotated[OtherFolder, arg(metavar="DIR")] = None,
    docs: Annotated[OtherFolder, arg(metavar="DIR")] = None,
) -> None:
    """Put the playground into a folder that any file server can serve: Mulligan then runs in the browser itself.

    Small nets only, on toys, 5,000 digits, or what the visitor draws.

    Example:
    $ mulligan site lab
    $ python -m http.server -d lab --bind 127.0.0.1 8765

    Parameters
    ----------
    out
        The folder. Files of the same names in it are replaced.
    pyodide
        A copy of Pyodide's files, put beside the page (default: browsers load Pyodide from its public address).
    docs
        The built book, put beside the page.
    """
    from mulligan.web.browser.site import RUNTIME, build

    build(out, pyodide, docs)
    where = "" if pyodide else f" Browsers load Python from {RUNTIME}."
    print(f"{out} is ready.{where} Look at it: python -m http.server -d {out} --bind 127.0.0.1 8765")
