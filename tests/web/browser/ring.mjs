// The ring under Pyodide itself, with its NumPy, by the page's own engine.mjs.
// node ring.mjs RUNTIME ENGINE_ZIP ENGINE_MJS STEPS  → JSON
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [runtime, archive, source, steps] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(path.join(runtime, "pyodide.mjs")));
const { boot } = await import(pathToFileURL(source));
const told = [];
const engine = await boot(
  loadPyodide,
  { runtime: runtime + path.sep, archive: new Uint8Array(fs.readFileSync(archive)) },
  (text) => told.push(text),
);
engine.start(7);
const first = engine.frame();
const before = engine.train(1);
const began = performance.now();
const losses = engine.train(Number(steps));
const milliseconds = (performance.now() - began) / Number(steps);
const frame = engine.frame();
engine.start(7, 3);
engine.train(9);
console.log(JSON.stringify({
  told, before, losses, milliseconds, modes: frame.modes, step: frame.step, versions: engine.versions, reals: [...engine.reals()], end: engine.frame().step,
  over: engine.train(1), heat: [...first.heat], fakes: [...first.fakes], size: first.size, total: first.total,
  kinds: [first.heat.constructor.name, first.fakes.constructor.name],
}));
