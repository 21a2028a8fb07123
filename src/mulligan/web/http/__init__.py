"""The server's surface: what may be asked, and how it is answered.

- `routes`: the table of calls; start here. `calls` and `views`: what each does.
- `api`, `fields`, `parameters`, `openapi`: from the table to checks and descriptions; `problems`: every refusal.
- `app`, `gate`, `service`: the application, who may knock, and uvicorn.
"""
