"""Start the playground: check the options, bind the port, start the worker, and only then import the server."""

import logging
import socket
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

from mulligan.errors import ConfigError, require
from mulligan.web.handle import WorkerHandle

_LOG = logging.getLogger(__name__)


def serve(
    *,
    port: int = 8000,
    host: str = "127.0.0.1",
    token: str = "",
    runs: Path = Path("runs"),
    data: dict[str, str] | None = None,
    ready: Callable[[str], object] = lambda address: None,
) -> int:
    """Serve the playground until Ctrl-C, SIGTERM or SIGHUP (a terminal that closes), and return the exit code.

    The log gives the address, and at the end how to resume the run. Port 0 is a free one. Any `host` but loopback needs
    a `token`. `data` are the user's own pictures, by the name that the page shows. `ready` is called with the address.
    """
    require(runs.is_dir() or not runs.exists(), "--runs", "a folder", str(runs), "--runs runs")
    here = _is_loopback(host)
    if not here and not token:
        text = f"--host {host} lets other machines in, so it needs --token SECRET, which every visitor must know."
        raise ConfigError(f"{text} Without --host, only this machine can open the playground.")
    if token and (len(token) < 16 or not token.isascii()):
        text = f"--token must have at least 16 characters, only letters that a cookie can hold, got {len(token)}."
        raise ConfigError(f"{text} Try openssl rand -hex 16.")
    worker = WorkerHandle()
    listener = _bind(host, port)
    name, port = _find_host(listener, host), listener.getsockname()[1]
    address = f"http://{name}:{port}/" + (f"?token={quote(token, safe='')}" if token else "")
    phone_address = ""

    def announce() -> None:
        _LOG.info("the playground is at %s", address)
        if phone_address:
            _LOG.info("phones of a class draw and vote at %s", phone_address)
            if sys.stderr.isatty():
                make_qr(phone_address).terminal(sys.stderr, compact=True)
        _LOG.info("runs are kept in %s; Ctrl-C saves the run and ends", runs.resolve())
        ready(address)

    worker.spawn()
    from mulligan.web.app import LOOPBACK, application, make_class_token, run  # takes a second, while the worker starts
    from mulligan.web.classroom import make_qr
    from mulligan.web.playground import Playground

    playground = Playground(runs, data, worker)
    if not here:
        phone_address = playground.pile.phone_address = f"http://{name}:{port}/?token={make_class_token(token)}#pile"
    hosts = LOOPBACK | {host} if here else frozenset[str]()
    run(playground, listener, application(playground, hosts=hosts, token=token), announce)
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"


def _find_host(listener: socket.socket, host: str) -> str:
    """Return the host for an address that a browser can open: this machine's own instead of one for all addresses."""
    if not ip_address(listener.getsockname()[0]).is_unspecified:
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing, but finds the route of a packet
        except OSError:  # no network
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named TCP, or asyncio leaves Nagle's algorithm on, and an answer in two parts waits 40 ms for an acknowledgement
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError, TypeError, ValueError) as error:  # of a name that is no host
        listener.close()
        text = f"cannot listen on {host}:{port} ({error}). Check --host, or try another --port, 0 for any free one."
        raise ConfigError(text) from error
    return listener
