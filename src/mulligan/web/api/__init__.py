"""The calls of a page, and their answers. This package uses no socket, so the lab answers the same calls.

- `route`: read it first; a route joins an address to a function, whose type hints are the request.
- `train`, `draw`, `look`, `runs`, `museum`: the routes, one file a subject. A new route goes into one of them.
- `values`: what a value may be. `openapi`: every route, and its description.
"""
