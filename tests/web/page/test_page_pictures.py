"""Pictures of a person's own, chosen in the page: what is told of them, and in which size they are taken."""

import numpy as np
import pytest
from PIL import Image

from mulligan.web.look import png64

pytestmark = pytest.mark.story


def test_own_pictures_have_a_size_and_a_recipe(open_tab):
    tab, bodies = open_tab(), []
    tab.allowed.append("422")

    def refuse(route):
        bodies.append(route.request.post_data_json)
        route.fulfill(status=422, json={"status": 422, "field": "data.size", "detail": "of no such size"})

    def start():
        with tab.page.expect_response("**/api/train/start"):
            tab("run-toggle").click()
        return bodies[-1]["recipe"], dict(bodies[-1]["changes"])

    tab.page.route("**/api/train/start", refuse)
    tab.until("import('/js/store.js').then(({store: s}) => Boolean(s.catalog))")
    own = {"name": "mine", "own": True, "here": True, "line": "mine"}
    tab.page.evaluate(
        "(own) => import('/js/store.js').then(({store: s, changed}) => { s.catalog.data.push(own); changed(true); })",
        own,
    )
    tab("data").select_option("mine")
    tab("setting-size").select_option(label="48 × 48")
    tab.picture("own-pictures")
    recipe, changes = start()  # where nobody chose a recipe, it is the one for own pictures
    assert (recipe, changes["data.name"], changes["data.size"]) == ("pictures", "mine", 48)
    assert tab("fault-data").inner_text() == "of no such size"
    tab("recipe").select_option("mlp")  # the pictures are theirs, whatever is to learn them
    recipe, changes = start()
    assert (recipe, changes["data.name"], changes["data.size"]) == ("mlp", "mine", 48)


@pytest.fixture
def easel(open_tab):
    """Open the easel over an empty pile."""

    def open_(**options):
        tab = open_tab("teach", **options)
        tab("easel").wait_for()
        if tab("easel-empty").count():
            tab("easel-empty").click()
        tab.until(f"{COUNT} === '0 of 20'")
        return tab

    return open_


COUNT = "document.querySelector('[data-testid=easel-count]')?.innerText"
DROP = """([[name, kind, text]]) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const moved = new DataTransfer();
    moved.items.add(new File([bytes], name, {type: kind}));
    document.querySelector(".easel").dispatchEvent(new DragEvent("drop", {dataTransfer: moved, bubbles: true}));
}"""
PASTE = DROP.replace('DragEvent("drop", {dataTransfer: moved', 'ClipboardEvent("paste", {clipboardData: moved')


def test_drawings_are_learned_without_a_terminal(easel, tmp_path):
    tab = easel(viewport={"width": 390, "height": 844})
    for number in (1, 2, 3):
        tab.smile("easel", number)
        tab("easel-next").click()
        tab.until(f"{COUNT} === '{number} of 20'")
    tab.picture("easel", ("light", "dark"))
    assert tab("easel-train").is_disabled()
    assert tab("easel-train").inner_text() == "17 more to begin"
    tab.page.locator(".drawn button").first.click()
    tab.until(f"{COUNT} === '2 of 20'")
    tab.page.set_viewport_size({"width": 1440, "height": 900})
    files = [tmp_path / f"{n}.png" for n in range(18)]
    for file in files:
        Image.fromarray(np.random.default_rng(len(file.name)).integers(0, 256, (28, 28)).astype(np.uint8)).save(file)
    tab("easel-files").locator("input").set_input_files(files)
    tab.until(f"{COUNT} === '20 of 40'")
    tab("easel-train").click()
    tab.wait("training")
    tab.painted("sample-grid")
    assert tab("recipe").input_value() == "pictures"
    tab.until("import('/js/store.js').then((m) => m.store.settings.data === 'drawings-1')")
    tab("weights-real").click()
    tab.until("document.querySelector('[data-testid=sample-grid]').getAttribute('aria-label').includes('real')")
    tab.picture("easel-trained")
    tab("run-stop").click()
    tab.until("import('/js/store.js').then((m) => m.store.status.state === 'stopped')")
    tab.runs()
    tab("run-row").get_by_text("pictures · drawings-1 · ").wait_for()  # not the path of a hidden file
    tab.page.evaluate("location.hash = 'draw?model=pictures-1'")
    tab.page.locator("text=/Learned:|Memorised:|Not learned yet:/").wait_for()  # though nothing is held out
    tab.picture("easel-copy")


def test_pictures_are_dropped_pasted_and_chosen_and_a_refusal_says_why(easel, tmp_path):
    tab = easel()
    colours = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    tab.page.evaluate(DROP, [["a.png", "image/png", png64(colours)]])
    tab.until(f"{COUNT} === '1 of 20'")
    tab.page.evaluate(PASTE, [["b.png", "image/png", png64(colours[::-1])]])
    tab.until(f"{COUNT} === '2 of 20'")
    Image.fromarray(colours[:, ::-1]).save(tmp_path / "c.jpg")
    Image.new("RGB", (50, 50), "white").save(tmp_path / "white.png")
    (tmp_path / "notes.txt").write_text("no picture")
    tab("easel-files").locator("input").set_input_files([tmp_path / n for n in ("c.jpg", "white.png", "notes.txt")])
    tab.until(f"{COUNT} === '3 of 20'")
    told = tab("easel-refused")
    told.wait_for()
    assert told.locator("li").all_inner_texts() == [
        "notes.txt: the browser cannot read it as a picture",
        "white.png: nothing is to be seen in it: all of it has one shade.",
    ]
    tab.until("document.querySelectorAll('.drawn img').length === 3")
    tab.picture("easel-refused", ("light", "dark"))
