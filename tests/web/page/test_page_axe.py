"""What axe-core, a checker of accessibility, finds on each view: nothing, light and dark, on a desk and on a phone."""

import pytest

pytestmark = pytest.mark.story

VIEWS = {
    "story": "[data-testid=yours-words]",
    "train/game": "[data-testid=dial]",
    "teach": "[data-testid=easel]",
    "draw": "[data-testid=copy-verdict]",
    "museum/article": "[data-testid=museum-true]",
    "pile": "body[data-view=pile] main h1",
}
"""Views, and what stands in each once all of it is there."""


def test_the_checker_finds_what_is_wrong(open_tab, check):
    tab = open_tab()
    tab.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    with pytest.raises(AssertionError, match="image-alt"):
        check(tab.page)


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_found(open_tab, check, width):
    tab = open_tab(viewport={"width": width, "height": 900}, has_touch=width < 760)
    check(tab.page)
    tab.begin("mlp", steps=100_000, batch=8)
    tab.wait("training")
    tab.until("import('/js/store.js').then((m) => Boolean(m.store.checked && m.store.status.step > 600))")
    tab("run-toggle").click()
    tab.wait("paused")
    tab("more").click()
    check(tab.page)
    tab.runs()
    check(tab.page)
    tab.page.keyboard.press("Escape")
    for view, there in VIEWS.items():
        tab.page.evaluate("(view) => { location.hash = view; }", view)
        tab.page.locator(there).first.wait_for(state="attached")
        check(tab.page)
    tab.go("museum")
    tab.page.locator(".names .name").first.click()
    tab("guess-told").wait_for()
    check(tab.page)
    tab.go("train")
    tab("run-stop").click()


def test_nothing_is_found_on_the_player(browser, check, tmp_path):
    from mulligan.models import bundled

    bundled().export(tmp_path / "viewer.html")
    page = browser.new_page()
    page.goto((tmp_path / "viewer.html").as_uri())
    page.wait_for_selector("body[data-state=ready]")
    check(page)
    page.close()
