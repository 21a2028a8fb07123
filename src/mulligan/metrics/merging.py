"""Several evaluations as one: the median and the range of each figure."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from mulligan.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

FACTS = ("n", "n_real", "n_train", "accuracy", "step")
"""Numbers that are no figures: they must agree between seeds, as words and truths must."""


def merge(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put the results of several seeds together: each figure becomes ``{"median": …, "min": …, "max": …}``.

    Parameters
    ----------
    results : sequence of dict
        From `mulligan.metrics.evaluate.evaluate`, one a seed: of several generators, or of several draws from one.

    Returns
    -------
    dict
        Of the same form; figures in lists are replaced one by one, `seeds` are joined. A single result comes back
        as it is.

    Raises
    ------
    ConfigError
        No result, or results that may not be compared: another n, data, judge, or set of figures.
    """
    if not results:
        raise ConfigError("no results to merge; at least one is needed.")
    if len(results) == 1:
        return dict(results[0])
    merged: dict[str, Any] = _merge(list(results), "")
    merged["seeds"] = [seed for result in results for seed in result["seeds"]]
    return merged


def median_of(figure: Any) -> Any:
    """Return a figure as it is, or the median where `merge` has put several together."""
    return figure.get("median") if isinstance(figure, dict) else figure


def at(metrics: Any, *path: str) -> Any:
    """Return what stands at a path of nested dicts; None where nothing does."""
    for key in path:
        metrics = metrics.get(key) if isinstance(metrics, dict) else None
    return metrics


def _merge(values: list[Any], path: str) -> Any:
    """Merge what stands at one place of several results."""
    first, name = values[0], path.rpartition(".")[2]
    if name == "seeds":
        return None
    if isinstance(first, dict):
        if any(value.keys() != first.keys() for value in values):
            raise ConfigError(f"results with different figures in '{path or 'metrics'}': evaluate all in one way.")
        return {key: _merge([value[key] for value in values], f"{path}.{key}".lstrip(".")) for key in first}
    if isinstance(first, list):
        return [_merge(list(entries), path) for entries in zip(*values, strict=True)]
    if isinstance(first, (str, bool)) or name in FACTS:
        if any(value != first for value in values):
            raise ConfigError(
                f"results with different '{path}': {', '.join(map(str, values))}. Only results under the same "
                f"conditions may be put together; evaluate them again in one way."
            )
        return first
    return {"median": median(values), "min": min(values), "max": max(values)}
