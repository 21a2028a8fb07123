"""The file of a generator: what it keeps, and which others are refused."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save, save_file

from mulligan.errors import CheckpointError, ConfigError
from mulligan.game import Latent
from mulligan.models import load
from mulligan.nn import Network, stream
from mulligan.nn.layers import LAYERS, Dense, Reshape, Sequential, Tanh
from mulligan.output.export import FORMATS
from mulligan.output.generator import Generator, GeneratorSpec
from mulligan.output.generator.file import digest

SHAPE = (8, 8, 1)


Z6 = Latent(6)


def rewritten(path, **changes):
    """Write the file again with other metadata or tensors, as an editor would."""
    with safe_open(path, "np") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors |= changes.pop("tensors", {})
    save_file(tensors, path, metadata | changes)
    return path


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_a_file_gives_the_same_generator_back(generator, kind, tmp_path):
    made = generator(kind, class_names=tuple("abcdefghij"), class_counts=tuple(range(10)), recipe="quick", data="mnist")
    made.save(tmp_path / "g.safetensors")
    again = Generator.load(tmp_path / "g.safetensors")
    assert again.spec == made.spec
    assert again.theta.tobytes() == made.theta.tobytes()
    assert np.array_equal(again.images(70, 9), made.images(70, 9))
    assert "quick on mnist" in repr(again)


def test_the_same_generator_is_the_same_file(generator, tmp_path):
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


def test_float16_halves_the_file_and_rounds_each_parameter_once(generator, tmp_path):
    made = generator("conv")
    made.save(tmp_path / "32.safetensors")
    made.save(tmp_path / "16.safetensors", dtype="float16")
    small = Generator.load(tmp_path / "16.safetensors")
    saved = (tmp_path / "32.safetensors").stat().st_size - (tmp_path / "16.safetensors").stat().st_size
    assert abs(saved - 2 * made.theta.size) < 100
    assert small.theta.dtype == np.float32
    assert np.array_equal(small.theta, made.theta.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("dtype", ["int8", "float64"])
def test_a_type_that_no_file_has_is_refused(generator, dtype, tmp_path):
    with pytest.raises(ConfigError, match="dtype"):
        generator().save(tmp_path / "g.safetensors", dtype=dtype)
    assert not list(tmp_path.iterdir())


def test_what_is_not_finite_is_not_written(generator, tmp_path):
    made = generator()
    made.theta[7] = 1e5
    with pytest.raises(CheckpointError, match=r"must be finite as float16.*float32"):
        made.save(tmp_path / "g.safetensors", dtype="float16")
    made.theta[7] = np.nan
    with pytest.raises(CheckpointError, match=r"parameter 1\.W must be finite"):
        made.save(tmp_path / "g.safetensors")
    for ending in FORMATS.values():
        with pytest.raises(CheckpointError, match=r"parameter 1\.W must be finite"):
            made.export(tmp_path / f"g{ending}")
    assert not list(tmp_path.iterdir())


@given(st.integers(0, 10**6), st.sampled_from(["cut", "flip", "append"]))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_refused_by_name(generator, tmp_path_factory, where, damage):
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


def test_foreign_edited_and_newer_files_are_told_apart(generator, tmp_path):
    path = tmp_path / "g.safetensors"
    save_file({"W": np.zeros(3, np.float32)}, path)
    with pytest.raises(CheckpointError, match="another safetensors file"):
        Generator.load(path)
    generator().save(path)
    with pytest.raises(CheckpointError, match=r"version 1, got version '2'"):
        Generator.load(rewritten(path, version="2"))
    generator().save(path)
    with pytest.raises(CheckpointError, match="changed after it was written"):
        Generator.load(rewritten(path, tensors={"1.b": np.ones(12, np.float32)}))
    generator().save(path)
    with safe_open(path, "np") as file:
        spec = file.metadata()["spec"]
    with pytest.raises(CheckpointError, match="changed after it was written"):
        Generator.load(rewritten(path, spec=spec.replace('"classes": 10', '"classes": 11')))
    with pytest.raises(CheckpointError, match="does not exist"):
        Generator.load(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda spec: spec["latent"].update(dim=7), "parameters"),
        (lambda spec: spec["layers"][1].update(kind="densse"), "Did you mean"),
        (lambda spec: spec.update(shape=[9, 9, 1]), "cannot be"),
        (lambda spec: spec.update(shape=[-8, -8, 1]), "shape"),
        (lambda spec: spec.update(shape=[2**20, 2**20, 1]), "shape"),
        (lambda spec: spec.update(shape=[8, 4, 2]), "shape"),
        (lambda spec: spec.pop("latent"), "latent is missing"),
        (lambda spec: spec["layers"].pop(3), "parameters"),
        (lambda spec: spec["layers"][1].update(units=10**12), "parameters"),  # no memory is taken
        (lambda spec: spec.update(output_range=[1, 1]), "output_range"),
        (lambda spec: spec.update(data_range=[0, float("inf")]), "not finite"),
        (lambda spec: spec.update(classes="x"), r"g\.safetensors .*classes .* got 'x'"),
        (lambda spec: spec.update(classes=10**9), "classes"),
        (lambda spec: spec.update(classes=11), "classes must be 10"),
        (lambda spec: spec.update(class_counts=[0] * 10), "classes"),
        (lambda spec: spec.update(recipe="\ud800"), "surrogates"),
        (lambda spec: spec.update(deep=json.loads("[" * 900 + "]" * 900)), "brackets"),
        ("[]", "object"),
        ("{", "JSON"),
    ],
)
def test_a_signed_file_that_makes_no_sense_is_refused(generator, tmp_path, change, message):
    path = tmp_path / "g.safetensors"
    generator().save(path)
    with safe_open(path, "np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        spec = json.loads(file.metadata()["spec"])
    if callable(change):
        change(spec)
    text = json.dumps(spec) if callable(change) else change
    metadata = {"format": "mulligan.generator", "version": "1", "spec": text, "sha256": digest(text, tensors)}
    path.write_bytes(save(tensors, metadata))
    with pytest.raises(CheckpointError, match=message):
        Generator.load(path)


def test_a_run_with_a_layer_of_ones_own_asks_for_its_program(tmp_path, monkeypatch):
    """`mulligan resume` writes a damaged file anew; of an unknown layer it knows as little."""

    @dataclass(frozen=True)
    class Own(Tanh):
        pass

    path = tmp_path / "generator.safetensors"
    layers = (Dense(64), Own(), Reshape(SHAPE))
    theta = Network(Sequential(layers), (6,)).theta
    with monkeypatch.context() as there:
        there.setitem(LAYERS, "own", Own)
        Generator(GeneratorSpec(layers, Z6, SHAPE), theta).save(path)
        load(tmp_path)
    with pytest.raises(CheckpointError, match=r"your own class, use the program that made it\.$"):
        load(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="cut short"):
        load(tmp_path)


def test_the_digest_is_of_names_and_shapes_too():
    x = np.arange(4, dtype=np.float32)
    given = [{"a": x}, {"b": x}, {"a": x.reshape(2, 2)}, {"a": x.view(np.int32)}, {"a": x + 1}]
    assert len({digest("", tensors) for tensors in given} | {digest(" ", given[0])}) == 6


@pytest.mark.parametrize("ending", [".py", ".npz", ".HTML"])
def test_no_file_is_saved_under_the_ending_of_an_export(generator, tmp_path, ending):
    with pytest.raises(ConfigError, match=rf"mine{ending}'\. Try export"):
        generator().save(tmp_path / f"mine{ending}")
    assert not list(tmp_path.iterdir())
