"""The spaces in which pictures are compared.

- `maps`: the protocol of feature maps, and PCA of the pixels. Read it first.
- `gist`: edges and colours by place, the main map where no judge knows the pictures.
- `judge`: the classifier that is the main map, bundled or trained and cached.
"""
