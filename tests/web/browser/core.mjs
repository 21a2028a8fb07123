// The engine's files under Pyodide itself, without NumPy: do they compile there, and is what they import there?
// node core.mjs RUNTIME ENGINE_ZIP 'JSON list of modules'  → JSON
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [runtime, archive, modules] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(path.join(runtime, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: runtime + path.sep });
python.unpackArchive(new Uint8Array(fs.readFileSync(archive)), "zip");
python.globals.set("modules", python.toPy(JSON.parse(modules)));
console.log(python.runPython(`
import importlib, json, pathlib, sys, threading
compiled, missing = [], {}
for file in sorted(pathlib.Path("mulligan").rglob("*.py")):
    compile(file.read_text("utf-8"), str(file), "exec")
    compiled.append(file.as_posix())
for name in modules:
    try:
        importlib.import_module(name)
    except ImportError as error:
        missing[name] = str(error)
try:
    threading.Thread(target=print).start()
    threads = True
except RuntimeError:
    threads = False
json.dumps({"version": sys.version, "compiled": compiled, "missing": missing, "threads": threads})
`));
