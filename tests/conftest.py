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


@pytest.fixture
def from_disk(browser):
    """Open files from disk, each in a window of its own; none may complain, or ask any network."""
    complaints, contexts = [], []

    def asked(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            complaints.append(request.url)

    def open_(path, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.on("request", asked)
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def contrast():
    """Return the contrast of two colours, #rgb or #rrggbb (WCAG 2.2: relative luminance, 1.4.3)."""

    def luminance(colour):
        digits = colour.lstrip("#")
        digits = "".join(2 * c for c in digits) if len(digits) == 3 else digits
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    def ratio(one, other):
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    return ratio


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file in one process: those of the pages tell one story to one server."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)
