// Diagnosis: the state, one sentence, the evidence with its thresholds, what to try, and one button.

import { Button, Dialog, html, useEffect, useState } from "./html.js";
import { badgeOf, icon, pictureOf } from "./icons.js";
import { int, num, plain, short } from "./numbers.js";
import { backTo, changed, command, edited, finding, lacking, living, mayWrite, runPath, server, store } from "./store.js";

/** When the first measurement comes, and how many checks it has. */
const awaited = () => store.catalog?.diagnosis;

/** Whether something is wrong with the run; its advice comes a moment after the event. */
export const isSevere = () => Boolean(store.events.diagnosed?.severity && store.advice);

const SHARES = ["distance", "spread", "classes"]; // of what the real ones have: 1 is as it should be
const MOST = 4; // times as much as the real ones is beyond the scale

/** The place of a value on a gauge, of 100: chance to certainty for how often D is right, the real ones at 75 for a share
 * of them, and otherwise twelve units for each doubling, around the threshold. */
function place({ name, operator, threshold }, value) {
  const within = (at) => Math.min(97, Math.max(4, at));
  if (value == null || !Number.isFinite(value)) return 97;
  if (name === "d_accuracy") return within(200 * (value - 0.5));
  if (value <= 0 || threshold <= 0) return threshold <= 0 && value > threshold ? 75 : 4;
  if (SHARES.includes(name)) return within(value > 1 ? 75 + 11 * Math.log2(value) : 25 + (50 * Math.log(value / threshold)) / Math.log(1 / threshold));
  return within((operator === "<" ? 25 : 75) + 12 * Math.log2(value / threshold));
}

const isBeyond = ({ name, value }) => SHARES.includes(name) && !(value <= MOST);

function Gauge({ line, level }) {
  const threshold = 0.84 * place(line, line.threshold);
  const x = 0.84 * place(line, line.value);
  const known = line.value !== undefined;
  return html`<svg class="gauge" viewBox="0 0 84 18" aria-hidden="true">
    <rect x="0.5" y="5" width="83" height="8" rx="4" fill="var(--sunken)" stroke="var(--line)" />
    <line x1=${threshold} x2=${threshold} y1="1" y2="17" stroke="var(--ink-2)" stroke-width="2" />
    ${!known ? null : level === "ok" ? html`<circle cx=${x} cy="9" r="4.5" fill="var(--ok)" stroke="var(--panel)" stroke-width="1.5" />` : html`<path d=${`M${x} 3l6 6-6 6-6-6z`} fill="var(--${level})" stroke="var(--panel)" stroke-width="1.5" />`}
  </svg>`;
}

/** A line of evidence; its numbers are for what is wrong, and for those who ask. */
export function EvidenceLine({ line, level }) {
  const [wrong, value] = [line.holds || (line.value !== undefined && isBeyond(line)), num(line.value)];
  return html`<li title=${`${line.words}: ${value}; alarm ${line.operator} ${short(line.threshold)}`}><div>${line.label ?? line.words}${line.holds && html`<small>alarm ${line.operator} ${short(line.threshold)}</small>`}</div>
    <${Gauge} line=${line} level=${wrong ? level : "ok"} /><div class=${`v ${wrong ? level : "sr"}`}>${value}${wrong && html`<span class="sr">, on the wrong side</span>`}</div></li>`;
}

/** The evidence of the finding first, then that of every measurement: five lines, four above a remedy, three above a long one. */
function lines(severe, { advice, checked }) {
  const because = severe ? advice.evidence : [];
  const names = new Set(because.map((e) => e.name));
  const most = !because.length ? 5 : advice.changes.length > 3 ? 3 : 4;
  return [...because, ...(checked?.evidence ?? []).filter((e) => !names.has(e.name))].slice(0, most);
}

/** A value of the configuration in words: penalties as R1 γ 1 + R2 γ 1, kinds by their name. */
function inWords(value) {
  if (value == null || value === "" || (Array.isArray(value) && !value.length)) return "none";
  if (typeof value === "number") return Number.isInteger(value) ? int(value) : num(value);
  if (Array.isArray(value)) return value.map(inWords).join(value.every((v) => typeof v === "number") ? ", " : " + ");
  if (typeof value !== "object") return plain(value).replace(/^r([12])$/, "R$1");
  const { kind, ...rest } = value;
  const more = Object.entries(rest).map(([k, v]) => `${k === "gamma" ? "γ" : k.replaceAll("_", " ")} ${inWords(v)}`);
  return [kind && inWords(kind), more.join(", ")].filter(Boolean).join(" ");
}

