"""The page's files: contrast of the palette, weight, licences."""

import re
from itertools import product
from pathlib import Path

import pytest

import mulligan.web

PAGE = Path(mulligan.web.__file__).parent / "page"
OURS = [*PAGE.glob("*.html"), *PAGE.glob("*.svg"), *PAGE.glob("css/*.css"), *PAGE.glob("js/*.js")]
GROUNDS = ("page", "panel", "sunken")


def palette(theme):
    """Return the colours by name; dark ones over the light ones, as the browser lays them."""
    css = (PAGE / "css" / "tokens.css").read_text()
    light, dark = re.findall(r":root[^{]*\{([^}]*)\}", css)
    return {
        name: value
        for block in (light, dark)[: 1 if theme == "light" else 2]
        for name, value in re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block)
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_borders_and_focus_can_be_seen(theme, contrast):
    colours = palette(theme)
    pairs = list(product(("line-strong", "focus", "brand"), GROUNDS))
    assert {p: round(contrast(colours[p[0]], colours[p[1]]), 2) for p in pairs
            if contrast(colours[p[0]], colours[p[1]]) < 3.0} == {}  # fmt: skip


def test_every_colour_of_the_page_is_of_the_palette():
    known = set(palette("light"))
    used = {n for f in OURS for n in re.findall(r"var\(--([a-z0-9-]+)", f.read_text())}
    assert used - known <= {"font", "mono", "shadow", "shadow-news"}


def test_the_page_is_light():
    ours = [PAGE / "index.html", *PAGE.glob("css/*.css"), *PAGE.glob("js/*.js")]
    assert sum(f.stat().st_size for f in ours) <= 236_000
    assert sum(f.stat().st_size for f in PAGE.glob("*.*")) < 215_000  # the words of the story, and what is played


def test_vendored_code_is_of_named_releases_and_has_its_licence_beside_it():
    files = {file.name: file.read_text() for file in (PAGE / "vendor").glob("*.js")}
    released = [re.fullmatch(r"(htm|preact|preact-hooks)-(\d+\.\d+\.\d+)\.js", name).groups() for name in files]
    versions = dict(released)
    assert len(released) == 3
    assert versions["preact"] == versions["preact-hooks"]
    imported = re.findall(r'from ?"([^"]+)"', "".join(files.values()))
    assert imported == [f"./preact-{versions['preact']}.js"]  # two Preacts would not know each other's hooks
    assert "Apache License" in (PAGE / "vendor" / "LICENSE-htm.txt").read_text()
    assert "Jason Miller" in (PAGE / "vendor" / "LICENSE-preact.txt").read_text()
