"""A run in other programs.

- `torch_script`: one PyTorch script that goes on training the run; `torch_script.txt` is its text.
- `tensorboard`: an observer that writes for TensorBoard.
"""
