"""The rule from a seed to a picture, and what may be asked of a generator."""

import math

import numpy as np
import pytest

from mulligan.errors import ConfigError, DivergedError, ShapeError, UnsupportedError
from mulligan.game import Latent
from mulligan.nn import Network, stream
from mulligan.nn.layers import Dense, Flatten, LayerNorm, Reshape, Sequential, Tanh
from mulligan.output.generator import LARGEST_SEED, Generator, GeneratorSpec
from mulligan.output.generator.generator import CHUNK, match_histogram

SHAPE = (8, 8, 1)
GOLDEN_NORMAL = [0.43584, 0.244067, -1.04751, 1.897848]
GOLDEN_UNIFORM = [-0.093948, -0.290262, 0.289544, 0.594279]
GOLDEN_LABELS = [9, 4, 0, 6, 8, 2, 8, 7, 3, 8, 9, 9]


def test_z_of_a_seed_is_a_promise(generator):
    rows = generator(latent=Latent(64)).z(3, 42)
    assert rows.dtype == np.float32
    assert rows.tobytes() == stream(42, "sample").standard_normal((3, 64), dtype=np.float32).tobytes()
    # golden numbers: if these change, every seed that anybody wrote down draws another picture
    assert rows[0, :4].tolist() == pytest.approx(GOLDEN_NORMAL, abs=1e-6)
    uniform = generator(latent=Latent(64, "uniform")).z(3, 42)
    assert uniform[0, :4].tolist() == pytest.approx(GOLDEN_UNIFORM, abs=1e-6)
    assert np.abs(uniform).max() <= 1


def test_the_class_of_a_seed_is_a_promise(generator):
    assert generator().labels(12, 42).tolist() == GOLDEN_LABELS
    assert generator(classes=0).labels(3, 42) is None


def test_the_class_of_a_picture_is_the_one_that_is_asked_for_or_the_seed_s_own(generator):
    made = generator()
    assert [made.label_of(42), made.label_of(42, "3"), made.label_of(42, 0)] == [GOLDEN_LABELS[0], 3, 0]
    assert (made.images(1, 42, made.label_of(42)) == made.images(1, 42)).all()
    assert generator(classes=0).label_of(42) is None
    with pytest.raises(ConfigError, match=r"trained without labels"):
        generator(classes=0).label_of(42, 3)


def test_classes_follow_the_shares_of_the_data(generator):
    uneven = generator(class_counts=(0, 100, 300, 0, 0, 0, 0, 0, 0, 600))
    shares = np.bincount(uneven.labels(20_000, 1), minlength=10) / 20_000
    assert shares == pytest.approx([0, 0.1, 0.3, 0, 0, 0, 0, 0, 0, 0.6], abs=0.01)


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_a_picture_does_not_depend_on_how_many_are_drawn(generator, kind):
    made, n = generator(kind), 3 * CHUNK + 5
    many, z, labels = made.images(n, seed=42), made.z(n, 42), made.labels(n, 42)
    for part in (slice(CHUNK, 2 * CHUNK), slice(3 * CHUNK, None)):  # each with the class of its own row
        assert np.array_equal(made.decode(z, labels)[part], made.decode(z[part], labels[part]))
    for count in (1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK):
        assert np.array_equal(generator(kind, threads=count % 3 + 1).images(count, seed=42), many[:count])
    assert many.std(axis=0).mean() > 5  # and they differ


def test_contrast_is_never_stretched(generator):
    made = generator()
    made.theta[:] *= 0.01
    assert set(np.unique(made.images(20))) == {127, 128}


def test_asked_classes_are_used_with_the_same_z(generator):
    made = generator()
    threes = made.sample(4, 1, labels=3)
    assert np.array_equal(threes[2:3], made.decode(made.z(4, 1)[2:3], [3]))
    assert not np.array_equal(threes, made.sample(4, 1, labels=4))
    mixed = made.sample(4, 1, labels=[3, 3, 4, 3])
    assert [np.array_equal(a, b) for a, b in zip(mixed, threes)] == [True, True, False, True]


