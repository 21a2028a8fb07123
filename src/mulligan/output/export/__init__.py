"""Taking a generator elsewhere, one writer for each kind of file.

- `export`: the one call for all of them. `plan`: what a generator computes, as a list of plain operations; start here.
- `onnx`, `torch` with `torch_layers`, `npz`, and `html` with `player_page/`; `facts`: what every export says of itself.
"""
