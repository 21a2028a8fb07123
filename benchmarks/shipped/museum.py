"""Play every case of the museum, and store what the page shows of it: python benchmarks/shipped/museum.py."""

import argparse
from dataclasses import asdict

from mulligan.doors.write import atomic_write
from mulligan.museum import EXHIBITS
from mulligan.web.handle import dumps
from mulligan.web.look import png64
from mulligan.web.playground import PLAYED

if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    for name, case in EXHIBITS.items():
        played = case.play(0)
        pictures = [
            {field: value for field, value in vars(each).items() if field != "image"}
            | {"png": png64(each.image), "width": each.image.shape[1], "height": each.image.shape[0]}
            for each in played.pictures
        ]
        evidence = [asdict(each) for each in played.evidence]
        content = {"seed": 0, "fails": played.fails, "evidence": evidence, "pictures": pictures}
        atomic_write(PLAYED / f"{name}.json", dumps(content))
