// Slow motion: the page asks for one step at a time, so that each can be seen. The run itself is paused in between.

import { html } from "./html.js";
import { Slider } from "./settings.js";
import { can, changed, command, mayWrite, store } from "./store.js";

const PACES = [1, 5, 20, null]; // steps a second; null is as fast as it goes
const OVER = ["finished", "failed", "alarm", "stopped", "empty"];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let beat = 0; // of the loop that counts

/** Take steps until somebody presses Pause, or the run is over. */
export async function walk() {
  const mine = ++beat;
  store.slow = true;
  changed(true);
  while (store.slow && mine === beat && store.pace) {
    const began = performance.now();
    if (OVER.includes(store.status?.state) && !can("step")) break;
    if (store.status?.state === "paused" && can("step") && !(await command("step", { count: 1 }))) break;
    await sleep(Math.max(20, 1000 / (store.pace ?? 1) - (performance.now() - began)));
    if (store.status?.state === "alarm" || !store.connected) break;
  }
  if (mine !== beat) return;
  store.slow = false;
  changed(true);
}

export function halt() {
  store.slow = false;
  changed(true);
}

async function set(place) {
  const [before, state] = [store.pace, store.status?.state];
  store.pace = PACES[place];
  changed(true);
  if (store.pace && state === "training" && (await command("pause"))) walk();
  if (!store.pace && before && store.slow) {
    halt();
    await command("resume");
  }
}

export function Pace() {
  const place = PACES.indexOf(store.pace ?? null);
  const words = store.pace ? `${store.pace} ${store.pace === 1 ? "step" : "steps"} a second` : "full speed";
  return html`<div class="pace"><span>Speed</span><${Slider} value=${place} max=${PACES.length - 1} label="Speed of the run" disabled=${!mayWrite()} testid="pace" text=${words} onInput=${set} /><output>${words}</output></div>`;
}
