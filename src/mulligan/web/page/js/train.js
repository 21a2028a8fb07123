// Train: what trains, how far it is, whether it goes well, and what to press if it does not.

import { Button, html, useEffect, useHears, useRef } from "./html.js";
import { adopt, write } from "./address.js";
import { Chart, measured, points } from "./chart.js";
import { Diagnosis, Pill } from "./diagnosis.js";
import { icon } from "./icons.js";
import { int, num, sigmoid, time } from "./numbers.js";
import { halt, walk } from "./pace.js";
import { Quality } from "./quality.js";
import { Opening, Samples } from "./samples.js";
import { Settings, dirty, start, wanted } from "./settings.js";
import { backTo, can, changed, command, finding, living, mayWrite, modelOf, openReport, pageState, server, store, tell } from "./store.js";
import { TriesLine } from "./tries.js";

// ── transport ──

/** Whether the main button starts a new run: there is none, or settings have changed, or its settings are unknown. */
const anew = () => (store.status?.state ?? "empty") === "empty" || dirty() || !store.settings;

export function toggle() {
  const state = store.status?.state ?? "empty";
  if (!mayWrite() || state === "loading" || (state === "failed" && !anew())) return;
  if (store.slow) halt();
  else if (state === "training") command("pause");
  else if (store.pace) slowly(state);
  else if (anew()) start();
  else if (state === "finished") again(false);
  else command("resume");
}

const again = (paused) => start({ seed: (store.settings?.seed ?? 0) + 1, paused });

/** Get the run to stand still, from where it is; the steps follow one by one. */
async function slowly(state) {
  const ways = { paused: () => true, alarm: () => command("step", { count: 1 }), finished: () => again(true) };
  if (await (anew() ? start({ paused: true }) : (ways[state] ?? (() => command("resume")))())) walk();
}

export function oneStep() {
  if (can("step")) command("step", { count: 1 });
}

function toggleFace(state) {
  if (state === "training" || store.slow) return [icon.pause(), "Pause"];
  if (state === "empty" || state === "loading" || !store.settings) return [icon.play(), "Start"];
  if (dirty()) return [icon.play(), html`<span>Start<span class="wide"> new try</span></span>`];
  return state === "finished" ? [icon.play(), "Again"] : [icon.play(), "Resume"];
}

