"""The settings of a run: what they are, how they are read and written, and how one of them changes.

- `model`: `Config`, its parts and its file; start here. `recipes`: complete configurations by name.
- `serialization`: between objects and plain tables, by the type hints. `change`: sets one value by its path,
  and says in words what differs.
"""
