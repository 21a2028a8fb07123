// The kernel of products.wat under Pyodide, against NumPy in float64: random shapes, layouts and places.
// node products.mjs RUNTIME ENGINE_ZIP ENGINE_MJS PRODUCTS_WASM COUNT  → JSON
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [runtime, archive, source, wasm, count] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(path.join(runtime, "pyodide.mjs")));
const { boot, multiplyFast } = await import(pathToFileURL(source));
const bytes = (file) => new Uint8Array(fs.readFileSync(file));
const { python, fast } = await boot(loadPyodide, { runtime: runtime + path.sep, archive: bytes(archive), products: bytes(wasm) });
python.globals.set("refused_bytes", !(await multiplyFast(python, null, new Uint8Array([0, 1])))); // as without SIMD
python.globals.set("count", Number(count));
python.globals.set("fast", fast);
console.log(python.runPython(`
import json
import numpy as np
from mulligan.nn.layers import products
from mulligan.web.browser.products import FEWEST

rng = np.random.default_rng(0)

def laid(rows, columns, how, dtype=np.float32):
    """Numbers in one of four layouts: in a row, transposed, inside a larger array, every other number."""
    if how == "turned":
        return rng.standard_normal((columns, rows)).astype(dtype).T
    if how == "part":
        return rng.standard_normal((rows + 3, columns + 5)).astype(dtype)[2 : 2 + rows, 3 : 3 + columns]
    if how == "apart":
        return rng.standard_normal((rows, 2 * columns)).astype(dtype)[:, ::2]
    return rng.standard_normal((rows, columns)).astype(dtype)

worst, taken, spilt = 0.0, {}, 0
for number in range(count):
    M, K, N = (int(n) for n in rng.integers(1, [70, 300, 100]))
    how = [str(h) for h in rng.choice(["row", "turned", "part", "apart"], 2)]
    a, b = laid(M, K, how[0]), laid(K, N, how[1])
    room = np.full((M + 2, N + 4), 7, np.float32)
    out = room[1:-1, 2:-2] if number % 2 else np.full((M, N), 7, np.float32)
    did = products.instead(a, b, out)
    taken.setdefault(f"{N >= 16 and M * K * N >= FEWEST}", set()).add(did)
    if did:
        exact = a.astype(np.float64) @ b.astype(np.float64)
        bound = (K + 1) * 2.0**-24 * (np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64))
        worst = max(worst, float((np.abs(out - exact) / bound).max()))
        if number % 2:
            out[:] = 7
    spilt += int((room != 7).sum())

whole = rng.integers(-8, 9, (33, 65)).astype(np.float32), rng.integers(-8, 9, (65, 47)).astype(np.float32)
out = np.empty((33, 47), np.float32)
assert products.instead(*whole, out)
big = [np.ones((64, 64), dtype) for dtype in (np.float64, np.float32, np.float32)]
refused = [products.instead(*(big[(i + j) % 3] for j in range(3))) for i in range(3)]
narrow = products.instead(big[1], big[2], np.empty((64, 128), np.float32)[:, ::2])
nan = np.full((64, 64), np.nan, np.float32)
products.multiply(nan, big[1], out := np.empty((64, 64), np.float32))
json.dumps({
    "fast": fast, "worst": worst, "taken": {key: sorted(value) for key, value in taken.items()}, "spilt": spilt,
    "exact": bool((products.multiply(*whole, (o := np.empty((33, 47), np.float32))) or o == whole[0] @ whole[1]).all()),
    "without": refused_bytes, "refused": refused, "narrow": narrow, "nan": bool(np.isnan(out).all()),
})
`));
