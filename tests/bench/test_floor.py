"""The floor lists the products that a step does, no more and no fewer."""

import numpy as np
import pytest

from mulligan.bench.floor import Products, Sgemm, step_products
from mulligan.bench.ours import Ours
from mulligan.bench.workloads import names, workload
from mulligan.nn.layers import dense


def operations(product):
    return 2 * product.rows * product.places * product.inputs * product.outputs


@pytest.mark.parametrize("name", ["classic-64", "mlp-64", "mlp-r1r2-64"])
def test_listed_products_are_those_of_a_step(monkeypatch, name):
    w = workload(name, toy=True)
    side, done = Ours(w, 1), []
    side.rewind()
    side.step()
    multiply = dense.multiply

    def counted(a, b, out):
        if 1 not in (*a.shape, *b.shape):  # the logit's one column is done by other means
            done.append((*a.shape, b.shape[1]))
        multiply(a, b, out)

    monkeypatch.setattr(dense, "multiply", counted)
    side.step()
    monkeypatch.undo()
    listed = []
    for p in step_products(w, w.batch):
        M, K, N = p.rows * p.places, p.inputs, p.outputs
        if N > 1:
            listed.append({"forward": (M, K, N), "inputs": (M, N, K), "weights": (K, M, N)}[p.kind])

    def either_way(product):  # a product and the turned one, (AB)ᵀ = BᵀAᵀ, are the same work
        M, K, N = product
        return K, min(M, N), max(M, N)

    assert sorted(map(either_way, listed)) == sorted(map(either_way, done))


def test_penalties_cost_a_third_more():
    d = [p for p in step_products(workload("mlp-r1r2-64"), 64) if p.layer.startswith("d")]
    assert len(d) == 4 * 3 - 1


def test_convolutions_count_as_products_of_their_windows():
    products = step_products(workload("quick-64"), 64)
    first = next(p for p in products if p.layer == "d.0")
    assert (first.kind, first.rows, first.places, first.inputs, first.outputs) == ("forward", 128, 196, 16, 16)
    last = [p for p in products if p.layer == "g.8"]  # 14 × 14 × 16 → 28 × 28 × 1, transposed
    assert {(p.places, p.inputs, p.outputs) for p in last} == {(196, 16, 16)}
    assert [p.kind for p in last] == ["inputs", "forward", "weights"]


@pytest.mark.parametrize("name", names([], toy=True))
def test_what_is_timed_is_what_is_listed(name):
    w = workload(name, toy=True)
    side = Products(w, 2)
    side.step()
    timed = sum(2 * a.size * b.shape[1] for work in side.work for a, b, _ in work)
    assert timed == 2 * sum(operations(p) for p in step_products(w, w.batch // 2))
    side.close()


@pytest.mark.parametrize("name", ["classic-64", "mlp-64", "mlp-r1r2-64"])
def test_sgemm_is_one_call_of_blas_for_each_product(monkeypatch, name):
    w = workload(name, toy=True)
    side, calls, matmul = Sgemm(w, 1), [], np.matmul

    def counted(a, b, out):
        calls.append(2 * a.size * b.shape[1])
        return matmul(a, b, out=out)

    monkeypatch.setattr(np, "matmul", counted)
    side.step()
    assert calls == [operations(p) for p in step_products(w, w.batch) if p.kind != "inputs" or p.inputs > 0]
    for a, b, out in side.work:
        np.testing.assert_allclose(out, a @ b, rtol=1e-4, atol=1e-4)
