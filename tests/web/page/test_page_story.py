"""The story: six scenes by keyboard alone, by what the nets of Mulligan say; own smileys; a game to break."""

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


def story(open_tab, place="", **options):
    """Open the story, and wait for its last figure."""
    tab = open_tab(f"story{place}", **options)
    tab("yours-words").wait_for()
    return tab


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


def found(told, arrays, name):
    """Return at how many corners a drawn dot lies at the end."""
    stage = told["stage"]
    turn = 2 * np.pi * np.arange(10) / 10
    corners = np.stack([0.5 + 0.36 * np.sin(turn), 0.5 - 0.36 * np.cos(turn)], axis=1)
    dots = arrays[f"{name}.places"].reshape(-1, stage["count"], 2)[-1] / 255
    apart = np.linalg.norm(dots[:, None] - corners, axis=-1)
    return f"lie at {(apart.min(axis=0) <= stage['radius']).sum()} of 10 corners"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_keyboard_alone_plays_all_six_scenes(open_tab, record, width):
    told, arrays = record
    tab = story(open_tab, viewport={"width": width, "height": 900}, has_touch=width < 760)

    press(tab, "story-number", "Control+a", *"1984")
    digit = bundled().images(1, seed=1984).ravel().tolist()
    tab.until(f"([name, digit]) => ({GREY})(name).every((v, i) => Math.abs(v - digit[i]) <= 3)", ["story-digit", digit])
    assert tab.keeps("story-keep").suggested_filename.startswith("1984")
    tab.changes("story-digit", lambda: press(tab, "story-dice", "Enter"))

    for kind, name in (("real", "real"), ("forged", "fake")):
        for i in range(5):
            press(tab, f"give-{kind}-{i}", "Enter")
            assert sure(tab) == pytest.approx(told["young"][name][i], abs=0.02)

    for lit, belief in (("judge back", "before"), ("forger", "forger"), ("judge picture", "both")):
        press(tab, "move-next", "Enter")
        machine = tab("scene-4").get_by_test_id("machine")
        assert lit in machine.get_attribute("data-lit")
        said = machine.get_by_test_id("dial").get_attribute("aria-label")
        assert said.endswith(f"{round(100 * told['turn'][belief])} % sure that it is real")
    for _ in range(10):
        tab.changes("paint", lambda: press(tab, "paint", " ", "ArrowDown", "ArrowDown", " "))
    before, after, step = shares(tab("paint-words").inner_text())
    assert before == round(100 * min(told["young"]["fake"]))
    assert step > max(before, after)
    tab.painted("paint-heard")
    press(tab, "tone-0", "Enter")
    press(tab, "paint-other", "Enter")
    says(tab, "paint-words", "Ten strokes")

    for name, beat in (("healthy", "dots"), ("healthy", "play"), ("failed", "brake"), ("second", "second")):
        press(tab, "stage-next", "Enter")
        tab.until(f"document.querySelector('[data-testid=stage]').dataset.shows === '{beat}'")
        for key in ("Shift+Tab", "End"):  # the time, before it
            tab.page.keyboard.press(key)
        says(tab, "stage-words", found(told, arrays, name))
    tab.page.keyboard.press("Shift+Tab")
    tab.changes("stage", lambda: press(tab, "stage", "ArrowRight"))
    assert "nearest to" in tab("stage").get_attribute("aria-label")
    assert told["stage"]["failed"]["advice"]["title"] in tab("scene-5").inner_text()
    press(tab, "replay", "Home")
    says(tab, "yours-words", "is a replay")
    tab.picture("story", ("light", "dark"), full_page=True)
    if width == 1440:
        tab.page.set_viewport_size({"width": 768, "height": 900})
        tab.picture("story", ("light", "dark"), full_page=True)
        assert tab("give-real-0").bounding_box()["width"] >= 40  # they were 13 px wide

    press(tab, "door-1", "Enter")
    tab.page.wait_for_selector("body[data-view=train]")
    assert not tab("story-number").is_visible()


def test_own_smileys_are_learned_shown_and_kept_and_the_game_is_broken_and_mended(open_tab):
    tab = story(open_tab)
    smile(tab)
    says(tab, "smiley-words", "1 of 5")
    tab("smiley-others").or_(tab("smiley-next")).first.wait_for()
    for _ in range(4):
        smile(tab)
    tab.until("import('/js/store.js').then(({store}) => store.settings?.data === 'drawings-1')")
    tab("yours-forged").wait_for()
    tab.painted("yours-forged")
    says(tab, "yours-words", "average weights")
    assert tab("banner").count() == 0  # who reads hears nothing of clusters
    assert tab.keeps("yours-card").suggested_filename == "my-smileys.png"
    tab.until("import('/js/store.js').then(({store}) => store.status.step > 50)")  # where its checkpoint is saved
    tab.picture("story-yours", ("light", "dark"))
    assert tab.keeps("yours-player").suggested_filename.endswith("-viewer.html")

    tab("break-gamma-0").click()
    assert tab("break-play").is_disabled()  # guess first
    tab("break-guess-It-holds").click()
    tab("break-play").click()
    tab("break-mulligan").wait_for()
    says(tab, "break-words", "You said: it holds")
    tab.picture("story-break", ("light", "dark"))
    tab("break-mulligan").click()
    says(tab, "break-words", "Second try:")

    tab("yours-on").click()  # the run that was saved when the other one began
    tab.until("import('/js/store.js').then(({store}) => store.settings?.data === 'drawings-1')")
    tab.page.reload()  # what was drawn stays; the run in hand is known, and not begun anew
    tab.connected()
    says(tab, "smiley-words", "5 of 5. Step")


def smile(tab):
    tab.smile("smiley-pad")
    tab("smiley-next").click()


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


def test_it_moves_by_itself_but_not_for_those_who_want_no_motion(open_tab, record):
    tab = story(open_tab)
    tab("story-digit").scroll_into_view_if_needed()  # it moves only where it is seen
    tab.changes("story-digit", lambda: tab.page.wait_for_timeout(100))
    still = story(open_tab, reduced_motion="reduce")
    still("story-digit").scroll_into_view_if_needed()
    before = still.page.evaluate(GREY, "story-digit")
    still.page.wait_for_timeout(500)
    assert still.page.evaluate(GREY, "story-digit") == before
    still.page.locator("[data-beat=play]").evaluate("(e) => e.scrollIntoView({block: 'center'})")
    still.until("document.querySelector('[data-testid=stage]').dataset.shows === 'play'")
    says(still, "stage-words", f"Step {record[0]['stage']['healthy']['steps'][-1]:,}:")
    draws(still)
    wishes(still, record[1])


def draws(tab):
    """A drawing moves the needle, and stays while another view is open."""
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


def wishes(tab, arrays):
    """The wish is the slope of the judge at every pixel."""
    wish, slopes = np.array(tab.page.evaluate(SLOPES, 0.004))
    # within eps of black, a kink of a LeakyReLU may lie
    assert np.quantile(np.abs(wish - slopes), 0.9) < 0.01 * np.abs(slopes).max()
    assert np.corrcoef(wish, arrays["wish"])[0, 1] > 0.95  # Mulligan's own, of the same D with exact weights


def test_ten_strokes_of_a_pen_are_set_against_one_step_of_the_gradient(open_tab):
    tab = story(open_tab, "/paint", viewport={"width": 390, "height": 900}, has_touch=True)
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
    assert tab.keeps("paint-keep").suggested_filename.endswith(f"{score} of 100.png")
    tab("paint-again").click()
    says(tab, "paint-words", "Ten strokes")
