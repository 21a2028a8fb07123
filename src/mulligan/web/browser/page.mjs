// The page: buttons, two canvases, and the messages of the worker.
const part = (id) => document.getElementById(id);
const EDGE = 3; // as ring.py has it
const colours = getComputedStyle(document.documentElement);
const colour = (name) => colours.getPropertyValue(`--${name}`).trim();
const rgb = (name) => [1, 3, 5].map((i) => parseInt(colour(name).slice(i, i + 2), 16));

let worker = null;
let reals = new Float32Array(0);
let history = []; // [step, d_loss, g_loss]
let begun = false; // what the worker says before it has begun the run that it was asked for is of the one before

const TEXT = {
  empty: "Load and start", loading: "Loading", ready: "Start", training: "Pause", paused: "Go on",
  finished: "Start over", failed: "Try again",
};

function enter(state, news) {
  document.body.dataset.state = state;
  part("run").textContent = TEXT[state];
  part("run").setAttribute("aria-disabled", state === "loading"); // not `disabled`, which would take the focus away
  part("step").disabled = !["ready", "paused"].includes(state);
  part("again").disabled = !["training", "paused"].includes(state);
  if (news !== undefined) part("news").textContent = news;
}

const state = () => document.body.dataset.state;
const send = (message) => worker.postMessage(message);

function seed() {
  const value = part("seed").valueAsNumber;
  if (Number.isInteger(value) && value >= 0 && value <= 999999) return value;
  part("seed").value = "0";
  return 0;
}

async function load() {
  enter("loading", "Looking for Python");
  try {
    const site = await (await fetch("site.json")).json();
    const runtime = new URL(site.runtime, location.href).href;
    worker?.terminate();
    worker = new Worker("worker.mjs", { type: "module" });
    worker.onmessage = ({ data }) => news[data.is](data);
    worker.onerror = (event) => failed(event.message ?? "the worker did not start");
    send({ do: "boot", runtime });
  } catch (error) {
    failed(error.message);
  }
}

function failed(text) {
  worker?.terminate();
  worker = null;
  const advice = state() === "loading" ? " The page needs a file server and, for Python itself, the network." : "";
  enter("failed", `That did not work: ${text.replace(/\.$/, "")}.${advice}`);
}

function begin() {
  begun = false;
  send({ do: "start", seed: seed() });
  send({ do: "go" });
  enter("training", `Training with seed ${seed()}.`);
}

const news = {
  progress: ({ text }) => enter("loading", `${text} …`),
  ready: ({ versions }) => {
    part("versions").textContent = `Python ${versions.python} and NumPy ${versions.numpy}, in a worker of this page.`;
    begin();
  },
  began: (message) => {
    begun = true;
    history = [];
    reals = message.reals;
  },
  frame: (frame) => {
    if (!begun) return;
    if (frame.d_loss !== undefined) history.push([frame.step, frame.d_loss, frame.g_loss]);
    part("at").textContent = `${frame.step} of ${frame.total}`;
    if (frame.rate !== undefined) part("rate").textContent = frame.rate.toFixed(frame.rate < 10 ? 1 : 0);
    part("modes").textContent = `${frame.modes}`;
    part("near").textContent = `${(100 * frame.near).toFixed(0)} %`;
    drawMap(frame);
    drawLosses(frame.total);
  },
  finished: () => begun && enter("finished", "Finished."),
  failed: ({ text }) => failed(text),
};

function drawMap({ size, heat, fakes, modes, near }) {
  const canvas = part("map"), context = canvas.getContext("2d");
  const ground = document.createElement("canvas");
  ground.width = ground.height = size;
  const pixels = new ImageData(size, size), panel = rgb("panel"), ends = [rgb("fake"), rgb("real")];
  for (let i = 0; i < heat.length; i += 1) {
    const share = 0.75 * Math.tanh(Math.abs(heat[i]) / 4); // a fixed scale: logit ±4 is 76 % of the way
    const end = ends[heat[i] > 0 ? 1 : 0];
    for (let c = 0; c < 3; c += 1) pixels.data[4 * i + c] = panel[c] + share * (end[c] - panel[c]);
    pixels.data[4 * i + 3] = 255;
  }
  ground.getContext("2d").putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(ground, 0, 0, canvas.width, canvas.height);
  const place = (v, flip) => (0.5 + (flip * v) / (2 * EDGE)) * canvas.width;
  const dots = (points, radius, fill, stroke) => {
    context.fillStyle = fill;
    context.strokeStyle = stroke;
    for (let i = 0; i < points.length; i += 2) {
      context.beginPath();
      context.arc(place(points[i], 1), place(points[i + 1], -1), radius, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  };
  dots(reals, 4, "transparent", colour("real"));
  dots(fakes, 2.5, colour("fake"), colour("panel"));
  canvas.setAttribute("aria-label",
    `Map of the plane with real and generated points: ${modes} of 8 modes, ${(100 * near).toFixed(0)} % of the points near one`);
}

function drawLosses(total) {
  const canvas = part("losses"), context = canvas.getContext("2d"), HIGH = 2;
  const x = (step) => (step / total) * canvas.width;
  const y = (loss) => canvas.height * (1 - Math.min(loss, HIGH) / HIGH);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = colour("line");
  context.setLineDash([4, 4]);
  line([[0, Math.LN2], [total, Math.LN2]], 1);
  context.setLineDash([]);
  for (const [index, name] of [[1, "judge"], [2, "fake"]]) {
    context.strokeStyle = colour(name);
    line(history.map((row) => [row[0], row[index]]), 2);
  }
  function line(points, width) {
    context.lineWidth = width;
    context.beginPath();
    points.forEach(([step, loss], i) => context[i ? "lineTo" : "moveTo"](x(step), y(loss)));
    context.stroke();
  }
  const last = history.at(-1);
  if (last) canvas.setAttribute("aria-label",
    `Losses over the steps: at step ${last[0]} D ${last[1].toFixed(2)}, G ${last[2].toFixed(2)} nats`);
}

part("run").onclick = () => {
  if (["empty", "failed"].includes(state())) load();
  else if (["ready", "finished"].includes(state())) begin();
  else if (state() === "training") { send({ do: "pause" }); enter("paused", "Paused."); }
  else if (state() === "paused") { send({ do: "go" }); enter("training", "Training."); }
};
part("step").onclick = () => send({ do: "step" });
part("again").onclick = begin;
