"""Let tests import the files of benchmarks/rivals and benchmarks/watching, as the commands do."""

import sys
from pathlib import Path

RIVALS, WATCHING = (Path(__file__).parents[2] / "benchmarks" / name for name in ("rivals", "watching"))
sys.path[:0] = map(str, (RIVALS, WATCHING))
collect_ignore = [] if RIVALS.is_dir() else ["test_rivals.py", "test_race.py", "test_watching.py"]
