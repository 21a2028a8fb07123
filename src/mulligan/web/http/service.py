"""The HTTP server: uvicorn's, but for how it ends. Imported late, as uvicorn takes its time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from typing import TYPE_CHECKING

import uvicorn

from mulligan.training.interrupt import endings
from mulligan.web.session.state import UNFINISHED

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import FrameType

    from mulligan.web.http.gate import Gate
    from mulligan.web.playground import Playground


class Server(uvicorn.Server):
    """Ends the streams as soon as it is told to end: else it would wait for them.

    Parameters
    ----------
    app : Gate
    playground : Playground
        What the application works on.
    say : callable
        Told that the run is being saved.
    ready : callable
        Called once the server listens.
    """

    def __init__(self, app: Gate, playground: Playground, say: Callable[[str], object], ready: Callable[[], object]):
        config = uvicorn.Config(
            app,
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
        super().__init__(config)
        self.playground, self.say, self.ready = playground, say, ready

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end, at the first signal."""
        # uvicorn's own would raise the signal again at its end, before the run is saved; and at a second one it
        # would cut off every page with a traceback, to end hardly sooner
        if self.should_exit:
            return
        self.should_exit = True
        # the signal may have come in the middle of anything, of a word to the worker too: the loop does it later
        asyncio.get_running_loop().call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        playground = self.playground
        if playground.session.state.name in UNFINISHED:
            with contextlib.suppress(OSError):  # the terminal has closed
                self.say("saving the run …")
        text = "The server is closing; the run is saved."
        playground.hub.publish("notice", {"kind": "info", "text": text, "code": "closing"})
        playground.engine.quit()
        asyncio.get_running_loop().call_later(0.2, playground.hub.close)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, to signals too."""
        await super().startup(sockets)
        if threading.current_thread() is threading.main_thread():
            for number in endings():  # SIGHUP, too, which uvicorn leaves alone
                signal.signal(number, self.handle_exit)
        self.ready()
