"""Sheets of tiles: cut by size, spacing and margin; empty tiles are left out, and a wrong size is told."""

import numpy as np
import pytest
from PIL import Image

from mulligan.data import load
from mulligan.errors import ConfigError, DataError
from mulligan.training import Run, recipe, with_overrides

RNG = np.random.default_rng(0)


def sheet(path, tiles, columns, spacing=0, margin=0):
    """Write tiles (n, h, w, c) in rows, on transparency or black."""
    n, height, width, channels = tiles.shape
    rows = -(-n // columns)
    whole = (margin * 2 + rows * (height + spacing) - spacing, margin * 2 + columns * (width + spacing) - spacing)
    made = np.zeros((*whole, channels), np.uint8)
    for i, tile in enumerate(tiles):
        y, x = margin + i // columns * (height + spacing), margin + i % columns * (width + spacing)
        made[y : y + height, x : x + width] = tile
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(made).save(path)


def tiles(n, height=16, width=16, channels=4):
    made = RNG.integers(1, 256, (n, height, width, channels), dtype=np.uint8)
    made[..., 3:] = 255
    made[:, 0, 0] = 0 if channels == 4 else 9
    return made


@pytest.mark.parametrize(("spacing", "margin", "tile"), [(0, 0, "16x16"), (1, 0, "16x16+1"), (3, 20, "16x16+3+20")])
def test_a_sheet_is_cut_into_its_tiles(tmp_path, spacing, margin, tile):
    made = tiles(10)
    made[4] = 0
    sheet(tmp_path / "a" / "b.png", made, 3, spacing, margin)
    data = load(tmp_path / "a", tile=tile)
    assert (np.asarray(data.images) == np.delete(made, 4, axis=0)).all()
    assert data.note.startswith("1 sheet cut into 9 tiles of 16×16; ")
    assert (np.asarray(load(tmp_path / "a" / "b.png", tile=tile).images) == data.images).all()


def test_tiles_have_their_sheet_s_class_and_may_be_resized(tmp_path):
    for name, n in (("goblins", 4), ("elves", 2)):
        sheet(tmp_path / "x" / name / "a.png", tiles(n, 12, 20, 3), 2)
    data = load(tmp_path / "x", tile="20x12")
    assert data.shape == (24, 24, 3)  # the next size that can be
    assert data.labels.tolist() == [0, 0, 1, 1, 1, 1]
    assert load(tmp_path / "x", 48, tile="20x12").shape == (48, 48, 3)


def test_a_tile_of_one_colour_is_empty(tmp_path):
    made = tiles(4, channels=3)
    made[3] = [0, 99, 200]
    sheet(tmp_path / "a" / "a.png", made, 2)
    assert len(load(tmp_path / "a", tile="16x16")) == 3
    sheet(tmp_path / "b" / "a.png", made[3:], 1)
    with pytest.raises(DataError, match="must hold a picture, got empty"):
        load(tmp_path / "b", tile="16x16")


@pytest.mark.parametrize(("spacing", "margin", "tile"), [(1, 2, "16x16"), (0, 0, "17x17"), (0, 0, "80x80")])
def test_a_wrong_tile_is_told(tmp_path, spacing, margin, tile):
    sheet(tmp_path / "a.png", tiles(6), 3, spacing, margin)
    with pytest.raises(ConfigError, match=rf"got {tile} for a\.png"):
        load(tmp_path, tile=tile)


@pytest.mark.parametrize("tile", ["16", "0x16", "16x", "16x16+", "16x16+1+2+3", "x"])
def test_what_is_no_tile_is_refused(tmp_path, tile):
    with pytest.raises(ConfigError, match="tile must be WIDTHxHEIGHT"):
        load(tmp_path, tile=tile)


def test_a_run_knows_its_tiles(tmp_path):
    sheet(tmp_path / "a.png", tiles(8), 4)
    small = {"data.name": str(tmp_path / "a.png"), "data.tile": "16x16", "data.labels": "none", "batch_size": 4}
    small |= {f"{player}.layers.hidden": [4] for player in ("generator", "discriminator")}
    run = Run(with_overrides(recipe("mlp"), small))
    assert run.data.shape == run.generator().spec.shape == (16, 16, 4)
    assert (run.config.data.alpha, run.generator().spec.tile) == ("keep", "16x16")
