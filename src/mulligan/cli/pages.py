"""Commands for the browser: serve, site."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

import mulligan
from mulligan.cli import options
from mulligan.cli.document import Document
from mulligan.errors import expand, quote, require


def serve(
    *,
    port: Annotated[str, arg(metavar="N", help_behavior_hint="")] = "8000",
    runs: Annotated[options.OtherFolder, arg(metavar="DIR")] = None,
    data: Annotated[UseAppendAction[list[str]], arg(metavar="FOLDER", help_behavior_hint="")] = [],  # noqa: B006
    host: Annotated[options.Word, arg(metavar="ADDRESS")] = None,
    token: Annotated[options.Word, arg(metavar="SECRET")] = None,
    open_: Annotated[bool, arg(name="open", help_behavior_hint="")] = False,
) -> int:
    """Serve the playground on this machine: train, draw and look inside, in the browser.

    Closing the page does not stop a run. Ctrl-C here saves the run and ends.

    Try:
    $ mulligan serve
    $ mulligan serve --port 9000 --runs runs --data my-pictures/

    Args:
        port: The port of the page, or 0 for a free one (default: 8000).
        runs: The folder of the run folders (default: runs).
        data: Your own pictures, a folder or file. May be repeated.
        host: The address to listen on (default: 127.0.0.1). Any other lets other machines in, and needs --token.
        token: A secret of 16 or more characters that visitors need.
        open_: Open the page in the browser.
    """
    from webbrowser import open as open_page

    from mulligan.web.server import serve as serve_at

    own: dict[str, str] = {}
    for word in data:
        path = expand(word)
        require(path.exists(), "--data", "a folder or a file that exists", word)
        name, place = path.resolve().name, str(path.resolve())
        while name in mulligan.data.DATASETS or own.get(name, place) != place:
            name += "-2"
        own[name] = place
    return serve_at(
        port=options.read_whole("port", port, 0, 65535),
        host=host or "127.0.0.1",
        token=token or "",
        runs=runs or Path("runs"),
        data=own,
        ready=open_page if open_ else lambda address: None,
    )


def site(
    out: Positional[options.NewFolder],
    *,
    pyodide: Annotated[options.OtherFolder, arg(metavar="DIR")] = None,
    force: options.Force = False,
) -> Document:
    """Write the playground as web pages for any file server. Mulligan then runs inside the browser.

    It trains small networks, on toys, 5,000 digits, or what the visitor draws.

    Try:
    $ mulligan site lab
    $ python -m http.server -d lab --bind 127.0.0.1 8765

    Args:
        out: The folder: new, empty, or an older site, whose files are overwritten.
        pyodide: A folder with Pyodide, to include (default: browsers load Pyodide from its public address).
    """
    from mulligan.web.browser.site import RUNTIME, build

    files = build(out, pyodide, force=force)
    where = "" if pyodide else f" Browsers load Python from {RUNTIME}."
    line = f"{out} is ready.{where} Look at it: python -m http.server -d {quote(out)} --bind 127.0.0.1 8765"
    return Document({"out": str(out), "files": [str(path) for path in files]}, [line])
