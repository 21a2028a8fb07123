"""Figures in README and docs that a cheap command gives: they and the code must not part."""

import re
from pathlib import Path

import pytest

from mulligan.game import LOSSES, PENALTIES
from mulligan.museum import EXHIBITS
from mulligan.nn.layers import LAYERS
from mulligan.nn.optimizers import OPTIMIZERS

ROOT = Path(__file__).parents[1]
WORDS = {5: "five", 7: "seven", 8: "eight", 9: "nine", 10: "ten", 12: "twelve", 13: "thirteen", 14: "fourteen"}
SECOND_ORDER = sum(not kind.mixes_samples for kind in LAYERS.values())


def read(name):
    return " ".join((ROOT / name).read_text("utf-8").split())


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("README.md", f"{len(LAYERS)} layers, of which {SECOND_ORDER} support gradient penalties"),
        ("README.md", f"{len(OPTIMIZERS)} optimisers, {len(LOSSES)} losses, {len(PENALTIES)} penalties"),
        ("README.md", f"{WORDS[len(EXHIBITS)]} published faults of GANs"),
        ("docs/book/07-the-museum.md", f"{WORDS[len(EXHIBITS)]} published faults"),
        ("docs/book/a-optimisers.md", f"{WORDS[len(OPTIMIZERS)]} optimisers on both landscapes"),
    ],
)
def test_what_is_counted_in_words_is_there(file, sentence):
    assert sentence in read(file)


def test_the_reading_order_says_how_long_its_files_are():
    rows = re.findall(r"^\| (\[.*?\)) \| (\d+) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) == 4
    for links, said in rows:
        files = re.findall(r"\]\((.*?)\)", links)
        lines = sum(len((ROOT / file).read_text("utf-8").splitlines()) for file in files)
        assert abs(lines - int(said)) <= 10, (links, lines)
