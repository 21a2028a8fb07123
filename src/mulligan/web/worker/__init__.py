"""The training process of the playground.

- `worker`: read it first; the loop inside the process. `steering`: what happens between two training steps.
- `live`: the run in training, and its description for the page.
- `handle`: the server's side of the process. `protocol`: the messages between the two.
"""
