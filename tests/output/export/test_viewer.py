"""The viewer's page as people use it: mouse, keyboard, screen reader, phone, dark room."""

import numpy as np
import pytest

from mulligan.models import bundled
from mulligan.output.pictures import read_png

LAST = 2**53 - 1


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("viewer") / "viewer.html"
    bundled().export(path)
    return path


@pytest.fixture
def opened(from_disk, file):
    """Open the bundled generator's viewer from disk."""

    def open_(**options):
        page = from_disk(file, **options)
        page.wait_for_selector("body[data-state=ready]")
        return page

    return open_


def class_of(seed):
    return bundled().class_name(bundled().label_of(seed))


def part(page, name):
    return page.get_by_test_id(f"viewer-{name}")


def painted(page, seed, label=-1):
    """Return whether the big picture is that of a seed."""
    return page.evaluate(
        """([seed, label]) => {
            const canvas = document.getElementById("picture"), wanted = mulligan.picture(seed, label);
            const depth = mulligan.model.shape[2];
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return wanted.every((v, i) => {
                const [at, channels] = [4 * Math.floor(i / depth), depth === 3 ? [i % 3] : [0, 1, 2]];
                return channels.every(k => data[at + k] === v) && data[at + 3] === 255;
            });
        }""",
        [seed, label],
    )


def test_numbers_and_classes_are_drawn_and_spoken(opened):
    page = opened(viewport={"width": 320, "height": 800})
    assert page.title() == "best on mnist: type a number, get a digit"
    assert painted(page, 42)
    page.wait_for_selector("#next button:last-child[data-seed='54']")
    button = part(page, "next").get_by_role("button").nth(2)  # the next numbers lead on
    assert button.get_attribute("aria-label") == f"Seed 45, class {class_of(45)}"
    button.click()
    assert part(page, "seed").input_value() == "45"
    assert painted(page, 45)
    part(page, "random").click()
    assert painted(page, int(part(page, "seed").input_value()))
    part(page, "seed").fill("7")
    assert painted(page, 7)
    said = f"Seed 7, class {class_of(7)}"
    assert part(page, "digit").get_attribute("aria-label") == said
    assert [part(page, each).inner_text() for each in ("announcer", "caption")] == [said, said]
    place = part(page, "class-any").bounding_box()
    for words in ("", "x", "-1", "1.5", "1e3", str(LAST + 1), "9" * 40):  # what is no seed is said, and nothing moves
        part(page, "seed").fill("42")
        part(page, "seed").fill(words)
        assert part(page, "seed").get_attribute("aria-invalid") == "true"
        assert part(page, "problem").inner_text() == f"A seed is a whole number, 0 to {LAST}."
        assert painted(page, 42)
        assert part(page, "class-any").bounding_box() == place
    part(page, "seed").fill("42")
    assert part(page, "seed").get_attribute("aria-invalid") == "false"
    assert part(page, "problem").inner_text() == ""
    part(page, "class-3").click()
    assert [part(page, f"class-{k}").get_attribute("aria-pressed") for k in ("3", "any")] == ["true", "false"]
    assert painted(page, 42, 3)
    part(page, "class-4").focus()
    page.keyboard.press("Space")
    assert painted(page, 42, 4)
    part(page, "class-any").press("Enter")
    assert painted(page, 42)


def test_a_walk_by_the_slider_and_by_play(opened):
    page = opened()
    part(page, "target").fill("99")
    part(page, "walk").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    assert part(page, "walk").get_attribute("aria-valuetext") == "40 % of the way from seed 42 to seed 99"
    assert page.evaluate(
        """() => {
            const canvas = document.getElementById("picture"), wanted = mulligan.walked(42, 99, .4);
            const {data} = canvas.getContext("2d").getImageData(0, 0, 28, 28);
            return wanted.every((grey, i) => data[4 * i] === grey);
        }"""
    )
    part(page, "seed").fill("43")  # begins anew, to the same target
    assert [part(page, each).input_value() for each in ("walk", "target")] == ["0", "99"]
    part(page, "play").click()
    assert part(page, "play").inner_text().strip() == "Pause"
    page.wait_for_function("() => document.querySelector('[data-testid=viewer-walk]').value > 3", timeout=10_000)
    part(page, "play").click()
    assert part(page, "play").inner_text().strip() == "Play"
    stands = part(page, "walk").input_value()
    page.wait_for_timeout(150)
    assert part(page, "walk").input_value() == stands


def test_the_picture_can_be_saved(opened, tmp_path):
    page = opened(accept_downloads=True)
    with page.expect_download() as download:
        part(page, "save").click()
    assert download.value.suggested_filename == "seed-42.png"
    download.value.save_as(tmp_path / "saved.png")
    assert np.abs(read_png(tmp_path / "saved.png")[..., 0].astype(int) - bundled().images(1, 42)[0, ..., 0]).max() <= 1


def slide(page, name, value):
    part(page, name).evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')); }", value)


@pytest.mark.parametrize("name", ["bundled", "pixel-faces"])
def test_the_slider_steers_every_picture(from_disk, tmp_path, name):
    generator = bundled(*([] if name == "bundled" else [name]))
    generator.export(tmp_path / "viewer.html")
    page = from_disk(tmp_path / "viewer.html")
    page.wait_for_selector("body[data-state=ready]")
    page.locator("summary").click()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        slide(page, "psi", 0.5)
        wanted = generator.images(1, 42, None, 0.5)[0]
        found = np.array(page.evaluate("Array.from(mulligan.picture(42))")).reshape(wanted.shape)
        assert np.abs(found - wanted.astype(int)).max() <= 1
        assert painted(page, 42)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        part(page, "reset").click()
        plain = np.array(page.evaluate("Array.from(mulligan.picture(42))")).reshape(wanted.shape)
        assert np.abs(plain - generator.images(1, 42)[0].astype(int)).max() <= 1
        assert part(page, "psi").input_value() == "1"


def test_everything_has_a_name_and_can_be_reached_by_tab(opened):
    page = opened()
    page.wait_for_function("""() => [...document.querySelectorAll("button canvas")].every(c =>
        c.parentElement.getAttribute("aria-label") || c.parentElement.textContent.trim())""")
    nameless = page.evaluate("""() => [...document.querySelectorAll("button, input, select, canvas[role]")].filter(e =>
        !(e.getAttribute("aria-label") || e.labels?.length || e.textContent.trim())).map(e => e.outerHTML)""")
    assert nameless == []
    part(page, "save").focus()
    reached = []
    for _ in range(40):
        reached.append(page.evaluate("document.activeElement.dataset.testid || document.activeElement.ariaLabel"))
        page.keyboard.press("Tab")
    classes = [f"viewer-class-{k}" for k in ("any", *range(10))]
    order = ["viewer-save", "viewer-seed", "viewer-random", *classes, "viewer-target", "viewer-play", "viewer-walk"]
    order.append("viewer-steer")
    assert reached[: len(order)] == order
    assert reached[len(order)].startswith("Seed 43")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out(opened, scheme):
    page = opened(color_scheme=scheme)
    for width in (320, 390, 859, 860, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        clipped = page.evaluate(
            """() => [...document.querySelectorAll("button, label, h1, p:not(.spoken), footer span")]
                .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
                .map(e => e.textContent)"""
        )
        assert clipped == []
        if width <= 390:
            small = page.evaluate("""() => [...document.querySelectorAll("button, input:not([type=range])")]
                .filter(e => e.getBoundingClientRect().height < 40).map(e => e.outerHTML)""")
            assert small == []
