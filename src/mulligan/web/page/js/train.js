// Train: what trains, how far it is, whether it goes well, and what to press if it does not; with the game.

import { Button, html, useEffect, useHears, useRef, useState } from "./html.js";
import { adopt, write } from "./address.js";
import { Chart } from "./chart.js";
import { Diagnosis } from "./diagnosis.js";
import { Beliefs, Game, share, verdict } from "./game.js";
import { icon } from "./icons.js";
import { Machine } from "./machine.js";
import { int, num, sigmoid, time } from "./numbers.js";
import { Quality, mainOf } from "./quality.js";
import { Opening, Samples } from "./samples.js";
import { Settings, dirty, start, wanted } from "./settings.js";
import { can, command, living, mayWrite, pageState, reportPath, server, store } from "./store.js";
import { TriesLine } from "./tries.js";

/** Whether the main button starts a new run: there is none, or settings have changed, or its settings are unknown. */
const anew = () => (store.status?.state ?? "empty") === "empty" || dirty() || !store.settings;

/** Whether the main button waits: for the page's or the run's state, or for the recipes that a new run needs. */
const waits = (state) => !mayWrite() || state === "loading" || (state === "failed" && !anew()) || (state !== "training" && anew() && !store.catalog);

function toggle() {
  const state = store.status?.state ?? "empty";
  if (waits(state)) return;
  if (state === "training") command("pause");
  else if (anew()) start();
  else if (state === "finished") start({ seed: (store.settings?.seed ?? 0) + 1 });
  else command("resume");
}

function oneStep() {
  if (can("step")) command("step", { count: 1 });
}

function toggleFace(state) {
  if (state === "training") return [icon.pause(), "Pause"];
  if (state === "empty" || state === "loading" || !store.settings) return [icon.play(), "Start"];
  if (dirty()) return [icon.play(), html`<span>Start<span class="wide"> new try</span></span>`];
  return state === "finished" ? [icon.play(), "Again"] : [icon.play(), "Resume"];
}

