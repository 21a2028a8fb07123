"""Use a run in other programs.

- `torch_script`: a PyTorch script that continues to train the run; `torch_script.txt` is its template.
- `tensorboard`: an observer that writes for TensorBoard.
"""
