// Samples: 64 pictures of the same 64 z, from average or raw weights, or real ones; and a slider to look back.

import { Button, Panel, Segments, Slider, html, useAgain, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { icon } from "./icons.js";
import { int } from "./numbers.js";
import { drawField } from "./field.js";
import { decode, decoded, paintGrid } from "./pictures.js";
import { useWidth } from "./width.js";
import { changed, latest, living, mayWrite, runPath, server, store, tell } from "./store.js";
import { does, recipeOf, start, wanted } from "./settings.js";

const WEIGHTS = [["average", "Average", { title: "Average of G’s weights over the last steps: calmer", "data-testid": "weights-ema" }], ["raw", "Latest", { title: "G’s weights as they are now", "data-testid": "weights-raw" }], ["real", "Real", { title: "Real samples, same grid, to compare", "data-testid": "weights-real" }]];
const SIDE = 384; // CSS pixels of the grid, at most
const MARGIN = 0.3; // share of the data's range, on each side: generated points may lie outside
const AGAIN = 500; // ms between two requests for raw samples

function describe(samples, weights, step) {
  if (!samples) return "No samples yet";
  const what = samples.points ? `${samples.points.length} points` : "64 pictures, pixel values 0 to 1 shown as black to white";
  return weights === "real" ? `${what}, real` : `${what}, generated at step ${int(step)} from the same z, ${weights} weights`;
}

export function Opening() {
  const setting = wanted();
  const recipe = recipeOf(setting.recipe);
  return html`<section class="panel opening" aria-labelledby="h-o" data-testid="opening"><h2 id="h-o">A network learns to ${recipe?.points ? "place points" : setting.data === "mnist" ? "write digits" : "draw pictures"}</h2>
    <p>The <b class="fake">generator</b> G, a forger, makes pictures out of random numbers. The <b>discriminator</b> D, a judge, tells them from <b class="real">real</b> ones. <a href="#story">Their story</a></p>
    <div><${Button} kind="big primary" testid="empty-start" off=${!mayWrite() || !recipe} act=${() => start()}>${icon.play()}Start<//>
    <p class="small">${recipe ? html`${does(recipe)} (recipe <b>${recipe.name}</b>, ${int(setting.steps)} steps).` : server.broken ? "Python cannot run here." : "Reading the recipes…"}</p></div>
    <p><a class="btn" href="#draw">Draw with a trained forger</a></p></section>`;
}

export function Samples() {
  const canvas = useRef(null);
  const theme = useAgain("mulligan-theme");
  const [box, side] = useWidth(SIDE);
  const [weights, setWeights] = useState("average");
  const [back, setBack] = useState(null); // index into the saved steps, null for the latest
  const [other, setOther] = useState(null);
  const [real, setReal] = useState(null); // the real points, which lie under the generated ones
  const asked = useRef(0);
  const { status, samples, saved_samples: saved } = store;
  const state = status?.state;
  const empty = !living();
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
    if (!looking && shown?.points) {
      const wide = MARGIN * (shown.high - shown.low);
      const [low, high] = [shown.low - wide, shown.high + wide];
      const kinds = weights === "real" ? { real: shown.points, fake: [] } : { real: real?.run === status.run ? real.points : [], fake: shown.points };
      drawField(canvas.current, { low, high, ...kinds });
    }
    else if (!looking && shown?.image) paintGrid(canvas.current, shown.image, side);
    else if (looking) return latest(server.url(runPath(status.run, `/samples/${saved[back]}.png`)).then(decode), (image) => image && paintGrid(canvas.current, image, side));
    else if (shown?.png) decoded(shown).then(() => changed(true));
    return undefined;
  }, [shown, shown?.image, looking && saved[back], weights, theme, side, real]);

  const last = saved.length;
  const body = state === "loading" ? html`<div class="nothing" aria-busy="true" data-testid="loading"><h3>${status.text || "Getting ready"}</h3>${store.progress?.text && html`<p class="small">${store.progress.text}</p>`}<progress aria-label=${status.text || "Getting ready"} /></div>`
    : !samples && !looking ? html`<div class="nothing"><h3>No samples yet</h3><p class="small">${state === "failed" ? "The run failed before the first ones." : "The first ones come at once."}</p></div>`
    : html`<canvas ref=${canvas} role="img" data-testid="sample-grid" data-step=${step} aria-label=${describe(shown, weights, step)} />`;
  return html`<${Panel} id="h-s" className="samples" title="Samples" end=${html`<span class="small">${weights === "real" ? "from the data" : samples?.points ? `${int(samples.points.length)} points` : "64 fixed z"}</span>
    <div class="end"><${Segments} label="Weights used for drawing" of=${WEIGHTS} at=${weights} set=${setWeights} /></div>`}>
    <div class="box" ref=${box}>${body}</div>
      <div class="scrub"><${Slider} value=${looking ? back : last} max=${Math.max(1, last)} disabled=${empty || !last} label="Look back at an earlier step" testid="sample-scrubber" text=${looking ? `step ${int(saved[back])}` : "latest"} onInput=${(v) => { setBack(v >= last ? null : v); setWeights("average"); }} />
        <small>${step == null || empty ? "Black is 0, white is 1. Contrast is never stretched."
          : html`${weights === "real" ? "Real" : `Step ${int(step)}`}${looking ? " (looking back)" : ""} · ${status.points ? (looking ? "in the frame of the data" : weights === "real" ? "axes in the data’s own unit" : "blue: real, orange: generated") : "black is 0, white is 1, never stretched"}`}</small></div><//>`;
}
