"""Each exhibit: the failure still fails, the repair still repairs, and the plate says it."""

import json

import numpy as np
import pytest

from experiments.book_studies import replay
from mulligan.cli.about import plate
from mulligan.data import load
from mulligan.diagnosis import FAILURES
from mulligan.errors import ConfigError
from mulligan.museum import EXHIBITS, Contrast, Played, find_exhibit
from mulligan.museum.exhibits import article, ring

GENERATOR = (100, 128, 256, 346, 480, 560, 686, 784)
"""Widths of the article's G, from z to the pixels."""
QUICK = {
    "article": lambda seed: article.run(seed, seeds=6, steps=120, mended=500),
    "frozen-d": lambda seed: ring.frozen_d(seed, steps=400),
}
"""Shorter runs of the exhibits that take longest; the whole ones are slow tests."""


def check(case, played):
    for evidence in played.evidence:
        assert evidence.fails, (evidence.name, evidence.before)
        assert evidence.mended, (evidence.name, evidence.after)
    assert played.fails
    assert played.mended
    complete(case, played)


def complete(case, played):
    names = [picture.name for picture in played.pictures]
    assert len(set(names)) == len(names)
    assert {"before", "after"} <= set(names)
    for picture in played.pictures:
        assert picture.image.dtype == np.uint8
        assert picture.image.ndim in (2, 3)
        if "stretched" in picture.name:
            assert "stretched" in picture.caption
    json.dumps(case.describe() | played.describe())
    text = "\n".join(plate(case, played))
    assert all(evidence.name in text for evidence in played.evidence)


@pytest.mark.parametrize("name", EXHIBITS)
def test_the_failure_fails_and_the_repair_repairs(name):
    check(EXHIBITS[name], QUICK.get(name, EXHIBITS[name].play)(0))


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_the_same_in_full(name):
    check(EXHIBITS[name], EXHIBITS[name].play(0))


@pytest.mark.parametrize("case", EXHIBITS.values(), ids=list(EXHIBITS))
def test_the_plate_is_complete(case):
    assert all(case.describe().values())
    assert case.state in FAILURES
    assert all(len(row) == 3 for row in case.settings)


def test_evidence_has_two_sides():
    low = Contrast("a", "b", 1.0, 3.0, "<", 2.0)
    assert (low.fails, low.mended) == (True, True)
    high = Contrast("a", "b", 1.0, 3.0, ">", 2.0)
    assert (high.fails, high.mended) == (False, False)
    assert Contrast("a", "b", float("nan"), None, "<", 2.0).fails
    assert not Contrast("a", "b", 1.0, float("inf"), "<", 2.0).mended
    assert not Played((low, high), ()).fails
    assert not Played((low, high), ()).mended


def test_a_wrong_name_is_answered():
    with pytest.raises(ConfigError, match="Did you mean 'article'"):
        find_exhibit("artcle")


@pytest.mark.parametrize(("seed", "row"), [(127, 3462), (42, 5026)])
def test_both_public_seeds_of_the_article_show_a_zero_first(seed, row):
    """Seed by seed what the script itself calls: NumPy's legacy draws, in its order."""
    labels = load("mnist-test").labels
    before = np.random.get_state()
    np.random.seed(seed)
    np.random.shuffle(numbers := np.arange(10_000))  # as scikit-learn's `shuffle` does it
    for shape in ((784, 128), (128, 1), *zip(GENERATOR, GENERATOR[1:])):
        np.random.normal(size=shape, scale=1.0 / np.sqrt(shape[0] / 2.0))
    drawn = np.random.randint(len(numbers) - 5)
    np.random.set_state(before)
    found = replay(seed, article.pixels())
    assert (drawn, labels[numbers[drawn]]) == (row, 0)
    assert found.first == found.nearest == numbers[row]
