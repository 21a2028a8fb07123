// What the page knows: the run, as the server has told it, and what the user is about to change.

import { useEffect, useState } from "./html.js";
import { decoded } from "./pictures.js";
import { nameOf, namesOf } from "./query.js";
import { Server, Problem, guest } from "./server.js";

const Port = document.documentElement.dataset.lab ? (await import("./lab.js")).Lab : Server;

const KEPT = 1000; // points of a curve; then every second one is dropped
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
// ms between two drawings of the page, which take time from training; figures without a grid wait a little longer
const quiet = () => (calm() ? 1000 : 600);
const PATIENT = 1500;
const SOON = 100; // in the story, whose game lasts seconds
const FIGURES = ["event", "status", "checked", "metrics"];

const started = {
  status: null, settings: null, tries: [], curves: {}, distance: {}, samples: null, saved_samples: [],
  events: {}, // the latest of each kind, as events.jsonl has it
  checked: null, advice: null, metrics: null,
};

export const store = {
  ...started,
  connected: false, epoch: null, lost: null, heard: 0, catalog: null, progress: null, runsVersion: 0, pile: null, round: null,
  news: null, // of the bar at the foot
  switched: null, // why the recipe is another one than was chosen
  closed: null, // the run whose end has been read
  spoken: "", alarmSpoken: "",
  draft: {}, // settings not yet in force, by name
  faults: {}, // refusals under fields, by name
  refused: null, // the refusal of what was pressed last, for the place where it was pressed
};

const listeners = new Set();
let timer = 0;
let due = Infinity; // when the page will be drawn next
let last = 0;

function draw() {
  due = Infinity;
  last = performance.now();
  for (const listener of listeners) listener();
}

/** Draw once the newest grid is decoded, so that the browser paints text and grid in one frame. */
async function drawWithGrid() {
  if (document.body.dataset.view === "train") await decoded(store.samples);
  draw();
}

/** Draw the page again: soon, or now if the user has done something. */
export function changed(now = false, wait = quiet()) {
  if (now) {
    clearTimeout(timer);
    return draw();
  }
  if (last + wait >= due || document.hidden) return;
  due = last + wait;
  clearTimeout(timer);
  timer = setTimeout(drawWithGrid, Math.max(0, due - performance.now()));
}
document.addEventListener("visibilitychange", () => document.hidden || changed());

