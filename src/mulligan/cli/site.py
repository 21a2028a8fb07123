"""``mulligan site``: write the playground as web pages."""

from typing import Annotated

from tyro.conf import Positional, arg

from mulligan.cli.document import Document
from mulligan.cli.options import Force, NewFolder, OtherFolder
from mulligan.errors import typed


def command(
    out: Positional[NewFolder],
    *,
    pyodide: Annotated[OtherFolder, arg(metavar="DIR")] = None,
    docs: Annotated[OtherFolder, arg(metavar="DIR")] = None,
    force: Force = False,
) -> Document:
    """Write the playground as web pages for any file server. Mulligan then runs inside the browser.

    It trains small networks, on toys, 5,000 digits, or what the visitor draws.

    Example:
    $ mulligan site lab
    $ python -m http.server -d lab --bind 127.0.0.1 8765

    Parameters
    ----------
    out
        The folder: new, empty, or an older site, whose files are overwritten.
    pyodide
        A folder with Pyodide, to include (default: browsers load Pyodide from its public address).
    docs
        A folder with the built book, to include.
    """
    from mulligan.web.browser.site import RUNTIME, build

    files = build(out, pyodide, docs, force=force)
    where = "" if pyodide else f" Browsers load Python from {RUNTIME}."
    line = f"{out} is ready.{where} Look at it: python -m http.server -d {typed(out)} --bind 127.0.0.1 8765"
    return Document({"out": str(out), "files": [str(path) for path in files]}, [line])
