"""The ring in the browser, without a server: the engine under Pyodide, in a worker, behind a static page.

`ring` is what the worker runs, and needs of the package only `nn`, `game` and `data.toys`; `site` puts the files of the
page, the engine and, where it is given, the runtime into one folder that any file server can serve.
"""