export function Changes({ changes, from, healthy }) {
  return html`<dl class="diff" data-testid="remedy">${from != null && html`<dt>From</dt><dd>step ${int(from)}${!from ? ", from the start" : from === healthy ? ", the last healthy checkpoint" : ""}</dd>`}
    ${changes.map((c) => html`<dt>${c.label}</dt><dd><del>${inWords(c.old)}</del> → <ins>${inWords(c.new)}</ins></dd>`)}</dl>`;
}

function edit() {
  const { advice } = store;
  const one = (line) => {
    const [path, ...rest] = line.split("=");
    const told = advice.changes.find((c) => c.path === path || c.path.startsWith(`${path}.`) || path.startsWith(`${c.path}.`));
    return { path, text: rest.join("="), use: true, label: told?.label ?? path, old: inWords(told?.old) };
  };
  store.remedy = { of: finding(), changes: advice.overrides.map(one) };
  changed(true);
  requestAnimationFrame(() => document.querySelector('[data-testid="remedy-editor"] input')?.focus());
}

/** A second try beside the one before, from the same z, as a GIF to keep. */
export function Futures({ run, close }) {
  const [source, setSource] = useState(null);
  const path = runPath(run, "/futures.gif");
  useEffect(() => { server.url(path).then(setSource); }, []);
  return html`<${Dialog} id="futures-h" title="Both futures" testid="futures" close=${close}><p class="small">Both begin at one step, and draw from the same random numbers. Only what was changed makes the difference.</p>
    <div class="futures"><b class="bad">The try before</b><b class="ok">The second try</b><img alt="Samples of both tries, step by step; a try that has ended is dark" src=${source} /></div>
    <div class="act"><a class="btn primary" href=${path} download data-testid="futures-keep">${icon.down()}Keep the GIF</a></div><//>`;
}

const sentence = (words) => (words ? `${words[0].toUpperCase()}${words.slice(1)}. ` : "");

function Advice({ severe, open, play }) {
  const { events: { diagnosed }, advice, checked, status, tries } = store;
  const all = (kind) => html`<button class=${kind} data-testid="all-checks" disabled=${!checked} onClick=${open}>All ${checked?.checks.length ?? awaited()?.checks} checks</button>`;
  if (severe) {
    const { changes, tried } = advice; // tried: a failed try that had the settings of the remedy
    const alarm = diagnosed.severity === "alarm";
    const tryable = advice.can_try && changes.length > 0;
    const filled = alarm && status.state !== "training" && !edited() ? "primary" : "";
    const many = tryable && changes.length > 5 && ` · ${changes.length} changes`; // as many as the panel shows without scrolling
    return html`<div class="try"><h3>What to try${many}</h3>
      ${tryable ? html`<${Changes} changes=${changes} from=${backTo()} healthy=${advice.from_step} />`
        : html`<ul class="small">${diagnosed.remedies.map((r) => html`<li>${r}</li>`)}</ul>`}
      <p class="small">${tried ? `These are the settings of try ${tried.number}, which ended in ${tried.state} at ${int(tried.step)}: they would fail again. Change something else as well. ` : tryable ? `${sentence(diagnosed.remedies.at(-1))}Try ${status.try} stays on disk. ` : "No change of settings alone helps here. "}${all("link")}</p>
      <div class="act">${tryable && html`${!tried && html`<${Button} kind=${`big grow ${filled}`} testid="second-try" off=${!mayWrite()} act=${() => command("second-try", { step: backTo() })}>${icon.flag()}Mulligan<//>`}
        <${Button} kind=${`big ${tried ? `grow ${filled}` : ""}`} testid="edit-remedy" off=${!mayWrite()} act=${edit}>Edit first<//>`}</div></div>`;
  }
  const before = tries.find((t) => t.number === tries.find((n) => n.number === status?.try)?.parent);
  if (before) {
    const every = cadence() ?? awaited()?.by_step;
    const since = (checked?.step ?? 0) - (tries.find((t) => t.number === status.try)?.from_step ?? 0);
    return html`<div class="try"><h3>${since > 2 * every ? "Second try helps so far" : "Second try is under way"}</h3>
      <p class="small">${before.alarm ? `Try ${before.number}: ${before.alarm.state} at ${int(before.alarm.step)}.` : `Try ${before.number} stands at ${int(before.step)}.`} ${since > 0 ? `No alarm for ${int(since)} steps since it went back.` : "The first check of this try is still to come."}</p>
      <div class="act"><${Button} testid="both-futures" act=${play}>${icon.play()}Both futures<//>${all("btn quiet")}</div></div>`;
  }
  return html`<div class="try"><div class="act">${all("btn quiet")}</div></div>`;
}

