"""Families of networks that build themselves for the shape of the data.

- `base`: what a family is, and the last layer of D; start here.
- `networks`: fully connected and convolutional; `residual`: the blocks of R3GAN.
"""
