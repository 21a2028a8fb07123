"""Play every case of the museum, and store what the page shows of it: python benchmarks/shipped/museum.py."""

import argparse

from mulligan.doors.write import atomic_write
from mulligan.museum import EXHIBITS
from mulligan.web.handle import dumps
from mulligan.web.look import png64
from mulligan.web.playground import PLAYED

if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    for name, case in EXHIBITS.items():
        played = case.play(0)
        content = {"seed": 0, **played.describe()}
        for entry, picture in zip(content["pictures"], played.pictures):
            height, width = picture.image.shape[:2]
            entry |= {"png": png64(picture.image), "width": width, "height": height}
        atomic_write(PLAYED / f"{name}.json", dumps(content))
