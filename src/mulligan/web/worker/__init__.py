"""The process that trains.

- `worker`: what runs inside it; start here. `steering`: what happens between two steps.
- `handle`: the process as the server sees it; `protocol`: the messages between the two.
"""
