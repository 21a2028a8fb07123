"""Export a generator to other programs, one writer for each format.

- `formats`: `export`, the call for all formats, and the `facts` in every file; read it first.
- `plan`: a generator as a list of plain operations.
- `npz`, `torch`, `html` with `viewer/`: one file for each format.
"""

from mulligan.output.export.formats import FORMATS, export, facts, format_of

__all__ = ["FORMATS", "export", "facts", "format_of"]
