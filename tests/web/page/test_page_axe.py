"""What axe-core, a checker of accessibility, finds on each view: nothing, light and dark, on a desk and on a phone."""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.story

VERSION = "4.14.1"
VIEWS = ("story", "train", "game", "teach", "draw", "look", "museum", "museum/guess", "runs", "pile")
FOUND = """axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations.map((v) =>
    [v.id, v.help, ...v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} … ${n.any[0]?.message ?? ""}`)]))"""


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
    """Look at what a tab shows, in both themes."""

    def look(page):
        page.evaluate(axe)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(200)
            assert page.evaluate(FOUND) == [], theme

    return look


def test_the_checker_finds_what_is_wrong(open_tab, axe):
    tab = open_tab()
    tab.page.evaluate(axe)
    tab.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert [name for name, *_ in tab.page.evaluate(FOUND)] == ["image-alt"]


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_found(open_tab, check, width):
    tab = open_tab(viewport={"width": width, "height": 900}, has_touch=width < 760)
    check(tab.page)
    tab.settings()
    tab("data-own").click()
    tab("own-dialog").wait_for()
    check(tab.page)
    tab.page.keyboard.press("Escape")
    tab.begin("mlp", steps=100_000, batch=8)
    tab.wait("training")
    tab.until("import('/js/store.js').then((m) => Boolean(m.store.checked && m.store.status.step > 600))")
    tab("run-toggle").click()
    tab.wait("paused")
    tab("all-checks").click()
    check(tab.page)
    tab.page.keyboard.press("Escape")
    for view in VIEWS:
        tab.page.evaluate("(view) => { location.hash = view; }", view)
        tab.page.wait_for_selector("main h1, #story:not([hidden]) h1", state="attached")
        tab.page.wait_for_timeout(1500)
        check(tab.page)
    tab.page.evaluate("location.hash = 'museum/guess'")
    tab.page.locator(".names .name").first.click()
    tab("guess-told").wait_for()
    check(tab.page)
    tab.go("train")
    tab("run-stop").click()


def test_nothing_is_found_on_the_player(browser, check, tmp_path):
    from mulligan.models import bundled

    bundled().export(tmp_path / "player.html")
    page = browser.new_page()
    page.goto((tmp_path / "player.html").as_uri())
    page.wait_for_selector("body[data-state=ready]")
    check(page)
    page.close()
