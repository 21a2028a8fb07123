"""What goes on inside a run, measured when the page asks.

- `questions`: read it first; everything that may be asked of a run. `maps`: D over the plane, and at pictures.
- `layers`: activations and gradients, layer by layer. `diagnosis`: the diagnosis, in words.
"""
