"""The playground as a person has it: the real server in a process of its own, and its page in a real Chromium."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PATIENCE = 60_000  # ms: the machine may be busy with other things
DESK = {"width": 1440, "height": 900}
NARROW = 760  # px, below which the page is one column for fingers
BUTTONS = "button, select, input:not([type=range], [type=radio], [type=checkbox]), summary, a.btn, .nav a"
SMALL = """(what) => [...document.querySelectorAll(what)]
    .filter((e) => e.offsetParent && !e.matches(".link, .pill") && !e.closest(".track"))
    .map((e) => [e.dataset.testid ?? e.textContent, Math.round(e.getBoundingClientRect().height)])
    .filter(([, height]) => height < 40 && height > 0)"""
SHOWN = {
    "train": ["[data-testid=part-training][aria-current]", ".row1, [data-testid=opening]"],
    "train/game": ["[data-testid=part-game][aria-current]", "[data-testid=game-nothing], [data-testid=dial], .field"],
    "draw": ["[data-testid=copy-verdict]"],
    "museum": ["[data-testid=guess] .name"],
}
"""What stands in a view once all of it is there."""
DRAWN = {"draw": ["digit", "nearest"]}
"""Canvases that a view paints in any case."""
PIXELS = """(name) => {
    const canvas = document.querySelector(`[data-testid="${name}"]`);
    return canvas?.width ? canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data : null;
}"""
HEAR = """async ([news, stored]) => {
    const {server, store, changed} = await import("/js/store.js");
    Object.assign(store, stored);
    for (const [kind, content] of news) server.hear(kind, content);
    changed(true);
}"""
STATUS = {"state": "paused", "run": "made-up", "try": 1, "points": False, "class_names": [], "can": []}
VERSION = "4.14.1"
"""Of axe-core."""
FOUND = """(only) => axe.run(document, {resultTypes: ["violations"], ...(only && {runOnly: only})})
    .then(({violations}) => violations.map((v) => [v.id, v.help,
        ...v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} … ${n.any[0]?.message ?? ""}`)]))"""
PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SECRET = "a-secret-of-the-class"
SMILEY = (
    ((0.35, 0.35), (0.35, 0.4)),
    ((0.65, 0.35), (0.65, 0.4)),
    ((0.3, 0.6), (0.4, 0.7), (0.5, 0.74), (0.6, 0.7), (0.7, 0.6)),
)
WANTED = os.environ.get("MULLIGAN_SCREENSHOTS")  # a folder for them, dark ones too
PICTURES = Path(WANTED or Path(__file__).parent.parent / "screenshots")


@pytest.fixture(scope="module")
def new_server(tmp_path_factory, serve):
    """Start servers, and end each as Ctrl-C does when its turn is over."""

    def turn(*more, cwd=None):
        started = serve(tmp_path_factory.mktemp("runs"), *more, cwd=cwd, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        yield started
        started.close()

    return turn


@pytest.fixture(scope="module")
def server(browser, new_server):
    """One server for the tests of a module, which tell one story."""
    yield from new_server()


@pytest.fixture(scope="module")
def classroom(browser, new_server):
    """A server that lets other machines in."""
    for started in new_server("--host", "0.0.0.0", "--token", SECRET):
        started.address = f"http://127.0.0.1:{started.address.rpartition(':')[2]}"
        yield started


@pytest.fixture(scope="module")
def axe(request, tmp_path_factory):
    """The checker's source, out of npm's registry; kept where pytest has its cache."""
    cache = getattr(request.config, "cache", None)
    kept = tmp_path_factory.mktemp("axe") if cache is None else cache.mkdir(f"axe-{VERSION}")
    if not (kept / "package" / "axe.min.js").exists():
        if shutil.which("npm") is None:
            pytest.skip("there is no npm here")
        command = ["npm", "pack", f"axe-core@{VERSION}"]
        try:
            subprocess.run(command, cwd=kept, capture_output=True, check=True, timeout=120)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"npm does not give axe-core {VERSION} here")
        shutil.unpack_archive(kept / f"axe-core-{VERSION}.tgz", kept, filter="data")
    return (kept / "package" / "axe.min.js").read_text("utf-8")


@pytest.fixture
def check(axe):
    """Look at what a tab shows, and at its contrast in the dark too, which no width changes."""

    def look(page):
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe)
        dark = [("dark", ["color-contrast"])] if page.viewport_size["width"] > NARROW else []
        for theme, only in (*dark, ("light", None)):
            page.emulate_media(color_scheme=theme)
            page.evaluate(PAINTED)
            assert page.evaluate(FOUND, only) == [], theme

    return look


class Tab:
    """A page of the playground, and everything in it by its name for tests."""

    def __init__(self, context, server, view, query):
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.server = server
        self.complaints = []
        self.allowed = []  # complaints of the browser that a test brings about on purpose
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        query = query or server.query
        self.page.goto(f"{server.address}/{query and f'?{query}'}#{view}")
        self.connected()

    def connected(self):
        """Wait until the page knows the run."""
        self.page.wait_for_selector("body:not([data-state=connecting])")

    def _asked(self, request):
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(self.server.address):
            self.complaints.append(f"asked another machine: {request.url}")

    def __call__(self, name):
        return self.page.get_by_test_id(name)

    @property
    def state(self):
        return self.page.evaluate("document.body.dataset.state")

    @property
    def step(self):
        return int(self("step").get_attribute("data-step"))

    def wait(self, *states):
        """Wait until the page is in one of these states."""
        self.page.wait_for_selector(", ".join(f"body[data-state='{state}']" for state in states))

    def until(self, script, argument=None):
        """Wait until a line of JavaScript is true; asked from outside, for the page's policy forbids it to evaluate."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not self.page.evaluate(script, argument):
            assert time.monotonic() < deadline, f"never true: {script}"
            self.page.wait_for_timeout(50)

    def go(self, view):
        """Go to a view by its address, and wait until all of it is there."""
        self.page.evaluate("(view) => { location.hash = view; }", view)
        self.page.wait_for_selector(f"body[data-view={view.partition('/')[0]}]")
        for selector in SHOWN[view]:
            self.page.locator(selector).first.wait_for(state="attached")
        for name in DRAWN.get(view, []):
            self.painted(name)

    def runs(self):
        """Open the menu of runs."""
        self("runs-menu").click()
        self("runs").wait_for()

    def hear(self, *news, **stored):
        """Put values into the page's store, and give it news as the server tells them: a kind and a content each."""
        self.page.evaluate(HEAR, [news, stored])

    def stands(self, **status):
        """Tell the page that a made-up run is paused."""
        self.hear(("status", STATUS | status))

    def keeps(self, name):
        """Press what gives a file, and return that."""
        with self.page.expect_download() as saved:
            self(name).click()
        return saved.value

    def smile(self, pad, number=0):
        """Draw a smiley, each a little elsewhere."""
        self(pad).wait_for()
        self(pad).scroll_into_view_if_needed()
        box, mouse, shift = self(pad).bounding_box(), self.page.mouse, 0.02 * (number % 5)
        for line in SMILEY:
            for i, (u, v) in enumerate(line):
                mouse.move(box["x"] + (u + shift) * box["width"], box["y"] + v * box["height"])
                if i == 0:
                    mouse.down()
            mouse.up()

    def settings(self, more=True):
        """Open the settings, which are closed on a phone, and those behind "more"."""
        for selector in (".settings > details", ".set > details.more")[: 1 + more]:
            if not self.page.evaluate(f"document.querySelector('{selector}').open"):
                self.page.locator(f"{selector} > summary").click()

    def choose(self, **settings):
        """Choose a recipe, data and other settings."""
        self.settings()
        for name, value in settings.items():
            field = self(name if name in ("recipe", "data") else f"setting-{name.replace('_', '-')}")
            if field.evaluate("(e) => e.localName") == "select":
                field.select_option(str(value))
            else:
                field.fill(str(value))
                field.press("Tab")

    def begin(self, recipe, **settings):
        """Choose a recipe and settings, and press Start."""
        self.until("!document.querySelector('[data-testid=recipe]').disabled")
        self.choose(recipe=recipe, **settings)
        self("run-toggle").click()

    def picture(self, name, themes=("light",), **options):
        """Keep screenshots, for people to look at; the page must fit its window in each."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        width = self.page.viewport_size["width"]
        if options.get("full_page"):
            self.page.evaluate("scrollTo(0, 0)")  # or what sticks to the window's edge stands in the middle
        for theme in themes if WANTED else themes[:1]:
            self.page.emulate_media(color_scheme=theme)
            self.until(f"document.documentElement.dataset.theme === '{theme}'")
            self.page.evaluate(PAINTED)
            self.page.screenshot(path=PICTURES / f"{name}-{width}-{theme}.png", **options)
        self.fits(name)

    def fits(self, name):
        """Nothing lies beyond the window's edge, and on a phone a finger can hit every button."""
        assert self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, (
            name
        )
        if self.page.viewport_size["width"] <= NARROW:
            assert self.page.evaluate(SMALL, BUTTONS) == [], name

    def painted(self, name):
        """Wait until a canvas shows more than one colour."""
        self.until(f"(name) => ({PIXELS})(name)?.some((v, i, all) => v !== all[i % 4]) ?? false", name)

    def changes(self, name, act):
        """Do something, and wait until a canvas shows something else; its pixels stay in the page."""
        self.page.evaluate(f"(name) => {{ window.before = ({PIXELS})(name); }}", name)
        act()
        self.until(
            f"""(name) => {{
                const now = ({PIXELS})(name);
                return now !== null && (now.length !== before.length || now.some((v, i) => v !== before[i]));
            }}""",
            name,
        )


@pytest.fixture
def open_tab(browser, server):
    """Open tabs; at the end nothing may have been complained about, nor another machine been asked."""
    opened = []

    def open_(view="train", query=None, **options):
        opened.append(Tab(browser.new_context(**({"viewport": DESK} | options)), server, view, query))
        return opened[-1]

    yield open_
    for tab in opened:
        tab.page.context.close()
    for tab in opened:
        assert [c for c in tab.complaints if not any(word in c for word in tab.allowed)] == []
