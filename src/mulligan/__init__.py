"""Mulligan: generative adversarial networks in nothing but NumPy."""

from __future__ import annotations

__version__ = "0.1.0"
