"""The spaces in which pictures are compared.

- `maps`: the protocol of feature maps, PCA of the pixels, a random convolutional net. Read it first.
- `judge`: the classifier that is the main map, bundled or trained and cached; `judge_training` trains one.
"""