def test_points_have_samples_and_no_pictures():
    layers = (Dense(16), Tanh(), Dense(2))
    theta = Network(Sequential(layers), (4,)).initialise(stream(0, "init.g")).theta
    points = Generator(GeneratorSpec(layers, Latent(4), (2,), (-5.0, 5.0), (-5.0, 5.0)), theta)
    assert points.sample(100).shape == (100, 2)
    with pytest.raises(UnsupportedError, match=r"\(2,\)"):
        points.images(3)


def test_samples_of_weights_that_ran_away_are_refused_in_a_sentence(generator):
    gone = Generator(generator().spec, np.float32(1e30) * generator().theta, threads=2)
    for draw in (gone.sample, gone.images, lambda count: gone.decode(gone.z(count), 3)):
        with pytest.raises(DivergedError, match=r"got [\d,]+ of [\d,]+"):
            draw(2 * CHUNK)


def test_what_overflows_inside_and_comes_out_finite_is_no_warning():
    layers = (Dense(4), LayerNorm(), Tanh())
    theta = np.full(Network(Sequential(layers), (3,)).n_params, 1e25, np.float32)
    made = Generator(GeneratorSpec(layers, Latent(3), (4,)), theta, threads=2).sample(2 * CHUNK)
    assert (made == 255).all()  # x / ∞ = 0, plus β


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_walk_leads_from_picture_to_picture(generator, distribution):
    made = generator(latent=Latent(6, distribution))
    frames = made.walk(42, 7, 9, label=3)
    assert frames.shape == (9, *SHAPE)
    assert np.array_equal(frames[0], made.images(1, 42, 3)[0])
    assert np.array_equal(frames[-1], made.images(1, 7, 3)[0])
    a, b = made.z(1, 42), made.z(1, 7)
    w = math.acos(float((a @ b.T).item() / np.linalg.norm(a) / np.linalg.norm(b)))
    quarter = (0.75 * a + 0.25 * b) if distribution == "uniform" else (math.sin(0.75 * w) * a + math.sin(w / 4) * b)
    quarter /= 1 if distribution == "uniform" else math.sin(w)
    assert np.abs(frames[2].astype(int) - (made.decode(quarter, 3)[0])).max() <= 1


def test_a_walk_leads_from_class_to_class_and_may_stand_still(generator):
    made = generator()
    assert made.label_of(42) != made.label_of(1)  # a 9 and a 5: the last picture was drawn as a 9
    frames = made.walk(42, 1, 5)
    assert np.array_equal(frames[0], made.images(1, 42)[0])
    assert np.array_equal(frames[-1], made.images(1, 1)[0])
    half = np.zeros((1, 10))
    half[0, [made.label_of(42), made.label_of(1)]] = 0.5
    middle = np.stack([made.z(1, 42), made.z(1, 1)]).sum(axis=0)
    middle *= math.sqrt(float(np.linalg.norm(made.z(1, 42)) * np.linalg.norm(made.z(1, 1)))) / np.linalg.norm(middle)
    # in the middle of a great circle both have the same weight
    between = [made.decode(middle, labels) for labels in (half, made.label_of(42))]
    distance = [np.abs(frames[2] - found[0]).mean() for found in between]
    assert distance[0] < distance[1]
    assert np.array_equal(made.decode(made.z(1, 3), np.eye(10)[[4]]), made.decode(made.z(1, 3), 4))
    still = made.walk(5, 5, 3)
    assert np.abs(still.astype(int) - still[0]).max() <= 1


def test_the_largest_seed_and_numpy_integers_are_seeds(generator):
    assert np.array_equal(generator().sample(1, np.int32(7)), generator().sample(1, 7))
    assert generator().sample(1, LARGEST_SEED).shape == (1, *SHAPE)


@pytest.mark.parametrize(
    ("count", "seed"), [(1, -1), (1, LARGEST_SEED + 1), (1, 1.5), (1, True), (0, 0), (-3, 0), (2.0, 0), (10**15, 0)]
)
def test_seeds_and_counts_are_whole_numbers_in_range(generator, count, seed):
    with pytest.raises(ConfigError, match="9007199254740991" if count == 1 else "count"):
        generator().sample(count, seed)


