// Samples: 64 pictures of the same 64 z, from average or raw weights, or real ones; and a slider to look back.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { icon } from "./icons.js";
import { int } from "./numbers.js";
import { decode, decoded, paintGrid, paintPoints } from "./pictures.js";
import { Pace } from "./pace.js";
import { Term } from "./terms.js";
import { useWidth } from "./width.js";
import { act, latest, mayWrite, server, store, tell } from "./store.js";
import { Slider, start, wanted } from "./settings.js";

const WEIGHTS = [["ema", "average", "Average", "Moving average of G’s weights"], ["raw", "raw", "Raw", "G’s weights as they are now"], ["real", "real", "Real", "Real samples, same grid, to compare"]];
const SIDE = 384; // CSS pixels of the grid, at most
const AGAIN = 500; // ms between two requests for raw samples

let theme = 0;
addEventListener("mulligan-theme", () => theme++);

function describe(samples, weights, step) {
  if (!samples) return "No samples yet";
  if (weights === "real") return samples.points ? `${samples.points.length} real points` : "64 real pictures, pixel values 0 to 1 shown as black to white";
  const kind = weights === "raw" ? "raw weights" : "average weights";
  if (samples.points) return `${samples.points.length} generated points at step ${int(step)}, ${kind}`;
  return `64 pictures from 64 fixed z at step ${int(step)}, ${kind}, pixel values 0 to 1 shown as black to white`;
}

/** A sentence if all samples are one grey, which nobody can see without stretching. */
function flat(samples) {
  const span = store.events.measured?.signals.span;
  return samples && !samples.points && span != null && span < 0.01 ? "All pixels lie within 1 % of the range of real ones" : null;
}

/** The newest run that can go on, where none is in hand: after a restart of the server nothing is lost. */
function useSaved() {
  const [saved, setSaved] = useState(null);
  useEffect(() => store.connected ? latest(server.get("/api/runs"), (found) => setSaved(found?.runs.find((r) => ["stopped", "finished"].includes(r.state)) ?? null)) : undefined, [store.connected, store.runsVersion]);
  return saved;
}

function Nothing({ name }) {
  const saved = useSaved();
  const go = () => act(`/api/runs/${encodeURIComponent(saved.name)}/resume`, saved.state === "finished" ? { steps: saved.step + 10_000 } : {});
  const begin = html`<button type="button" class=${`btn big ${saved ? "" : "primary"}`} data-testid="empty-start" disabled=${!mayWrite() || !name.recipe} onClick=${() => start()}>${icon.play()}${saved ? "Start a new run" : "Start"}</button>`;
  const next = html`<p class="small">${name.recipe ? html`The recipe <b>${name.recipe}</b> on ${name.data}: ${int(name.steps)} steps.` : "Reading the recipes…"}</p>`;
  if (!saved) return html`<div class="nothing"><h3>No run yet</h3>${next}${begin}</div>`;
  return html`<div class="nothing" data-testid="saved-run"><h3>Your last run is saved</h3><p class="small"><b>${saved.name}</b>${saved.state === "finished" ? `, finished at step ${int(saved.step)}` : `: step ${int(saved.step)} of ${int(saved.steps)}`}.</p>
    <button type="button" class="btn primary big" data-testid="resume-saved" disabled=${!mayWrite()} onClick=${go}>${icon.play()}${saved.state === "finished" ? "Train on" : "Resume it"}</button>${next}${begin}</div>`;
}

