"""The story: six scenes by keyboard alone, by what the nets of Mulligan say; without motion; on a phone."""

import json
import re
import zlib

import numpy as np
import pytest

import mulligan.web.app
from mulligan.models import bundled

pytestmark = pytest.mark.story

PRESSES = 200
"""Presses of Tab within which the next control must come."""
GREY = """(name) => {
    const { width, height } = document.querySelector(`[data-testid="${name}"]`);
    const ink = document.querySelector(`[data-testid="${name}"]`).getContext("2d");
    return [...ink.getImageData(0, 0, width, height).data].filter((_, i) => i % 4 === 0);
}"""


@pytest.fixture(scope="module")
def record():
    """What the story plays: its description, and its arrays by name."""
    head, _, content = (mulligan.web.app.PAGE / "story.bin").read_bytes().partition(b"\n")
    told, content, arrays, at = json.loads(head), zlib.decompress(content), {}, 0
    for entry in told["entries"]:
        if entry["dtype"] in ("int8", "uint8"):
            arrays[entry["name"]] = np.frombuffer(content, entry["dtype"], entry["count"], at)
        at += entry["count"] * {"float32": 4}.get(entry["dtype"], 1)
    return told, arrays


def to(tab, name):
    """Press Tab until a control has the focus."""
    for _ in range(PRESSES):
        if tab.page.evaluate("document.activeElement.dataset.testid") == name:
            return
        tab.page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {name}")


def press(tab, name, *keys):
    to(tab, name)
    for key in keys:
        tab.page.keyboard.press(key)


def says(tab, name, words):
    tab.page.locator(f"[data-testid={name}]", has_text=words).wait_for()


def sure(tab):
    """How sure the judge is that the picture is real, as its words say."""
    word, share = tab("story-verdict").inner_text().partition(" % sure")[0].split("”, ")
    return int(share) / 100 if word == "“Real" else 1 - int(share) / 100


def shares(words):
    """The percentages in a sentence."""
    return [int(share) for share in re.findall(r"(\d+) %", words)]


def near(told, arrays, name):
    """Return how many clumps have a drawn dot in their circle at the end."""
    ring = told["ring"]
    end = arrays[f"{name}.fake"].reshape(len(ring[name]["steps"]), -1, 2)[-1]
    dots = ring["low"] + (ring["high"] - ring["low"]) * end / 255
    apart = np.linalg.norm(dots[:, None] - np.array(ring["centres"]), axis=-1)
    return f"{(apart.min(axis=0) <= 0.06).sum()} of 8 clumps"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_keyboard_alone_plays_all_six_scenes(open_tab, record, width):
    told, arrays = record
    tab = open_tab("story", viewport={"width": width, "height": 900}, has_touch=width < 760)
    tab("again-map").wait_for()

    press(tab, "story-number", "Control+a", *"1984")
    tab.page.wait_for_timeout(1500)  # the digits change, and stay
    assert np.abs(np.array(tab.page.evaluate(GREY, "story-digit")) - bundled().images(1, seed=1984).ravel()).max() <= 3
    tab.changes("story-digit", lambda: press(tab, "story-dice", "Enter"))

    tab.changes("story-made", lambda: press(tab, "story-stir", "ArrowRight"))
    tab.changes("practice-0", lambda: press(tab, "story-practice", "End"))
    says(tab, "scene-2", "After 3,000 steps")

    for kind, name in (("real", "real"), ("forged", "fake")):
        for i in range(5):
            press(tab, f"give-{kind}-{i}", "Enter")
            assert sure(tab) == pytest.approx(told["young"][name][i], abs=0.02)
    for _ in range(10):
        press(tab, "say-real", "Enter")
        press(tab, "judge-next", "Enter")
    says(tab, "judge-score", "You 5 of 10")

    for move, belief in (("wish", "before"), ("forger", "forger"), ("judge", "both")):
        tab.changes("story-turn", lambda: press(tab, "move-next", "Enter")) if move != "judge" else press(
            tab, "move-next", "Enter"
        )
        assert (
            tab("scene-4")
            .get_by_test_id("dial")
            .first.get_attribute("aria-label")
            .endswith(f"{round(100 * told['turn'][belief])} % sure that it is real")
        )
    for _ in range(10):
        tab.changes("paint", lambda: press(tab, "paint", " ", "ArrowDown", "ArrowDown", " "))
    before, after, step = shares(tab("paint-words").inner_text())
    assert before == round(100 * min(told["young"]["fake"]))
    assert step > max(before, after)
    tab.painted("paint-heard")
    press(tab, "tone-0", "Enter")
    press(tab, "paint-other", "Enter")
    says(tab, "paint-words", "Ten strokes")

    press(tab, "ring-time", "End")
    says(tab, "ring-words", near(told, arrays, "healthy"))

    press(tab, "brake", "Enter")
    press(tab, "collapse-time", "End")
    says(tab, "story-diagnosis", told["ring"]["failed"]["advice"]["title"])
    press(tab, "story-second", "Enter")
    press(tab, "again-time", "End")
    says(tab, "again-words", near(told, arrays, "second"))
    tab.picture("story", ("light", "dark"), full_page=True)

    press(tab, "door-1", "Enter")
    tab.page.wait_for_selector("body[data-view=train]")
    assert not tab("story-number").is_visible()


