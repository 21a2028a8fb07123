"""Pictures of a person's own, chosen in the page: what is told of them, and in which size they are taken."""

import numpy as np
import pytest

from mulligan.training.progress import few
from mulligan.web.library.drawing import png64

pytestmark = pytest.mark.story


def offer(tab, *names):
    """Add sets of a person's own to those that can be chosen."""
    tab.until("import('/js/store.js').then(({store: s}) => Boolean(s.catalog))")
    sets = [{"name": name, "own": True} for name in names]
    tab.page.evaluate("(sets) => import('/js/store.js').then(({store: s}) => s.catalog.data.push(...sets))", sets)


def start(tab):
    with tab.page.expect_response("**/api/train/start"):
        tab("run-toggle").click()


def test_own_pictures_that_are_few_are_said_to_be_few_before_they_are_used(open_tab):
    tab = open_tab()
    png = png64(np.zeros((28, 28, 1), np.uint8))
    found = {"accepted": 39, "shape": [28, 28, 1], "columns": 1, "rows": 1, "png": png, "few": few(39)}
    tab.page.route("**/api/pictures?*", lambda route: route.fulfill(json=found))
    offer(tab, "mine")
    tab("data-own").click()
    tab("own-found").wait_for()
    assert tab("own-few").inner_text() == few(39)


def test_own_pictures_have_a_size(open_tab):
    tab, bodies = open_tab(), []
    tab.allowed.append("422")
    png = png64(np.zeros((28, 28, 1), np.uint8))

    def answer(route):
        side = int(route.request.url.rpartition("size=")[2]) or 28
        shape, sizes = [side, side, 1], [28, 32, 48, 64]
        route.fulfill(json={"accepted": 99, "shape": shape, "sizes": sizes, "columns": 1, "rows": 1, "png": png})

    def refuse(route):
        bodies.append(route.request.post_data_json)
        route.fulfill(status=422, json={"status": 422, "field": "size", "detail": "of no such size"})

    tab.page.route("**/api/pictures?*", answer)
    tab.page.route("**/api/train/start", refuse)
    offer(tab, "mine")
    tab("data-own").click()
    tab.page.wait_for_selector("[data-testid=own-found]:has-text('28 × 28')")
    tab("own-size").select_option("48")
    tab.page.wait_for_selector("[data-testid=own-found]:has-text('48 × 48')")
    tab("own-use").click()
    for recipe in ("quick", "mlp"):  # the pictures are theirs, whatever is to learn them
        tab(f"recipe-{recipe}").click()
        start(tab)
    tab("data-mnist").click()
    start(tab)
    asked = [tuple(body.get(name) for name in ("recipe", "data", "size")) for body in bodies]
    assert asked == [("quick", "mine", 48), ("mlp", "mine", 48), ("mlp", None, None)]
    # those of the run in hand stay as well, but for a recipe that is made for points
    run = {"settings": {"data": "mine", "size": 32}, "draft": {}}
    tab.page.evaluate("(run) => import('/js/store.js').then(({store}) => { Object.assign(store, run); })", run)
    tab("recipe-mlp").click()
    start(tab)
    assert (bodies[-1]["data"], bodies[-1]["size"]) == ("mine", 32)
    tab("recipe-ring").click()
    start(tab)
    assert (bodies[-1]["recipe"], bodies[-1].get("data")) == ("ring", None)


def test_a_preview_is_of_the_pictures_that_are_chosen(open_tab):
    """Of two folders, the answer about the one that was chosen first may come last."""
    tab, held = open_tab(), []
    tab.page.route("**/api/pictures?*", lambda route: held.append(route))
    offer(tab, "first", "second")
    tab("data-own").click()
    tab.page.get_by_label("second").check()
    while len(held) < 2:
        tab.page.wait_for_timeout(20)
    first, second = sorted(held, key=lambda route: route.request.url)
    png = png64(np.zeros((28, 28, 1), np.uint8))
    for route, count in ((second, 22), (first, 11)):
        with tab.page.expect_response(route.request.url):
            route.fulfill(json={"accepted": count, "shape": [28, 28, 1], "columns": 1, "rows": 1, "png": png})
    tab.page.wait_for_timeout(100)
    assert tab("own-found").inner_text().startswith("22 pictures")


@pytest.mark.parametrize("width", [1440, 390])
def test_drawings_are_learned_without_a_terminal(open_tab, width):
    tab = open_tab(viewport={"width": width, "height": 900})
    tab.settings()
    tab("data-own").click()
    tab("easel").wait_for()
    box = tab("easel").bounding_box()
    mouse = tab.page.mouse
    at = lambda u, v: (box["x"] + u * box["width"], box["y"] + v * box["height"])  # noqa: E731
    for number in range(40 if width == 1440 else 3):
        shift = 0.02 * (number % 5)
        for eye in (0.35, 0.65):
            mouse.move(*at(eye + shift, 0.35))
            mouse.down()
            mouse.move(*at(eye + shift, 0.38))
            mouse.up()
        mouse.move(*at(0.3 + shift, 0.6))
        mouse.down()
        for u, v in ((0.4, 0.7), (0.5, 0.74), (0.6, 0.7), (0.7, 0.6)):
            mouse.move(*at(u + shift, v))
        mouse.up()
        tab("easel-next").click()
    tab.picture("easel", ("light", "dark"))
    if width == 390:
        assert tab("easel-train").is_disabled()
        assert tab("easel-train").inner_text() == "17 more to begin"
        return
    assert tab("easel-count").inner_text() == "40 of 40"
    tab("easel-train").click()
    tab.wait("training")
    tab.painted("sample-grid")
    assert tab("recipe-more").input_value() == "pictures"
    tab.until("import('/js/store.js').then((m) => m.store.settings.data === 'drawings-1')")
    tab("weights-real").click()
    tab.until("document.querySelector('[data-testid=sample-grid]').getAttribute('aria-label').includes('real')")
    tab.picture("easel-trained")
    tab("run-stop").click()
