"""Starting and ending: the worker first, then the server; at the end the run is saved before anything closes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from mulligan.errors import ConfigError, typed
from mulligan.training.interrupt import endings
from mulligan.web.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from mulligan.web.state import State

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
    if host not in ("127.0.0.1", "localhost", "::1") and not token:
        raise ConfigError(
            f"--host {host} lets other machines in, so it needs --token SECRET, which every visitor must know. "
            "Without both, only this machine can see the playground."
        )
    if token and len(token) < 16:
        raise ConfigError(f"--token has {len(token)} characters; at least 16 are needed. Try: openssl rand -hex 16")
    engine = Engine()
    listener = _bound(host, port)
    engine.spawn()  # it reads the digits while the server is imported
    import uvicorn

    from mulligan.web.app import application
    from mulligan.web.gate import LOOPBACK
    from mulligan.web.playground import Playground
    from mulligan.web.state import UNFINISHED

    playground = Playground(runs, data, engine)
    hosts = LOOPBACK if host in LOOPBACK else frozenset()
    bound = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{bound}/" + (f"?token={token}" if token else "")

    class Server(uvicorn.Server):
        """Ends the streams as soon as it is told to end: else it would wait for them."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # uvicorn's own would raise the signal again at its end, before the run is saved; and at a second one it
            # would cut off every page with a traceback, to end hardly sooner
            if self.should_exit:
                return
            self.should_exit = True
            # the signal may have come in the middle of anything, of a word to the worker too: the loop does it later
            asyncio.get_running_loop().call_soon_threadsafe(self._leave)

        def _leave(self) -> None:
            if playground.session.state.name in UNFINISHED:
                with contextlib.suppress(OSError):  # the terminal has closed
                    say("saving the run …")
            text = "The server is closing; the run is saved."
            playground.hub.publish("notice", {"kind": "info", "text": text, "code": "closing"})
            engine.quit()
            asyncio.get_running_loop().call_later(0.2, playground.hub.close)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if threading.current_thread() is threading.main_thread():
                for number in endings():  # SIGHUP, too, which uvicorn leaves alone
                    signal.signal(number, self.handle_exit)
            say(f"the playground is at {address}")
            say(f"runs are kept in {playground.runs}; Ctrl-C saves the run and ends")
            ready(address)

    config = uvicorn.Config(
        application(playground, hosts=hosts, token=token),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=16_384,
        limit_concurrency=512,
    )
    try:
        with contextlib.suppress(KeyboardInterrupt):
            Server(config).run(sockets=[listener])
    finally:
        _end(playground.session.state, playground.runs, engine, say)
    return 0


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
            f"cannot listen on {host}:{port} ({error}). Try another --port, or 0 for any free one."
        ) from error
    return listener


def _end(state: State, runs: Path, engine: Engine, say: Callable[[str], object]) -> None:
    """Wait until the run is saved, and say how to go on."""
    from mulligan.training.checkpoint import checkpoints, step_of
    from mulligan.training.config import load_config
    from mulligan.training.folder import RunFolder

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
