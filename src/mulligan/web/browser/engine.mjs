// The engine under Pyodide: load it, and turn the Ring of `mulligan.web.browser.ring` into plain objects and arrays.
// The worker and the tests (in node) use this file alike.

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
 * @param {object} where runtime: address of Pyodide's files; archive: Uint8Array, the engine as a zip;
 *                       products: bytes of products.wasm, null for NumPy's own; packages: what to load besides Python.
 * @param {Function} tell Called with a sentence whenever something begins.
 */
export async function boot(loadPyodide, { runtime, archive, products = null, packages = ["numpy", "threadpoolctl"] }, tell = () => {}) {
  tell("Loading Python");
  const [python, memory] = await inMemory(() => loadPyodide({ indexURL: runtime }));
  tell("Loading NumPy");
  const errors = [];
  await python.loadPackage(packages, { messageCallback: () => {}, errorCallback: (text) => errors.push(text) });
  const missing = packages.filter((name) => !(name in python.loadedPackages));
  if (missing.length) throw new Error(`${missing.join(" and ")} could not be loaded from ${runtime} (${errors.join(" ")})`);
  tell("Loading Mulligan");
  python.unpackArchive(archive, "zip");
  const fast = products !== null && (await multiplyFast(python, memory, products));
  const { Ring, STEPS } = python.pyimport("mulligan.web.browser.ring");
  const versions = python.runPython("import sys, numpy; [sys.version.split()[0], numpy.__version__]").toJs();
  let ring = null;
  return {
    python,
    fast,
    versions: { python: versions[0], numpy: versions[1] },
    /** Begin a new run; `total` is for tests. */
    start(seed, total = STEPS) {
      ring?.destroy();
      ring = Ring(seed, total);
    },
    /** Take steps; returns {d_loss, g_loss}, or {} when the run is over. */
    train: (steps) => plain(ring.train(steps)),
    /** What a page draws: {step, total, size, heat, fakes, modes, near}. */
    frame: () => plain(ring.frame()),
    /** The real points that are shown, flat. */
    reals: () => plain(ring.reals.ravel()),
  };
}

/** Turn a Python object into a JavaScript one of its own memory, and let go of the Python object. */
function plain(proxy) {
  try {
    return proxy.toJs({ dict_converter: Object.fromEntries });
  } finally {
    proxy.destroy();
  }
}
