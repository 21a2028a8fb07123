"""How far two sets of features are apart, one file a measure.

- `frechet` (FD), `kernel` (KID): one number for the whole; `neighbours`: precision, recall, density, coverage, k-means.
- `sliced`: sliced Wasserstein, and floors of any distance by splitting the reals.
- `c2st`: a fresh classifier tells the sets apart; `parzen`: for history.
"""