export function useStore() {
  const [, set] = useState(0);
  useEffect(() => {
    const listener = () => set((n) => n + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return store;
}

function say(text) {
  store.spoken = text;
  changed(true);
}

export function tell(kind, text, code) {
  store.news = text ? { kind, text, code, at: performance.now() } : null;
  changed(true);
}

/** Add a row to a table of columns, which came with the snapshot; what was not measured at this step is a gap. */
function append(table, step, values) {
  if (!table || step <= table.step.at(-1)) return; // the server has told it again
  for (const name of Object.keys(table)) table[name].push(name === "step" ? step : values[name] ?? null);
  if (table.step.length <= KEPT) return;
  for (const name of Object.keys(table)) table[name] = table[name].filter((_, i) => i % 2 === 0);
}

/** Put figures of one step into the table of distances: measurements and evaluations may meet at a step. */
function join(step, figures) {
  const table = store.distance[store.status?.try];
  append(table, step, {});
  if (table?.step.at(-1) !== step) return;
  for (const name of Object.keys(table)) if (name !== "step" && figures[name] != null) table[name][table.step.length - 1] = figures[name];
}

/** A status comes by the stream and with the answer to a command. The newer one counts. */
const newer = (status) => !(status.order < store.status?.order);

const KEPT_AS_TOLD = ["checked", "metrics", "tries", "pile", "round"];
const hears = {
  snapshot(data) {
    const before = store.status?.run;
    Object.assign(store, started, data, { connected: true, lost: null });
    hears.settings(data.settings);
    store.runsVersion++; // the server may be a new one
    if (!guest() && (server.epoch !== store.epoch || !store.catalog)) loadCatalog(); // another server may have other pictures
    store.epoch = server.epoch;
    // it was about another run, or that nobody answered
    if (before !== store.status?.run || store.status?.state === "loading" || store.news?.code === "away") store.news = null;
  },
  status(data) {
    if (!newer(data)) return;
    const before = store.status?.state;
    store.status = data;
    if (before !== data.state) speakState(before, data);
  },
  samples(data) {
    store.samples = data;
    // a grid comes before the status of its step: the step shown must not be older
    if (data.try === store.status?.try && data.step > store.status.step) store.status = { ...store.status, step: data.step };
  },
  stepped({ step, measures }) {
    append(store.curves[store.status?.try], step, measures);
  },
  measured({ step, signals }) {
    join(step, { gap: signals.gap });
  },
  evaluated({ step, metrics }) {
    store.metrics = null; // of an earlier checkpoint
    join(step, metrics);
  },
  sampled({ step }) {
    if (!store.saved_samples.includes(step)) store.saved_samples = [...store.saved_samples, step];
  },
  settings(data) {
    store.settings = data && namesOf(data);
  },
  advice(data) {
    store.advice = data;
    if (data) say(`${data.title} at step ${data.step}. ${data.text ?? ""}`);
  },
  progress(data) {
    store.progress = data;
    if (!data && store.news?.code === "finished") store.news = null; // it announced this measurement
  },
  notice(data) {
    if (data.code === "few" && store.settings?.data?.startsWith("drawings-")) return; // the easel has said it
    const kind = { info: "info", finished: "info", warning: "warn", failed: "bad" }[data.kind] ?? "info";
    tell(kind, data.text, data.code);
  },
  runs() {
    store.runsVersion++;
  },
  ping() {},
  lost(data) {
    store.connected = false;
    store.lost = data;
  },
};

/** For an effect: pass on an answer, or null and the problem, unless the effect has run again. */
export function latest(answer, take) {
  let stale = false;
  answer.then((found) => stale || take(found), (problem) => stale || take(null, problem));
  return () => { stale = true; };
}

const SPOKEN = { training: "Training", paused: "Paused", finished: "Finished", stopped: "Saved" }; // an alarm has said more

function speakState(before, { state, step, error }) {
  if (state === "failed") store.alarmSpoken = `Failed at step ${step}. ${error?.text ?? ""}`;
  else if (SPOKEN[state] && before !== "alarm") store.spoken = `${SPOKEN[state]} at step ${step}`;
}

export const server = new Port((kind, data) => {
  if (kind !== "lost") store.heard = Date.now();
  const [state, first] = [store.status?.state, kind === "samples" && !store.samples];
  if (kind === "event") store.events = { ...store.events, [data.event]: data };
  if (KEPT_AS_TOLD.includes(kind)) store[kind] = data;
  hears[kind === "event" ? data.event : kind]?.(data);
  if (kind === "ping") return;
  changed(["snapshot", "lost", "advice"].includes(kind), first ? 0 : document.body.dataset.view === "story" ? SOON : FIGURES.includes(kind) && state === store.status?.state ? PATIENT : quiet());
});

const unanswered = new Set(); // requests without an answer yet, so that a double click asks once

/** Send a command; a refusal is shown in the bar, or under the field that it names. */
export async function act(path, body = {}) {
  const key = path + JSON.stringify(body);
  if (unanswered.has(key)) return null;
  unanswered.add(key);
  store.faults = {};
  store.refused = null;
  try {
    const answer = await server.post(path, body);
    if (answer?.status?.state && newer(answer.status)) store.status = answer.status;
    changed(true);
    return answer;
  } catch (problem) {
    refuse(problem);
    return null;
  } finally {
    unanswered.delete(key);
  }
}

function refuse(problem) {
  if (!(problem instanceof Problem)) tell("warn", "The server does not answer. If it still runs, training goes on without this page.", "away");
  else if (problem.field) {
    const name = nameOf(problem.field);
    store.faults = { [name === "size" ? "data" : name]: problem.message };
    store.refused = problem.message;
    store.spoken = problem.message;
    changed(true);
  } else tell("warn", problem.message);
}

export const command = (name, body = {}) => act(`/api/train/${name}`, { run: store.status?.run, try: store.status?.try ?? 1, ...body });

export async function loadCatalog() {
  try {
    const catalog = await server.get("/api/catalog");
    store.catalog = { ...catalog, recipes: catalog.recipes.map((one) => ({ ...one, ...namesOf(one.values) })) };
  } catch {
    // asked for again with the next snapshot
  }
  changed(true);
}

const PLAIN = { alarm: "diagnosis", stopping: "paused", stopped: "paused" };

export function pageState() {
  if (!store.connected) return store.status ? "reconnecting" : "connecting";
  const state = store.status?.state ?? "empty";
  if (state === "training" && store.events.diagnosed?.severity === "warning") return "warning";
  return PLAIN[state] ?? state;
}

const [FEW, BLURRED, ROUGH] = [0.5, 0.7, 1.4]; // shares of the coverage that is best, and of the edges of real pictures
const CLOSE = 0.8; // share of the points of a toy that lie near a mode

/** Why the samples are not good yet, as the measurements of this run say: [] if they are good, null before there are any. */
export function lacking() {
  const { measured, evaluated } = store.events;
  const { coverage, sharpness } = measured?.signals ?? {};
  if (coverage == null) return null;
  const { high_quality: close } = store.status?.points ? evaluated?.metrics ?? {} : {};
  if (close != null) return close < CLOSE ? [`${(100 * close).toFixed(0)} % of the points lie near a mode.`] : [];
  const ideal = store.catalog?.diagnosis.coverage_ideal ?? 1;
  return [
    coverage < FEW * ideal && `Only ${(100 * coverage).toFixed(0)} % of the real ones have a sample near them.`,
    sharpness < BLURRED && "Edges are weaker than real ones: blurred.",
    sharpness > ROUGH && "Edges are stronger than real ones: rough.",
  ].filter(Boolean);
}

export const living = () => !["empty", "loading", undefined].includes(store.status?.state);
export const reportPath = (name) => `/runs/${encodeURIComponent(name)}/report.html`;
export const runPath = (name, rest = "") => `/api/runs/${encodeURIComponent(name)}${rest}`;
export const mayWrite = () => store.connected;
export const can = (name) => mayWrite() && (store.status?.can ?? []).includes(name);
