"""What lies in the runs folder and in the museum, and what takes long.

- `runs`: run folders, listed and thrown away; start here. `jobs` and `work`: evaluations, reports, exports.
- `museum`: its cases; `drawing`: pictures from numbers; `pictures`: the user's own.
"""
