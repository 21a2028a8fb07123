"""The server's HTTP interface: the calls of a page, and their answers.

- `routes`: read it first; the table of calls with their fields. `calls`: their longer handlers.
- `fields`: checks and describes one value of a message. `problems`: every error answer.
- `api`: runs a call of the table. `requests`: the same over HTTP. `openapi`: describes the table.
- `app`: the application, its start and its end. `gate`: who may connect, and the headers of every answer.
"""
