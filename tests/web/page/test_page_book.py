"""The book, where it has been built: behind each question mark, and in the row of views."""

import pytest

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def server(browser, new_server, tmp_path_factory):
    """A server that finds a book below where it was started."""
    here = tmp_path_factory.mktemp("here")
    for name in ("index", "book/01-the-game", "book/04-second-order", "book/06-is-it-any-good"):
        page = here / "docs" / "_build" / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"<title>{name}</title><script>document.title += ' is read'</script>")
    yield from new_server(cwd=here)


def measured(tab):
    """Let a made-up run be measured, so that all of its terms are there."""
    tab.stands(step=9, steps=99, floor=2)
    tab.hear(("event", {"event": "measured", "step": 9, "signals": {"coverage": 0.4}, "histogram": []}))
    tab.hear(("event", {"event": "evaluated", "step": 9, "metrics": {"distance": 5}}))
    tab("metric-distance").wait_for()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_term_opens_its_page_of_the_book(open_tab, width):
    tab = open_tab(viewport={"width": width, "height": 900}, has_touch=width < 760)
    measured(tab)
    tab("term-distance").first.click()
    with tab.page.expect_popup() as opened:
        tab.page.locator(".explained:popover-open").get_by_text("In the book").click()
    opened.value.wait_for_function("document.title.endsWith('is read')")
    assert opened.value.title() == "book/06-is-it-any-good is read"
    tab.picture("term-book", ("light", "dark"))
    tab.page.get_by_role("link", name="Book", exact=True).click()
    tab.page.wait_for_url("**/book/index.html")
    assert tab.page.title() == "index is read"


def test_every_term_has_a_page(open_tab):
    tab = open_tab()
    measured(tab)
    for name in ("distance", "coverage", "fd", "z", "gamma", "r1", "logit", "nats"):
        if name == "fd":  # of the end
            tab.hear(("metrics", {"try": 1, "step": 9, "n": 60, "fd": 7.5, "space": "judge", "final": True}))
        tab(f"term-{name}").first.click()
        address = tab.page.locator(".explained:popover-open a").get_attribute("href")
        assert tab.page.evaluate("(address) => fetch(address).then((answer) => answer.status)", address) == 200, name
        tab.page.keyboard.press("Escape")
