"""The playground: a server for one machine and one person, and the page that it serves.

One process answers the browser and never computes for long; one worker process trains, and is asked between two steps.
The server owns the run: a page is a window on it. Nothing here is imported before ``mulligan serve`` is typed.

========================  ==============================================================================================
`server`, `app`, `gate`   start and end; the routes put together; who may knock, and which headers every answer has
`api`, `fields`,          one table of routes, from which come the checks of every message and the OpenAPI description
`problems`, `openapi`
`session`, `hub`,         the run as the page sees it; the streams to the browsers; which tab writes
`control`
`engine`, `worker`,       the process that trains: seen from outside, from inside, and between two steps
`between`, `wire`
`knobs`, `telling`        settings and diagnosis in words
`drawing`, `looking`,     pictures from seeds, and what goes on inside the nets
`layers`
`runs`, `history`,        run folders: listed, read, deleted and brought back; what takes long
`jobs`
========================  ==============================================================================================
"""
