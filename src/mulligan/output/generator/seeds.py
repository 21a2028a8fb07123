"""Which numbers are seeds of pictures."""

from __future__ import annotations

LARGEST_SEED = 2**53 - 1
"""The largest whole number that every JSON reader and every browser keeps exactly."""
