"""A trained generator as a thing that people use.

- `generator`: the class `Generator`; start here. `latents` and `seeds`: from a number to z and a class.
- `file` and `description`: one safetensors file; `chunks`: many rows in little memory.
"""
