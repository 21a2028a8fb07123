// What is asked of the run in hand while it trains, and D's map of a run of points.

import { Panel, html, useAgain, useEffect, useRef, useState } from "./html.js";
import { drawField, reach } from "./field.js";
import { int, percent, short } from "./numbers.js";
import { server, store } from "./store.js";

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

/** The game of points: D's map, both kinds of points, and where D pushes the generated ones. */
export function Field({ name }) {
  const canvas = useRef(null);
  useAgain("mulligan-theme", "resize");
  const { data: f, fault } = useLooks("/api/look/field", {}, name);
  useEffect(() => {
    if (f && canvas.current) drawField(canvas.current, f);
  });
  if (!f) return html`<p class="nothing">${fault ?? "Looking…"}</p>`;
  const m = f.modes;
  const found = m?.counts.filter(Boolean).length;
  return html`<${Panel} id="l1" className="ring" title="What D thinks of every point" note=${`latest weights, step ${int(f.step)}`}>
    <canvas class="field" ref=${canvas} role="img" data-testid="ring-field" aria-label=${`Map of D at step ${int(f.step)}${m ? `: ${found} of ${m.counts.length} modes found` : ""}`} />
    <p class="small">Ground: <span class="real">blue where D says “real”</span>, <span class="fake">orange where it says “forged”</span>, pale where it cannot tell (D’s logit, full colour at ±${short(reach(f))}). Dots: blue real, orange generated. Arrow: where D pushes a point, −∂L_G/∂x.</p>
    ${m && html`<p><b data-testid="ring-modes" class=${found < m.counts.length ? "warn" : ""}>${found} / ${m.counts.length}</b> modes found · ${percent(m.counts.reduce((sum, n) => sum + n) / m.n)} of ${int(m.n)} samples close to one</p>`}<//>`;
}
