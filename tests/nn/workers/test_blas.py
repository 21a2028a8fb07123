"""OpenBLAS that was told to run another processor's kernels: said where it costs something, and nowhere else."""

import pytest

from mulligan.nn.workers import blas

AVX512 = "processor\t: 0\nflags\t\t: fpu avx avx2 avx512f avx512vl\n"
AVX2 = "processor\t: 0\nflags\t\t: fpu avx avx2\n"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make a machine: its flags as the system writes them, the kernels that run, the variable."""

    def make(cpuinfo, kernels, forced):
        if cpuinfo is not None:
            (tmp_path / "cpuinfo").write_text(cpuinfo)
        monkeypatch.setattr(blas, "CPUINFO", tmp_path / "cpuinfo")
        lib = {"user_api": "blas", "internal_api": "openblas", "filepath": "numpy.libs/b.so", "architecture": kernels}
        monkeypatch.setattr(blas.threadpoolctl, "threadpool_info", lambda: [lib])
        monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
        if forced is not None:
            monkeypatch.setenv("OPENBLAS_CORETYPE", forced)

    return make


@pytest.mark.parametrize(
    ("cpuinfo", "kernels", "forced", "name"),
    [
        (AVX512, "Haswell", "Haswell", "AVX-512"),
        (AVX2, "Nehalem", "Nehalem", "AVX2"),
    ],
)
def test_what_is_not_used_is_named(machine, cpuinfo, kernels, forced, name):
    machine(cpuinfo, kernels, forced)
    said = blas.explain_slowdown()
    assert said.startswith(f"OPENBLAS_CORETYPE={forced} is set: ")
    assert f"does not use this processor's {name}, and runs slower" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("cpuinfo", "kernels", "forced"),
    [
        (AVX512, "Haswell", None),  # its own choice
        (AVX512, "Haswell", ""),
        (AVX2, "Haswell", "Haswell"),  # all that this processor has
        (AVX512, "SkylakeX", "Haswell"),  # set after NumPy was loaded
        (AVX512, "SkylakeX", "Nonsense"),  # which OpenBLAS ignores
        (AVX512, "Unheard", "Unheard"),
        (None, "Haswell", "Haswell"),  # not Linux
    ],
)
def test_nothing_is_said_where_it_costs_nothing(machine, cpuinfo, kernels, forced):
    machine(cpuinfo, kernels, forced)
    assert blas.explain_slowdown() == ""


def test_another_blas_has_no_kernels_to_name(machine, monkeypatch):
    machine(AVX512, "", "Haswell")
    accelerate = {"user_api": "blas", "internal_api": "accelerate", "filepath": "numpy/a.dylib"}
    monkeypatch.setattr(blas.threadpoolctl, "threadpool_info", lambda: [accelerate])
    assert blas.explain_slowdown() == ""


def test_numpys_own_is_asked(machine, monkeypatch):
    machine(AVX512, "SkylakeX", "Haswell")
    own = blas.libraries()
    scipys = {**own[0], "filepath": "scipy.libs/b.so", "architecture": "Haswell"}
    monkeypatch.setattr(blas.threadpoolctl, "threadpool_info", lambda: [scipys, *own])
    assert blas.libraries() == own
    assert blas.explain_slowdown() == ""
    systems = {**scipys, "filepath": "/usr/lib/libopenblas.so"}  # a NumPy that was not built by itself
    monkeypatch.setattr(blas.threadpoolctl, "threadpool_info", lambda: [systems])
    assert "AVX-512" in blas.explain_slowdown()
