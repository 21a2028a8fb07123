"""The runs folder, the museum, and long jobs.

- `runs`: read it first; lists, describes, deletes and restores run folders.
- `jobs`: queues evaluations, reports and exports. `work`: does each in its own process.
- `museum`: the cases and their results. `drawing`: pictures from seeds. `pile`: pictures that pages draw.
"""
