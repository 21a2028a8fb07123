"""Taking a generator elsewhere, one writer for each kind of file.

- `formats`: the call for all of them, `export`, and the `facts` that every file says; read it first.
- `plan`: what a generator computes, as a list of plain operations.
- `onnx`, `npz`, `torch` with `torch_layers`, `html` with `player_page/`: one file for each format.
"""

from mulligan.output.export.formats import FORMATS, export, facts, format_of

__all__ = ["FORMATS", "export", "facts", "format_of"]
