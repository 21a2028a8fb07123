"""Independent pieces of work: their results and their errors."""

from functools import partial

import pytest
import threadpoolctl

from mulligan.metrics.parallel import in_parallel


def test_results_by_name_and_blas_at_one_thread():
    def threads():
        return {library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"}

    before = threads()
    found = in_parallel({"a": partial(sum, [1, 2]), "blas": threads, **{i: partial(pow, i, 2) for i in range(40)}})
    assert (found["a"], found["blas"]) == (3, {1})
    assert [found[i] for i in range(40)] == [i * i for i in range(40)]
    assert threads() == before
    assert in_parallel({}) == {}
    with pytest.raises(ZeroDivisionError):
        in_parallel({"right": partial(pow, 2, 2), "wrong": partial(divmod, 1, 0)})
