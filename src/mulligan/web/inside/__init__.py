"""What goes on inside a run.

- `questions`: what may be asked; start here. `maps`: D over the plane and at pictures; `layers`: layer by layer.
- `diagnosis`: the diagnosis as the page shows it.
"""
