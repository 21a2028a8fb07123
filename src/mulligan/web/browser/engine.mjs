// The engine under Pyodide: load it, and turn the Ring of `mulligan.web.browser.ring` into plain objects and arrays.
// The worker and the tests (in node) use this file alike.

/**
 * @param {Function} loadPyodide Pyodide's own.
 * @param {object} where runtime: address of Pyodide's files; archive: Uint8Array, the engine as a zip;
 *                       packages: what to load besides Python.
 * @param {Function} tell Called with a sentence whenever something begins.
 */
export async function boot(loadPyodide, { runtime, archive, packages = ["numpy", "threadpoolctl"] }, tell = () => {}) {
  tell("Loading Python");
  const python = await loadPyodide({ indexURL: runtime });
  tell("Loading NumPy");
  const errors = [];
  await python.loadPackage(packages, { messageCallback: () => {}, errorCallback: (text) => errors.push(text) });
  const missing = packages.filter((name) => !(name in python.loadedPackages));
  if (missing.length) throw new Error(`${missing.join(" and ")} could not be loaded from ${runtime} (${errors.join(" ")})`);
  tell("Loading Mulligan");
  python.unpackArchive(archive, "zip");
  const { Ring, STEPS } = python.pyimport("mulligan.web.browser.ring");
  const versions = python.runPython("import sys, numpy; [sys.version.split()[0], numpy.__version__]").toJs();
  let ring = null;
  return {
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
