"""Whole steps of the standard workloads beside torch and jax; the document goes to steps.json beside this file.

    python benchmarks/steps.py [the options of `mulligan bench`, without --json]

The same as `mulligan bench`, kept: every round of every side, for whoever wants to plot or doubt them.
"""

import contextlib
import io
import json
import sys
from pathlib import Path

from mulligan.bench.report import text
from mulligan.cli import main

if __name__ == "__main__":
    words = sys.argv[1:]
    if "-h" in words or "--help" in words:
        print(__doc__)
        sys.exit(main(["bench", "--help"]))
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught):
        code = main(["bench", "--json", *words])
    if caught.getvalue():
        document = json.loads(caught.getvalue())
        if "footprint" in document:  # the last thing that is measured; what was cut off does not replace what is whole
            Path(__file__).with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
        print(text(document))
    sys.exit(code)
