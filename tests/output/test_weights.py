import errno
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save, save_file

from mulligan.errors import CheckpointError, ConfigError, RunError, ShapeError, UnsupportedError
from mulligan.game.architectures import ConvGenerator, MLPGenerator
from mulligan.game.spec import Latent
from mulligan.nn.layers import LAYERS, Dense, Flatten, Reshape, Sequential, Tanh
from mulligan.nn.network import Network
from mulligan.nn.rng import stream
from mulligan.output.models import load
from mulligan.output.tensors import digest
from mulligan.output.weights import CHUNK, LARGEST_SEED, Generator, GeneratorSpec

SHAPE = (8, 8, 1)
GOLDEN_NORMAL = [0.43584, 0.244067, -1.04751, 1.897848]
GOLDEN_UNIFORM = [-0.093948, -0.290262, 0.289544, 0.594279]
GOLDEN_LABELS = [9, 4, 0, 6, 8, 2, 8, 7, 3, 8, 9, 9]


Z6 = Latent(6)


def generator(kind="mlp", classes=10, latent=Z6, threads=2, **spec):
    build = ConvGenerator(hidden=(12,), channels=(6, 4)) if kind == "conv" else MLPGenerator(hidden=(12, 20))
    layers = build.build(SHAPE, classes)
    theta = Network(Sequential(layers), (latent.dim,)).initialise(stream(3, "init.g")).theta
    return Generator(GeneratorSpec(layers, latent, SHAPE, classes=classes, **spec), 2 * theta, threads=threads)


def rewritten(path, **changes):
    """Write the file again with other metadata or tensors, as an editor would."""
    with safe_open(path, "np") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors |= changes.pop("tensors", {})
    save_file(tensors, path, metadata | changes)
    return path


# ── the rule from seed to picture ─────────────────────────────────────────────────────────────────────────────────────


def test_z_of_a_seed_is_a_promise():
    rows = generator(latent=Latent(64)).z(3, 42)
    assert rows.dtype == np.float32
    assert rows.tobytes() == stream(42, "sample").standard_normal((3, 64), dtype=np.float32).tobytes()
    # golden numbers: if these change, every seed that anybody wrote down draws another picture
    assert rows[0, :4].tolist() == pytest.approx(GOLDEN_NORMAL, abs=1e-6)
    uniform = generator(latent=Latent(64, "uniform")).z(3, 42)
    assert uniform[0, :4].tolist() == pytest.approx(GOLDEN_UNIFORM, abs=1e-6)
    assert np.abs(uniform).max() <= 1


def test_the_class_of_a_seed_is_a_promise():
    assert generator().labels(12, 42).tolist() == GOLDEN_LABELS
    assert generator(classes=0).labels(3, 42) is None


def test_classes_follow_the_shares_of_the_data():
    uneven = generator(class_counts=(0, 100, 300, 0, 0, 0, 0, 0, 0, 600))
    shares = np.bincount(uneven.labels(20_000, 1), minlength=10) / 20_000
    assert shares == pytest.approx([0, 0.1, 0.3, 0, 0, 0, 0, 0, 0, 0.6], abs=0.01)


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_a_picture_does_not_depend_on_how_many_are_drawn(kind):
    many = generator(kind).images(3 * CHUNK + 5, seed=42)
    for count in (1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK):
        assert np.array_equal(generator(kind, threads=count % 3 + 1).images(count, seed=42), many[:count])
    assert many.std(axis=0).mean() > 5  # and they differ


@pytest.mark.parametrize("kind", ["mlp", "conv"])
@pytest.mark.parametrize("classes", [0, 10])
def test_samples_are_the_network_in_the_data_range(kind, classes):
    made = generator(kind, classes, data_range=(2.0, 3.0))
    z, labels = made.z(5, 7), made.labels(5, 7)
    y = made.network.workspace().forward(z, labels, training=False).reshape(5, *SHAPE)
    assert made.sample(5, 7) == pytest.approx(2.5 + y / 2, abs=1e-6)
    assert np.abs(made.images(5, 7) - 127.5 * (y + 1)).max() < 0.501
    assert np.array_equal(made.decode(z, labels), made.sample(5, 7))


