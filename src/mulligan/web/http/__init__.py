"""The server's surface: what a page may call, and how it is answered.

- `routes`: read it first; the table of calls, with all that each takes. `calls`: what they do.
- `fields`: one value of a message, checked and described. `problems`: every refusal.
- `api`: from the table to checked calls. `requests`: the same over HTTP. `openapi`: from the table to its description.
- `app`: the application, its beginning and its end. `gate`: who may connect, and the headers of every answer.
"""
