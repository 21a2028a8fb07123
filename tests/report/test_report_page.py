"""A report as people open it: from the disk, wide and narrow, by day and by night."""

import json
import re
import shutil

import pytest

from mulligan.report import write_report


@pytest.fixture
def report(finished, tmp_path, tell, collapsed, metrics):
    folder = shutil.copytree(finished, tmp_path / "a-run-with-a-name-that-is-as-long-as-the-names-of-folders-may-be")
    (folder / "metrics.json").write_text(json.dumps(metrics))
    tell(folder, **collapsed)
    return write_report(folder)


SIZES = [{"width": 1440, "height": 900}, {"width": 390, "height": 844}]


@pytest.mark.parametrize("size", SIZES, ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_a_word_and_without_sideways_scrolling(from_disk, report, size, scheme):
    page = from_disk(report, viewport=size, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light == {"light": "rgb(245, 246, 244)", "dark": "rgb(16, 19, 18)"}[scheme]
    broken = "[...document.images].filter((i) => !i.complete || !i.naturalWidth).length"
    assert page.evaluate(broken) == 0


def test_a_name_of_one_long_word_breaks(from_disk, report):
    folder = report.parent.rename(report.parent.with_name("x" * 200))
    page = from_disk(write_report(folder), viewport=SIZES[1])
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_on_paper_it_is_dark_on_white_whatever_the_screen_shows(from_disk, report):
    page = from_disk(report, viewport={"width": 718, "height": 1000}, color_scheme="dark")  # A4 at 96 dots an inch
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 32, 28)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    columns = page.evaluate("getComputedStyle(document.querySelector('.charts')).gridTemplateColumns")
    assert len(columns.split()) == 2  # the page's width is no phone's
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_texts_can_be_read_on_every_ground(from_disk, report, contrast):
    for scheme in ("light", "dark"):
        page = from_disk(report, color_scheme=scheme)
        for ground in ("--page", "--panel"):
            for ink in ("--ink", "--ink-2", "--ink-3", "--real", "--fake", "--judge", "--brand", "--warn", "--bad"):
                assert contrast(*(colour(page, name) for name in (ink, ground))) >= 4.5, (scheme, ink, ground)
        for ink, ground in (("--bad", "--bad-soft"), ("--warn", "--warn-soft"), ("--ok", "--ok-soft")):
            assert contrast(colour(page, ink), colour(page, ground)) >= 4.5, (scheme, ink)


def colour(page, name):
    script = (
        f"(() => {{ const e = document.body; e.style.color = 'var({name})'; return getComputedStyle(e).color; }})()"
    )
    return "#" + "".join(f"{int(v):02x}" for v in re.findall(r"\d+", page.evaluate(script))[:3])
