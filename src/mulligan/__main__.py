"""``mulligan`` and ``python -m mulligan``: Ctrl-C ends them in order from the first moment."""

import sys


def main() -> int:
    """Import and run the command line."""
    try:
        from mulligan.cli import main as run

        return run()
    except KeyboardInterrupt:  # during the import
        print("mulligan: interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
