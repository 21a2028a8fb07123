"""The lab: the playground without a server. Python runs in a Web Worker of the page, under Pyodide.

- `lab`: read it first; the playground's session, calls and worker in one thread. `stand_ins`: modules Pyodide lacks.
- `products`: the layers' matrix products by WebAssembly's vector instructions; `products.wat` is the kernel's source.
- `site`: writes the page, Mulligan and, on request, Pyodide into a folder for any file server.
- `worker.mjs`: the Web Worker. `engine.mjs`: loads Python, NumPy and Mulligan in it. `page/js/lab.js`: the page's end.
"""
