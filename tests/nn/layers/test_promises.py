"""What every layer promises beside right numbers: where it writes, and what it keeps."""

import tracemalloc

import numpy as np
import pytest

from mulligan.errors import ConfigError, UnsupportedError
from mulligan.nn import Network
from mulligan.nn import layers as nn
from mulligan.nn.layers import EXAMPLES, Fill, He, Scaled, Zeros

EVERY = [(f"{name} {i}", case) for name, cases in EXAMPLES.items() for i, case in enumerate(cases)]
every = pytest.mark.parametrize("case", [case for _, case in EVERY], ids=[name for name, _ in EVERY])


class Steps:
    """A network and whole steps of all passes on it, with the same batch each time."""

    def __init__(self, layer, shape, rows=5, dtype=np.float32, seed=0):
        rng = np.random.default_rng(seed)
        self.network = Network(layer, shape, dtype).initialise(rng)
        self.network.theta += 0.2 * rng.standard_normal(self.network.n_params).astype(dtype)
        self.space = self.network.workspace(rng=np.random.default_rng(1))
        self.labels = rng.integers(self.network.classes or 1, size=rows)
        self.x, self.v = rng.standard_normal((2, rows, *shape)).astype(dtype)
        self.a, self.b = rng.standard_normal((2, rows, *self.network.output_shape)).astype(dtype)
        self.c = rng.standard_normal(rows).astype(dtype)
        self.ones = np.ones_like(self.a)
        for array in (self.x, self.v, self.a, self.b, self.c, self.ones, self.labels):
            array.flags.writeable = False
        self.second_order = True
        try:
            self.space.forward(self.x, self.labels)
            self.space.tangent(self.v)
        except UnsupportedError:
            self.second_order = False

    def run(self, rows=None):
        """Yield what every pass gives, as the buffers that the next step overwrites."""
        x, v, a, b, c, ones = (array[:rows] for array in (self.x, self.v, self.a, self.b, self.c, self.ones))
        space = self.space
        space.clear_grads()
        space.prepare()
        yield space.forward(x, self.labels[:rows])
        yield space.backward(a)
        space.grads()
        if self.second_order:
            yield space.tangent(v)
            yield from space.adjoint(a, b, inputs=True)
            space.grads()
            if self.network.piecewise_linear:
                space.backward(ones)
                space.fused_grads(c)
        space.finish_grads()
        space.finish()
        yield space.grad
        yield space.forward(x, self.labels[:rows], training=False)

    def buffers(self):
        return [array for memory in self.space.memory.walk() for array in memory.buffers.largest.values()]

    def results(self, rows=None):
        return [array.copy() for array in self.run(rows)]


def differ(one, two):
    return [i for i, (a, b) in enumerate(zip(one, two, strict=True)) if not np.array_equal(a, b, equal_nan=True)]


@every
def test_float32_stays_float32_and_arguments_stay_as_they_are(case):
    """The arguments are read-only: writing into one would raise."""
    steps = Steps(*case)
    theta = steps.network.theta.copy()
    for array in steps.run():
        assert array.dtype == np.float32
    np.testing.assert_array_equal(steps.network.theta, theta)
    double = Steps(*case, dtype=np.float64)
    double.results()
    buffers, doubled = ([array.nbytes for array in s.buffers()] for s in (steps, double))
    assert [2 * size for size in buffers] == doubled
    for memory in steps.space.memory.walk():
        for name, value in memory.saved.items():
            assert not isinstance(value, np.float64), name
            assert not (isinstance(value, np.ndarray) and value.dtype == np.float64), name


@every
def test_float32_is_float64_rounded(case):
    single = Steps(*case)
    double = Steps(*case, dtype=np.float64)
    if any(type(layer) is nn.Dropout for _, layer, _ in nn.walk(*case)):
        pytest.skip("float32 and float64 draw different masks")
    double.network.theta[:], double.network.stats[:] = single.network.theta, single.network.stats
    for name in ("x", "v", "a", "b", "c"):
        setattr(double, name, getattr(single, name).astype(np.float64))
    double.labels = single.labels
    for one, two in zip(single.results(), double.results()):
        np.testing.assert_allclose(one, two, rtol=2e-4, atol=2e-4 * np.abs(two).max(initial=0))


def test_hot_layers_allocate_nothing_of_the_batch_size():
    layers = (nn.OneHot(10), nn.Dense(256), nn.LeakyReLU(), nn.Dense(256), nn.Tanh(), nn.Projection(10))
    steps = Steps(nn.Sequential(layers), (128,), rows=256)
    smallest = 256 * 128 * 4  # bytes; four times what NumPy itself takes to cast a piece at a time
    for _ in range(2):
        for _ in steps.run():
            pass
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in steps.run():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < smallest / 2


@every
def test_a_training_step_after_an_evaluation_is_the_same_step(case):
    one, two = Steps(*case), Steps(*case)
    for array in two.x[:2], two.x[2:]:
        two.space.forward(array, two.labels[: len(array)], training=False)
    assert differ(one.results(), two.results()) == []


def test_gradients_add_up_over_passes_of_one_step():
    for name in ("dense", "projection", "layer_norm", "batch_norm"):
        steps = Steps(*EXAMPLES[name][0], dtype=np.float64)
        grads = []
        for passes in (1, 3):  # the second step replaces what the first left
            steps.space.clear_grads()
            for _ in range(passes):
                steps.space.forward(steps.x, steps.labels)
                steps.space.backward(steps.a)
                steps.space.grads()
            steps.space.finish_grads()
            grads.append(steps.space.grad.copy())
        np.testing.assert_allclose(grads[1], 3 * grads[0], rtol=1e-12)


