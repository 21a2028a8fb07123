"""The page in a real Chromium: its numbers against NumPy's, and its manners."""

import base64
import json
import zlib

import numpy as np
import pytest

from mulligan.errors import UnsupportedError
from mulligan.game import Latent
from mulligan.models import bundled
from mulligan.nn import Network, stream
from mulligan.nn import layers as nn
from mulligan.output.export import html as module
from mulligan.output.export.html import PAGE, fits_half, viewer
from mulligan.output.export.npz import describe
from mulligan.output.export.plan import plan_of
from mulligan.output.generator import Generator, GeneratorSpec
from mulligan.output.pictures import straight, to_uint8

SEEDS = [0, 1, 42, 2**32 - 1, 2**32, 2**32 + 1, 10**12, 2**53 - 1]


@pytest.fixture(scope="module")
def bench(browser):
    """An empty page with the viewer's arithmetic."""
    page = browser.new_page()
    for name in ("chance.js", "network.js"):
        page.add_script_tag(content=(PAGE / name).read_text("utf-8").replace("export const", "const"))
    yield page
    page.close()


@pytest.fixture
def opened(from_disk, tmp_path):
    """Open a generator's viewer from disk."""

    def open_(made):
        made.export(tmp_path / "viewer.html")
        page = from_disk(tmp_path / "viewer.html")
        page.wait_for_selector("body[data-state=ready]")
        return page

    return open_


def bytes_of(page, expression):
    """Return an array of bytes that the page computes."""
    script = f"""() => {{
        const parts = {expression};
        return btoa(parts.map(p => Array.from(p, v => String.fromCharCode(v)).join("")).join(""));
    }}"""
    return np.frombuffer(base64.b64decode(page.evaluate(script)), np.uint8)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_the_same_z_from_the_same_seed(bench, distribution):
    found = bench.evaluate(
        "([seeds, kind]) => seeds.map(s => Array.from(Chance.latent(s, 67, kind)))", [SEEDS, distribution]
    )
    for seed, z in zip(SEEDS, found):
        rng = stream(seed, "sample")
        drawn = rng.standard_normal(67, np.float32)
        if distribution == "uniform":
            drawn = stream(seed, "sample").random(67, np.float32) * 2 - 1
        assert np.array_equal(np.array(z, np.float32), drawn), seed


def test_transparency_is_painted(opened):
    layers = nn.Dense(64), nn.Tanh(), nn.Reshape((4, 4, 4))
    made = Generator(GeneratorSpec(layers, Latent(5), (4, 4, 4)), Network(nn.Sequential(layers), (5,)).theta + 0.3)
    wanted, page = straight(made.images(1, 42)[0]).astype(float), opened(made)
    script = "() => [...document.getElementById('picture').getContext('2d').getImageData(0, 0, 4, 4).data]"
    found = np.reshape(page.evaluate(script), (4, 4, 4))
    assert (found[..., 3] == wanted[..., 3]).all()
    seen = found[..., 3:] / 255
    np.testing.assert_allclose(found[..., :3] * seen, wanted[..., :3] * seen, atol=1)


def test_every_layer_as_javascript_computes_it(bench, question):
    made, z, labels, wanted = question
    plan = plan_of(made)
    model = describe(made, plan)
    model["entries"], packed = module.pack(plan.arrays, half=False)
    found = bench.evaluate(
        """([model, bytes, rows, labels]) => {
            const network = Network.build(model, Uint8Array.from(atob(bytes), c => c.charCodeAt(0)));
            return rows.map((z, i) => Array.from(network(Float32Array.from(z), labels ? labels[i] : -1)));
        }""",
        [
            json.loads(json.dumps(model)),
            base64.b64encode(zlib.decompress(packed)).decode(),
            z.tolist(),
            None if labels is None else labels.tolist(),
        ],
    )
    assert np.abs(np.array(found).reshape(wanted.shape) - wanted).max() <= 1e-5


@pytest.mark.parametrize("which", ["bundled", "mlp", "rgb"])
def test_a_thousand_seeds_to_one_grey_level(opened, which, request):
    made = bundled() if which == "bundled" else request.getfixturevalue(which)
    page = opened(made)
    found = bytes_of(page, "Array.from({length: 1000}, (_, seed) => mulligan.picture(seed))")
    z = np.concatenate([made.z(1, seed) for seed in range(1000)])
    labels = np.array([made.labels(1, seed)[0] for seed in range(1000)]) if made.classes else None
    wanted = to_uint8(made.decode(z, labels), *made.spec.data_range)
    assert np.abs(found.reshape(wanted.shape).astype(int) - wanted).max() <= 1
    assert np.ptp(wanted) > 240
    few = np.stack([made.images(1, seed)[0] for seed in range(20)])  # as mulligan draw draws them
    assert np.abs(found.reshape(wanted.shape)[:20].astype(int) - few).max() <= 1


def test_a_chosen_class_and_a_walk_as_numpy_draws_them(opened, mlp):
    page = opened(mlp)
    found = bytes_of(page, "[0, 3, 9].map(k => mulligan.picture(5, k))")
    wanted = np.stack([mlp.images(1, 5, k)[0] for k in (0, 3, 9)])
    assert np.abs(found.reshape(wanted.shape).astype(int) - wanted).max() <= 1
    found = bytes_of(page, "[0, .25, .5, .75, 1].map(t => mulligan.walked(5, 6, t))")
    wanted = mlp.walk(5, 6, 5)
    assert np.abs(found.reshape(wanted.shape).astype(int) - wanted).max() <= 1
    assert mlp.label_of(5) != mlp.label_of(9)  # the class changes on the way
    found = bytes_of(page, "[0, .25, .5, .75, 1].map(t => mulligan.walked(5, 9, t))")
    wanted = mlp.walk(5, 9, 5)
    assert np.abs(found.reshape(wanted.shape).astype(int) - wanted).max() <= 1
    assert np.array_equal(wanted[-1], mlp.images(1, 9)[0])


def test_uniform_latents_walk_straight(opened, rgb):
    found = bytes_of(opened(rgb), "[0, .5, 1].map(t => mulligan.walked(5, 6, t))")
    wanted = rgb.walk(5, 6, 3)
    assert np.abs(found.reshape(wanted.shape).astype(int) - wanted).max() <= 1


def test_half_precision_only_where_it_does_not_show(make, mlp):
    assert fits_half(mlp)
    assert '"dtype": "float16"' in viewer(mlp)
    layers = [nn.Dense(16), nn.Tanh(), nn.Dense(64), nn.Reshape((8, 8, 1))]
    coarse = make(layers, 4, output_range=(-0.001, 0.001), data_range=(0.0, 255.0))
    assert not fits_half(coarse)
    large = make(layers, 4)
    large.theta[0] = 1e5  # more than half precision holds
    assert not fits_half(large)
    for made in (coarse, large):
        assert '"dtype": "float16"' not in viewer(made)


def test_points_are_refused(make, tmp_path):
    with pytest.raises(UnsupportedError, match=r"samples must be pictures .* shape \(2,\).*--to torch"):
        make([nn.Dense(2)], 3).export(tmp_path / "p.html")
    assert list(tmp_path.iterdir()) == []
