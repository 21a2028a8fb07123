from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import mulligan.metrics
from mulligan.data import load
from mulligan.metrics import (
    METRICS,
    Metric,
    evaluate_pictures,
    evaluate_points,
    figures_in,
    merge,
    pca,
    pixels,
    reference,
    registry,
)
from mulligan.report.sections import list_metrics, tabulate
from mulligan.web.settings import catalog

NOTES = {"n", "n_real", "n_train", "seeds", "data", "sha256", "by", "histogram"}
BESIDE = ("_floor", "_ideal", "_real")


def paths_in(result, above=""):
    """Yield the path of every figure of a result; those of a map by their name alone."""
    for name, value in result.items():
        if isinstance(value, dict):
            yield from paths_in(value, "" if name in ("judge", "points") else f"{name}.")
        elif name not in NOTES:
            yield above + name


@pytest.fixture(autouse=True)
def net(monkeypatch):
    monkeypatch.setattr(registry, "FEWEST", 300)
    monkeypatch.setattr(pixels, "STEPS", 24)


@pytest.fixture(scope="module")
def pictures():
    """An evaluation of noise, by a judge that is sure, of pictures that were asked for by class."""
    rng = np.random.default_rng(0)
    fake, real, train = rng.integers(0, 256, (3, 300, 8, 8, 1), dtype=np.uint8)
    phi = pca(train)

    class Judge:
        name, sha256, __call__ = "judge", phi.sha256, phi.__call__

        def features_and_probabilities(self, images):
            return self(images), rng.dirichlet((0.01, 0.01), len(images))

    return fake, reference(real, train, Judge(), phi), np.zeros(300, int)


def test_every_figure_has_its_entry_and_every_entry_its_figure(pictures):
    fake, against, asked = pictures
    result = evaluate_pictures(fake, against, asked=asked)
    found, named = {*paths_in(result)}, {*figures_in(result)}
    points = np.asarray(load("ring").images)
    result = evaluate_points(points[:500], points[500:1000], data="ring")
    found, named = found | {*paths_in(result)}, named | {*figures_in(result)}
    listed = {path for path in found if not path.endswith(BESIDE) or path in METRICS}
    assert listed == METRICS.keys()
    assert named == {path for path in listed if METRICS[path].shown}
    for path in found - listed:
        assert path.removesuffix(next(end for end in BESIDE if path.endswith(end))) in METRICS


def test_the_floor_beside_a_figure_is_the_one_that_its_entry_names(pictures):
    fake, against, asked = pictures
    result = evaluate_pictures(fake, against, asked=asked)
    figures = figures_in(result)
    assert figures["fd"].floor == result["judge"]["fd_floor"]
    assert figures["coverage"].floor == result["judge"]["coverage_ideal"]
    assert figures["real_or_fake"].floor == result["real_or_fake_floor"]
    assert (figures["copies.ct_z"].floor, figures["precision"].floor) == (0.0, None)
    assert len(figures) == 7


def test_what_is_no_evaluation_has_no_figures():
    for foreign in (None, {}, {"judge": "none", "classes": 3}, {"classes": {"modes": None}}):
        assert figures_in(foreign) == {}


def brightness(pair):
    """Mean pixel of the fakes over that of the reals."""
    return np.float32(pair.fake.mean() / pair.real.mean())


def distance_of_means(pair):
    distance = np.linalg.norm(pair.real_features.mean(axis=0) - pair.fake_features.mean(axis=0))
    return {"means": float(distance), "means_floor": 0.25}


def test_a_metric_of_ones_own_is_one_entry(pictures, monkeypatch):
    mine = Metric("Brightness", "Mean pixel over the reals'.", floor=1.0, compute=brightness)
    monkeypatch.setitem(METRICS, "light.mean", mine)
    monkeypatch.setitem(
        METRICS, "means", Metric("Means", "How far apart.", "low", "means_floor", distance_of_means, "features")
    )
    monkeypatch.setitem(METRICS, "silent", replace(mine, compute=lambda pair: None))
    fake, against, _ = pictures
    results = [evaluate_pictures(some, against, data="own") for some in (fake, 255 - fake)]
    for result, some in zip(results, (fake, 255 - fake)):
        assert result["light"] == {"mean": pytest.approx(some.mean() / against.real.mean())}
        assert type(result["light"]["mean"]) is float  # ready for JSON
        assert result["judge"]["means"] > 0
        assert "silent" not in result
    metrics = merge(results)
    lines = tabulate(metrics)
    assert next(line for line in lines if line.startswith("Brightness")).endswith(" 1")
    assert next(line for line in lines if line.startswith("Means ↓")).endswith(" 0.250")
    shown = {row["label"]: row for row in list_metrics(metrics)}
    assert (shown["Brightness"]["best"], shown["Brightness"]["line"]) == ("1", "Mean pixel over the reals'.")
    assert (shown["Means ↓"]["best"], shown["Means ↓"]["line"]) == ("0.250", "How far apart.")
    assert catalog(SimpleNamespace(own={}))["metrics"]["light.mean"]["label"] == "Brightness"


def test_every_public_name_is_on_a_page_of_the_reference():
    folder = Path(__file__).parents[2] / "docs" / "reference" / "api"
    pages = [path.read_text("utf-8") for path in folder.glob("metrics*.md")]
    lines = [line for page in pages for line in page.splitlines() if line.startswith(".. auto")]
    described = {line.rpartition(":: ")[2].rpartition(".")[2] for line in lines}
    assert described == {*mulligan.metrics.__all__} - {"METRICS"}  # which the page prints as a table
