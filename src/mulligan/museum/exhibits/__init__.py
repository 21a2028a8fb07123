"""Functions that play the exhibits.

Read `article` first; `digits` plays on MNIST, `ring` on eight Gaussians.
"""
