"""What must not cover, cut or move: focus under a bar, a view while it fills, and 320 pixels."""

import pytest

pytestmark = pytest.mark.story

COUNT = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts.push([e.value,
            e.sources?.map((s) => s.node?.className || s.node?.nodeName).slice(0, 3).join()]);
    }).observe({type: "layout-shift", buffered: true});
}"""
FULL = {
    "train": "[data-testid=empty-start]:not([disabled])",
    "draw": "[data-testid=copy-verdict]",
    "museum": ".exam canvas[width]:not([width='28'])",
    "museum/article": "[data-testid=museum-true]",
    "pile": "main p",
}
"""Views, and what stands in each once all of it is there."""
MOST = 0.05
"""Of the layout shift that the browser counts while a view fills."""


@pytest.mark.parametrize("width", [1440, 390])
def test_no_view_jumps_while_it_fills(browser, server, width):
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_init_script(f"({COUNT})()")
    shifts = {}
    for view, there in FULL.items():
        page = context.new_page()
        page.goto(f"{server.address}/#{view}")
        page.locator(there).first.wait_for(state="attached")
        page.wait_for_timeout(200)
        shifts[view] = page.evaluate("window.shifts")
        page.close()
    context.close()
    assert {view: found for view, found in shifts.items() if sum(value for value, _ in found) >= MOST} == {}


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_what_has_the_focus_is_under_no_bar(open_tab, size):
    tab = open_tab(viewport={"width": size[0], "height": size[1]})
    # half of it beyond the edge, as the Tab key may find it: the browser brings it to where the padding ends
    tab.page.evaluate(
        """() => {
            const start = document.querySelector("[data-testid=empty-start]");
            scrollBy(0, start.getBoundingClientRect().top + 6);
            start.focus();
        }"""
    )
    bar = tab.page.locator(".runbar").bounding_box()
    box = tab("empty-start").bounding_box()
    assert bar["y"] + bar["height"] <= box["y"]
    assert box["y"] + box["height"] <= size[1]


def test_nothing_moves_when_the_first_figures_come(open_tab):
    tab = open_tab()
    tab.stands(step=60000, steps=60000, counted_classes=["0", "1"])
    places = "[...document.querySelectorAll('.row1 > *')].map((e) => JSON.stringify(e.getBoundingClientRect()))"
    tab("needle").wait_for()
    place = tab.page.evaluate(places)
    tab.hear(
        ("event", {"event": "measured", "step": 60000, "signals": {"coverage": 0.6}, "histogram": [0.5, 0.5]}),
        ("checked", {"step": 60000, "reals": 256, "checks": [], "evidence": []}),
    )
    tab("diagnosis").get_by_text("checked at 60,000").wait_for()
    assert tab.page.evaluate(places) == place


def test_a_phone_has_one_bar_at_its_foot_and_320_px_are_enough(open_tab):
    tab = open_tab(viewport={"width": 320, "height": 640}, has_touch=True)
    for view in ("story", "teach", "train", "museum"):
        tab("nav-" + view).tap()
        tab.page.wait_for_selector(f"body[data-view={view}] h1", state="attached")
        bar = tab.page.locator(".nav").bounding_box()
        assert bar["y"] + bar["height"] == 640
        assert bar["width"] == tab.page.locator(".nav").evaluate("(e) => e.scrollWidth")  # every tab is in sight
        tab.fits(view)
    for view in ("train/game", "draw"):
        tab.go(view)
        tab.fits(view)
    tab.go("train")
    tab.stands(step=12547, steps=60000)
    assert tab("step").bounding_box()["height"] < 30  # one line
    tab.fits("train at 320 px")
    place = tab("step").bounding_box()
    tab.stands(step=12547, steps=60000, state="training", steps_per_second=0.2, busy=0.2)
    tab("banner").get_by_text("20 % of a processor core").wait_for()
    assert tab("step").bounding_box() == place  # a message pushes nothing
    foot = tab("banner").bounding_box()
    assert foot["y"] + foot["height"] <= 640 - 56


def test_a_large_window_has_one_edge_and_no_small_letter(open_tab):
    tab = open_tab(viewport={"width": 1920, "height": 1080})
    tab.stands(step=9, steps=99)
    edges = [tab.page.locator(name).first.bounding_box()["x"] for name in (".logo", ".transport", ".settings")]
    assert max(edges) - min(edges) < 2
    small = """Math.min(...[...document.querySelectorAll("main *, header *")]
        .filter((e) => e.innerText && e.offsetParent && !e.closest(".sr"))
        .map((e) => parseFloat(getComputedStyle(e).fontSize)))"""
    assert tab.page.evaluate(small) >= 13
