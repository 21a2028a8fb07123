"""Overflow that is right is silent in a step and outside; whatever else overflows outside is told, as ever."""

import threading

import numpy as np
import pytest

from mulligan.nn.quiet import exp, quiet

FAR = np.array([-1000.0, 0.0, 1000.0, np.nan])


def power():
    out = np.empty_like(FAR)
    exp(FAR, out)
    return out.tolist()


def is_told():
    with pytest.raises(RuntimeWarning, match="overflow"):
        np.exp(FAR)
    with pytest.raises(RuntimeWarning, match="invalid"):
        np.multiply(np.zeros(1), np.inf)


@quiet
def inside(work):
    return work()


@pytest.mark.parametrize("how", [lambda: power(), lambda: inside(power), lambda: inside(lambda: inside(power))])
def test_eˣ_that_is_too_large_is_infinite_without_a_warning(how):
    assert how()[:3] == [0, 1, np.inf]
    assert np.isnan(how()[3])
    is_told()


def test_nothing_is_told_inside():
    assert np.isinf(inside(lambda: np.exp(FAR))[2])
    assert np.isnan(inside(lambda: np.zeros(1) * np.inf))


def test_an_error_leaves_all_as_it_was():
    with pytest.raises(ZeroDivisionError):
        inside(lambda: 1 / 0)
    is_told()
    assert power()[2] == np.inf


def test_another_thread_is_as_it_was():
    found = []

    def other():
        found.append(power())
        is_told()
        found.append("told")

    def begun():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    inside(begun)
    assert found[1] == "told"
