// Mulligan under Pyodide: load Python, NumPy and the engine, and put the kernel of products.wat in its place. The lab's
// worker, the benchmark and the tests (in node) use this file alike.

/** Load Pyodide, and find the memory in which its Python lives: it hands out the bytes, but not the object. */
async function inMemory(load) {
  const { Memory } = WebAssembly;
  const all = [];
  WebAssembly.Memory = class extends Memory {
    constructor(limits) {
      super(limits);
      all.push(this);
    }
  };
  try {
    const python = await load();
    return [python, all.find((memory) => memory.buffer === python._module.HEAP8.buffer)];
  } finally {
    WebAssembly.Memory = Memory;
  }
}

/** Have Mulligan multiply by the kernel of products.wat; false where this browser or this Pyodide does not let it. */
export async function multiplyFast(python, memory, bytes) {
  try {
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
    python.pyimport("mulligan.web.browser.products").use(instance.exports.multiply);
    return true;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError || error instanceof TypeError) return false;
    throw error;
  }
}

/**
 * @param {Function} loadPyodide Pyodide's own.
 * @param {object} where runtime: address of Pyodide's files; archive: bytes of the engine, a zip; products: bytes of
 *                       products.wasm, or null for NumPy's own loops; packages: what to load besides Python. The bytes
 *                       may be promises.
 * @param {Function} tell Called with a sentence whenever something begins.
 * @returns {object} python: Pyodide; fast: whether the kernel multiplies.
 */
export async function boot(loadPyodide, { runtime, archive, products = null, packages = ["numpy", "pillow"] }, tell = () => {}) {
  tell("Loading Python");
  const [python, memory] = await inMemory(() => loadPyodide({ indexURL: runtime, packages })); // all come at the same time
  const loaded = Object.keys(python.loadedPackages).map((name) => name.toLowerCase());
  const missing = packages.filter((name) => !loaded.includes(name));
  if (missing.length) throw new Error(`${missing.join(" and ")} could not be loaded from ${runtime}`);
  tell("Loading Mulligan");
  python.unpackArchive(await archive, "zip");
  const fast = products !== null && (await multiplyFast(python, memory, await products));
  return { python, fast };
}
