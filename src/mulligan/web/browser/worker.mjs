// The worker: Python lives here, so that the page never stutters. It trains in turns of about a twentieth of a second
// and listens in between.
//
// in:  {do: "boot", runtime} · {do: "start", seed} · {do: "go"} · {do: "pause"} · {do: "step"}
// out: {is: "progress", text} · {is: "ready", versions} · {is: "began", reals} · {is: "frame", …} · {is: "finished"} ·
//      {is: "failed", text}
import { boot } from "./engine.mjs";

const TURN = 50; // milliseconds of training between two looks at the messages
let engine = null;
let going = false;
let turns = 0; // every `pause` and `start` makes the turns before it stale
let pace = 4; // steps of the next turn

const tell = (message) => postMessage(message);

async function load(runtime) {
  const { loadPyodide } = await import(new URL("pyodide.mjs", runtime).href);
  const [archive, products] = await Promise.all(["engine.zip", "products.wasm"].map(bytes));
  engine = await boot(loadPyodide, { runtime, archive, products }, (text) => tell({ is: "progress", text }));
  tell({ is: "ready", versions: engine.versions });
}

async function bytes(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}

function train(steps) {
  const began = performance.now();
  const losses = engine.train(steps);
  const took = performance.now() - began;
  const frame = engine.frame();
  tell({ is: "frame", ...frame, ...losses, rate: (1000 * steps) / took });
  if (frame.step >= frame.total) {
    going = false;
    tell({ is: "finished" });
  }
  return took;
}

function turn(number) {
  if (!going || number !== turns) return;
  const took = train(pace);
  pace = Math.max(1, Math.min(200, Math.round((pace * TURN) / Math.max(took, 1))));
  setTimeout(attempt, 0, () => turn(number));
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    going = false;
    tell({ is: "failed", text: String(error.message ?? error).trim().split("\n").at(-1) });
  }
}

const orders = {
  boot: ({ runtime }) => load(runtime),
  start: ({ seed }) => {
    going = false;
    turns += 1;
    engine.start(seed);
    tell({ is: "began", reals: engine.reals() });
    tell({ is: "frame", ...engine.frame() });
  },
  go: () => {
    if (going) return;
    going = true;
    turns += 1;
    turn(turns);
  },
  pause: () => {
    going = false;
    turns += 1;
  },
  step: () => {
    train(1);
  },
};

onmessage = ({ data }) => attempt(() => orders[data.do](data));
