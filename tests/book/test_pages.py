"""The pages stand as their examples print and draw them; on GitHub, in an editor and on the site they read alike."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib", reason="the book needs the extra docs")
import pages
from pages import agree

DOCS = Path(__file__).parents[2] / "docs"
ALL = sorted(DOCS.rglob("*.md"))
PAGES = [path for path in ALL if re.search("^(```python|<!-- (write|check))$", path.read_text("utf-8"), re.MULTILINE)]


def shown(page):
    return page.relative_to(DOCS).as_posix().removesuffix(".md")


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_a_page_stands_as_its_examples_print_and_draw_it(page):
    words = [sys.executable, "-W", "ignore", pages.__file__, "--check", page]
    run = subprocess.run(words, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]


@pytest.mark.parametrize("page", ALL, ids=shown)
def test_a_page_is_plain_markdown(page):
    text = page.read_text("utf-8")
    if page.parent.name != "api":  # docstrings, which the site shows
        assert not re.search(r"^(```|:::)\{|^---\n\w|\]\{\.|\{\w+\}`", text, re.MULTILINE)
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize(
    ("now", "same"),
    [("FD 3.21 of 100", True), ("FD 3.22 of 100", True), ("FD 3.31 of 100", False), ("KID 3.21 of 100", False)],
)
def test_an_output_agrees_to_its_last_digit(now, same):
    assert agree("FD 3.21 of 100", now) is same
    assert agree("```text about\nFD 9", "```text about\nFD 3")


def test_a_picture_that_is_missing_another_or_of_another_size_is_named(tmp_path):
    picture, page = np.zeros((40, 60), np.uint8), tmp_path / "page.md"
    picture[:20, :30] = 200
    page.write_text("<!-- draw 60×40\n-->\n\n![a picture](a.png)\n")
    for saved in (None, picture[1:]):
        if saved is not None:
            Image.fromarray(saved).save(tmp_path / "a.png")
        with pytest.raises(SystemExit, match="must be there"):
            pages.check(page)
    Image.fromarray(picture).save(tmp_path / "a.png")
    pages.check(page)
    for other in (picture[1:], picture[:, ::-1], picture.T):
        with pytest.raises(SystemExit, match="another picture"):
            pages.compare(Image.fromarray(other), tmp_path / "a.png")