def test_it_moves_by_itself_but_not_for_those_who_want_no_motion(open_tab):
    tab = open_tab("story")
    tab("again-map").wait_for()
    tab.changes("story-digit", lambda: tab.page.wait_for_timeout(100))
    tab("ring-map").scroll_into_view_if_needed()
    says(tab, "ring-words", "Step 1,800")
    still = open_tab("story", reduced_motion="reduce")
    still("again-map").wait_for()
    before = still.page.evaluate(GREY, "story-digit")
    still("ring-map").scroll_into_view_if_needed()
    assert "Step 1,800" in still("ring-words").inner_text()
    still.page.wait_for_timeout(3000)
    assert still.page.evaluate(GREY, "story-digit") == before


def test_a_drawing_moves_the_needle_and_stays_while_another_view_is_open(open_tab):
    tab = open_tab("story")
    tab("again-map").wait_for()
    tab("story-wipe").click()
    blank = sure(tab)
    pad = tab("story-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    tab.page.mouse.move(box["x"] + 140, box["y"] + 60)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 140, box["y"] + 220, steps=9)
    tab.page.mouse.up()
    drawn = sure(tab)
    assert drawn != blank
    tab("nav-museum").click()
    tab("guess").wait_for()
    tab("nav-story").click()
    assert sure(tab) == drawn


SLOPES = """async (eps) => {
    const [{ Network }, { openJudge }] = await Promise.all([import("/network.js"), import("/js/gradient.js")]);
    const bytes = new Uint8Array(await (await fetch("/story.bin")).arrayBuffer());
    const end = bytes.indexOf(10), about = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    const rest = new Blob([bytes.subarray(end + 1)]).stream().pipeThrough(new DecompressionStream("deflate"));
    const arrays = Network.read(new Uint8Array(await new Response(rest).arrayBuffer()), about.entries);
    const x = Float32Array.from(arrays.young.subarray(0, 784), (v) => v / 127.5 - 1);
    const judge = openJudge(about.judge, arrays);
    const believed = (i, by) => judge(x.map((v, k) => v + by * (k === i))).belief;
    const logit = (...at) => Math.log(believed(...at) / (1 - believed(...at)));
    const slopes = [...x].map((_, i) => (logit(i, eps) - logit(i, -eps)) / (2 * eps));
    return [[...judge(x).wish()], slopes];
}"""


def test_the_wish_is_the_slope_of_the_judge_at_every_pixel(open_tab, record):
    _, arrays = record
    tab = open_tab("story")
    wish, slopes = np.array(tab.page.evaluate(SLOPES, 0.004))
    # within eps of black, a kink of a LeakyReLU may lie
    assert np.quantile(np.abs(wish - slopes), 0.9) < 0.01 * np.abs(slopes).max()
    assert np.corrcoef(wish, arrays["wish"])[0, 1] > 0.95  # Mulligan's own, of the same D with exact weights


@pytest.mark.parametrize("width", [1440, 390])
def test_ten_strokes_of_a_pen_are_set_against_one_step_of_the_gradient(open_tab, width):
    tab = open_tab("story/paint", viewport={"width": width, "height": 900}, has_touch=width < 760)
    tab("again-map").wait_for()
    tab("paint").scroll_into_view_if_needed()
    box, mouse, needle = tab("paint").bounding_box(), tab.page.mouse, set()
    for stroke in range(10):
        mouse.move(box["x"] + (0.3 + 0.03 * stroke) * box["width"], box["y"] + 0.3 * box["height"])
        mouse.down()
        mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
        needle.add(tab("paint").get_attribute("aria-label"))  # it moves before the pen is lifted
        mouse.up()
    assert len(needle) > 5
    before, after, step = shares(tab("paint-words").inner_text())
    score = int(re.search(r"(\d+) of 100", tab("paint-words").inner_text())[1])
    assert score == pytest.approx(max(0, 100 * (after - before) / (step - before)), abs=2)
    mouse.down()
    mouse.up()
    assert shares(tab("paint-words").inner_text())[1] == after  # no eleventh
    tab.picture("story-paint", ("light", "dark"))
    tab("paint-again").click()
    says(tab, "paint-words", "Ten strokes")
