"""Let tests import the files of benchmarks, as the commands do."""

import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks"
sys.path[:0] = [str(FOLDER / name) for name in ("", "speed", "watching")]
collect_ignore_glob = [] if FOLDER.is_dir() else ["test_*.py"]
