"""Samples as pictures, on a fixed grey scale.

- `images`: grids and PNG; `animations`: GIF, APNG, WebP; `points`: two-dimensional samples.
"""
