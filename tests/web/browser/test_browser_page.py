"""The ring's page in a real Chromium, against a worker that only speaks."""

import os
import shutil
from pathlib import Path

import pytest

from mulligan.web.browser.site import RUNTIME, build

HERE = Path(__file__).parent
PICTURES = Path(os.environ.get("MULLIGAN_SCREENSHOTS", HERE.parent / "screenshots"))
PATIENCE = 60_000  # ms: the machine may be busy


@pytest.fixture(scope="module")
def stubbed(browser, file_server, tmp_path_factory):
    """The address of a page whose worker is stub.mjs."""
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    shutil.copy(HERE / "stub.mjs", folder / "worker.mjs")
    return file_server(folder)


WATCH = """
addEventListener("DOMContentLoaded", () => {
  window.seen = [];
  const button = (id) => !document.getElementById(id).matches(":disabled, [aria-disabled=true]");
  const look = () => window.seen.push([document.body.dataset.state, ["run", "step", "again"].filter(button).join(" ")]);
  new MutationObserver(() => queueMicrotask(look)).observe(document.body, { attributeFilter: ["data-state"] });
});
"""
"""Remembers every state that the page enters, and which buttons could be pressed in it."""


@pytest.fixture
def page(browser, stubbed):
    """A fresh page; a word on the console, or a request to elsewhere, fails the test."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(PATIENCE)
    said, asked = [], []
    opened.add_init_script(WATCH)
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(stubbed)
    yield opened
    opened.close()
    assert said == []
    assert [url for url in asked if not url.startswith((stubbed, "data:"))] == []


def reach(page, state):
    page.wait_for_selector(f"body[data-state={state}]", timeout=PATIENCE)


def text(page, name):
    return page.get_by_test_id(name).inner_text()


def enabled(page):
    return [name for name in ("run", "step", "again") if page.get_by_test_id(name).is_enabled()]


def pixels(page, *places):
    """Give the colours of the map at places, in shares of its width and height."""
    return page.evaluate(
        "(places) => { const c = document.getElementById('map'), { width: w, height: h } = c;"
        " const data = c.getContext('2d').getImageData(0, 0, w, h).data;"
        " const at = ([x, y]) => 4 * (Math.floor(y * h) * w + Math.floor(x * w));"
        " return places.map((place) => [...data.slice(at(place), at(place) + 3)]) }",
        places,
    )


def test_nothing_is_loaded_before_it_is_asked_for(page):
    assert page.get_attribute("body", "data-state") == "empty"
    assert text(page, "run") == "Load and start"
    assert "17 MB" in text(page, "news")
    assert enabled(page) == ["run"]


def test_from_loading_to_the_end_and_again(page):
    page.get_by_test_id("seed").fill("7")
    page.get_by_test_id("run").click()
    reach(page, "training")
    assert text(page, "run") == "Pause"
    assert "Python 3.13.2 and NumPy 2.2.5" in text(page, "versions")
    page.get_by_test_id("run").click()
    reach(page, "paused")
    assert enabled(page) == ["run", "step", "again"]
    before = int(text(page, "at").split()[0])
    page.get_by_test_id("step").click()
    page.get_by_text(f"{before + 1} of 400", exact=True).wait_for()
    page.get_by_test_id("run").click()
    reach(page, "finished")
    assert text(page, "at") == "400 of 400"
    assert (text(page, "rate"), text(page, "modes"), text(page, "near")) == ("123", "3", "25 %")
    assert enabled(page) == ["run"]
    page.get_by_test_id("run").click()
    reach(page, "training")
    assert text(page, "news") == "Training with seed 7."
    page.get_by_test_id("seed").fill("42")
    page.get_by_test_id("again").click()
    reach(page, "finished")
    states = page.evaluate("window.seen")
    assert states[0] == ["loading", ""]
    assert ["training", "run again"] in states
    assert {state for state, _ in states} == {"loading", "training", "paused", "finished"}


def test_the_runtime_is_the_stated_one_and_loading_is_told(page):
    page.add_init_script(
        "window.Worker = class extends Worker { postMessage(m) { (window.sent ??= []).push(m); super.postMessage(m) } }"
    )
    page.reload()
    page.get_by_test_id("run").click()
    reach(page, "finished")
    assert page.evaluate("window.sent[0]") == {"do": "boot", "runtime": RUNTIME}
    assert page.evaluate("window.sent.slice(1).map((m) => m.do)") == ["start", "go"]


def test_the_map_has_the_right_colours_the_right_way_up(page):
    page.get_by_test_id("run").click()
    reach(page, "finished")
    upper, lower, top = pixels(page, (0.2, 0.1), (0.2, 0.9), (0.5, 0.5 - 2 / 6))
    assert upper[2] > upper[0] + 60  # blue: real
    assert lower[0] > lower[2] + 60  # orange: fake
    assert top[0] > top[2] + 60  # the fake point (0, 2), over the real one
    label = page.get_by_test_id("map").get_attribute("aria-label")
    assert label == "Map of the plane with real and generated points: 3 of 8 modes, 25 % of the points near one"
    assert "at step 400 D 0.60, G 0.80 nats" in page.get_by_test_id("losses").get_attribute("aria-label")


def test_starting_over_forgets_what_the_run_before_still_says(page):
    page.get_by_test_id("seed").fill("7")
    page.get_by_test_id("run").click()
    page.get_by_text("200 of 400", exact=True).wait_for()
    page.get_by_test_id("seed").fill("42")
    page.get_by_test_id("again").click()
    reach(page, "finished")
    high = page.evaluate(
        "() => { const c = document.getElementById('losses');"
        " const top = c.getContext('2d').getImageData(0, 0, c.width, c.height / 2).data;"
        " return top.some((value) => value) }"
    )
    assert not high  # its last losses stood at 1.8, those of the new run below 1


def test_a_failure_is_said_and_can_be_tried_again(page):
    page.get_by_test_id("seed").fill("13")
    page.get_by_test_id("run").click()
    reach(page, "failed")
    assert text(page, "news") == "That did not work: ValueError: thirteen."  # nothing was missing
    assert text(page, "run") == "Try again"
    page.get_by_test_id("seed").fill("7")
    page.get_by_test_id("run").click()
    reach(page, "training")


@pytest.mark.parametrize("wrong", ["", "-1", "1.5", "1e9"])
def test_a_wrong_seed_becomes_nought_and_is_seen_to(page, wrong):
    page.get_by_test_id("seed").fill(wrong)
    page.get_by_test_id("run").click()
    reach(page, "finished")
    assert page.get_by_test_id("seed").input_value() == "0"


def test_it_can_be_used_from_the_keyboard(page):
    page.get_by_test_id("seed").fill("7")
    page.keyboard.press("Shift+Tab")  # over the buttons that are off, to the first one
    page.keyboard.press("Enter")
    reach(page, "training")
    page.keyboard.press("Space")
    reach(page, "paused")


@pytest.mark.parametrize(("name", "width", "scheme"), [("desk", 1280, "light"), ("phone", 390, "dark")])
def test_it_fits(browser, stubbed, name, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(stubbed)
    page.get_by_test_id("run").click()
    reach(page, "finished")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"ring-page-{name}.png", full_page=True)
    page.close()


def test_a_missing_worker_is_said(browser, file_server, tmp_path):
    build(tmp_path)
    (tmp_path / "worker.mjs").unlink()
    address = file_server(tmp_path)
    page = browser.new_page()
    page.goto(address)
    page.get_by_test_id("run").click()
    reach(page, "failed")
    assert text(page, "run") == "Try again"
    page.close()


@pytest.mark.parametrize("gone", ["pyodide.mjs", "engine.zip"])
def test_what_the_real_worker_cannot_load_is_said(browser, file_server, tmp_path, gone):
    """The real worker, and a runtime that is not there, or that is there and finds no engine."""
    runtime = tmp_path / "rt"
    runtime.mkdir()
    (runtime / "pyodide.mjs").write_text("export const loadPyodide = async () => { throw new Error('no Python') }")
    build(tmp_path / "site", runtime=runtime)
    (tmp_path / "site" / ("pyodide/pyodide.mjs" if gone == "pyodide.mjs" else gone)).unlink()
    address = file_server(tmp_path / "site")
    page = browser.new_page()
    page.goto(address)
    page.get_by_test_id("run").click()
    reach(page, "failed")
    assert gone in text(page, "news")
    assert "needs a file server" in text(page, "news")
    page.close()
