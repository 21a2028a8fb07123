// One round of browser.py under Pyodide. node browser.mjs BROWSER PYODIDE ENGINE_ZIP PROGRAM kernel|plain
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [browser, runtime, archive, program, side] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(path.join(runtime, "pyodide.mjs")));
const { boot } = await import(pathToFileURL(path.join(browser, "engine.mjs")));
const bytes = (file) => new Uint8Array(fs.readFileSync(file));
const products = side === "kernel" ? bytes(path.join(browser, "products.wasm")) : null;
const { python, fast } = await boot(loadPyodide, { runtime: runtime + path.sep, archive: bytes(archive), products });
if (fast !== (side === "kernel")) throw new Error("the kernel could not be used here");
python.runPython(fs.readFileSync(program, "utf-8"));
console.log(python.globals.get("RESULT"));
process.exit(0);