def test_without_inputs_the_gradients_are_the_same():
    for name in ("residual", "batch_norm", "layer_norm"):
        layer, shape = EXAMPLES[name][0]
        steps = Steps(nn.Sequential((nn.Flatten(), layer)) if len(shape) == 1 else layer, shape)
        found = []
        for inputs in (True, False):
            for array in (*steps.buffers(), *steps.space.context.buffers.largest.values()):
                array.fill(np.nan)
            steps.space.clear_grads()
            steps.space.forward(steps.x)
            steps.space.backward(steps.a, inputs)
            steps.space.grads()
            if steps.second_order:
                steps.space.tangent(steps.v)
                steps.space.adjoint(steps.a, steps.b, inputs)
                steps.space.grads()
            steps.space.finish_grads()
            found.append(steps.space.grad.copy())
        np.testing.assert_array_equal(*found)


def test_spectral_norm_finds_the_largest_singular_value():
    steps = Steps(nn.Dense(5, bias=False, spectral_norm=True), (7,), dtype=np.float64)
    for _ in range(300):
        steps.space.prepare()
    W = steps.network.tensors()["W"]
    largest = np.linalg.svd(W, compute_uv=False)[0]
    np.testing.assert_allclose(steps.space.forward(steps.x), steps.x @ W / largest, rtol=1e-9)


def test_every_workspace_divides_its_own_weights_and_only_prepare_turns_the_direction():
    steps = Steps(nn.Dense(5, bias=False, spectral_norm=True), (7,), dtype=np.float64)
    average = 0.5 * steps.network.theta + np.random.default_rng(3).standard_normal(steps.network.n_params)
    other = steps.network.workspace(theta=average)
    steps.space.prepare()
    v = steps.network.tensors()["W_v"].copy()
    for space, theta in ((steps.space, steps.network.theta), (other, average)):
        W = theta.reshape(7, 5)
        for training in (True, False):
            np.testing.assert_allclose(
                space.forward(steps.x, training=training), steps.x @ W / np.linalg.norm(W @ v), rtol=1e-12
            )
    average *= 3  # an average moves on between evaluations
    np.testing.assert_allclose(other.forward(steps.x, training=False), steps.x @ W / np.linalg.norm(W @ v))
    np.testing.assert_array_equal(steps.network.tensors()["W_v"], v)
    steps.space.prepare()
    assert not np.allclose(steps.network.tensors()["W_v"], v)


def test_spectral_norm_of_zero_weights_is_zero_and_finite():
    network = Network(nn.Dense(3, spectral_norm=True), (4,)).initialise(np.random.default_rng(0))
    network.theta.fill(0)
    space = network.workspace()
    space.prepare()
    np.testing.assert_array_equal(space.forward(np.ones((2, 4), np.float32)), np.zeros((2, 3)))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Dense(3, He(gain=0.0), spectral_norm=True),
        nn.Residual((nn.Dense(4, Scaled(He(), by=0.0), spectral_norm=True),)),
        nn.Projection(3, Fill(0.0), class_init=He(), spectral_norm=True),
        nn.Projection(3, class_init=Zeros(), spectral_norm=True),
    ],
    ids=repr,
)
def test_spectral_norm_refuses_weights_that_begin_at_zero(layer):
    with pytest.raises(ConfigError, match="spectral_norm = true"):
        Network(layer, (4,))


@pytest.mark.parametrize("layer", [nn.Sigmoid(), nn.Tanh(), nn.Arctan()], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_stay_finite_and_exact_far_out(layer, dtype):
    x = np.array([[-1e4, -700, -100, -30, -1, 0, 1, 30, 100, 700, 1e4]], dtype)
    space = Network(layer, (11,), dtype).workspace()
    y = space.forward(x).copy()
    slope = space.backward(np.ones_like(x)).copy()
    curve = np.empty_like(x)
    layer.ddf(x, y, curve)
    assert all(np.isfinite(array).all() for array in (y, slope, curve))
    if isinstance(layer, nn.Sigmoid):
        np.testing.assert_allclose(y[:, 3], np.exp(-30), rtol=1e-6)


@pytest.mark.parametrize("momentum", [0.1, 1.0])
def test_batch_norm_keeps_running_means_and_unbiased_variances(momentum):
    network = Network(nn.Sequential((nn.BatchNorm(momentum=momentum),)), (3,)).initialise(np.random.default_rng(1))
    space, rng = network.workspace(), np.random.default_rng(0)
    mean, var = np.zeros(3), np.ones(3)
    for n in (7, 2, 5):
        x = rng.normal(3.0, 2.0, (n, 3)).astype(np.float32)
        space.forward(x, training=True)
        mean, var = mean + momentum * (x.mean(axis=0) - mean), var + momentum * (x.var(axis=0, ddof=1) - var)
    kept = {entry.path.rpartition(".")[2]: entry.view(network.stats) for entry in network.stat_entries}
    np.testing.assert_allclose(kept["mean"], mean, rtol=1e-5)
    np.testing.assert_allclose(kept["var"], var, rtol=1e-5)
    y = space.forward(x, training=False)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + 1e-5), rtol=1e-4)
