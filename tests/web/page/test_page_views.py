"""Draw, the ring from inside, Museum, Runs: each does what its buttons say."""

import os
import re

import pytest

from mulligan.models import bundled
from mulligan.museum import EXHIBITS
from mulligan.training import Diagnosis, Recorder, Run

pytestmark = pytest.mark.story

OUTSIDE = """[...document.querySelectorAll(".panel .btn")]
    .filter((e) => e.getBoundingClientRect().right > e.closest(".panel").getBoundingClientRect().right)
    .map((e) => e.textContent)"""
"""Buttons that stick out of their panel."""
NAME = "d'Arc #1 & <b>" + "x" * 150
RUNS = "import('/js/store.js').then(({server}) => server.get('/api/runs')).then(({runs}) => runs)"


def pixels(tab, name):
    return tab.page.evaluate(
        """(name) => {
            const canvas = document.querySelector(`[data-testid="${name}"]`);
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return [...data.filter((_, i) => i % 4 === 0)];
        }""",
        name,
    )


def test_draw(open_tab, server):
    tab = open_tab("draw")
    tab.painted("digit")
    one_number(tab, server)
    tab("copy-verdict").wait_for()
    tab.painted("nearest")
    tab.picture("draw")
    for width in (1081, 800):
        tab.page.set_viewport_size({"width": width, "height": 900})
        tab.fits(f"draw at {width}")
        assert tab.page.evaluate(OUTSIDE) == []


def one_number(tab, server):
    """The page draws what the command draws: the same number, the same pixels."""
    assert pixels(tab, "digit") == bundled().images(1, 2026)[0].ravel().tolist()
    tab.changes("digit", lambda: tab("class-select").select_option("3"))
    assert pixels(tab, "digit") == bundled().images(1, 2026, 3)[0].ravel().tolist()
    assert (tab("class-select").input_value(), tab("draw-keep").get_attribute("download")) == ("3", "seed-2026.png")
    tab.changes("digit", lambda: tab("seed-input").fill("1009"))
    tab("seed-input").fill("3.5")
    assert "got “3.5”. Try 42." in tab.page.locator(".fault").inner_text()
    assert pixels(tab, "digit") == bundled().images(1, 1009, 3)[0].ravel().tolist()
    tab.changes("digit", lambda: tab("seed-random").click())
    tab.allowed.append("404")
    tab.page.route("**/api/draw?*", lambda route: route.fulfill(status=404, json={"detail": "It has gone."}), times=1)
    tab.changes("digit", lambda: tab("seed-input").fill("5"))
    assert not any(pixels(tab, "digit"))  # and not the picture of another number
    tab.changes("digit", lambda: tab("seed-input").fill("42"))
    tab.changes("digit", lambda: tab("class-select").select_option(""))  # the class of 42 is 9
    assert pixels(tab, "digit") == bundled().images(1, 42)[0].ravel().tolist()


def test_the_ring_from_inside_then_its_run(open_tab):
    tab = open_tab()
    tab.begin("ring", steps=320)
    tab.wait("training", "finished", "warning", "diagnosis")
    tab.painted("sample-grid")
    tab.wait("finished")
    tab.picture("train-ring")
    tab.go("train/game")
    inside(tab)
    on_disk(tab)


def inside(tab):
    tab.painted("ring-field")
    assert re.fullmatch(r"\d / 8", tab("ring-modes").inner_text())
    assert "latest weights, step 320" in tab.page.locator(".ring").inner_text()
    tab.picture("look-ring")


def on_disk(tab):
    tab.until(f"{RUNS}.then((runs) => runs[0].fd != null)")  # measured after the end
    tab.runs()
    tab("run-row").first.wait_for()
    assert tab("run-row").count() == 1
    name = tab("run-row").get_attribute("data-run")
    tab.picture("runs", ("light", "dark"))
    tab("run-report").click()
    tab.page.wait_for_url("**/report.html")
    assert tab.page.locator("h1").count() == 1
    tab.page.go_back()
    tab.connected()
    tab.go("train")
    tab.choose(seed=3)
    tab("run-toggle").click()
    tab.until("(name) => import('/js/store.js').then((m) => m.store.status.run !== name)", name)
    tab.wait("training", "finished", "warning", "diagnosis")
    tab.until(f"{RUNS}.then((runs) => runs.length === 2)")


def test_guess_the_failure(open_tab):
    tab = open_tab("museum")  # which opens with it
    tab("guess").wait_for()
    names = tab.page.locator(".name")
    names.first.wait_for()
    assert names.count() == 6
    shown = tab.page.locator("[data-testid=guess] figure")
    tab.until("document.querySelector('.exam canvas').width > 28")
    assert shown.count() == 1  # samples only: no title, no evidence, no repair
    assert not tab("exhibit-1").is_visible()
    assert tab("guess-told").count() == 0
    tab.picture("guess", ("light", "dark"))
    names.first.click()
    tab("guess-told").wait_for()
    right = tab.page.locator(".name.yes")
    assert right.inner_text().lower() in tab("guess-told").locator("h2").inner_text().lower()
    said = tab("guess").locator("p").first.inner_text()
    assert said.startswith(f"Round 1 of {len(EXHIBITS)}")
    assert said.endswith(f"{int(tab.page.locator('.name.no').count() == 0)} right")
    assert shown.count() > 1  # the exhibit
    assert tab("guess").locator(".nums div").count() >= 1
    assert tab("guess").get_by_text("Cause and repair").count() == 1
    tab.picture("guess-told", ("light", "dark"), full_page=True)
    tab("guess-next").click()
    tab.until("document.querySelector('[data-testid=guess]').innerText.startsWith('Round 2 of ')")
    tab.until("document.querySelectorAll('.name:not([disabled])').length === 6")


def test_an_exhibit_shows_its_pixels_at_true_scale_and_stretched(open_tab):
    tab = open_tab("museum")
    tab.page.get_by_text("All exhibits").click()
    tab("exhibit-1").click()
    assert tab("exhibit-1").get_attribute("aria-current") == "page"
    for name in ("museum-true", "museum-stretched"):
        tab.painted(name)
    tab.page.get_by_text("Stretched ").first.wait_for()
    assert all(len({*ends.split()}) == 2 for ends in tab.page.locator(".scale").all_inner_texts())
    tab.picture("museum", full_page=True)


@pytest.fixture(scope="module")
def folders(server, tiny):
    """A good run of an odd name, a newer one that cannot be read, and one whose name is not text, which is left out."""
    list(Recorder(server.runs / NAME).record(Run(tiny()), observers=[Diagnosis(8)]))
    for name in (b"damaged", b"caf\xe9"):
        folder = os.path.join(os.fsencode(server.runs), name)
        os.mkdir(folder)
        with open(os.path.join(folder, b"config.toml"), "w") as file:
            file.write("nonsense = [")


def test_damaged_runs_are_said_and_hide_no_others(open_tab, folders):
    tab = open_tab()
    tab.runs()
    tab("run-row").first.wait_for()
    bad = tab.page.locator("[data-run=damaged]")
    assert "Cannot be read" in bad.inner_text()
    assert "Correct that line" in bad.inner_text()
    assert bad.locator("a, [data-testid=run-report], [data-testid=run-resume]").count() == 0
    assert NAME in tab.page.locator("[data-run^=d]", has=tab("run-resume")).inner_text()
    assert "caf" not in tab("runs").inner_text()
    tab.fits("runs")
