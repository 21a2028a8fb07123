"""The playground: a server for one machine and one person, and the page that it serves.

The server process answers browsers and never computes for long. The worker process trains, and answers questions
between two steps. The server owns the run; a page is a window on it. Nothing here is imported before
``mulligan serve`` is typed.

- `server`: read it first; how the playground starts. `playground`: everything that one server holds.
- `http`: the calls that a page may make, the checks of what it sends, and who may connect.
- `session`: the one run, as the page sees it: commands, settings, state, history, and the streams to all pages.
- `worker`: the process that trains, seen from the server and from inside, and the protocol between the two.
- `inside`: what goes on inside the nets, measured on request.
- `library`: run folders, exports, reports, the museum, and pictures drawn from seeds.
- `page`: the page itself, in JavaScript without a build step; `js/store.js` first.
- `browser`: the lab, which is the same page without a server: Python runs in the browser.
"""
