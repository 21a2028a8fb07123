"""The playground as a person has it: the real server in a process of its own, and its page in a real Chromium."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PATIENCE = 180_000  # ms: the machine may be busy with other things
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PICTURES = Path(os.environ.get("MULLIGAN_SCREENSHOTS", Path(__file__).parent.parent / "screenshots"))


class Server:
    """``mulligan serve`` on a free port."""

    def __init__(self, runs: Path):
        self.runs = runs
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "mulligan", "serve", "--port", "0", "--runs", str(runs)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self.said: list[str] = []
        self.address = ""
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.address = found[0]
                break
        assert self.address, "".join(self.said)
        # what is printed later must be read, or the pipe fills and the server waits
        threading.Thread(target=lambda: self.said.extend(self.process.stdout), daemon=True).start()

    def close(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server(browser, tmp_path_factory):
    """One server for the tests of a module, which tell one story."""
    started = Server(tmp_path_factory.mktemp("runs"))
    yield started
    started.close()


class Tab:
    """A page of the playground, and everything in it by its name for tests."""

    def __init__(self, context, server: Server, view: str):
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.server = server
        self.complaints: list[str] = []
        self.allowed: list[str] = []  # complaints of the browser that a test brings about on purpose
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(f"{server.address}/#{view}")
        self.page.wait_for_selector("body:not([data-state=connecting])")

    def _asked(self, request) -> None:
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(self.server.address):
            self.complaints.append(f"asked another machine: {request.url}")

    def __call__(self, name: str):
        return self.page.get_by_test_id(name)

    @property
    def state(self) -> str:
        return self.page.evaluate("document.body.dataset.state")

    @property
    def step(self) -> int:
        return int(self("step").get_attribute("data-step"))

    def wait(self, *states: str) -> None:
        """Wait until the page is in one of these states."""
        self.page.wait_for_selector(", ".join(f"body[data-state='{state}']" for state in states))

    def until(self, script: str, argument=None) -> None:
        """Wait until a line of JavaScript is true; asked from outside, for the page's policy forbids it to evaluate."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not self.page.evaluate(script, argument):
            assert time.monotonic() < deadline, f"never true: {script}"
            self.page.wait_for_timeout(50)

    def go(self, view: str) -> None:
        self("nav-" + view).click()
        self.page.wait_for_selector(f"body[data-view={view}]")

    def begin(self, recipe: str, **knobs) -> None:
        """Choose a recipe and knobs, and press Start."""
        self.page.locator(f"[data-testid=recipe-{recipe}]:not([disabled])").click()
        for name, value in knobs.items():
            field = self(f"knob-{name}")
            field.fill(str(value))
            field.press("Tab")
        self("run-toggle").click()

    def picture(self, name: str, **options) -> None:
        """Keep a screenshot, for people to look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", **options)

    def painted(self, name: str) -> None:
        """Wait until a canvas shows more than one colour."""
        self.until(
            """(name) => {
                const canvas = document.querySelector(`[data-testid="${name}"]`);
                if (!canvas) return false;
                const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return data.some((v, i) => v !== data[i % 4]);
            }""",
            name,
        )

    def wide(self) -> int:
        """How much of the page lies to the right of the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.fixture
def open_tab(browser, server):
    """Open tabs; at the end nothing may have been complained about, nor another machine been asked."""
    opened = []

    def open_(view: str = "train", context=None, **options) -> Tab:
        own = context or browser.new_context(**({"viewport": DESK} | options))
        tab = Tab(own, server, view)
        opened.append((tab, None if context else own))
        return tab

    yield open_
    for _, own in opened:
        if own:
            own.close()
    for tab, _ in opened:
        assert [c for c in tab.complaints if not any(word in c for word in tab.allowed)] == []