def test_contrast_is_never_stretched():
    made = generator()
    made.theta[:] *= 0.01
    assert set(np.unique(made.images(20))) == {127, 128}


def test_asked_classes_are_used_with_the_same_z():
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
    with pytest.raises(UnsupportedError, match=r"points.*Use mulligan sample, or sample"):
        points.images(3)


def test_flat_layers_make_pictures_of_the_data_shape():
    layers = (Dense(64), Tanh())
    theta = Network(Sequential(layers), (4,)).initialise(stream(0, "init.g")).theta
    assert Generator(GeneratorSpec(layers, Latent(4), SHAPE), theta).images(2).shape == (2, *SHAPE)


# ── walks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_walk_leads_from_picture_to_picture(distribution):
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


def test_a_walk_keeps_the_first_class_and_may_stand_still():
    made = generator()
    label = int(made.labels(1, 42)[0])
    assert np.array_equal(made.walk(42, 7, 4), made.walk(42, 7, 4, label=label))
    still = made.walk(5, 5, 3)
    assert np.abs(still.astype(int) - still[0]).max() <= 1


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_a_file_gives_the_same_generator_back(kind, tmp_path):
    made = generator(kind, class_names=tuple("abcdefghij"), class_counts=tuple(range(10)), recipe="quick", data="mnist")
    made.save(tmp_path / "g.safetensors")
    again = Generator.load(tmp_path / "g.safetensors")
    assert again.spec == made.spec
    assert again.theta.tobytes() == made.theta.tobytes()
    assert np.array_equal(again.images(70, 9), made.images(70, 9))
    assert "quick on mnist" in repr(again)


def test_the_same_generator_is_the_same_file(tmp_path):
    g = generator(class_names=tuple('é"\\\n\x7f\x01d,😀 ghij'[:10]))
    written = set()
    for _ in range(12):
        g.save(tmp_path / "g.safetensors")
        written.add((tmp_path / "g.safetensors").read_bytes())
    assert len(written) == 1
    assert Generator.load(tmp_path / "g.safetensors").spec == g.spec


def test_statistics_travel_too(tmp_path):
    layers = (Dense(8, spectral_norm=True), Tanh(), Dense(64), Reshape(SHAPE))
    network = Network(Sequential(layers), (4,)).initialise(stream(0, "init.g"))
    network.stats[:] = np.linspace(-1, 2, network.stats.size)
    made = Generator(GeneratorSpec(layers, Latent(4), SHAPE), network.theta, network.stats)
    made.save(tmp_path / "g.safetensors")
    assert np.array_equal(Generator.load(tmp_path / "g.safetensors").sample(3), made.sample(3))
    flat = Generator(GeneratorSpec(layers, Latent(4), SHAPE), network.theta, np.ones_like(network.stats))
    assert not np.array_equal(flat.sample(3), made.sample(3))


