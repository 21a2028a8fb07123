"""Measure inside a run, when the page asks.

- `questions`: read it first; every question about a run. `maps`: D over the plane, and at pictures.
- `layers`: activations and gradients, layer by layer. `diagnosis`: the diagnosis in words.
"""
