import numpy as np

from mulligan.data import load
from mulligan.metrics.evaluate import evaluate, reference
from mulligan.metrics.features.maps import pca
from mulligan.metrics.points import evaluate_points
from mulligan.metrics.registry import METRICS

NOTES = {"n", "n_real", "n_train", "seeds", "data", "generator", "cpu_seconds", "sha256", "by", "histogram"}
BESIDE = ("_floor", "_ideal", "_sd", "_z", "_real")


def names_in(result):
    """Yield every name under which a result has a figure."""
    for name, value in result.items():
        if isinstance(value, dict) and name != "log_density":
            yield from names_in(value)
        elif name not in NOTES:
            yield name


def test_every_figure_has_its_line_and_every_line_its_figure():
    rng = np.random.default_rng(0)
    fake, real, train = rng.integers(0, 256, (3, 300, 8, 8, 1), dtype=np.uint8)
    judge = pca(train)

    class Judge:
        name, sha256, __call__ = judge.name, judge.sha256, judge.__call__

        def features_and_probabilities(self, images):
            return self(images), rng.dirichlet((0.01, 0.01), len(images))

    against = reference(real, train, [Judge()], prior=np.ones(2))
    found = {*names_in(evaluate(fake, against, asked=np.zeros(300, int)))}
    for toy in ("ring", "jang"):
        points = np.asarray(load(toy).images)
        found |= {*names_in(evaluate_points(points[:500], points[500:1000], data=toy))}
    listed = {name for name in found if not name.endswith(BESIDE) or name in METRICS}
    assert listed == set(METRICS)
    for name in found - listed:
        assert name.removesuffix(next(end for end in BESIDE if name.endswith(end))) in METRICS
