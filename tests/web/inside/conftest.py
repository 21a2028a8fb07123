"""Runs that have learned a little."""

import pytest

from mulligan.training import Run


@pytest.fixture
def run(tiny):
    """A ring that has learned a little."""
    made = Run(tiny())
    for _ in range(5):
        made.advance()
    return made


@pytest.fixture
def seen(tiny_pictures, digits):
    """Pictures with classes."""
    made = Run(tiny_pictures(), data=digits)
    for _ in range(3):
        made.advance()
    return made
