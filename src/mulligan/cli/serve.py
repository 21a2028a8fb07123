"""``mulligan serve``: open the playground in the browser."""

from pathlib import Path
from typing import Annotated

from tyro.conf import UseAppendAction, arg

import mulligan
from mulligan.cli.options import OtherFolder, Word, read_whole
from mulligan.errors import ConfigError, expanded


def command(
    *,
    port: Annotated[str, arg(metavar="N", help_behavior_hint="")] = "8000",
    runs: Annotated[OtherFolder, arg(metavar="DIR")] = None,
    data: Annotated[UseAppendAction[list[str]], arg(metavar="FOLDER", help_behavior_hint="")] = [],  # noqa: B006
    host: Annotated[Word, arg(metavar="ADDRESS")] = None,
    token: Annotated[Word, arg(metavar="SECRET")] = None,
    open_: Annotated[bool, arg(name="open", help_behavior_hint="")] = False,
) -> int:
    """Serve the playground on this machine: train, draw and look inside, in the browser.

    Closing the page does not stop a run. Ctrl-C here saves the run and ends.

    Example:
    $ mulligan serve
    $ mulligan serve --port 9000 --runs runs --data my-pictures/

    Parameters
    ----------
    port
        The port of the page, or 0 for a free one (default: 8000).
    runs
        The folder of the run folders (default: runs).
    data
        Your own pictures, a folder or file. May be repeated.
    host
        The address to listen on (default: 127.0.0.1). Any other lets other machines in, and needs --token.
    token
        A secret of 16 or more characters that visitors need.
    open_
        Open the page in the browser.
    """
    from webbrowser import open as open_page

    from mulligan.web.server import serve

    own: dict[str, str] = {}
    for word in data:
        path = expanded(word)
        if not path.exists():
            raise ConfigError(f"--data must be a folder or a file, got {word}, which does not exist. Check the path.")
        name, place = path.resolve().name, str(path.resolve())
        if name in mulligan.data.DATASETS or own.get(name, place) != place:
            raise ConfigError(
                f"--data must have names that differ, got {word!r}: {own.get(name, 'a data set')} is called {name!r} "
                "in the page already. Rename one of them."
            )
        own[name] = place
    return serve(
        port=read_whole("port", port, 0, 65535),
        host=host or "127.0.0.1",
        token=token or "",
        runs=runs or Path("runs"),
        data=own,
        ready=open_page if open_ else lambda address: None,
    )
