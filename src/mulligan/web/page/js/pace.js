// Slow motion: the page asks for one step at a time, so that each can be seen. The run itself is paused in between.

import { Slider, html } from "./html.js";
import { can, changed, command, mayWrite, store } from "./store.js";

const PACES = [1, 5, 20, null]; // steps a second; null is as fast as it goes
const TICK = 20; // ms between two looks at a run that is about to pause
const LATE = 5000; // ms to wait for the news of what was asked for
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let walking = false;

/** Take steps until somebody presses Pause, the slider is back at full speed, or the run is over.
 *
 * One loop sends all commands, each once, so that a slider that moves meanwhile only changes the pace. */
export async function walk() {
  store.slow = true;
  changed(true);
  if (walking) return;
  walking = true;
  let [asked, since, steps] = [null, 0, 0]; // the run that was asked to pause or step, when, and steps that this loop has taken
  while (store.slow && store.connected) {
    const began = performance.now();
    const { state, run, step } = store.status ?? {};
    const coming = asked === run && began - since < LATE; // it is about to pause, by itself after a step
    if (state === "training" && store.pace && !coming && can("pause")) {
      [asked, since] = [run, began];
      await command("pause");
    } else if (state === "paused" && !store.pace) {
      await command("resume");
      break;
    } else if (state === "paused" && can("step")) {
      [asked, since, steps] = [run, began, steps + 1];
      if (!(await command("step", { count: 1 }))) break;
      while (store.connected && store.status?.step === step && performance.now() - began < LATE) await sleep(TICK);
      while (store.slow && performance.now() - began < 1000 / (store.pace ?? Infinity)) await sleep(TICK);
    } else if (state !== "loading" && !(state === "training" && coming) && !(state === "alarm" && !steps)) break;
    await sleep(TICK);
  }
  walking = false;
  halt();
}

export function halt() {
  store.slow = false;
  changed(true);
}

function set(place) {
  store.pace = PACES[place];
  changed(true);
  if (store.pace && store.status?.state === "training") walk();
}

export function Pace() {
  const place = PACES.indexOf(store.pace ?? null);
  const words = store.pace ? `${store.pace} ${store.pace === 1 ? "step" : "steps"} a second` : "full speed";
  return html`<div class="pace"><span>Speed</span><${Slider} value=${place} max=${PACES.length - 1} label="Speed of the run" disabled=${!mayWrite()} testid="pace" text=${words} onInput=${set} /><output>${words}</output></div>`;
}
