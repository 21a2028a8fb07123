"""The playground: a server for one machine and one person, and the page that it serves.

One process answers the browser and never computes for long; one worker process trains, and is asked between two steps.
The server owns the run: a page is a window on it. Nothing here is imported before ``mulligan serve`` is typed.

- `server`, `http`, `app`, `gate`: start and end; the routes put together; who may knock, and the headers of every
  answer
- `api`, `routes`, `parameters`, `fields`, `problems`, `openapi`: one table of calls and of what they take, from which
  come the checks of every message and the OpenAPI description
- `calls`, `views`: the calls themselves; `playground` holds what they work on
- `session`, `state`, `tries`, `listener`, `hub`, `control`: the run as the page sees it; the streams to the browsers;
  which tab writes
- `engine`, `worker`, `live`, `steering`, `questions`, `wire`: the process that trains, from outside, from inside, and
  between two steps
- `choices`, `knobs`, `diagnosis`, `rounding`: what can be chosen; settings and diagnosis in words; figures as short as
  the page needs them
- `drawing`, `inside`, `layers`: pictures from seeds, and what goes on inside the nets
- `runs`, `history`, `jobs`, `work`, `museum`, `pictures`: run folders and what is in them; what takes long
- `browser`: a page that needs no server: the ring, trained in the browser
"""