/** Steps between the latest two measurements of a try; null before there are two. */
function cadence() {
  const steps = store.measurements[store.status?.try]?.step ?? [];
  return steps.length > 1 ? steps.at(-1) - steps.at(-2) : null;
}

/** What is found, or null before the first check: its title, its level, and what lacks where nothing is wrong. */
function found() {
  const { events: { diagnosed }, advice, checked } = store;
  if (!living() || (!advice && !checked)) return null;
  if (isSevere()) return { severe: true, title: advice.title, level: badgeOf(diagnosed.severity), lacks: [] };
  const lacks = lacking() ?? []; // no alarm, and no praise either
  return { severe: false, title: lacks.length ? "No failure, not good yet" : "No failure shows", level: lacks.length ? "info" : "ok", lacks };
}

export function Diagnosis() {
  const [open, setOpen] = useState(null);
  const { events: { diagnosed }, advice, checked, status } = store;
  const every = cadence();
  const { severe, title, level, lacks } = found() ?? {};
  const blank = !title;
  const shown = blank ? awaited()?.evidence ?? [] : lines(severe, store); // before the first check, what it will look at
  const text = blank ? `The first check comes by step ${int(awaited()?.by_step)}. Only two equal findings in a row raise an alarm.`
    : severe ? advice.text : `${checked?.checks.length ?? awaited()?.checks} ways to fail were looked for: none shows. Not looked for: how good the samples are. ${lacks.join(" ")}`;
  return html`<section class="panel diag" aria-labelledby="h-d" data-testid="diagnosis"><div class="ph"><h2 id="h-d" tabindex="-1">Diagnosis</h2><span class="end small">${blank ? "" : checked ? `checked at ${int(checked.step)}${every ? `, every ${int(every)} steps` : ""}` : `said at ${int(advice.step)}`}</span></div>
    <div class="pb"><div class="state">${severe && pictureOf(diagnosed.state)}<span class=${`badge ${level ?? ""}`}>${blank ? "" : icon[level]()}</span><h3 class=${blank ? "muted" : ""} data-testid="diagnosis-state">${title ?? "Nothing to say yet"}</h3></div>
      <p class=${`say ${severe ? "" : "calm"}`} data-testid="diagnosis-text">${text}</p>
      <ul class="ev" data-testid="diagnosis-evidence">${shown.map((line) => html`<${EvidenceLine} line=${line} level=${severe ? level : "bad"} />`)}</ul>
      <${Advice} severe=${severe} open=${() => setOpen("checks")} play=${() => setOpen("futures")} />
    </div>${open === "checks" && html`<${Checks} checked=${checked} close=${() => setOpen(null)} />`}${open === "futures" && html`<${Futures} run=${status.run} close=${() => setOpen(null)} />`}</section>`;
}

function Checks({ checked, close }) {
  return html`<${Dialog} id="checks-h" title=${`All ${checked.checks.length} checks at step ${int(checked.step)}`} testid="checks-dialog" close=${close}>
    <ul class="checks">${checked.checks.map((check) => {
      const level = check.holds ? badgeOf(check.severity || "alarm") : "ok";
      return html`<li>${pictureOf(check.state)}<div><b>${check.title}</b> <span class=${`verdict ${level}`}>${icon[level]()}${check.holds ? "shows" : "does not show"}</span><p>${check.meaning}</p>
        <details><summary>How it is found</summary>${check.cases.map((c) => html`<small>${c.severity}: ${c.evidence.map((e, i) => html`${i > 0 ? " and " : ""}${e.words} ${e.operator} ${short(e.threshold)} (is ${num(e.value)})`)}</small>`)}</details></div></li>`;
    })}</ul><//>`;
}

/** On a phone the run bar shows the state as a chip, which leads here. */
export function Pill() {
  if (!living()) return null;
  const { title, level } = found() ?? {};
  const go = () => {
    const head = document.getElementById("h-d");
    head?.scrollIntoView({ block: "center" });
    head?.focus({ preventScroll: true });
  };
  return html`<button class=${`chip pill ${level ?? ""}`} data-testid="diagnosis-pill" onClick=${go}>${level && icon[level]()}${title ?? "No check yet"}</button>`;
}
