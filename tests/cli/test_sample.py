import json
from pathlib import Path

import numpy as np
from PIL import Image

from mulligan.data import load as load_data
from mulligan.models import load
from mulligan.output.pictures import grid, points_picture, straight


def test_a_grid_by_default_named_after_model_and_seed(mulligan, model):
    code, out, err = mulligan("sample", model, "--seed", "7")
    assert (code, out, err) == (0, "64 samples of seed 7: tiny-seed-7.png\n", "")
    with Image.open("tiny-seed-7.png") as image:
        assert np.array_equal(np.asarray(image), grid(load(model).images(64, 7))[..., 0])
    assert mulligan("sample", model, "--class", "cow")[1].endswith("tiny-seed-0-class-2.png\n")
    assert mulligan("sample", model, "--psi", 0.5)[1].endswith("tiny-seed-0-psi-0.5.png\n")


def test_an_array_holds_samples_z_and_labels(mulligan, model):
    assert mulligan("sample", model, "--count", "70", "--seed", "3", "--out", "s.npz")[0] == 0
    made = load(model)
    with np.load("s.npz") as saved:
        assert sorted(saved) == ["labels", "samples", "z"]
        assert (saved["samples"].dtype, saved["samples"].shape) == (np.uint8, (70, 8, 8))
        assert np.array_equal(saved["samples"], made.images(70, 3)[..., 0])
        assert np.array_equal(saved["z"], made.z(70, 3))
        assert np.array_equal(saved["labels"], made.labels(70, 3))
    assert mulligan("sample", model, "--class", "hen", "--out", "s.npz")[0] == 0
    with np.load("s.npz") as saved:
        assert set(saved["labels"].tolist()) == {3}
        assert np.array_equal(saved["samples"], made.images(64, 0, 3)[..., 0])


def test_without_classes_there_are_no_labels_and_colour_keeps_its_channels(mulligan, here, tiny_generator, refused):
    tiny_generator(classes=0, shape=(8, 4, 3)).save("rgb.safetensors")
    assert mulligan("sample", "rgb.safetensors", "--count", "3", "--out", "s.npz")[0] == 0
    with np.load("s.npz") as saved:
        assert sorted(saved) == ["samples", "z"]
        assert saved["samples"].shape == (3, 8, 4, 3)
    assert "trained without labels" in refused("sample", "rgb.safetensors", "--class", "1")


def test_transparency_is_written_as_other_programs_read_it(mulligan, here, tiny_generator):
    tiny_generator(classes=0, shape=(8, 8, 4)).save("rgba.safetensors")
    mulligan("sample", "rgba.safetensors", "--count", "3", "--out", "s.npz")
    mulligan("sample", "rgba.safetensors", "--count", "3", "--out", "s")
    mulligan("draw", "0", "--model", "rgba.safetensors", "--out", "d.png")
    drawn = json.loads(mulligan("draw", "0", "--model", "rgba.safetensors", "--json")[1])["pixels"]
    wanted = straight(load("rgba.safetensors").images(3))
    assert (np.load("s.npz")["samples"] == wanted).all()
    for path, picture in (("s/2.png", wanted[2]), ("d.png", wanted[0])):
        with Image.open(path) as image:
            assert (np.asarray(image) == picture).all()
    assert drawn == wanted[0].tolist()
    mulligan("walk", "rgba.safetensors", "--from", "1", "--to", "2", "--frames", "3", "--out", "w.png")
    with Image.open("w.png") as image:
        assert image.mode == "RGBA"


def test_a_folder_can_be_trained_on_again(mulligan, model, refused):
    code, out, _ = mulligan("sample", model, "--count", "11", "--out", "pictures")
    assert (code, out) == (0, "11 samples of seed 0: pictures\n")
    made = load(model)
    names = [made.class_name(int(label)) for label in made.labels(11)]
    files = {path.name: path.parent.name for path in Path("pictures").rglob("*.png")}
    assert files == {f"{i:02d}.png": name for i, name in enumerate(names)}
    again = load_data("pictures")
    assert len(again) == 11
    assert set(again.class_names) == set(names)
    assert "a new name or an empty folder" in refused("sample", model, "--out", "pictures")
    assert len(list(Path("pictures").rglob("*.png"))) == 11


def test_points_become_an_array_or_a_cloud(mulligan, here, tiny_generator, refused):
    tiny_generator(classes=0, shape=(2,)).save("points.safetensors")
    made = load("points.safetensors")
    assert mulligan("sample", "points.safetensors", "--count", "500", "--out", "p.npz")[0] == 0
    with np.load("p.npz") as saved:
        assert saved["samples"].dtype == np.float32
        assert np.array_equal(saved["samples"], made.sample(500))
    assert mulligan("sample", "points.safetensors", "--count", "500", "--out", "p.png")[0] == 0
    with Image.open("p.png") as image:
        assert np.array_equal(np.asarray(image), points_picture(made.sample(500), -2.0, 2.0))
    assert "must be a .png or .npz file" in refused("sample", "points.safetensors", "--out", "folder")


def test_a_walk_goes_there_and_back(mulligan, model):
    code, out, err = mulligan("walk", model, "--from", "1", "--to", "2", "--frames", "5", "--out", "w.gif")
    assert (code, out, err) == (0, "5 frames from seed 1 to seed 2: w.gif\n", "")
    there = load(model).walk(1, 2, 5)
    with Image.open("w.gif") as film:
        assert film.n_frames == 8
        for i, frame in enumerate([*there, *there[-2:0:-1]]):
            film.seek(i)
            assert film.info["duration"] == 40  # no end is shown twice: equal frames are one, shown for longer
            assert np.array_equal(np.asarray(film.convert("L")), frame[..., 0])


def test_a_walk_by_class_and_json(mulligan, model):
    words = ["walk", model, "--from", "1", "--to", "2", "--class", "hen", "--frames", "2", "--json"]
    code, out, _ = mulligan(*words)
    assert code == 0
    assert json.loads(out) == {"from": 1, "to": 2, "frames": 2, "class": 3, "out": "walk.gif"}
    assert Path("walk.gif").is_file()


def test_the_best_weights_of_a_run(mulligan, here, tiny_generator):
    Path("mine").mkdir()
    tiny_generator(step=4).save("mine/best.safetensors")
    assert mulligan("sample", "mine/best.safetensors")[1] == "64 samples of seed 0: mine-best-seed-0.png\n"


def test_truncated_samples(mulligan, model):
    assert mulligan("sample", model, "--psi", 0.5, "--count", 4, "--out", "s.npz")[0] == 0
    made = load(model)
    with np.load("s.npz") as saved:
        np.testing.assert_array_equal(saved["samples"], made.images(4, psi=0.5)[..., 0])
        np.testing.assert_array_equal(saved["z"], 0.5 * made.z(4))
