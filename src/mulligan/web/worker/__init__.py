"""The process that trains.

- `worker`: read it first; the loop inside the process. `steering`: what happens between two steps of training.
- `live`: the run that it trains, and what the page is told when it opens.
- `handle`: the process as the server sees it. `protocol`: the messages between the two.
"""
