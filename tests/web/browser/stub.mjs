// A worker that speaks as worker.mjs does, without Python: frames by numbers that a test can know.
const TOTAL = 400;
let step = 0;
let seed = 0;
let timer = null;
let last = {};
let paused = false; // with seed 7 a run waits at step 200 until it has been paused: no test need be quick
const tell = (message) => postMessage(message);

function frame(trained) {
  const heat = new Float32Array(16).map((_, i) => (i < 8 ? 8 : -8)); // the upper half is real, the lower half is fake
  const fakes = new Float32Array([0, 2, 2, 0, 0, -2]);
  const losses = trained ? { d_loss: 0.6, g_loss: 0.8, rate: 123.4 } : {};
  last = { is: "frame", step, total: TOTAL, size: 4, heat, fakes, modes: 3, near: 0.25, ...losses };
  tell(last);
}

function train(steps) {
  step = Math.min(step + steps, seed === 7 && !paused ? 200 : TOTAL);
  frame(true);
  if (step === TOTAL) {
    clearInterval(timer);
    tell({ is: "finished" });
  }
}

const orders = {
  boot: ({ runtime }) => {
    tell({ is: "progress", text: `Loading Python from ${runtime}` });
    setTimeout(() => tell({ is: "ready", versions: { python: "3.13.2", numpy: "2.2.5" } }), 300);
  },
  start: (words) => {
    clearInterval(timer);
    if (step) tell({ ...last, d_loss: 1.8, g_loss: 1.8 }); // of the turn in which the real worker is when it is asked
    [step, seed, paused] = [0, words.seed, false];
    if (seed === 13) return tell({ is: "failed", text: "ValueError: thirteen" });
    tell({ is: "began", reals: new Float32Array([0, 2, 2, 0]) });
    return frame(false);
  },
  go: () => { timer = setInterval(() => train(10), 40); },
  pause: () => { clearInterval(timer); paused = true; },
  step: () => train(1),
};

onmessage = ({ data }) => orders[data.do](data);