function Transport({ state }) {
  const raw = store.status?.state ?? "empty";
  const [image, label] = toggleFace(raw);
  const busy = !mayWrite() || ["loading", "stopping"].includes(raw);
  const off = busy || (raw === "failed" && !anew());
  const alarmed = (state === "diagnosis" || raw === "failed") && store.advice?.can_try;
  const primary = !alarmed && raw !== "empty" && !(dirty() && raw !== "training");
  return html`<div class="transport" role="group" aria-label="Transport">
    <${Button} kind=${`main-action ${primary || (dirty() && raw !== "empty") ? "primary" : ""}`} testid="run-toggle" aria-keyshortcuts="Space" off=${off} act=${toggle}>${image}${label}<//>
    ${raw !== "empty" && [
      ["step", "Do one step (.)", !can("step") || store.slow, oneStep],
      ["stop", "Stop: save and close this run; it can be resumed", !can("stop") || !store.status.step, () => command("stop")],
      ["reset", "Reset: start a new run at step 0; this run stays on disk", busy, () => start({ paused: true })],
    ].map(([name, words, idle, act]) => html`<${Button} kind="icon" testid=${`run-${name}`} aria-label=${words} aria-keyshortcuts=${name === "step" ? "." : null} title=${words} off=${idle} act=${act}>${icon[name]()}<//>`)}
    ${store.refused && html`<p class="refused bad" role="alert" data-testid="refused">${store.refused}</p>`}</div>`;
}

function Facts({ state }) {
  const s = store.status;
  if (!s || s.state === "empty") return null;
  const blank = s.state === "loading";
  const steps = blank ? wanted().steps : s.steps;
  const away = !store.connected;
  const after = blank ? "" : away ? ", no news" : s.state === "training" ? (s.seconds_left == null ? "" : ` · ${time(s.seconds_left)} left`) : s.state === "finished" ? " on average" : `, ${{ failed: "failed", stopping: "saving", stopped: "saved" }[s.state] ?? "paused"}`;
  const speed = s?.state === "finished" && s.seconds > 0 ? s.step / s.seconds : s?.steps_per_second;
  return html`<div class="facts"><div><b data-testid="step" data-step=${s?.step ?? 0}>${blank ? "–" : int(s.step)}</b><small>of ${int(steps)}<span class="wide"> steps</span></small></div>
    <div><b data-testid="steps-per-second">${blank || away ? "–" : store.slow ? store.pace : num(speed)}</b><small>steps/s<span class="wide">${store.slow ? ", slow motion" : after}</span></small></div></div>`;
}

function goBack(one) {
  tell("info", `Go back to try ${one.number}, at step ${int(one.step)}? Try ${store.status.try} stays on disk.`, [
    ["Go back", async () => { tell(null); await command("continue", { number: one.number }); }, "go-back"],
    ["Stay", () => tell(null), "stay"],
  ]);
}

function RunBar({ state }) {
  const s = store.status;
  const blank = !living();
  const { events: { diagnosed }, advice } = store;
  const would = diagnosed?.severity === "alarm" && advice?.can_try && !advice.tried && ["alarm", "paused", "failed", "stopped"].includes(s?.state) ? backTo() : null;
  const drag = (step) => {
    store.back = { of: finding(), step };
    changed(true);
  };
  // the status is newer than the list of tries
  const tries = blank ? [] : store.tries.map((t) => (t.number === s.try ? { ...t, step: s.step, steps: s.steps, state: s.state } : t));
  return html`<section class="runbar" aria-label="Run controls"><${Transport} state=${state} />
    ${s && s.state !== "empty" ? html`<${TriesLine} tries=${tries} current=${s?.try} steps=${blank ? wanted().steps ?? 1000 : s.steps} would=${would} stops=${would == null || !mayWrite() ? [] : [...new Set([0, ...advice.checkpoints])].filter((step) => step < s.step)} drag=${drag} blank=${s?.state === "loading" ? "Getting ready" : ""} goBack=${can("continue") || mayWrite() ? goBack : null} />` : html`<span class="track" />`}
    <${Facts} state=${state} /><${Pill} /></section>`;
}

// ── charts ──

/** The tries that led to the current one, each with its steps that count: [{number, from, to}]. */
function lineage(tries, current) {
  const chain = [];
  let to = Infinity;
  for (let t = tries.find((n) => n.number === current); t; t = tries.find((n) => n.number === t.parent)) {
    chain.unshift({ number: t.number, from: t.from_step ?? 0, to });
    to = t.from_step ?? 0;
    if (t.parent == null) break;
  }
  return chain.length ? chain : [{ number: current ?? 1, from: 0, to: Infinity }];
}

/** One curve over all tries; what failed is faint. */
function curve(tables, chain, tries, name, key, color, more = {}, change) {
  const data = chain.flatMap((t) => points(tables[t.number], key, t.from, t.to, change?.(tables[t.number]) ?? ((v) => v)));
  const dead = tries.filter((t) => !chain.some((c) => c.number === t.number && c.to === Infinity)).map((t) => ({ color, faint: true, data: points(tables[t.number], key, chain.find((c) => c.number === t.number)?.to ?? t.from_step ?? 0, Infinity, change?.(tables[t.number]) ?? ((v) => v)) }));
  return [...dead.filter((s) => s.data.length), { name, color, data, ...more }];
}

/** How D's mean logits are shown, by `says` of the loss. */
const VERDICTS = {
  probability: { unit: "probability of “real”", fixed: [0, 1], change: () => sigmoid },
  logit: { unit: "logit", least: [-1, 1], change: () => (v) => v },
  centred: { unit: "logit, centred", least: [-1, 1], change: (table) => (v, i) => v - 0.5 * ((table.d_real[i] ?? 0) + (table.d_fake[i] ?? 0)) },
};

/** The first of the tries with the same loss up to this one: logits and values of other losses cannot be compared. */
function lossSince(tries, t) {
  const kept = t?.parent != null && !t.changes?.some((c) => c.path?.startsWith("loss"));
  return kept ? lossSince(tries, tries.find((n) => n.number === t.parent)) : t?.number;
}

function Charts() {
  const { status, tries, curves, measurements, distance } = store;
  const memory = useRef({});
  const key = `${status?.run}`;
  if (memory.current.key !== key) memory.current = { key, loss: {}, verdict: {}, gradients: {}, distance: {} };
  const m = memory.current;
  const blank = !living();
  const x = [0, (blank ? wanted().steps : status.steps) || 1000];
  const chain = blank ? [] : lineage(tries, status.try);
  const begun = tries.find((t) => t.number === status?.try);
  const alarm = begun?.alarm;
  const marks = blank ? [] : [...(begun?.parent != null ? [{ x: begun.from_step, color: "--brand", label: "second try" }] : []), ...(alarm ? [{ x: alarm.step, color: "--bad", label: alarm.state }] : [])];
  const bare = marks.map((k) => ({ ...k, label: "" }));
  const line = (tables, name, column, color, more, change) => (blank ? [] : curve(tables, chain, tries, name, column, color, more, change));
  const verdict = VERDICTS[status?.loss?.says] ?? VERDICTS.probability;
  const kin = tries.filter((t) => lossSince(tries, t) === lossSince(tries, begun));
  const same = begun ? Object.fromEntries(kin.map((t) => [t.number, curves[t.number]])) : curves;
  const shown = status?.points ? "gap" : "distance";
  return html`<div class="row2">
    <${Chart} testid="chart-loss" title="Loss" term="nats" unit=${blank ? "nats" : status.loss?.unit ?? ""} x=${x} least=${[0, 2]} memory=${m.loss} marks=${marks} series=${[...line(same, "D", "d_loss", "--judge"), ...line(same, "G", "g_loss", "--fake")]} />
    <${Chart} testid="chart-verdict" title="What D says" term="logit" unit=${verdict.unit} x=${x} fixed=${verdict.fixed} least=${verdict.least} memory=${m.verdict} marks=${bare} series=${[...line(same, "real", "d_real", "--real", {}, verdict.change), ...line(same, "fake", "d_fake", "--fake", {}, verdict.change)]} />
    <${Chart} testid="chart-gradients" title="Gradient norms" unit="log scale" log x=${x} least=${[0.01, 1]} memory=${m.gradients} marks=${bare} series=${[...line(measurements, "D", "d_gradient", "--judge"), ...line(measurements, "G", "g_gradient", "--fake"), ...line(measurements, "∇ₓD", "r2", "--real", { dash: 1 }, () => Math.sqrt)]} />
    <${Chart} testid="chart-distance" title="Distance to real" term=${shown === "distance" ? "distance" : null} unit=${shown === "distance" ? "FD, %, log" : "energy, log"} log x=${x} least=${shown === "distance" ? [1, 100] : [0.001, 1]} memory=${m.distance} marks=${bare} band=${!blank && status.floor && shown === "distance" ? { upTo: status.floor, label: "as near as other real ones" } : null} series=${line(distance, "distance", shown, "--fake").map((l) => ({ ...l, data: measured(l.data) }))} />
  </div>`;
}

// ── news at the foot ──

const LONGER = 10_000;
const AGAIN = ["worker-died", "disk"]; // failures from outside: the run can go on as it is

export function trainNews(state) {
  const s = store.status;
  if (state === "finished") {
    const more = () => command("resume", { steps: s.steps + LONGER });
    return { kind: "info", text: html`<b>Finished:</b> ${int(s.step)} steps in ${time(s.seconds)}.${store.metrics?.fd == null || !store.metrics.final ? "" : ` FD ${num(store.metrics.fd)} (floor ${num(store.metrics.fd_floor)}).`}`, actions: [
      ["Draw with it", () => { location.hash = `draw?model=${encodeURIComponent(modelOf(s.run))}`; }, "draw-with-it"], ...(server.lab ? [] : [["Report", () => openReport(s.run), "report"]]), [`Train ${int(LONGER)} more`, more, "train-longer"]] };
  }
  if (state === "failed") {
    const kept = s.error?.checkpoint_step;
    const whole = AGAIN.includes(s.error?.code);
    const more = kept != null && can("resume") ? ["Resume", () => command("resume"), "resume-failed"] : kept == null && mayWrite() ? ["Start again", () => start(), "start-again"] : null;
    return { kind: "bad", text: html`<b>Stopped at step ${int(s.step)}:</b> ${s.error?.text ?? "no reason was given"}${/[.!?]$/.test(s.error?.text ?? "") ? "" : "."} ${kept == null ? "" : `Everything up to the checkpoint of step ${int(kept)} is on disk.`}`, actions: whole && more ? [more] : [] };
  }
  return null;
}

/** Space starts and pauses, a full stop takes one step. */
export function useKeys() {
  useHears({ keydown(event) {
    if (event.target.closest("input, select, button, summary, a, svg, dialog, textarea, [role=application]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      event.preventDefault();
      toggle();
    }
    if (event.key === ".") oneStep();
  } });
}

export function Train() {
  const state = pageState();
  adopt();
  useEffect(write);
  useKeys();
  return html`<${RunBar} state=${state} /><main class="lay" id="main" tabindex="-1"><h1 class="sr">Train</h1><${Settings} />
    <div class="main">${["empty", undefined].includes(store.status?.state) ? html`<${Opening} />` : html`<div class="row1"><${Samples} /><${Diagnosis} /><${Quality} /></div><${Charts} />`}</div></main>`;
}