function Transport({ state }) {
  const raw = store.status?.state ?? "empty";
  const [image, label] = toggleFace(raw);
  const busy = !mayWrite() || ["loading", "stopping"].includes(raw);
  const off = busy || waits(raw);
  const alarmed = (state === "diagnosis" || raw === "failed") && store.advice?.can_try;
  const primary = !alarmed && raw !== "empty" && !(dirty() && raw !== "training");
  return html`<div class="transport" role="group" aria-label="Transport">
    <${Button} kind=${`main-action ${primary || (dirty() && raw !== "empty") ? "primary" : ""}`} testid="run-toggle" aria-keyshortcuts="Space" off=${off} act=${toggle}>${image}${label}<//>
    ${raw !== "empty" && [
      ["step", "Do one step (.)", !can("step"), oneStep],
      ["stop", "Stop: save and close this run; it can be resumed", !can("stop") || !store.status.step, () => command("stop")],
      ["reset", `Reset: start a new run at step 0${server.lab ? "" : "; this run stays on disk"}`, busy, () => start({ paused: true })],
    ].map(([name, words, idle, act]) => html`<${Button} kind="icon" testid=${`run-${name}`} aria-label=${words} aria-keyshortcuts=${name === "step" ? "." : null} title=${words} off=${idle} act=${act}>${icon[name]()}<//>`)}
    ${store.refused && html`<p class="refused bad" role="alert" data-testid="refused">${store.refused}</p>`}</div>`;
}

function Facts() {
  const s = store.status;
  if (!s || s.state === "empty") return null;
  const [blank, away] = [s.state === "loading", !store.connected];
  const speed = s.state === "finished" && s.seconds > 0 ? s.step / s.seconds : s.steps_per_second;
  const left = s.state === "training" && s.steps_per_second ? (isCrowded() ? ", slowed" : ` · ${time((s.steps - s.step) / s.steps_per_second)} left`) : { finished: " on average", failed: ", failed", stopping: ", saving", stopped: ", saved", paused: ", paused", alarm: ", paused" }[s.state] ?? "";
  return html`<div class="facts"><div><b data-testid="step" data-step=${s.step ?? 0}>${blank ? "–" : int(s.step)}</b><small>of ${int(blank ? wanted().steps : s.steps)}<span class="wide"> steps</span></small></div>
    <div><b>${blank || away ? "–" : num(speed)}</b><small>steps/s<span class="wide">${away ? ", no news" : left}</span></small></div></div>`;
}

function RunBar({ state }) {
  const s = store.status;
  const blank = !living();
  const { events: { diagnosed }, advice } = store;
  const would = diagnosed?.severity === "alarm" && advice?.can_try && ["alarm", "paused", "failed", "stopped"].includes(s?.state) ? advice.from_step : null;
  // the status is newer than the list of tries
  const tries = blank ? [] : store.tries.map((t) => (t.number === s.try ? { ...t, step: s.step, steps: s.steps, state: s.state } : t));
  return html`<section class="runbar" aria-label="Run controls"><${Transport} state=${state} />
    ${s && s.state !== "empty" ? html`<${TriesLine} tries=${tries} current=${s.try} steps=${blank ? wanted().steps ?? 1000 : s.steps} would=${would} blank=${s.state === "loading" ? "Getting ready" : ""} />` : html`<span class="track" />`}
    <${Facts} /></section>`;
}

function Charts() {
  const { status, curves, distance } = store;
  const steps = status.steps || 1000;
  const line = (tables, key, name, className) => {
    const table = tables[status.try];
    return { name, className, data: (table?.[key] ?? []).map((v, i) => [table.step[i], v]).filter(([, v]) => Number.isFinite(v)) };
  };
  const [far, unit] = status.points ? ["gap", "energy, log"] : ["distance", "FD, %, log"];
  return html`<${Chart} testid="chart-loss" title="Loss" unit="mean" steps=${steps} series=${[line(curves, "d_loss", "D", "judge"), line(curves, "g_loss", "G", "fake")]} />
    <${Chart} testid="chart-distance" title="Distance to real" unit=${unit} log steps=${steps} series=${[line(distance, far, "distance", "fake"), ...(status.floor && !status.points ? [{ name: "other real ones", className: "real", data: [[0, status.floor], [steps, status.floor]] }] : [])]} />`;
}

/** How many terms the loss of D has for each pair; nothing where D judges one picture alone. */
const termsOf = () => ({ relativistic: 1, relativistic_average: 2 })[store.settings?.loss];

/** What D says of real and of forged ones, as its mean belief in “real”; null before the first step. */
function beliefs() {
  const table = store.curves[store.status?.try];
  const [real, fake, loss] = ["d_real", "d_fake", "d_loss"].map((name) => table?.[name]?.findLast(Number.isFinite));
  if (real == null || fake == null) return null;
  const right = Math.exp(-loss / termsOf()); // the mean logits would be swayed by one wild sample
  if (termsOf()) return [right, 1 - right];
  const middle = store.status.says === "probability" ? 0 : (real + fake) / 2; // where D cannot tell
  return [real, fake].map((v) => sigmoid(v - middle));
}

/** The machine as it is now: the first picture of the grid, and what D says of both kinds. */
function Now() {
  const canvas = useRef(null);
  const now = living() && beliefs();
  const [real, fake] = now || [0.5, 0.5];
  const { image, points, low, high } = (living() && store.samples) || {};
  const [wide, tall] = image ? [image.width, image.height].map((v) => (v - 2) / 8 - 2) : Array(2).fill(points ? 112 : 28);
  useEffect(() => {
    const ink = canvas.current?.getContext("2d");
    if (image) ink.drawImage(image, 2, 2, wide, tall, 0, 0, wide, tall);
    if (!points) return;
    ink.clearRect(0, 0, wide, tall);
    ink.fillStyle = "#f0975c";
    const place = (v = (low + high) / 2) => (0.15 + (0.7 * (v - low)) / (high - low)) * wide;
    for (const [x, y] of points) ink.fillRect(place(x), tall - place(y), 2, 2);
  }, [image, points]);
  const pairs = termsOf() && `D finds the real one of a pair, one real and one forged, with ${share(real)}.`;
  const words = now ? html`${pairs || html`<${Beliefs} who="D" real=${real} fake=${fake} />.`} ${verdict(real - fake)}` : "Noise becomes a picture, the judge says how real it looks, and its gradient flows back.";
  return html`<section class="panel head" aria-label="The machine" data-testid="needle"><${Machine} needles=${now ? [[fake, "fake"], [real, "real"]] : []} label=${now ? pairs || `The judge thinks that a real one is real with ${share(real)}, a forged one with ${share(fake)}` : "The judge has said nothing yet"}
    picture=${html`<canvas class=${`px ${image || points ? "" : "blank"}`} ref=${canvas} aria-hidden="true" data-testid="now" width=${wide} height=${tall} />`} /><p class="ink2">${words}</p></section>`;
}

const LONGER = 10_000;
const LEAST = 0.5; // cores, below which other programs take what a training needs
const isCrowded = () => store.status?.state === "training" && store.status.busy < LEAST;
const AGAIN = ["worker-died", "disk"]; // failures from outside: the run can go on as it is

export function trainNews(state) {
  const s = store.status;
  if (isCrowded()) return { kind: "info", text: html`<b>Other programs keep this computer busy.</b> Training gets ${share(s.busy)} of a processor core, and speeds up again when they end.` };
  if (state === "finished") {
    const more = () => command("resume", { steps: s.steps + LONGER });
    return { kind: "info", text: html`<b>Finished:</b> ${int(s.step)} steps in ${time(s.seconds)}.${mainOf(store.metrics)?.fd == null || !store.metrics.final ? "" : ` FD ${num(mainOf(store.metrics).fd)} (floor ${num(mainOf(store.metrics).fd_floor)}).`}`, actions: [
      ["Draw with it", () => { location.hash = `draw?model=${encodeURIComponent(s.run)}`; }, "draw-with-it"], ...(server.lab ? [] : [["Report", () => location.assign(reportPath(s.run)), "report"]]), [`Train ${int(LONGER)} more`, more, "train-longer"]] };
  }
  if (state === "failed") {
    const kept = s.error?.checkpoint_step;
    const whole = AGAIN.includes(s.error?.code);
    const more = kept != null && can("resume") ? ["Resume", () => command("resume"), "resume-failed"] : kept == null && mayWrite() ? ["Start again", () => start(), "start-again"] : null;
    return { kind: "bad", text: html`<b>Stopped at step ${int(s.step)}:</b> ${s.error?.text}${/[.!?]$/.test(s.error?.text ?? "") ? "" : "."} ${kept == null ? "" : `Everything up to the checkpoint of step ${int(kept)} is ${server.lab ? "kept" : "on disk"}.`}`, actions: whole && more ? [more] : [] };
  }
  return null;
}

function useKeys() {
  useHears({ keydown(event) {
    if (event.target.closest("input, select, button, summary, a, svg, dialog, textarea, [role=application]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      event.preventDefault();
      toggle();
    }
    if (event.key === ".") oneStep();
  } });
}

const VIEWS = { "": "Training", game: "The game" };
let more = false; // whether the charts are open, until the page is closed

function Training() {
  const [open, setOpen] = useState(more);
  const toggled = (e) => setOpen(more = e.target.open);
  if (["empty", undefined].includes(store.status?.state)) return html`<${Now} /><${Opening} />`;
  return html`<${Now} /><div class="row1"><${Samples} /><${Diagnosis} /></div>
    <details class="more" open=${open} onToggle=${toggled}><summary data-testid="more">Charts and figures</summary>${open && html`<div class="figures"><${Quality} /><${Charts} /></div>`}</details>`;
}

export function Train({ rest: [part = ""] }) {
  const at = Object.hasOwn(VIEWS, part) ? part : "";
  adopt();
  useEffect(write);
  useKeys();
  return html`<${RunBar} state=${pageState()} />
    <nav class="sub" aria-label="Views of the run">${Object.entries(VIEWS).map(([key, name]) => html`<a href=${key ? `#train/${key}` : "#train"} data-testid=${`part-${key || "training"}`} aria-current=${key === at ? "page" : null}>${name}</a>`)}</nav>
    ${at ? html`<main class="view" id="main" tabindex="-1"><h1 class="sr">${VIEWS[at]}</h1><${Game} /></main>`
      : html`<main class="lay" id="main" tabindex="-1"><h1 class="sr">Train</h1><${Settings} /><div class="main"><${Training} /></div></main>`}`;
}
