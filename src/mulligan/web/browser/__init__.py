"""The lab: the playground without a server. Python runs in a Web Worker of the page, under Pyodide.

- `lab`: read it first; the playground's session, calls and worker in one thread. `stand_ins`: modules that it lacks.
- `products`: the layers' matrix products by WebAssembly's vector instructions; `products.wat` is the kernel's text.
- `site`: puts the page, Mulligan and, on request, Pyodide into one folder that any file server can serve.
- `worker.mjs`: the Web Worker. `engine.mjs`: loads Python, NumPy and Mulligan in it. `page/js/lab.js`: the page's end.
"""
