"""The playground: a server for one machine and one person, and the page that it serves.

The server process answers browsers and never computes for long. The worker process trains, and answers questions
between two steps. The server owns the run; pages only show it. This package is imported only by ``mulligan serve``.

- `server`: read it first; how the playground starts. `playground`: everything that one server holds.
- `api`: the calls of a page, and the checks of their fields. `problems`: every error answer.
- `app`: the application, its start and its end. `gate`: who may connect. `requests`: calls over HTTP.
- `session`: the live run as the page sees it: commands, settings, state, history, and the streams to all pages.
- `worker`: the training process, the server's handle of it, and the protocol between the two.
- `inside`: measurements inside the networks, on request.
- `library`: run folders, exports, reports, the museum, and pictures drawn from seeds.
- `page`: the page itself, in JavaScript without a build step; `js/store.js` first.
- `browser`: the lab, which is the same page without a server: Python runs in the browser.
"""
