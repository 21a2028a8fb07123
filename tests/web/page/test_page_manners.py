"""Manners: keyboard, theme, two tabs, a lost connection."""

import pytest

pytestmark = pytest.mark.story

FOCUSED = """(() => {
    const e = document.activeElement;
    const name = e.dataset.testid ?? e.className.baseVal ?? e.className;
    return [[...document.querySelectorAll("*")].indexOf(e), e === document.body ? "body" : name];
})()"""


def test_focus_follows_the_page_and_is_never_taken(open_tab):
    tab = open_tab("train")
    tab.page.reload()  # a click to take control would be where the Tab key begins
    tab.connected()
    tab.until("document.querySelector('[data-testid=recipe]:not([disabled])')")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.className") == "skip"
    seen = []
    while len(seen) < 100:
        tab.page.keyboard.press("Tab")
        place, name = tab.page.evaluate(FOCUSED)
        if name in ("skip", "body"):  # once around
            break
        seen.append((place, name))
    assert seen == sorted(seen)
    names = [name for _, name in seen]
    order = ["nav-train", "runs-menu", "theme-toggle", "run-toggle", "recipe", "data", "setting-gamma", "empty-start"]
    assert [n for n in names if n in order] == order
    field = tab("setting-lr-g")
    field.focus()
    for step in (3118, 3119):
        tab.stands(step=step, steps=7000)
    assert tab.page.evaluate("document.activeElement.dataset.testid") == "setting-lr-g"


def test_the_theme_is_the_systems_until_one_is_chosen(open_tab):
    tab = open_tab("train", color_scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert tab.page.evaluate(theme) == "dark"
    tab.page.emulate_media(color_scheme="light")
    tab.until(f"{theme} === 'light'")
    tab("theme-toggle").click()
    assert tab.page.evaluate(theme) == "dark"
    tab.page.reload()
    tab.connected()
    assert tab.page.evaluate(theme) == "dark"


def test_two_tabs_command_one_run(open_tab):
    one, two = open_tab(), open_tab()
    one.begin("ring", steps=1_000_000)
    for tab in (one, two):
        tab.wait("training")
        tab.until("import('/js/store.js').then((m) => m.store.status.step > 0)")  # before it nothing can be stopped
    two("run-toggle").click()
    one.wait("paused")
    one("run-stop").click()
    two.until("import('/js/store.js').then((m) => m.store.status.state === 'stopped')")


def try_now(tab):
    """Press the button, unless the page, which tries again each second, was quicker."""
    tab.page.evaluate("document.querySelector('[data-testid=reconnect-now]')?.click()")


def test_a_lost_connection_is_said_and_found_again(open_tab):
    tab = open_tab()
    assert "Opening" not in tab.page.inner_text("body")
    tab.page.context.set_offline(True)
    tab.page.evaluate("import('/js/store.js').then((m) => m.server.connect())")
    tab.wait("reconnecting")
    tab.allowed.append("ERR_INTERNET_DISCONNECTED")
    assert tab("connection").inner_text() == "Reconnecting…"
    assert "lost the server" in tab("banner").inner_text()
    assert tab("run-toggle").is_disabled()
    tab.picture("train-reconnecting")
    tab.page.evaluate("location.hash = 'museum'")  # what is asked for now is asked again
    tab.page.context.set_offline(False)
    try_now(tab)
    tab.wait("empty", "paused")
    tab("guess").wait_for()
    assert tab("connection").inner_text() == "Connected"
    with tab.page.expect_request("**/api/catalog"):  # of another server, which may have been begun with other pictures
        tab.page.evaluate(
            "import('/js/store.js').then((m) => { m.store.epoch = 'the one before'; m.server.connect(); })"
        )
    tab.wait("empty", "paused")
