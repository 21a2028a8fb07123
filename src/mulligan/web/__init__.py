"""The playground: a server for one machine and one person, and the page that it serves.

The server process answers browsers and never computes for long. The training process trains, and answers questions
between two steps. The server owns the run; pages only show it. This package is imported only by ``mulligan serve``.

- `server`: read it first; how the playground starts. `playground`: everything that one server holds, and run folders.
- `app`: the application, the gate before it, its start and its end.
- `calls`: how a call becomes a function. The routes are beside what they do, and so is a new one.
- `session`: the live run: the page's commands, the worker's messages, what a page sees of it.
- `settings`: what a user may choose. `streams`: messages to all pages.
- `trainer`: the training process. `handle`: the server's handle of it, and of other processes.
- `look`: what may be asked of the live run or a generator. `verdict`: the diagnosis in words.
- `jobs`: evaluations. `classroom`: the pile and votes.
- `page`: the page itself, in JavaScript without a build step; `js/store.js` first.
- `browser`: the lab, which is the same page without a server: Python runs in the browser.
"""
