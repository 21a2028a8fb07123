"""The border of the package: what is read, written and said passes here. It knows nothing of GANs.

- `read`: files of strangers; whatever is wrong is one `DataError`.
- `write`: files whole or not at all; `check_out` and `check_folder` protect what others wrote there.
- `tensors`: the format safetensors, of generators, checkpoints and judges.
- `say`: text for the terminal, without what could command it.
"""
