"""Starting and ending: the worker first, then the server; at the end the run is saved before anything closes."""

from __future__ import annotations

import contextlib
import socket
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from mulligan.errors import ConfigError, typed
from mulligan.web.worker.handle import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.web.session.state import State

EVERYWHERE = ("0.0.0.0", "::")
"""To listen here is to listen at every address of the machine; none can be opened by it from elsewhere."""
GRACE = 60.0
"""Seconds that the worker has to save the run."""


def serve(
    *,
    port: int = 8000,
    host: str = "127.0.0.1",
    token: str = "",
    runs: Path = Path("runs"),
    data: dict[str, str] | None = None,
    say: Callable[[str], object] = print,
    ready: Callable[[str], object] = lambda address: None,
) -> int:
    """Serve the playground until Ctrl-C, SIGTERM or SIGHUP: a terminal that closes.

    Parameters
    ----------
    port : int
        0 for any that is free.
    host : str
        Other than loopback only with a token.
    token : str
    runs : Path
        Where runs are kept.
    data : dict of str to str
        Pictures of one's own that may be chosen, by name.
    say : callable
        Told where it is, and at the end how to go on.
    ready : callable
        Told the address once the server listens.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    ConfigError
        When the host needs a token, the port is taken, or `runs` is a file.
    """
    if runs.exists() and not runs.is_dir():
        raise ConfigError(f"--runs {runs} is a file, and runs need a folder. Choose another one.")
    here = _is_loopback(host)
    if not here and not token:
        raise ConfigError(
            f"--host {host} lets other machines in, so it needs --token SECRET, which every visitor must know. "
            "Without both, only this machine can see the playground."
        )
    if token and len(token) < 16:
        raise ConfigError(f"--token has {len(token)} characters; at least 16 are needed. Try: openssl rand -hex 16")
    if not token.isascii():
        raise ConfigError("--token has letters that no cookie can hold. Try: openssl rand -hex 16")
    engine = Engine()
    listener = _bound(host, port)
    engine.spawn()  # it reads the digits while the server is imported
    from mulligan.web.http.app import application
    from mulligan.web.http.gate import LOOPBACK
    from mulligan.web.http.service import Server
    from mulligan.web.playground import Playground

    playground = Playground(runs, data, engine)
    hosts = LOOPBACK | {host} if here else frozenset()
    bound = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{bound}/" + (f"?token={quote(token, safe='')}" if token else "")

    def listening() -> None:
        say(f"the playground is at {address}")
        if host in EVERYWHERE:
            say(f"from another machine: the same, with this machine's name or number in place of {shown}")
        say(f"runs are kept in {playground.runs}; Ctrl-C saves the run and ends")
        ready(address)

    server = Server(application(playground, hosts=hosts, token=token), playground, say, listening)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        _end(playground.session.state, playground.runs, engine, say)
    return 0


def _is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"


def _bound(host: str, port: int) -> socket.socket:
    """Take the port, or say that it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host}:{port} ({error}). Check --host, or try another --port, 0 for any free one."
        ) from error
    return listener


def _end(state: State, runs: Path, engine: Engine, say: Callable[[str], object]) -> None:
    """Wait until the run is saved, and say how to go on."""
    from mulligan.training.config import load_config
    from mulligan.training.store.checkpoint import checkpoints, step_of
    from mulligan.training.store.folder import RunFolder

    engine.quit()
    well = engine.join(GRACE)
    run = state.run
    if run is None or not (runs / run).is_dir():  # none, or one that was refused
        return
    here = RunFolder(runs / run)
    found = checkpoints(here.checkpoints)
    if not well:
        say(f"the training process did not end by itself; what {run} had saved is untouched")
    if not found:
        steps = f"its {state.step:,} steps are" if state.step else "nothing is"
        say(f"{run} has saved nothing; {steps} lost")
    elif step_of(found[-1]) < load_config(here.config).steps:
        step = f"{step_of(found[-1]):,}"
        say(f"{run} is saved at step {step}; go on with: mulligan resume {typed(runs / run)}, or mulligan serve")
