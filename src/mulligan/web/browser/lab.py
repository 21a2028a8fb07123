"""The playground inside a browser: the same session, calls and worker, in one thread, without a server.

A page sends its calls as messages to a Web Worker, in which Python runs this module. It answers them between two turns
of training.
"""

import asyncio
import os
import re
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import numpy as np

from mulligan.config.recipes import RECIPES, recipe
from mulligan.data import DATASETS, Dataset
from mulligan.data.registry import of_points
from mulligan.game.architectures import MLPGenerator
from mulligan.museum.kinds import ArticleGenerator
from mulligan.web import look  # noqa: F401  it adds its routes
from mulligan.web.browser import stand_ins
from mulligan.web.calls import ROUTES, Answer, Problem, answer
from mulligan.web.handle import Message, WorkerHandle, dumps
from mulligan.web.playground import Playground
from mulligan.web.trainer import Trainer

STAND_INS = ("fcntl", "scipy", "scipy.special")
"""Modules that Pyodide lacks, reduced to what a run needs."""
TURN = 0.04
"""Seconds of training between two checks for messages of the page."""
LONGEST = 100_000
"""Maximum number of steps of a recipe."""
DIGITS, HELD = 5000, 1000
"""Number of the site's digits: for training, and held out (the last ones)."""
_PATTERNS = [
    (route, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", route.path.replace(".", r"\.")))) for route in ROUTES
]


class LocalWorker(WorkerHandle):
    """The trainer in the playground's own thread."""

    def attach(self) -> None:
        self._commands: deque[Message] = deque()
        self._came = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._work())

    def send(self, kind: str, content: Any = None) -> None:
        self._commands.append((kind, 0, content))
        self._came.set()

    async def _work(self) -> None:
        channel: Any = SimpleNamespace(
            send=lambda kind, content=None, serial=0: self._receive(None, kind, serial, content),
            receive=self._commands.popleft,
            has_message=lambda: bool(self._commands),
        )
        for idle in Trainer(channel, turn=TURN).turns():
            if idle and not self._commands:
                self._came.clear()
                await self._came.wait()
            await asyncio.sleep(0)


class Lab(Playground):
    """The playground of one page. `folder` holds the site's ``digits.npz``, and the runs while the page is open."""

    def __init__(self, folder: Path):
        if sys.platform == "emscripten":
            sys.modules.update(dict.fromkeys(STAND_INS, stand_ins))
            time.process_time = time.perf_counter  # the clock of a browser's work stands still at 0
        os.cpu_count = lambda: 1  # a browser names its cores, but no thread can start
        choose(folder / "digits.npz")
        super().__init__(folder / "runs", None, LocalWorker())
        self.apart = _call_here
        self.session.finished = lambda run: None

    def load_data(self, model: str) -> Dataset | None:
        """Load the training data of a generator. Of the bundled one's 60,000, the site has too few to find a copy."""
        return None if model == "bundled" else super().load_data(model)

    async def call(self, method: str, address: str, body: str) -> tuple[int, str, str, Any]:
        """Answer a call of the page: status, media type, a file's name for saving (or an empty text), content."""
        path, _, query = address.partition("?")
        try:
            reply = await self._answer(method, path, query, body)
        except Exception as error:
            reply = Problem("failed", f"{type(error).__name__}: {error}.").answer()
        content = reply.content.read_bytes() if isinstance(reply.content, Path) else reply.content
        if not isinstance(content, bytes | AsyncIterator):
            content = dumps(content)
        return reply.status, reply.media, reply.file, content

    async def _answer(self, method: str, path: str, query: str, body: str) -> Answer:
        for route, pattern in _PATTERNS:
            if route.method == method and (match := pattern.fullmatch(path)):
                places = {name: unquote(text) for name, text in match.groupdict().items()}
                return await answer(self, route, places, query, body.encode())
        return Problem("not-found", f"{method} {path} does not exist here.").answer()


async def _call_here(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Call a function directly, because a browser cannot start threads."""
    return function(*args, **named)


def choose(digits: Path) -> None:
    """Limit the registries to what a browser can do: toys, the site's digits, and fully connected networks."""

    @cache
    def sets() -> dict[str, Dataset]:
        with np.load(digits) as file:
            images, labels = file["images"], file["labels"].astype(np.intp)
        names = tuple("0123456789")
        train = Dataset("mnist", images[:-HELD], labels[:-HELD], names)
        test = Dataset("mnist-test", images[-HELD:], labels[-HELD:], names)
        held = replace(test, test=replace(train, name="mnist-test (held out)"))
        return {"mnist": replace(train, test=replace(test, name="mnist (test)")), "mnist-test": held}

    for name, count, part in (("mnist", DIGITS, "training"), ("mnist-test", HELD, "test")):
        line = f"{count:,} of MNIST's {part} digits, 28×28 grey, 10 classes"
        DATASETS[name] = replace(DATASETS[name], loader=partial(lambda name: sets()[name], name), line=line)
    for name in [name for name in DATASETS if not name.startswith("mnist") and not of_points(name)]:
        del DATASETS[name]
    for name in list(RECIPES):
        config = recipe(name)
        connected = isinstance(config.generator.layers, (MLPGenerator, ArticleGenerator))
        if not connected or config.data.name not in DATASETS or config.steps > LONGEST:
            del RECIPES[name]
    RECIPES["pictures"] = Path(__file__).parent / "pictures.toml"


async def open_lab(folder: str) -> Lab:
    """Open the lab over a folder."""
    lab = Lab(Path(folder))
    await lab.open()
    return lab