def test_float16_halves_the_file_and_rounds_each_parameter_once(tmp_path):
    made = generator("conv")
    made.save(tmp_path / "32.safetensors")
    made.save(tmp_path / "16.safetensors", dtype="float16")
    small = Generator.load(tmp_path / "16.safetensors")
    saved = (tmp_path / "32.safetensors").stat().st_size - (tmp_path / "16.safetensors").stat().st_size
    assert abs(saved - 2 * made.theta.size) < 100
    assert small.theta.dtype == np.float32
    assert np.array_equal(small.theta, made.theta.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("dtype", ["int8", "float64"])
def test_a_type_that_no_file_has_is_refused(dtype, tmp_path):
    with pytest.raises(ConfigError, match=r"dtype = .*'float32' and 'float16' are"):
        generator().save(tmp_path / "g.safetensors", dtype=dtype)
    assert not list(tmp_path.iterdir())


def test_what_is_not_finite_is_not_written(tmp_path):
    made = generator()
    made.theta[7] = 1e5
    with pytest.raises(CheckpointError, match=r"not finite as float16.*float32"):
        made.save(tmp_path / "g.safetensors", dtype="float16")
    made.theta[7] = np.nan
    with pytest.raises(CheckpointError, match=r"parameter 1\.W is not finite"):
        made.save(tmp_path / "g.safetensors")
    assert not list(tmp_path.iterdir())


@given(st.integers(0, 10**6), st.sampled_from(["cut", "flip", "append"]))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_refused_by_name(tmp_path_factory, where, damage):
    path = tmp_path_factory.mktemp("damaged") / "g.safetensors"
    generator().save(path)
    content = bytearray(path.read_bytes())
    where %= len(content)
    if damage == "cut":
        content = content[:where]
    elif damage == "flip":
        content[where] ^= 0x10
    else:
        content += b"x" * (where % 100 + 1)
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"g\.safetensors"):
        Generator.load(path)


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_other_file_is_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("foreign") / "g.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"g\.safetensors"):
        Generator.load(path)


def test_foreign_edited_and_newer_files_are_told_apart(tmp_path):
    path = tmp_path / "g.safetensors"
    save_file({"W": np.zeros(3, np.float32)}, path)
    with pytest.raises(CheckpointError, match="no generator of Mulligan's"):
        Generator.load(path)
    generator().save(path)
    with pytest.raises(CheckpointError, match=r"version 2.*Update"):
        Generator.load(rewritten(path, version="2"))
    generator().save(path)
    with pytest.raises(CheckpointError, match="changed after it was written"):
        Generator.load(rewritten(path, tensors={"1.b": np.ones(12, np.float32)}))
    generator().save(path)
    with safe_open(path, "np") as file:
        spec = file.metadata()["spec"]
    with pytest.raises(CheckpointError, match="changed after it was written"):
        Generator.load(rewritten(path, spec=spec.replace('"classes": 10', '"classes": 11')))
    with pytest.raises(CheckpointError, match="there is no file"):
        Generator.load(tmp_path / "nowhere.safetensors")


def test_a_file_that_may_not_be_read_is_not_said_to_be_missing(tmp_path, monkeypatch):
    def closed(path, *_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    generator().save(tmp_path / "g.safetensors")
    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(CheckpointError, match=r"cannot read .*Permission denied"):
        Generator.load(tmp_path / "g.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda spec: spec["latent"].update(dim=7), "missing or has another shape"),
        (lambda spec: spec["layers"][1].update(kind="densse"), "did you mean|Did you mean"),
        (lambda spec: spec.update(shape=[9, 9, 1]), "cannot be"),
        (lambda spec: spec.pop("latent"), "latent is missing"),
        (lambda spec: spec["layers"].pop(3), "missing or has another shape"),
        (lambda spec: spec["layers"].append("flatten") or spec.update(classes="x"), "classes = 'x' is not allowed"),
    ],
)
def test_a_signed_file_that_makes_no_sense_is_refused(tmp_path, change, message):
    path = tmp_path / "g.safetensors"
    generator().save(path)
    with safe_open(path, "np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        spec = json.loads(file.metadata()["spec"])
    change(spec)
    text = json.dumps(spec)
    metadata = {"format": "mulligan.generator", "version": "1", "spec": text, "sha256": digest(text, tensors)}
    path.write_bytes(save(tensors, metadata))
    with pytest.raises(CheckpointError, match=message):
        Generator.load(path)


def test_a_run_with_a_layer_of_ones_own_asks_for_its_program(tmp_path, monkeypatch):
    """`mulligan resume` writes a damaged file anew; of an unknown layer it knows as little."""

    @dataclass(frozen=True)
    class Own(Tanh):
        pass

    (tmp_path / "checkpoints").mkdir()
    path = tmp_path / "generator.safetensors"
    layers = (Dense(64), Own(), Reshape(SHAPE))
    theta = Network(Sequential(layers), (6,)).theta
    with monkeypatch.context() as there:
        there.setitem(LAYERS, "own", Own)
        Generator(GeneratorSpec(layers, Z6, SHAPE), theta).save(path)
        load(tmp_path)
    with pytest.raises(CheckpointError, match=r"of your own, use the program that made it\.$"):
        load(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"mulligan resume .* writes it anew"):
        load(tmp_path)


def test_a_folder_in_the_way_keeps_everything(tmp_path):
    (tmp_path / "g.safetensors").mkdir()
    with pytest.raises(RunError, match="cannot write"):
        generator().save(tmp_path / "g.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["g.safetensors"]


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1, 1.5, True, "42", None])
def test_seeds_are_whole_numbers_in_range(seed):
    with pytest.raises(ConfigError, match="whole number from 0 to 9007199254740991"):
        generator().sample(1, seed=seed)


