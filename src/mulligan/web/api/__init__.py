"""The calls of a page, and their answers. This package uses no socket, so the lab answers the same calls.

- `routes`: read it first; the table of calls with their fields. `calls`: their longer handlers.
- `fields`: checks and describes one value of a message.
- `api`: runs a call of the table. `openapi`: describes the table.
"""
