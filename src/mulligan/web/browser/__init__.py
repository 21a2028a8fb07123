"""The ring in the browser, without a server: Mulligan under Pyodide, in a worker, behind a static page.

- `ring`: read it first; what the worker trains. It needs only `nn`, `game` and `data.sources.toys` of the package.
- `products`: the layers' matrix products by WebAssembly's vector instructions; `products.wat` is the kernel's text.
- `site`: puts the page, Mulligan and, on request, Pyodide into one folder that any file server can serve.
"""
