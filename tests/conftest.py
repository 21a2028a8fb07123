"""A browser for all rooms: Playwright's synchronous interface can be started only once in a process."""

import shutil
import signal

import pytest

if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # `nohup pytest`: what the tests start would inherit that, and wait for ever to be told that its terminal closed. A
    # handler is not inherited, and keeps this process alive as well.
    signal.signal(signal.SIGHUP, lambda number, frame: None)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser():
    """A real Chromium; while it is there, Playwright's event loop is the one that runs, so it goes with its module."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file in one process: those of the pages tell one story to one server."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)
