"""What lies in the runs folder and in the museum, and work that takes long.

- `runs`: read it first; run folders, listed, described, deleted and restored.
- `jobs`: evaluations, reports and exports, which wait in line. `work`: what each does, in a process of its own.
- `museum`: its cases, and what playing them gave. `drawing`: pictures from seeds. `pile`: what pages draw.
"""
