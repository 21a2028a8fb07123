"""Own pictures: how many there are, which are broken, and how the network will see them."""

import base64
import io

import numpy as np
from PIL import Image

from mulligan.data.sources import SIZES


def test_own_pictures(call, playground, tmp_path):
    folder = tmp_path / "cats"
    folder.mkdir()
    for i in range(24):
        Image.fromarray(np.full((20, 30), 10 * i, np.uint8)).save(folder / f"{i:02d}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    playground.session.own["cats"] = str(folder)
    found = call.get("/api/pictures?data=cats").json()
    assert (found["accepted"], found["refused_count"], found["shape"]) == (24, 1, [32, 32, 1])
    assert [each["name"] for each in found["refused"]] == ["broken.png"]
    assert found["refused"][0]["reason"].startswith("cannot identify image file")
    assert found["few"].startswith("24 samples to learn from: G soon learns so few by heart")
    assert Image.open(io.BytesIO(base64.b64decode(found["png"]))).size[0] == 274
    call.post("/api/train/start", recipe="quick", data="cats")
    (data,) = [words["config"]["data"] for kind, words in playground.worker.sent if kind == "start"]
    assert data["name"] == str(folder)
    assert call.get("/api/pictures?data=/etc").json()["type"] == "/problems/not-available"
    for path in sorted(folder.iterdir()):
        path.write_bytes(b"no picture")
    assert call.get("/api/pictures?data=cats").status_code == 422


def test_own_pictures_are_shown_in_the_size_that_is_asked_for(call, playground, tmp_path):
    folder = tmp_path / "cats"
    folder.mkdir()
    Image.fromarray(np.full((20, 30), 100, np.uint8)).save(folder / "0.png")
    np.save(tmp_path / "dogs.npy", np.full((3, 20, 30), 100, np.uint8))
    playground.session.own |= {"cats": str(folder), "dogs": str(tmp_path / "dogs.npy")}
    found = [call.get(f"/api/pictures?data={asked}").json() for asked in ("cats&size=48", "dogs", "dogs&size=64")]
    assert [each["shape"] for each in found] == [[48, 48, 1], [20, 30, 1], [64, 64, 1]]
    assert [each["sizes"] for each in found] == [[*SIZES], [0, *SIZES], [0, *SIZES]]
    refused = call.get("/api/pictures?data=cats&size=30")
    assert refused.status_code == 422
    assert "must be 28 or a multiple of 8 from 16 to 96" in refused.json()["detail"]
