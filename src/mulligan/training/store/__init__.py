"""A run on disk.

- `folder`: the files of a run, and `resume`; start here. `checkpoint`: everything that the next step depends on.
- `recorder`: writes the events of a run and survives a kill at any moment.
- `history`: the one reader of a run's files: `read_run(folder)` returns a `RunHistory`, and `RunHistory.add` takes the
  events of a run that trains. ``strict=False`` skips damaged lines, for lists and live pages; otherwise one is a
  `DataError` with file and line.
"""