def test_the_largest_seed_and_numpy_integers_are_seeds():
    assert np.array_equal(generator().sample(1, np.int32(7)), generator().sample(1, 7))
    assert generator().sample(1, LARGEST_SEED).shape == (1, *SHAPE)


@pytest.mark.parametrize("count", [0, -3, 2.0, 10**15])
def test_counts_are_whole_numbers_in_range(count):
    with pytest.raises(ConfigError, match="count"):
        generator().sample(count)


def test_classes_by_number_and_by_name():
    named = generator(classes=3, class_names=("cat", "dog", "7"))
    assert [named.class_of(word) for word in (0, "1", "dog", "7", 2)] == [0, 1, 1, 2, 2]
    for word in (3, -1, "3", "mouse", "1.0", ""):
        with pytest.raises(ConfigError, match=r"3 classes, 0 to 2, by name cat, dog, 7\.$"):
            named.class_of(word)
    with pytest.raises(ConfigError, match="trained without labels"):
        generator(classes=0).class_of(3)


@pytest.mark.parametrize("labels", [10, -1, [1, 2], [0, 1, 10], 1.0, [[1, 2, 3]], [[1], [2, 3]], "3"])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(ConfigError, match="not allowed"):
        generator().sample(3, labels=labels)
    with pytest.raises(ConfigError, match=r"trained without labels|not allowed"):
        generator(classes=0).sample(3, labels=labels)


@pytest.mark.parametrize("labels", [10, -1, [0, 1, 10], [-1, 1, 9]])
def test_classes_out_of_range_name_the_range(labels):
    with pytest.raises(ConfigError, match=r"class = (10|-1) is not allowed; this generator has 10 classes, 0 to 9\."):
        generator().sample(3, labels=labels)


def test_decode_says_what_it_needs():
    with pytest.raises(ShapeError, match=r"\(n, 6\)"):
        generator().decode(np.zeros((2, 5)))
    with pytest.raises(ConfigError, match="labels = None"):
        generator().decode(np.zeros((2, 6)))
    with pytest.raises(ConfigError, match="frames"):
        generator().walk(1, 2, frames=1)


def test_parts_that_do_not_fit_are_refused():
    made = generator()
    with pytest.raises(ShapeError, match="parameters for layers"):
        Generator(made.spec, made.theta[:-1])
    with pytest.raises(ShapeError, match="statistics for layers"):
        Generator(made.spec, made.theta, np.ones(3, np.float32))
    with pytest.raises(ShapeError, match="cannot be"):
        Generator(GeneratorSpec((Dense(5), Flatten()), Latent(4), (6,)), np.zeros(25))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("output_range", (1.0, 1.0)),
        ("data_range", (0.0, math.inf)),
        ("classes", -1),
        ("class_names", ("a",)),
        ("class_counts", (1, 2)),
        ("class_counts", (0,) * 10),
        ("class_counts", (-1,) + (1,) * 9),
    ],
)
def test_descriptions_are_checked(field, value):
    with pytest.raises(ConfigError, match=field):
        generator(**{"classes": 10, field: value})
