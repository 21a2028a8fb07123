"""One run at a time, and what the pages are told of it.

- `session`: read it first; what the page may command. `listener`: what becomes of the worker's messages.
- `state`: the run as the page sees it. `tries`: the tries that led to it. `history`: their curves.
- `settings`: from the page's settings to a configuration and back. `choices`: what may be chosen.
- `broadcast`: the streams to all open pages. `write_lock`: which of these pages may change something.
"""
