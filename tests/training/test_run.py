from dataclasses import replace

import numpy as np
import pytest

from mulligan.data import Dataset
from mulligan.errors import ConfigError, DataError, ShapeError
from mulligan.game import Wasserstein
from mulligan.nn.workers import available_cores
from mulligan.nn.workers.limits import rows_at_once
from mulligan.output.generator import Generator
from mulligan.training import Run
from mulligan.training.samples import fingerprint_of


def test_threads_are_resolved_once(tiny):
    assert Run(tiny(threads=0)).config.threads == available_cores()
    assert Run(tiny(threads=3)).gan.team.count == 3
    assert Run(tiny(threads=3, batch_size=2)).gan.team.count == 2  # no worker without rows


def test_batches_are_scaled_and_carry_their_labels(pictured, digits):
    run = Run(pictured(batch_size=10, data={"name": "digits", "low": 0.0, "high": 1.0}), data=digits)
    seen = []
    for _ in range(4):
        labels = run.write_batch(batch := np.empty((10, *digits.shape), np.float32))
        for x, y in zip(batch, labels):
            match = np.flatnonzero((digits.images == np.rint(x * 255)).all(axis=(1, 2, 3)))
            assert len(match) == 1
            assert y == digits.labels[match[0]]
            np.testing.assert_allclose(x, digits.images[match[0]] / np.float32(255), rtol=1e-6)
            seen.append(int(match[0]))
    assert sorted(seen) == list(range(40))  # each once an epoch


def test_points_come_as_they_are(tiny):
    run = Run(tiny())
    batch = np.empty((run.sampler.batch_size, 2), np.float32)
    assert run.write_batch(batch) is None
    assert all((run.data.images == x).all(axis=1).any() for x in batch)


def test_several_moves_of_d_get_fresh_rows(tiny):
    run = Run(tiny(update="alternating", d_steps=3, batch_size=8))
    assert run.sampler.next_indices().shape == (24,)
    run.advance()


