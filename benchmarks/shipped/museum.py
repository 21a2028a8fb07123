"""Play every case of the museum, and store what the page shows of it: python benchmarks/shipped/museum.py."""

import argparse

from mulligan.doors.write import atomic_write
from mulligan.museum import EXHIBITS
from mulligan.web.handle import dumps
from mulligan.web.museum import SHIPPED, describe

if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    for name, case in EXHIBITS.items():
        atomic_write(SHIPPED / f"{name}.json", dumps({"seed": 0, **describe(case.play(0))}))
