from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mulligan.metrics
from mulligan.cli.scores import table
from mulligan.data import load
from mulligan.metrics import METRICS, Metric, evaluate_pictures, evaluate_points, figures_in, merge, pca, reference
from mulligan.report.quality import blocks
from mulligan.web.session.choices import catalog

NOTES = {"n", "n_real", "n_train", "seeds", "data", "generator", "cpu_seconds", "sha256", "by", "histogram"}
BESIDE = ("_floor", "_ideal", "_sd", "_z", "_real")
SPACES = ("pca64", "points")


def paths_in(result, above=""):
    """Yield the path of every figure of a result; those of a map by their name alone."""
    for name, value in result.items():
        if isinstance(value, dict):
            yield from paths_in(value, "" if name in SPACES else f"{name}.")
        elif name not in NOTES:
            yield above + name


@pytest.fixture(scope="module")
def pictures():
    """An evaluation of noise, by a judge that is sure, of pictures that were asked for by class."""
    rng = np.random.default_rng(0)
    fake, real, train = rng.integers(0, 256, (3, 300, 8, 8, 1), dtype=np.uint8)
    phi = pca(train)

    class Judge:
        name, sha256, __call__ = phi.name, phi.sha256, phi.__call__

        def features_and_probabilities(self, images):
            return self(images), rng.dirichlet((0.01, 0.01), len(images))

    return fake, reference(real, train, [Judge()], prior=np.ones(2)), np.zeros(300, int)


def test_every_figure_has_its_entry_and_every_entry_its_figure(pictures):
    fake, against, asked = pictures
    result = evaluate_pictures(fake, against, asked=asked)
    found = {*paths_in(result)}
    named = {*figures_in(result, "pca64"), *figures_in(result)}
    for toy in ("ring", "jang"):
        points = np.asarray(load(toy).images)
        result = evaluate_points(points[:500], points[500:1000], data=toy)
        found |= {*paths_in(result)}
        named |= {*figures_in(result, "points"), *figures_in(result)}
    found.remove("log_density.real")  # stands beside log_density.fake
    listed = {path for path in found if not path.endswith(BESIDE) or path in METRICS}
    assert listed == named == METRICS.keys() - {"modes.label_accuracy"}  # of stacked MNIST: tests/metrics/test_exam.py
    for path in found - listed:
        assert path.removesuffix(next(end for end in BESIDE if path.endswith(end))) in METRICS


def test_the_floor_beside_a_figure_is_the_one_that_its_entry_names(pictures):
    fake, against, asked = pictures
    result = evaluate_pictures(fake, against, asked=asked)
    of_map, of_none = figures_in(result, "pca64"), figures_in(result)
    assert of_map["fd"].floor == result["pca64"]["fd_floor"]
    assert of_map["coverage"].floor == result["pca64"]["coverage_ideal"]
    assert (of_map["kid"].floor, of_map["c2st"].floor, of_map["precision"].floor) == (0.0, 0.5, None)
    assert of_none["classes.modes"].floor == 2  # classes
    assert of_none["copies.authpct"].floor == result["copies"]["authpct_real"]
    inside = result["classes"]["within_class_variance"]
    assert of_none["classes.within_class_variance"].value == {
        "median": sum(inside) / 2,
        "min": min(inside),
        "max": max(inside),
    }


def test_what_is_no_evaluation_has_no_figures():
    for foreign in (None, {}, {"judge": "none", "classes": 3}, {"classes": {"within_class_variance": ["x"]}}):
        assert figures_in(foreign) == figures_in(foreign, "judge") == {}


def brightness(pair):
    """Mean pixel of the fakes over that of the reals."""
    return np.float32(pair.fake.mean() / pair.real.mean())


def distance_of_means(pair):
    return {"means": float(np.linalg.norm(pair.real.mean(axis=0) - pair.fake.mean(axis=0))), "means_floor": 0.25}


class Story:
    def __init__(self, metrics):
        self.metrics = metrics


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
        assert result["pca64"]["means"] > 0
        assert "silent" not in result
    metrics = merge(results)
    metrics["step"] = 7
    lines = table(metrics)
    (row,) = (line for line in lines if line.startswith("Brightness"))
    assert row.endswith("1 is right")
    at = next(i for i, line in enumerate(lines) if line.startswith("Means"))
    assert lines[at + 1].split()[:2] == ["floor", "0.250"]
    rows = {row.words: row for _, rows in blocks(Story(metrics)) for row in rows}
    assert (rows["Brightness"].best, rows["Brightness"].how) == ("1", "Mean pixel over the reals'.")
    assert (rows["Means ↓"].best, rows["Means ↓"].how) == ("0.250", "How far apart.")
    assert catalog({})["metrics"]["light.mean"]["label"] == "Brightness"


def test_every_public_name_is_on_a_page_of_the_reference():
    folder = Path(__file__).parents[2] / "docs" / "reference" / "api"
    pages = [path.read_text("utf-8") for path in folder.glob("metrics*.md")]
    lines = [line for page in pages for line in page.splitlines() if line.startswith(".. auto")]
    described = {line.rpartition(":: ")[2].rpartition(".")[2] for line in lines}
    assert described == {*mulligan.metrics.__all__} - {"METRICS"}  # which the page prints as a table
