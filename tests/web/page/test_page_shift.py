"""Nothing jumps while a view fills: the layout shift that the browser itself counts, museum and player included."""

import pytest

pytestmark = pytest.mark.story

COUNT = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts.push([e.value,
            e.sources?.map((s) => s.node?.className || s.node?.nodeName).slice(0, 3).join()]);
    }).observe({type: "layout-shift", buffered: true});
}"""
MOST = 0.05


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("view", ["train", "draw", "museum", "museum/article", "pile"])
def test_a_view_does_not_jump(browser, server, view, width):
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_init_script(f"({COUNT})()")
    page = context.new_page()
    page.goto(f"{server.address}/#{view}")
    page.wait_for_selector("main")
    page.wait_for_timeout(3000)
    shifts = page.evaluate("window.shifts")
    context.close()
    assert sum(value for value, _ in shifts) < MOST, shifts
