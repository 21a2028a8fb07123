// The lab's worker: Python lives here, so that the page never stutters. It answers the page's calls, and trains between.
//
// in:  {boot: runtime} · {id, method, path, body} · {client}, which begins the stream
// out: {progress} · {ready: {fast, later}} · {failed} · {id, status, media, file, content} · {stream}, all but numbers in words
import { boot } from "./engine.mjs";

let lab = null;
const queue = []; // what the page asks while Python loads

const WHOLE = 17.6e6; // bytes of Python, NumPy, Pillow and the engine, without the script that cannot be counted
const LATER = ["digits.npz", "mulligan/models/mnist.safetensors", "mulligan/models/pixel-faces.safetensors", "mulligan/metrics/features/judges/mnist.safetensors"]; // fetched when they are first read
const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0); // a WebAssembly module

/** What to say when a file does not come. */
const lost = (address, why) => `${address.pathname.split("/").at(-1)} did not come from ${address.host} (${why}). Check the network and reload.`;

/** Say how much has come, by counting what is fetched, and what does not come: Pyodide would wait for it for ever. */
function count() {
  const plain = fetch;
  let [came, said] = [0, -1];
  self.fetch = async (...asked) => {
    const answer = await plain(...asked).catch(() => ({ status: "no answer" }));
    if (!answer.ok) {
      const text = lost(new URL(asked[0].url ?? asked[0], import.meta.url), answer.status);
      postMessage({ failed: text });
      throw new Error(text);
    }
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
  return new Uint8Array(await (await fetch(new URL(name, import.meta.url))).arrayBuffer());
}

/** Pyodide's own loader. */
async function loader(runtime) {
  try {
    new WebAssembly.Module(EMPTY);
  } catch {
    throw new Error("This browser does not let the page run WebAssembly, and Python needs it. Try another browser.");
  }
  const address = new URL("pyodide.mjs", runtime);
  return import(address.href).then((found) => found.loadPyodide, () => { throw new Error(lost(address, "no answer")); });
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
  lab = await python.pyimport("mulligan.web.browser.lab").open_lab(".");
  postMessage({ ready: { fast, later: [...LATER, ...performance.getEntriesByType("resource").map((one) => one.name)] } });
  for (const message of queue) take(message);
}

async function call({ id, method, path, body = "{}" }) {
  const found = await lab.call(method, path, body);
  const [status, media, file, content] = [0, 1, 2, 3].map((i) => found.get(i));
  postMessage({ id, status, media, file, content: content.toJs() });
  content.destroy();
  found.destroy();
}

async function stream(client) {
  const found = await lab.call("GET", `/api/stream?client=${client}`, "");
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
