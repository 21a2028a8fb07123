// Diagnosis: the state, one sentence, the evidence with its thresholds, what to try, and one button.

import { Button, Dialog, html, useEffect, useState } from "./html.js";
import { Keep, badgeOf, icon } from "./icons.js";
import { int, num, plain, short } from "./numbers.js";
import { command, lacking, living, mayWrite, runPath, server, store } from "./store.js";

const awaited = () => store.catalog?.diagnosis;

export const isSevere = () => Boolean(store.events.diagnosed?.severity && store.advice);

function EvidenceLine({ line, level }) {
  return html`<li title=${line.words}><div>${line.label ?? line.words}</div><div class=${line.holds ? `v ${level}` : "v"}>${num(line.value)}${line.holds && html`<span class="sr">, on the wrong side</span>`}<small>alarm ${line.operator} ${short(line.threshold)}</small></div></li>`;
}

const MOST = 5; // lines of evidence; those that decided come first

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

function Changes({ changes, from, healthy }) {
  return html`<dl class="diff" data-testid="remedy">${from != null && html`<dt>From</dt><dd>step ${int(from)}${!from ? ", from the start" : from === healthy ? ", the last healthy checkpoint" : ""}</dd>`}
    ${changes.map((c) => html`<dt>${c.label}</dt><dd><del>${inWords(c.old)}</del> → <ins>${inWords(c.new)}</ins></dd>`)}</dl>`;
}

/** The diagnosis of a try in short: what decided it and, for a second try from a step, what changes. */
export const Brief = ({ advice, from }) => html`<ul class="ev">${advice.evidence.filter((line) => line.label).slice(0, 2).map((line) => html`<${EvidenceLine} line=${line} level="bad" />`)}</ul>
  ${from != null && html`<${Changes} changes=${advice.changes.filter((c) => c.new != null)} from=${from} healthy=${from} />`}`;

export function Futures({ run, close }) {
  const [source, setSource] = useState(null);
  const [there, setThere] = useState(false);
  const path = runPath(run, "/futures.gif");
  useEffect(() => { server.url(path).then(setSource); }, []);
  return html`<${Dialog} id="futures-h" title="Both futures" testid="futures" close=${close}><p class="small">Both begin at one step, and draw from the same random numbers. Only what stands above the second one makes the difference.</p>
    <div class="futures">${!there && html`<p class="nothing">Drawing the frames…</p>`}<img hidden=${!there} onLoad=${() => setThere(true)} alt="Samples of both tries, step by step, the second one on the right; a try that has ended is dark" src=${source} /></div>
    <div class="act"><${Keep} kind="primary" from=${path} testid="futures-keep">Keep the GIF<//></div><//>`;
}

const sentence = (words) => (words ? `${words[0].toUpperCase()}${words.slice(1)}. ` : "");

function Advice({ severe, play }) {
  const { events: { diagnosed }, advice, checked, status, tries } = store;
  if (severe) {
    const { changes } = advice;
    const tryable = advice.can_try && changes.length > 0;
    const filled = diagnosed.severity === "alarm" && status.state !== "training" ? "primary" : "";
    const many = tryable && changes.length > 5 && ` · ${changes.length} changes`; // as many as the panel shows without scrolling
    const stays = server.lab ? "" : `Try ${status.try} stays on disk. `;
    return html`<div class="try"><h3>What to try${many}</h3>
      ${tryable ? html`<${Changes} changes=${changes} from=${advice.from_step} healthy=${advice.from_step} />`
        : html`<ul class="small">${diagnosed.remedies.map((r) => html`<li>${r}</li>`)}</ul>`}
      <p class="small">${tryable ? `${sentence(diagnosed.remedies.at(-1))}${stays}` : "No change of settings alone helps here. "}</p>
      ${tryable && html`<div class="act"><${Button} kind=${`big grow ${filled}`} testid="second-try" off=${!mayWrite()} act=${() => command("second-try")}>${icon.flag()}Mulligan<//></div>`}</div>`;
  }
  const before = tries.find((t) => t.number === tries.find((n) => n.number === status?.try)?.parent);
  if (before) {
    const every = checked?.every ?? awaited()?.by_step;
    const since = (checked?.step ?? 0) - (tries.find((t) => t.number === status.try)?.from_step ?? 0);
    return html`<div class="try"><h3>${since > 2 * every ? "Second try helps so far" : "Second try is under way"}</h3>
      <p class="small">${before.alarm ? `Try ${before.number}: ${before.alarm.state} at ${int(before.alarm.step)}.` : `Try ${before.number} stands at ${int(before.step)}.`} ${since > 0 ? `No alarm for ${int(since)} steps since it went back.` : "The first check of this try is still to come."}</p>
      <div class="act"><${Button} testid="both-futures" act=${play}>${icon.play()}Both futures<//></div></div>`;
  }
  return null;
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
  const [open, setOpen] = useState(false);
  const { advice, checked, status } = store;
  const { severe, title, level, lacks } = found() ?? {};
  const blank = !title;
  const shown = blank ? [] : (checked?.evidence ?? advice.evidence).slice(0, severe ? 3 : MOST);
  const text = blank ? `Checks begin by step ${int(awaited()?.by_step)}. Only two equal findings in a row raise an alarm.`
    : severe ? advice.text : `${awaited()?.checks} ways to fail were looked for: none shows. Not looked for: how good the samples are. ${lacks.join(" ")}`;
  return html`<section class="panel diag" aria-labelledby="h-d" data-testid="diagnosis"><div class="ph"><h2 id="h-d">Diagnosis</h2><span class="end small">${blank ? "" : checked ? `checked at ${int(checked.step)}${checked.every ? `, every ${int(checked.every)} steps` : ""}` : `said at ${int(advice.step)}`}</span></div>
    <div class="pb"><div class="state"><span class=${`badge ${level ?? ""}`}>${blank ? "" : icon[level]()}</span><h3 class=${blank ? "muted" : ""} data-testid="diagnosis-state">${title ?? "Nothing to say yet"}</h3></div>
      <p class=${`say ${severe ? "" : "calm"}`}>${text}</p>
      ${shown.length > 0 && html`<ul class="ev" data-testid="diagnosis-evidence">${shown.map((line) => html`<${EvidenceLine} line=${line} level=${severe ? level : "bad"} />`)}</ul>`}
      <${Advice} severe=${severe} play=${() => setOpen(true)} />
    </div>${open && html`<${Futures} run=${status.run} close=${() => setOpen(false)} />`}</section>`;
}
