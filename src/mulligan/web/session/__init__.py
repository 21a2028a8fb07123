"""The live run on the server, and the messages to the pages about it.

- `session`: read it first; the page's commands. `listener`: handles the worker's messages.
- `state`: the run as the page sees it. `tries`: the tries that led to it. `history`: their curves.
- `settings`: converts the page's settings to a configuration and back. `choices`: what a user may choose.
- `broadcast`: the streams to all open pages. `write_lock`: which page may send commands. `votes`: class forgery.
"""
