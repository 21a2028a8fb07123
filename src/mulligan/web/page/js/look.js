// Look inside: what D thinks of every point, where it looks in a picture, and whether z and gradients get through.

import { Button, Panel, Segments, byArrows, html, placeOf, useAgain, useEffect, useRef, useState } from "./html.js";
import { blank, bytesOf, css, floats, paintSigned } from "./pictures.js";
import { icon } from "./icons.js";
import { int, num, percent, short, signed } from "./numbers.js";
import { grow } from "./chart.js";
import { Layers } from "./layers.js";
import { Picture, useAnswer, useImages } from "./draw.js";
import { Histogram } from "./quality.js";
import { Slider } from "./settings.js";
import { can, command, latest, living, modelOf, runPath, server, store } from "./store.js";

const SIDE = 72;
const POINTS = 512;
const [AGAIN, SOON] = [1000, 15]; // ms between two questions about a training run, and about places of a moving point
const BINS = 48;

/** Ask again when the run has gone on, at most once a second, and never while the tab is hidden.
 *
 * One question at a time: its answer counts even if the run has gone on meanwhile. */
export function useLooks(path, params, key) {
  const [found, set] = useState({ data: null, fault: null, key: null, asked: undefined });
  const step = params.step == null && params.run === "live" ? store.status?.step : params.step;
  const want = useRef(null);
  const busy = useRef(false);
  const asked = useRef(0);
  want.current = { params, key, step };
  useEffect(() => {
    const late = params.run === "live" && found.data?.step < step; // the answer was made before this step
    const there = found.key === key && ((found.asked === step && !late) || found.data?.step === step);
    if (!params.run || document.hidden || busy.current || there) return undefined;
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

// ── points ──

const TOGGLES = [["map", "D’s map"], ["real", "real points"], ["fake", "generated"], ["arrow", "where D pushes each one"]];

/** Logits from the middle of D's map to its full colours: 1, 2 or 5 × 10ⁿ, as this map needs. */
const reach = (f) => grow([f.largest], { least: [0, 1e-6] })[1];

const axis = (v) => String(v).replace("-", "−");

function line(ink, ...places) {
  ink.beginPath();
  for (const place of places) ink.lineTo(...place);
  ink.stroke();
}

/** D's map as a picture, its first row at the bottom. */
function mapOf(f) {
  const [map, logits] = [document.createElement("canvas"), f.logits.buffer ? f.logits : floats(f.logits)];
  const rows = Array.from({ length: logits.length / f.side }, (_, row) => [...logits.subarray(row * f.side, (row + 1) * f.side)]).reverse();
  paintSigned(map, rows.flat().map((v) => (v - f.centre) / (f.reach ?? reach(f))), f.side, rows.length);
  return map;
}

function circle(ink, x, y, r) {
  ink.beginPath();
  ink.arc(x, y, r, 0, 7);
}

/** Draw D's map, points and arrows. `at` is the place that is asked about, if there is one. */
export function drawField(canvas, f, show, at) {
  const W = (canvas.width = canvas.clientWidth * 2);
  const H = (canvas.height = canvas.clientHeight * 2);
  const ink = canvas.getContext("2d");
  const S = H / (f.high - f.low);
  const middle = (f.high + f.low) / 2;
  const X = (v) => W / 2 + (v - middle) * S;
  const Y = (v) => H / 2 - (v - middle) * S;
  ink.fillStyle = css("--map-zero");
  ink.fillRect(0, 0, W, H);
  if (show.map) {
    ink.imageSmoothingQuality = "high";
    const half = (f.high - f.low) / (f.side - 1) / 2; // values stand at grid points, pixels around them
    ink.drawImage(mapOf(f), X(f.low - half), Y(f.high + half), S * (f.high - f.low + 2 * half), S * (f.high - f.low + 2 * half));
  }
  ink.strokeStyle = css("--line-strong");
  ink.globalAlpha = 0.35;
  ink.fillStyle = css("--ink-2");
  ink.font = "26px system-ui";
  const every = f.high - f.low > 12 ? 5 : 1;
  for (let v = Math.ceil(f.low / every) * every; v <= f.high; v += every) {
    line(ink, [X(v), 0], [X(v), H]);
    line(ink, [0, Y(v)], [W, Y(v)]);
    ink.globalAlpha = 1;
    ink.fillText(axis(v), X(v) + 6, H - 8);
    if (v) ink.fillText(axis(v), 8, Y(v) - 6);
    ink.globalAlpha = 0.35;
  }
  const dots = (points, size, colour, ring) => {
    ink.fillStyle = colour;
    for (const [x, y] of points) {
      circle(ink, Math.min(W - size, Math.max(size, X(x))), Math.min(H - size, Math.max(size, Y(y))), size); // at the edge if it lies beyond
      ink.fill();
      if (ring) ink.stroke();
    }
  };
  ink.globalAlpha = 0.75;
  if (show.real) dots(f.real, 3.6, css("--real"));
  ink.globalAlpha = 1;
  ink.lineWidth = 1.6;
  ink.strokeStyle = css("--panel");
  if (show.fake) dots(f.fake, 5.5, css("--fake"), true);
  if (show.arrow) drawArrows(ink, f, X, Y);
  drawLost(ink, f, X, Y, W, H);
  ink.lineWidth = 3;
  ink.strokeStyle = css("--ink");
  if (at) for (const r of [11, 2]) {
    circle(ink, X(at[0]), Y(at[1]), r);
    ink.stroke();
  }
}

function drawArrows(ink, f, X, Y) {
  ink.strokeStyle = ink.fillStyle = css("--ink");
  ink.lineWidth = 2.2;
  const unit = (0.18 * (f.high - f.low)) / (2 * (f.longest || 1)); // the longest takes a twelfth of the map
  for (const [x, y, dx, dy] of f.arrows) {
    const [ax, ay, bx, by] = [X(x), Y(y), X(x + unit * dx), Y(y + unit * dy)];
    if (Math.hypot(bx - ax, by - ay) < 6) continue;
    const turn = Math.atan2(by - ay, bx - ax);
    line(ink, [ax, ay], [bx, by]);
    ink.beginPath();
    ink.moveTo(bx + 4 * Math.cos(turn), by + 4 * Math.sin(turn));
    for (const bend of [2.6, -2.6]) ink.lineTo(bx + 10 * Math.cos(turn + bend), by + 10 * Math.sin(turn + bend));
    ink.fill();
  }
}

/** A dashed circle around each mode that has no sample near it, as `modes.found` counts. */
function drawLost(ink, f, X, Y, W, H) {
  const m = f.modes;
  if (!m) return;
  ink.strokeStyle = ink.fillStyle = css("--ink");
  ink.font = "600 26px system-ui";
  ink.textAlign = "center";
  ink.lineWidth = 2.4;
  const lost = m.centres.filter((_, i) => m.counts[i] === 0);
  for (const [x, y] of lost) {
    ink.setLineDash([7, 6]);
    circle(ink, X(x), Y(y), 40);
    ink.stroke();
    ink.setLineDash([]);
    if (lost.length <= 4) ink.fillText("not found", Math.min(W - 80, Math.max(80, X(x))), Math.min(H - 12, Y(y) + 70));
  }
  ink.textAlign = "start";
}

/** The same for points of one dimension, which are bars: D's map, and the curve of its logit. */
export function drawLine(canvas, f, show, at) {
  const W = (canvas.width = canvas.clientWidth * 2);
  const H = (canvas.height = canvas.clientHeight * 2);
  const [ink, base, tall] = [canvas.getContext("2d"), H - 40, f.logits ? 0.45 : 0.8];
  const X = (v) => ((v - f.low) / (f.high - f.low)) * W;
  if (show.map) ink.drawImage(mapOf(f), 0, 0, W, H);
  for (const kind of ["real", "fake"].filter((name) => show[name])) {
    const counts = new Array(BINS).fill(0);
    for (const [x] of f[kind]) counts[Math.min(BINS - 1, Math.max(0, Math.floor((X(x) * BINS) / W)))]++;
    const high = (tall * base) / Math.max(1, ...counts);
    ink.fillStyle = css(`--${kind}`);
    counts.forEach((n, i) => ink.fillRect((i * W) / BINS + 1, base - high * n, W / BINS - 2, high * n));
    ink.globalAlpha = 0.6; // the real ones are seen behind
  }
  ink.globalAlpha = 1;
  Object.assign(ink, { strokeStyle: css("--judge"), lineWidth: 4 });
  if (f.logits) line(ink, ...Array.from(floats(f.logits), (v, i) => [(i * W) / (f.side - 1), H * 0.25 - Math.min(1.2, Math.max(-1.2, (v - f.centre) / reach(f))) * H * 0.2]));
  Object.assign(ink, { fillStyle: css("--ink-2"), font: "26px system-ui" });
  for (let v = Math.ceil(f.low); v <= f.high; v++) ink.fillText(axis(v), X(v) + 6, H - 8);
  if (at) ink.fillRect(X(at[0]) - 1.5, 0, 3, H);
}

const paintScale = (canvas) => paintSigned(canvas, Float32Array.from({ length: 200 }, (_, i) => i / 99.5 - 1), 200, 1);
const nothing = (fault) => html`<div class="nothing"><h2>${fault ? "Nothing to see here" : "Looking…"}</h2><p class="small">${fault ?? ""}</p></div>`;

function Field({ params, name, off, setOff }) {
  const canvas = useRef(null);
  const bar = useRef(null);
  const show = Object.fromEntries(TOGGLES.map(([k]) => [k, !off.includes(k)]));
  const [at, setAt] = useState([0, 0]);
  useAgain("mulligan-theme", "resize");
  const { data: f, fault } = useLooks("/api/look/field", { ...params, side: SIDE, points: POINTS }, name);
  const { data: probe } = useAnswer(async (signal) => f && server.get("/api/look/point", { ...params, x: at[0].toFixed(4), y: f.dimension === 1 ? null : at[1].toFixed(4) }, signal), [name, ...at, f?.step], SOON);
  useEffect(() => {
    if (!f || !canvas.current) return;
    (f.dimension === 1 ? drawLine : drawField)(canvas.current, f, show, at);
    paintScale(bar.current);
  });
  if (fault || !f) return nothing(fault);
  const clamp = (v) => Math.min(f.high, Math.max(f.low, v));
  const move = (e) => {
    const [[u, v], wide] = [placeOf(e), f.dimension === 1 ? 1 : e.currentTarget.clientWidth / e.currentTarget.clientHeight]; // the map is as wide as it is high
    setAt([clamp((f.low + f.high) / 2 + (u - 0.5) * wide * (f.high - f.low)), clamp(f.high - v * (f.high - f.low))]);
  };
  const key = byArrows((across, down) => setAt([at[0] + (across * (f.high - f.low)) / 50, at[1] - (down * (f.high - f.low)) / 50].map(clamp)));
  const m = f.modes;
  // the middle of the colours, where D cannot tell; written as 0 where the loss leaves the level free
  const zero = f.says === "centred" ? 0 : f.centre;
  const logitAt = (share) => (zero + share * reach(f) ? signed(zero + share * reach(f), short) : "0");
  return html`<div class="ring"><${Panel} id="l1" title="What D thinks of every point">
    <div class="toggles" role="group" aria-label="Layers of the drawing">${TOGGLES.filter(([k]) => f.dimension !== 1 || ["map", "real", "fake"].includes(k)).map(([k, label]) => html`<label><input type="checkbox" checked=${show[k]} data-testid=${`ring-${k}`} onChange=${(e) => setOff(e.target.checked ? off.filter((n) => n !== k) : [...off, k])} />${label}</label>`)}</div>
    <canvas class="field" ref=${canvas} tabindex="0" role="img" data-testid="ring-field" aria-label=${`Map of D at step ${int(f.step)}${m ? `: ${m.found} of ${m.of} modes found` : ""}. Arrow keys move the point.`} onPointerMove=${move} onPointerDown=${move} onKeyDown=${key} />
    <div class="cb"><span class="fake">looks forged</span><div><canvas ref=${bar} aria-hidden="true" /><div class="ticks">${[-1, -0.5, 0, 0.5, 1].map((share) => html`<span>${logitAt(share)}</span>`)}</div></div><span class="real">looks real</span></div>
    <small>Colour: D’s logit${f.says === "centred" ? ", centred" : ""}, on the scale above, which is this map’s own. No colour: D cannot tell. ${f.dimension === 1 ? "Line: the same. Bars: real and generated points." : `Arrow: direction and size of −∂L_G/∂x; the longest is ${num(f.longest)}.`}</small><//>
    <div class="col">${m && html`<${Panel} id="l2" title="Modes" note=${`${int(m.n)} samples`}><div class="three"><div><b data-testid="ring-modes" class=${m.found < m.of ? "warn" : ""}>${m.found} / ${m.of}</b><small>modes found</small></div><div><b>${percent(m.high_quality)}</b><small>close to a mode</small></div><div><b>${num(m.median_distance)}</b><small>median distance</small></div></div><${Histogram} shares=${m.counts.map((n) => n / m.n)} real=${m.counts.map(() => 1 / m.of)} names=${m.labels} of="share of the samples near each mode, %; dashed: real" /><//>`}
      <${Panel} id="l3" title="At the point under the cursor"><table data-testid="probe"><tbody>${[["x", probe ? (f.dimension === 1 ? signed(probe.x) : `${signed(probe.x)}, ${signed(probe.y)}`) : "–"], ["D’s logit", f.says === "centred" ? `${signed(probe?.centred)} centred` : signed(probe?.logit)], ["probability of “real”", probe?.probability == null ? "–" : probe.probability.toFixed(2)], ["length of ∂D/∂x", num(probe?.length)]].map(([a, b]) => html`<tr><td class="muted">${a}</td><td class="n"><b>${b}</b></td></tr>`)}</tbody></table><//>
      <${LayerPanels} params=${params} name=${name} narrow /></div></div>`;
}

// ── pictures ──

function Saliency({ data, width, height, label }) {
  const canvas = useRef(null);
  const theme = useAgain("mulligan-theme");
  useEffect(() => paintSigned(canvas.current, Float32Array.from(bytesOf(data), (v) => v / 127), width, height), [data, theme]);
  return html`<canvas class="px" ref=${canvas} role="img" aria-label=${label} />`;
}

function Pictures({ params, name }) {
  const { data, fault } = useLooks("/api/look/pictures", { ...params, count: 4 }, name);
  const images = useImages(data && [...data.real, ...data.fake].map((p) => p.png));
  const bar = useRef(null);
  useEffect(() => {
    if (bar.current) paintScale(bar.current);
  }, [data]);
  if (fault || !data) return nothing(fault);
  const centred = data.says === "centred";
  const logit = (p) => (centred ? p.centred : p.logit);
  return html`<${Panel} id="l4" title="Where D looks" end=${html`<span class="end small wide">cover a place, and see what D says: blue places made it say “real”, orange ones “forged”</span>`}>
    <div class="two">${[["Real", "Real, from the training set", data.real, 0], ["Forged", "Forged", data.fake, data.real.length]].map(([name, title, list, first]) => html`<div class="look">
      <span class="grp">${title}</span>
      <span class="h">Picture <span class="muted">0 … 1</span></span>${list.map((p, i) => html`<${Picture} image=${images[first + i]} label=${`${name} ${p.class_name ?? ""}`} />`)}
      <span class="h">What each place adds <span class="muted">±${num(data.largest)} logits</span></span>${list.map((p) => html`<${Saliency} data=${p.map} width=${data.width} height=${data.height} label=${`What each place of the picture above adds to D’s logit: ${name.toLowerCase()}`} />`)}
      <span class="h">D’s logit${centred ? ", centred" : ""} <span class="real">+ real</span>, <span class="fake">− forged</span></span>${list.map((p) => html`<span class=${`v ${logit(p) > 0 ? "real" : "fake"}`}>${signed(logit(p))}</span>`)}</div>`)}</div>
    <div class="cb"><span class="fake">speaks for “forged”</span><div><canvas ref=${bar} aria-hidden="true" /><div class="ticks"><span>−${num(data.largest)}</span><span>0</span><span>+${num(data.largest)}</span></div></div><span class="real">speaks for “real”</span></div><//>
    <${LayerPanels} params=${params} name=${name} />`;
}

function LayerPanels({ params, name, narrow }) {
  const { data, fault } = useLooks("/api/look/layers", params, name);
  if (!data) return fault ? html`<p class="small">${fault}</p>` : null;
  const panel = (who, title, note) => html`<${Panel} id=${`l-${who}`} title=${title} note=${note}><${Layers} rows=${data[who]} testid=${`layers-${who}`} />
    <div class=${`verd ${data.verdicts[who].ok ? "ok" : "bad"}`}>${data.verdicts[who].ok ? icon.ok() : icon.bad()}<span><b>${data.verdicts[who].title}</b> ${data.verdicts[who].text}</span></div><//>`;
  const both = html`${panel("generator", "Generator, layer by layer", `batch of ${data.batch}, log scale`)}${panel("discriminator", "Discriminator, layer by layer", "same batch, log scale")}`;
  return narrow ? both : html`<div class="two">${both}</div>`;
}

// ── the view ──

export function Look({ query }) {
  const [runs, setRuns] = useState([]);
  const [detail, setDetail] = useState(null);
  const [chosen, setChosen] = useState(query.get("run"));
  const [step, setStep] = useState(/^\d{1,15}$/.test(query.get("step") ?? "") ? Number(query.get("step")) : null);
  const [off, setOff] = useState(query.get("without")?.split(",") ?? []);
  const before = useRef(null); // the run that was looked at
  const open = living();
  useEffect(() => latest(server.get("/api/runs"), (r) => setRuns((r?.runs ?? []).filter((run) => run.state !== "unreadable"))), [store.runsVersion]);
  const name = chosen ?? (open ? "live" : modelOf(runs[0]?.name));
  const real = name === "live" ? store.status?.run : name?.replace("./", "");
  const row = runs.find((r) => r.name === real);
  const points = name === "live" ? store.status?.points : (row ?? detail)?.points;
  useEffect(() => {
    if (before.current) setStep(null); // a step of another run
    before.current = real;
    setDetail(null);
  }, [real]);
  useEffect(() => { // so that a friend with the link sees the same
    const words = new URLSearchParams({ ...(chosen ? { run: chosen } : {}), ...(step == null ? {} : { step }), ...(off.length ? { without: off.join() } : {}) });
    history.replaceState(null, "", `#look${words.size ? `?${words}` : ""}`);
  }, [chosen, step, off]);
  // ask again when the live run has a new checkpoint, or the runs folder has changed
  const saved = real && real === store.status?.run ? store.status.saved_step : null;
  useEffect(() => (real ? latest(server.get(runPath(real)), (found) => setDetail(found ?? { missing: true })) : undefined), [real, saved, store.runsVersion]);
  const newest = (want) => (open && store.status.points === want ? "live" : modelOf(runs.find((r) => r.points === want)?.name));
  const kept = detail?.checkpoints ?? [];
  const steps = step == null || kept.includes(step) ? kept : [...kept, step].sort((a, b) => a - b); // the one that is shown may have been deleted for a newer one
  const params = { run: name, step };
  const at = step ?? (name === "live" ? store.status?.step : row?.step);
  const key = `${name}/${step ?? "now"}/${store.status?.run}`;
  return html`<section class="sub" aria-label="Run and step"><${Segments} label="What to look at" at=${points} set=${(want) => setChosen(newest(want) ?? "")} of=${[[true, "Points", "look-ring", "Train the recipe ring first"], [false, "Pictures", "look-images", "Train on pictures first"]].map(([want, name, testid, title]) => [want, name, { "data-testid": testid, disabled: !newest(want), title: newest(want) ? null : title }])} />
    ${(open || runs.length > 0) && html`<select class="in" aria-label="Run looked at" data-testid="look-run" onChange=${(e) => setChosen(e.target.value)}>${name && !row && name !== "live" && html`<option value=${name} selected>${real}</option>`}${open && html`<option value="live" selected=${name === "live"}>${store.status.run}, as it is now</option>`}${runs.filter((r) => !(open && r.name === store.status.run)).map((r) => html`<option value=${modelOf(r.name)} selected=${r.name === real && name !== "live"}>${r.name}</option>`)}</select>`}
    <div class="end">${name === "live" && html`<${Button} testid="look-one-step" off=${!can("step")} act=${() => command("step", { count: 1 })}>${icon.step()}One step<//>`}
      <small>Step</small><${Slider} className="step-range" value=${step == null ? steps.length : steps.indexOf(step)} max=${Math.max(1, steps.length)} disabled=${!steps.length} label="Step looked at" testid="look-step" text=${step == null ? "now" : `step ${int(step)}`} onInput=${(v) => setStep(steps[v] ?? null)} /><b>${int(at)}</b></div></section>
    <main class="view" id="main" tabindex="-1"><h1 class="sr">Look inside</h1>${!name ? html`<div class="nothing" data-testid="look-nothing"><h2>No run to look into</h2><p class="small">Start one under <a href="#train">Train</a>: the recipe ring shows D’s map, any other shows where D looks in a picture.</p></div>` : points == null ? html`<div class="nothing" data-testid="look-missing">${detail?.missing ? `Run ${real} is missing or cannot be read.` : "Looking…"}</div>` : points ? html`<${Field} key=${real} params=${params} name=${key} off=${off} setOff=${setOff} />` : html`<${Pictures} key=${real} params=${params} name=${key} />`}</main>`;
}