export function Samples() {
  const canvas = useRef(null);
  const [box, side] = useWidth(SIDE);
  const [weights, setWeights] = useState("average");
  const [back, setBack] = useState(null); // index into the saved steps, null for the latest
  const [other, setOther] = useState(null);
  const [real, setReal] = useState(null); // the real points, which lie under the generated ones
  const asked = useRef(0);
  const { status, samples, saved_samples: saved } = store;
  const state = status?.state;
  const empty = !status || state === "empty" || state === "loading";
  const looking = back != null && saved[back] != null;

  useEffect(() => { setBack(null); setOther(null); }, [status?.run]);
  useEffect(() => {
    if (empty || looking || weights === "average" || document.hidden) return undefined;
    if (other?.weights === weights && (weights === "real" || other.step === samples?.step)) return undefined;
    const wait = setTimeout(async () => {
      asked.current = Date.now();
      setOther(await server.get("/api/train/samples", { weights }).then(decoded).catch((problem) => {
        tell("warn", problem.message);
        return other;
      }));
    }, Math.max(0, asked.current + AGAIN - Date.now()));
    return () => clearTimeout(wait);
  }, [weights, samples?.step, looking, empty, other?.step, other?.weights]);

  useEffect(() => status?.points && samples?.points && real?.run !== status.run ? latest(server.get("/api/train/samples", { weights: "real" }), (found) => found?.points && setReal({ ...found, run: status.run })) : undefined, [status?.run, samples?.points != null]);

  const shown = weights === "average" ? samples : other?.weights === weights ? other : null;
  const step = looking ? saved[back] : shown?.step;
  useLayoutEffect(() => {
    if (!canvas.current) return undefined;
    if (!looking && shown?.points) paintPoints(canvas.current, shown.points, { low: shown.low, high: shown.high, real: weights === "real", under: real?.run === status.run ? real.points : [] });
    else if (!looking && shown?.image) paintGrid(canvas.current, shown.image, side);
    else {
      const source = looking ? `/api/runs/${encodeURIComponent(status.run)}/samples/${saved[back]}.png` : shown?.png;
      return source && latest((looking ? server.url(source) : Promise.resolve(source)).then(decode), (image) => image && paintGrid(canvas.current, image, side));
    }
    return undefined;
  }, [shown, looking && saved[back], weights, theme, side, real]);

  const last = saved.length;
  const grey = flat(samples);
  const name = wanted();
  const body = state === "loading" ? html`<div class="nothing" aria-busy="true" data-testid="loading"><h3>${status.text || "Getting ready"}</h3>${store.progress?.text && html`<p class="small">${store.progress.text}</p>`}<progress aria-label=${status.text || "Getting ready"} /></div>`
    : empty ? html`<${Nothing} name=${name} />`
    : !samples && !looking ? html`<div class="nothing"><h3>No samples yet</h3><p class="small">${state === "failed" ? "The run failed before the first ones." : "The first ones come at once."}</p></div>`
    : html`<canvas ref=${canvas} role="img" data-testid="sample-grid" data-step=${step} aria-label=${describe(shown, weights, step)} />`;
  return html`<section class="panel samples" aria-labelledby="h-s"><div class="ph"><h2 id="h-s">Samples</h2>
    <span class="small">${weights === "real" ? "from the data" : samples?.points ? `${int(samples.points.length)} points` : html`64 fixed z <${Term} name="z" />`}</span>
    <div class="end"><div class="seg" role="group" aria-label="Weights used for drawing">${WEIGHTS.map(([key, value, label, title]) => html`<button type="button" aria-pressed=${weights === value ? "true" : "false"} title=${title} disabled=${empty} data-testid=${`weights-${key}`} onClick=${() => setWeights(value)}>${label}</button>`)}</div></div></div>
    <div class="pb"><div class="box" ref=${box}>${body}</div>
      <div class="scrub"><${Slider} value=${looking ? back : last} max=${Math.max(1, last)} disabled=${empty || !last} label="Look back at an earlier step" testid="sample-scrubber" text=${looking ? `step ${int(saved[back])}` : "latest"} onInput=${(v) => { setBack(v >= last ? null : v); setWeights("average"); }} />
        <button type="button" class="btn low" data-testid="samples-live" disabled=${empty || !looking} onClick=${() => setBack(null)}>Latest</button>
        <small>${step == null || empty ? "Black is 0, white is 1. Contrast is never stretched."
          : html`${weights === "real" ? "Real" : `Step ${int(step)}`}${looking ? " (looking back)" : ""} · ${status.points ? (looking ? "in the frame of the data" : weights === "real" ? "axes in the data’s own unit" : "blue: real, orange: generated") : "black is 0, white is 1, never stretched"}${grey && html`. <b class="bad">${grey}</b>`}`}</small></div>
      <${Pace} />
    </div></section>`;
}
