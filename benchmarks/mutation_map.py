"""Which test runs which line of the six rooms, and how long it takes: what `mutation.py` chooses tests by.

python benchmarks/mutation_map.py                # minutes; without torch and jax
python benchmarks/mutation_map.py tests/nn       # adds these tests to the map
"""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "mulligan"
ROOMS = ("nn", "game", "data", "metrics", "diagnosis", "training")
HIDDEN = ("torch", "jax", "optax", "onnx", "onnxruntime")
MAP = ROOT / "benchmarks" / "mutation-map.json"


class Hider:
    """Finds no torch and no jax, so that tests which need them are skipped."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(name, name=name)


def pytested(words, plugins=()):
    """Run pytest in this process, on the tree that this file is in."""
    import pytest

    sys.meta_path.insert(0, Hider())
    os.chdir(ROOT)
    return pytest.main(["-p", "no:cacheprovider", "-p", "no:xdist", "--continue-on-collection-errors", *words], plugins)


class Timer:
    """Tells coverage which test is running, and notes how long each took."""

    def __init__(self, cover):
        self.cover, self.took, self.bad = cover, {}, set()

    def pytest_runtest_logstart(self, nodeid, location):
        self.cover.switch_context(nodeid)

    def pytest_runtest_logreport(self, report):
        self.took[report.nodeid] = self.took.get(report.nodeid, 0.0) + report.duration
        if report.outcome != "passed":
            self.bad.add(report.nodeid)


def map_out(some):
    """Write down which tests run which line of the rooms."""
    import coverage

    timer = Timer(
        cover := coverage.Coverage(data_file=None, source=[str(SOURCE / r) for r in ROOMS], config_file=False)
    )
    cover.start()
    pytested(some or [f"tests/{room}" for room in ROOMS], [timer])
    cover.stop()
    data, before = cover.get_data(), json.loads(MAP.read_text()) if some else {"lines": {}, "took": {}}
    lines, took = before["lines"], before["took"] | timer.took
    for path in data.measured_files():
        of_file = lines.setdefault(str(Path(path).relative_to(ROOT)), {})
        for line, tests in data.contexts_by_lineno(path).items():
            of_file[line] = sorted({*of_file.get(line, []), *tests} - timer.bad - {""})
    MAP.write_text(json.dumps({"took": took, "lines": lines}))
    print(f"{len(timer.took)} tests, {sum(timer.took.values()):.0f} s; not passed: {sorted(timer.bad)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", help="add these to the map; by default all of the rooms, for a new one")
    map_out(parser.parse_args().tests)
