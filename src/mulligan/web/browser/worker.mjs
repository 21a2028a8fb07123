// The lab's worker: Python lives here, so that the page never stutters. It answers the page's calls, and trains between.
//
// in:  {boot: runtime} · {id, method, path, token, body} · {client}, which begins the stream
// out: {progress} · {ready: {fast}} · {failed} · {id, status, media, file, content} · {stream}
import { boot } from "./engine.mjs";

let lab = null;
const queue = []; // what the page asks while Python loads

async function bytes(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}

async function load(runtime) {
  const files = ["engine.zip", "products.wasm", "digits.npz", "pixel-faces.safetensors"].map(bytes); // fetched while Python loads
  const { loadPyodide } = await import(new URL("pyodide.mjs", runtime).href);
  const [archive, products] = files;
  const { python, fast } = await boot(loadPyodide, { runtime, archive, products }, (text) => postMessage({ progress: text }));
  python.FS.writeFile("digits.npz", await files[2]);
  python.FS.writeFile("mulligan/models/pixel-faces.safetensors", await files[3]);
  postMessage({ progress: "Opening the lab" });
  lab = await python.pyimport("mulligan.web.browser.lab").opened(".");
  postMessage({ ready: { fast } });
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
