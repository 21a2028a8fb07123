"""Independent pieces of work: their results, their errors, and Ctrl-C."""

import signal
import subprocess
import sys
from functools import partial

import pytest

from mulligan.metrics.parallel import in_parallel

INTERRUPTED = """
import os, signal, time
from mulligan.metrics.parallel import in_parallel

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job is born without

def interrupting():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(600)

try:
    in_parallel({name: interrupting if name == 0 else lambda: time.sleep(600) for name in range(9)})
except KeyboardInterrupt:
    print("at once", flush=True)
"""


def test_results_by_name_and_blas_at_one_thread():
    import threadpoolctl

    def threads():
        return {library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"}

    before = threads()
    found = in_parallel({"a": partial(sum, [1, 2]), "blas": threads, **{i: partial(pow, i, 2) for i in range(40)}})
    assert (found["a"], found["blas"]) == (3, {1})
    assert [found[i] for i in range(40)] == [i * i for i in range(40)]
    assert threads() == before
    assert in_parallel({}) == {}


def test_the_first_error_is_raised():
    with pytest.raises(ZeroDivisionError):
        in_parallel({"right": partial(pow, 2, 2), "wrong": partial(divmod, 1, 0)})


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGINT to send")
def test_ctrl_c_waits_for_no_piece_and_neither_does_the_end_of_the_process():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "at once\n"
    assert done.returncode in (0, -signal.SIGINT)