def test_a_limit_keeps_the_classes_of_sorted_data(pictured, digits):
    in_order = replace(digits, labels=np.arange(40) // 10)
    run = Run(pictured(data={"name": "digits", "limit": 12}), data=in_order)
    assert run.generator().spec.class_counts == (3, 3, 3, 3)


@pytest.mark.parametrize(("labels", "classes"), [("dataset", 4), ("none", 0), ("clusters", 7)])
def test_labels(pictured, digits, labels, classes):
    run = Run(pictured(data={"name": "digits", "labels": labels, "clusters": 7}), data=digits)
    assert run.classes == classes
    assert run.class_names == {"dataset": tuple("abcd"), "none": (), "clusters": tuple("0123456")}[labels]
    assert (run.labels is None) == (classes == 0)
    assert (run.generator().spec.class_noun == "class") == (labels == "dataset")
    assert type(run.gan.d.layers[-1]).__name__ == ("Projection" if classes else "Dense")
    run.advance()


def test_auto_takes_the_data_s_classes_or_as_many_clusters_as_the_pictures_bear(pictured, digits, tiny):
    flat = replace(digits, labels=None, class_names=())
    pictures = np.random.default_rng(0).integers(0, 256, (90, *digits.shape), dtype=np.uint8)
    many = replace(flat, images=pictures)
    cases = [(digits, 7, "dataset", 4), (flat, 7, "clusters", 2), (many, 7, "clusters", 6), (many, 4, "clusters", 4)]
    for data, most, labels, classes in [*cases, (flat.limited(29), 7, "none", 0)]:
        run = Run(pictured(data={"name": "digits", "labels": "auto", "clusters": most}), data=data)
        assert (run.config.data.labels, run.classes) == (labels, classes)
        assert ("clusters of similar pictures" in run.note) == (labels == "clusters")
        assert Run(run.config, data=data).config == run.config  # as a resumed run reads it
    assert Run(tiny(data={"name": "ring", "labels": "auto"})).labels is None


def test_every_picture_and_every_label_is_in_the_fingerprint():
    images, labels = np.zeros((4097, 2, 2, 1), np.uint8), np.arange(4097) % 2
    other = images.copy()
    other[-1] = 1
    data = [Dataset("own", images), Dataset("own", other), Dataset("own", images.reshape(-1, 1, 4, 1))]
    found = {fingerprint_of(each, None) for each in data} | {
        fingerprint_of(data[0], given) for given in (labels, 1 - labels)
    }
    assert len(found) == 5


def test_misfits_are_refused_before_the_first_step(tiny, pictured, digits):
    with pytest.raises(ConfigError, match="got 'clusters', which needs pictures"):
        Run(tiny(data={"name": "ring", "labels": "clusters"}))
    with pytest.raises(ConfigError, match=r"^the number of clusters must be from 1 to 40, .* got 41\."):
        Run(pictured(data={"name": "digits", "labels": "clusters", "clusters": 41}), data=digits)
    with pytest.raises(ConfigError, match=r"^classes must be 4, .* got 3\."):
        Run(pictured(classes=3), data=digits)
    with pytest.raises(ShapeError, match="Put a Flatten layer before it"):
        Run(tiny(data={"name": "digits", "labels": "none"}), data=digits)
    with pytest.raises(ShapeError, match=r"generator's samples must .*, got \(3,\)"):
        Run(tiny(generator={"layers": [{"kind": "dense", "units": 3}]}))
    with pytest.raises(ConfigError, match="Own must be in a registry"):  # a checkpoint could not name it
        Run(replace(tiny(), loss=type("Own", (Wasserstein,), {})()))
    with pytest.raises(DataError, match="no data set and no file named 'aaa"):  # the system has no such long names
        Run(tiny(data={"name": "a" * 300}))
    with pytest.raises(DataError, match="Did you mean 'ring'"):
        Run(tiny(data="rings"))


def test_a_path_becomes_absolute(pictured, digits, tmp_path, monkeypatch):
    np.save(tmp_path / "mine.npy", np.asarray(digits.images))
    monkeypatch.chdir(tmp_path)
    run = Run(pictured(data="mine.npy"))
    assert run.config.data.name == str((tmp_path / "mine.npy").resolve())


def test_the_average_follows_training(tiny):
    run = Run(tiny())
    before = run.sample(*run.grid)
    for _ in range(5):
        run.advance()
    assert not np.array_equal(before, run.sample(*run.grid))
    assert not np.array_equal(run.sample(*run.grid), run.sample(*run.grid, average=False))


def test_the_seed_of_a_draw_decides(pictured, digits):
    run, other = Run(pictured(), data=digits), Run(pictured(seed=1), data=digits)
    (z, labels), again = run.draw(20, seed=3), run.draw(20, seed=2**63 - 1)
    assert run.draw(0, seed=3)[0].shape == (0, 4)
    for count, seed in ((2**40 + 1, 0), (1, 2**63), (-1, 0), (1, -1)):
        with pytest.raises(ConfigError):
            run.draw(count, seed=seed)
    assert not (z == again[0]).any()
    assert (labels != again[1]).any()
    assert all((one == same).all() for one, same in zip((z, labels), other.draw(20, seed=3)))  # whatever the run's is


def test_samples_have_the_range_that_the_data_is_scaled_to(pictured, digits):
    run = Run(pictured(data={"name": "digits", "low": 0.0, "high": 0.5}), data=digits)
    z, labels = run.draw(9, seed=0)
    expected = np.rint(np.clip(run.generate(z, labels) / 0.5, 0.0, 1.0) * 255)
    np.testing.assert_allclose(run.sample(z, labels).astype(int), expected, atol=1)
    assert len(np.unique(expected)) > 20


def test_generate_does_not_depend_on_the_count(pictured, digits):
    run = Run(pictured(), data=digits)
    z, labels = run.draw(300, seed=3)
    made = run.generate(z, labels)
    for part in (slice(256), slice(256, None)):
        np.testing.assert_allclose(made[part], run.generate(z[part], labels[part]), rtol=1e-5, atol=1e-6)


def test_the_grid_shows_every_class_in_order(pictured, digits, monkeypatch):
    for count in (64, 4):  # also where each has one place
        monkeypatch.setattr("mulligan.training.run.GRID", count)
        z, labels = Run(pictured(), data=digits).grid
        assert z.shape == (count, 4)
        assert labels.tolist() == [k for k in range(4) for _ in range(count // 4)]
    _, drawn = Run(pictured(), data=digits).draw(400, seed=0)
    assert (np.bincount(drawn) > 60).all()


def test_the_generator_of_a_run_draws_what_the_run_draws(tiny, pictured, digits, tmp_path):
    run = Run(pictured(), data=digits)
    for _ in range(3):
        run.advance()
    run.generator().save(tmp_path / "g.safetensors")
    loaded = Generator.load(tmp_path / "g.safetensors")
    assert loaded.spec.class_names == ("a", "b", "c", "d")
    assert loaded.spec.class_counts == (10, 10, 10, 10)
    few = Run(pictured(), data=replace(digits, labels=digits.labels // 2))
    assert few.generator().spec.class_counts == (20, 20, 0, 0)
    assert loaded.spec.step == 3
    z, labels = run.draw(64, seed=7)
    made = run.generate(z, labels)
    np.testing.assert_allclose(loaded.decode(z, labels), (made + 1) * 127.5, atol=1e-3)
    point_run = Run(tiny())
    made = point_run.generate(*point_run.draw(64, seed=1))
    np.testing.assert_allclose(point_run.generator().decode(point_run.draw(64, seed=1)[0]), made, atol=1e-6)


def test_classes_are_drawn_as_often_as_the_data_has_them(pictured, digits):
    labels = np.repeat([0, 1, 2, 3], [28, 8, 4, 0])
    _, drawn = Run(pictured(), data=replace(digits, labels=labels)).draw(4000, seed=0)
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 4000, [0.7, 0.2, 0.1, 0.0], atol=0.03)


def test_looking_at_g_uses_what_its_norms_have_learned_and_teaches_them_nothing(tiny):
    layers = [{"kind": "dense", "units": 16}, "batch_norm", {"kind": "dropout"}, {"kind": "dense", "units": 2}]
    run = Run(tiny(generator={"layers": layers}))
    for _ in range(3):
        run.advance()
    before = {name: array.copy() for name, array in run.gan.arrays().items()}
    z, labels = run.draw(64, seed=7)
    for average in (True, False):
        made = run.generate(z, labels, average=average)
        np.testing.assert_array_equal(run.generate(z, labels, average=average), made)
        np.testing.assert_allclose(run.generate(z[:1], labels, average=average), made[:1], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(run.generator(average=average).decode(z), made, rtol=1e-4, atol=1e-6)
    for name, array in run.gan.arrays().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    ("shape", "rows"), [((28, 28, 1), 256), ((32, 32, 4), 256), ((64, 64, 3), 85), ((2000, 2000, 3), 1)]
)
def test_large_pictures_are_sampled_in_smaller_passes(shape, rows):
    assert rows_at_once(256, shape) == rows
