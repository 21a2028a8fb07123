"""One run at a time, and what the pages are told of it.

- `session`: what the page may command; start here. `state`: the run as the page sees it; `history`: its curves.
- `settings`: from the page's settings to a configuration and back; `choices`: what may be chosen; `tries`.
- `broadcast`: events to every open page; `live` and `listener`: news from the worker; `write_lock`: which tab writes.
"""
