"""Distances between two sets of features, one file a measure.

- `frechet` (FD), `kernel` (KID): one number for the whole; `neighbours`: precision, recall, density, coverage, k-means.
- `sliced`: sliced Wasserstein, and floors of any distance by splitting the reals.
- `c2st`: how well a new classifier tells the sets apart.
"""
