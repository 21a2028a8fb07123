"""Reproduce published faults of GANs, with an explanation and a repair.

- `exhibit`: the parts of an exhibit, and the list of all; read it first. `exhibits/`: the functions that play them.
- `stage`: what the exhibits share: runs on a ring, measures, pictures.
- `kinds`: layers, losses and optimisers that only the museum's recipes use.
"""

from mulligan.museum.exhibit import EXHIBITS, Contrast, Exhibit, Picture, Played, find_exhibit

__all__ = ["EXHIBITS", "Contrast", "Exhibit", "Picture", "Played", "find_exhibit"]
