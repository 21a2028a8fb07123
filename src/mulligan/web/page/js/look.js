// Look inside: what D thinks of every point, or where it looks in a picture, with the weights of now.

import { Panel, html, useAgain, useEffect, useRef, useState } from "./html.js";
import { Picture, useImages } from "./draw.js";
import { drawField, drawLine, reach } from "./field.js";
import { int, num, percent, short, signed } from "./numbers.js";
import { bytesOf, paintSigned } from "./pictures.js";
import { living, server, store } from "./store.js";

const [SIDE, POINTS] = [72, 512];
const AGAIN = 1000; // ms between two questions about a training run

/** Ask again when the run has gone on, at most once a second, and never while the tab is hidden.
 *
 * One question at a time: its answer counts even if the run has gone on meanwhile. */
export function useLooks(path, params, key, asking = true) {
  const [found, set] = useState({ data: null, fault: null, key: null, asked: undefined });
  const step = store.status?.step;
  const want = useRef(null);
  const busy = useRef(false);
  const asked = useRef(0);
  want.current = { params, key, step };
  useEffect(() => {
    const late = found.data?.step < step; // the answer was made before this step
    const there = found.key === key && ((found.asked === step && !late) || found.data?.step === step);
    if (!asking || document.hidden || busy.current || there) return undefined;
    const timer = setTimeout(async () => {
      const now = want.current;
      busy.current = true;
      asked.current = Date.now();
      const answer = { data: null, fault: null, key: now.key, asked: now.step };
      await server.get(path, now.params).then((data) => { answer.data = data; }, (problem) => { answer.fault = problem.message; });
      busy.current = false;
      set((old) => (want.current.key === now.key ? answer : { ...old })); // ask next for what is wanted now
    }, found.key === key && found.data ? Math.max(0, asked.current + AGAIN - Date.now()) : 0);
    return () => clearTimeout(timer);
  }, [path, key, step, found]);
  return found;
}

const paintScale = (canvas) => paintSigned(canvas, Float32Array.from({ length: 200 }, (_, i) => i / 99.5 - 1), 200, 1);
const nothing = (fault) => html`<div class="nothing"><h2>${fault ? "Nothing to see here" : "Looking…"}</h2><p class="small">${fault ?? ""}</p></div>`;

// ── points ──

function Field({ name }) {
  const canvas = useRef(null);
  const bar = useRef(null);
  useAgain("mulligan-theme", "resize");
  const { data: f, fault } = useLooks("/api/look/field", { side: SIDE, points: POINTS }, name);
  useEffect(() => {
    if (!f || !canvas.current) return;
    (f.dimension === 1 ? drawLine : drawField)(canvas.current, f);
    paintScale(bar.current);
  });
  if (fault || !f) return nothing(fault);
  const m = f.modes;
  // the middle of the colours, where D cannot tell; written as 0 where the loss leaves the level free
  const zero = f.says === "centred" ? 0 : f.centre;
  const logitAt = (share) => (zero + share * reach(f) ? signed(zero + share * reach(f), short) : "0");
  return html`<${Panel} id="l1" className="ring" title="What D thinks of every point" note=${`latest weights, step ${int(f.step)}`}>
    <canvas class="field" ref=${canvas} role="img" data-testid="ring-field" aria-label=${`Map of D at step ${int(f.step)}${m ? `: ${m.found} of ${m.of} modes found` : ""}`} />
    <div class="cb"><span class="fake">looks forged</span><div><canvas ref=${bar} aria-hidden="true" /><div class="ticks">${[-1, -0.5, 0, 0.5, 1].map((share) => html`<span>${logitAt(share)}</span>`)}</div></div><span class="real">looks real</span></div>
    <p class="small">Colour: D’s logit${f.says === "centred" ? ", centred" : ""}, on the scale above, which is this map’s own. No colour: D cannot tell. ${f.dimension === 1 ? "Line: the same. Bars: real and generated points." : `Blue: real. Orange: generated. Arrow: where D pushes a point, −∂L_G/∂x; the longest is ${num(f.longest)}.`}</p>
    ${m && html`<p><b data-testid="ring-modes" class=${m.found < m.of ? "warn" : ""}>${m.found} / ${m.of}</b> modes found · ${percent(m.high_quality)} of ${int(m.n)} samples close to one · median distance ${num(m.median_distance)}</p>`}<//>`;
}

// ── pictures ──

function Saliency({ data, width, height, label }) {
  const canvas = useRef(null);
  const theme = useAgain("mulligan-theme");
  useEffect(() => paintSigned(canvas.current, Float32Array.from(bytesOf(data), (v) => v / 127), width, height), [data, theme]);
  return html`<canvas class="px" ref=${canvas} role="img" aria-label=${label} />`;
}

function Pictures({ name }) {
  const { data, fault } = useLooks("/api/look/pictures", { count: 4 }, name);
  const images = useImages(data && [...data.real, ...data.fake].map((p) => p.png));
  const bar = useRef(null);
  useEffect(() => {
    if (bar.current) paintScale(bar.current);
  }, [data]);
  if (fault || !data) return nothing(fault);
  const centred = data.says === "centred";
  const logit = (p) => (centred ? p.centred : p.logit);
  return html`<${Panel} id="l4" title="Where D looks" end=${html`<span class="end small wide">cover a place, and see what D says: blue places made it say “real”, orange ones “forged” · latest weights, step ${int(data.step)}</span>`}>
    <div class="two">${[["Real", "Real, from the training set", data.real, 0], ["Forged", "Forged", data.fake, data.real.length]].map(([name, title, list, first]) => html`<div class="look">
      <span class="grp">${title}</span>
      <span class="h">Picture <span class="muted">0 … 1</span></span>${list.map((p, i) => html`<${Picture} image=${images[first + i]} label=${`${name} ${p.class_name ?? ""}`} />`)}
      <span class="h">What each place adds <span class="muted">±${num(data.largest)} logits</span></span>${list.map((p) => html`<${Saliency} data=${p.map} width=${data.width} height=${data.height} label=${`What each place of the picture above adds to D’s logit: ${name.toLowerCase()}`} />`)}
      <span class="h">D’s logit${centred ? ", centred" : ""} <span class="real">+ real</span>, <span class="fake">− forged</span></span>${list.map((p) => html`<span class=${`v ${logit(p) > 0 ? "real" : "fake"}`}>${signed(logit(p))}</span>`)}</div>`)}</div>
    <div class="cb"><span class="fake">speaks for “forged”</span><div><canvas ref=${bar} aria-hidden="true" /><div class="ticks"><span>−${num(data.largest)}</span><span>0</span><span>+${num(data.largest)}</span></div></div><span class="real">speaks for “real”</span></div><//>`;
}

// ── the view ──

export function Look() {
  const { status } = store;
  const name = `${status?.run}`;
  if (!living()) return html`<div class="nothing" data-testid="look-nothing"><h2>No run to look into</h2><p class="small">Start one under <a href="#train">Training</a>: the recipe ring shows D’s map, any other shows where D looks in a picture.</p></div>`;
  return status.points ? html`<${Field} key=${name} name=${name} />` : html`<${Pictures} key=${name} name=${name} />`;
}
