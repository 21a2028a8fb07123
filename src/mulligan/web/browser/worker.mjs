// The lab's worker: Python lives here, so that the page never stutters. It answers the page's calls, and trains between.
//
// in:  {boot: runtime} · {id, method, path, token, body} · {client}, which begins the stream
// out: {progress} · {ready: {fast, later}} · {failed} · {id, status, media, file, content} · {stream}, all but numbers in words
import { boot } from "./engine.mjs";

let lab = null;
const queue = []; // what the page asks while Python loads

const WHOLE = 17.6e6; // bytes of Python, NumPy, Pillow and the engine, without the script that cannot be counted
const LATER = ["digits.npz", "mulligan/models/mnist.safetensors", "mulligan/models/pixel-faces.safetensors", "mulligan/metrics/features/judges/mnist.safetensors"]; // fetched when they are first read
const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0); // a WebAssembly module

/** Say how much has come, by counting what is fetched. */
function count() {
  const plain = fetch;
  let [came, said] = [0, -1];
  self.fetch = async (...asked) => {
    const answer = await plain(...asked);
    const counted = answer.body?.pipeThrough(new TransformStream({
      transform(part, out) {
        came += part.length;
        const percent = Math.min(99, Math.floor((100 * came) / WHOLE));
        if (percent > said) postMessage({ progress: `Loading Python: ${(said = percent)} %` });
        out.enqueue(part);
      },
    }));
    return new Response(counted, answer);
  };
}

async function bytes(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} could not be loaded: ${answer.status} ${answer.statusText}.`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** Pyodide's own loader; the words of the errors are the browser's, so they say nothing to a reader. */
async function loader(runtime) {
  try {
    new WebAssembly.Module(EMPTY);
  } catch {
    throw new Error("This browser does not let the page run WebAssembly, and Python needs it. Try another browser.");
  }
  try {
    return (await import(new URL("pyodide.mjs", runtime).href)).loadPyodide;
  } catch {
    throw new Error(`Python could not be loaded from ${new URL(runtime).host}. Check the network, then load this page again.`);
  }
}

async function load(runtime) {
  count();
  const [archive, products] = ["engine.zip", "products.wasm"].map(bytes); // fetched while Python loads
  archive.catch(() => {}); // `boot` tells
  products.catch(() => {});
  const { python, fast } = await boot(await loader(runtime), { runtime, archive, products });
  for (const path of LATER) {
    const [, folder, name] = /(.*?)([^/]+)$/.exec(`${python.FS.cwd()}/${path}`);
    python.FS.mkdirTree(folder);
    python.FS.createLazyFile(folder, name, new URL(path, import.meta.url).href, true, false);
  }
  postMessage({ progress: "Opening the lab" });
  lab = await python.pyimport("mulligan.web.browser.lab").opened(".");
  postMessage({ ready: { fast, later: LATER } });
  for (const message of queue) take(message);
}

async function call({ id, method, path, token = null, body = "{}" }) {
  const found = await lab.call(method, path, token, body);
  const [status, media, file, content] = [0, 1, 2, 3].map((i) => found.get(i));
  postMessage({ id, status, media, file, content: content.toJs() });
  content.destroy();
  found.destroy();
}

async function stream(client) {
  const found = await lab.call("GET", `/api/stream?client=${client}`, null, "");
  const decoder = new TextDecoder();
  for await (const part of found.get(3)) postMessage({ stream: decoder.decode(part.toJs()) });
}

async function take(message) {
  try {
    if (message.boot) await load(message.boot);
    else if (!lab) queue.push(message);
    else if (message.client) await stream(message.client);
    else await call(message);
  } catch (error) {
    postMessage({ failed: String(error.message ?? error).trim().split("\n").at(-1) });
  }
}

onmessage = ({ data }) => take(data);
