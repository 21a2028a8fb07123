"""Runs that have learned a little."""

from __future__ import annotations

from typing import Any

import pytest

from mulligan.training import Run


@pytest.fixture
def run(tiny: Any) -> Run:
    """A ring that has learned a little."""
    made = Run(tiny())
    for _ in range(5):
        made.advance()
    return made


@pytest.fixture
def seen(tiny_pictures: Any, digits: Any) -> Run:
    """Pictures with classes."""
    made = Run(tiny_pictures(), data=digits)
    for _ in range(3):
        made.advance()
    return made