def test_classes_by_number_and_by_name(generator):
    named = generator(classes=3, class_names=("cat", "dog", "7"))
    assert [named.class_of(word) for word in (0, "1", "dog", "7", 2)] == [0, 1, 1, 2, 2]
    for word in (3, -1, "3", "mouse", "1.0", ""):
        with pytest.raises(ConfigError, match="0 to 2, or by name cat, dog, 7, got"):
            named.class_of(word)
    with pytest.raises(ConfigError, match="got 3"):
        generator(classes=0).class_of(3)
    shifted = generator(classes=3, class_names=("1", "2", "3"))  # the text is a name, the number is none
    assert [shifted.class_of(word) for word in ("1", "3", 1, 2)] == [0, 2, 1, 2]
    for labels in (3, [0, 3]):
        with pytest.raises(ConfigError, match="0 to 2, or by name 1, 2, 3, got 3"):
            shifted.sample(2, labels=labels)
    for names in ("dog", ["cat", "dog"]):
        with pytest.raises(ConfigError, match=r"got <U3.*generator\.class_of"):
            named.images(2, labels=names)


@pytest.mark.parametrize("labels", [10, -1, [1, 2], [0, 1, 10], 1.0, [[1, 2, 3]], "3"])
def test_labels_that_do_not_fit_are_refused(generator, labels):
    for classes in (10, 0):
        with pytest.raises(ConfigError, match=r"^(class|labels) "):
            generator(classes=classes).sample(3, labels=labels)


def test_decode_says_what_it_needs(generator):
    with pytest.raises(ShapeError, match=r"\(n, 6\)"):
        generator().decode(np.zeros((2, 5)))
    with pytest.raises(ConfigError, match=r"0 to 9.* got None"):
        generator().decode(np.zeros((2, 6)))
    with pytest.raises(ConfigError, match="frames"):
        generator().walk(1, 2, frames=1)


def test_parts_that_do_not_fit_are_refused(generator):
    made = generator()
    for theta in (made.theta[:-1], made.theta[:1]):  # one number would be broadcast
        with pytest.raises(ShapeError, match=r"parameters .* got \d+"):
            Generator(made.spec, theta)
    with pytest.raises(ShapeError, match=r"\(6,\), .* \(5,\)"):
        Generator(GeneratorSpec((Dense(5), Flatten()), Latent(4), (6,)), np.zeros(25))


@pytest.mark.parametrize(
    ("field", "value"),
    [("classes", -1), ("class_names", ("a",)), ("class_counts", (1, 2)), ("class_counts", (-1,) + (1,) * 9)],
)
def test_descriptions_are_checked(generator, field, value):
    with pytest.raises(ConfigError, match=field):
        generator(**{"classes": 10, field: value})


@pytest.mark.parametrize("output", [(0.0, 0.3), (-0.2, 0.1), (0.0, 255.0)])
def test_any_range_of_the_network_becomes_any_range_of_the_data(generator, output):
    low, high = output
    made = generator(output_range=output, data_range=(0.0, 0.3))
    y = made.network.workspace().forward(made.z(5, 7), made.labels(5, 7), training=False).reshape(5, *SHAPE)
    share = (y.astype(np.float64) - low) / (high - low)
    assert made.sample(5, 7) == pytest.approx(0.3 * share, abs=1e-5)
    assert np.abs(made.images(5, 7) - 255 * share.clip(0, 1)).max() < 0.51


def test_a_curve_gives_samples_the_levels_of_real_pictures(make):
    plain = make((Dense(64), Tanh(), Reshape((8, 8, 1))), 16, data_range=(0.0, 255.0))
    rng = np.random.default_rng(0)
    real = np.where(rng.random((400, 8, 8, 1)) < 0.6, 40, rng.integers(0, 256, (400, 8, 8, 1))).astype(np.uint8)
    before, after = (made.images(400).ravel().astype(int) for made in (plain, match_histogram(plain, real)))
    assert np.abs(np.sort(real.ravel()) - np.sort(after).astype(float)).mean() < 4
    assert (np.diff(after[np.lexsort((after, before))]) >= 0).all()
