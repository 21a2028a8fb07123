// The tries line: a failed try ends in a cross, and the next one leaves it in an arc, at the step where it went back to.

import { byArrows, html } from "./html.js";
import { int, plain, thousands } from "./numbers.js";
import { LETTER, useWidth } from "./width.js";

const [HEIGHT, LOW, UP] = [56, 40, 18];
const EDGE = 8;

const [BEND, LONG] = [60, 65]; // pixels of an arc, across and along

const arc = (a, end) => `M${a} ${LOW}C${a + 20} ${UP} ${a + 34} ${UP} ${a + BEND} ${UP}L${Math.max(a + BEND, end)} ${UP}`;

function words(tries, now, would) {
  if (!tries.length) return "No try yet.";
  const said = tries.map((t) => {
    const begun = t.from_step ? ` began from step ${int(t.from_step)} and` : "";
    if (t === now) return `Try ${t.number}${begun} is at step ${int(t.step)} of ${int(t.steps)}.`;
    return `Try ${t.number}${begun} ${t.alarm ? `failed at step ${int(t.alarm.step)} with ${t.alarm.state}` : `stands at step ${int(t.step)}`}.`;
  });
  return said.join(" ") + (would == null ? "" : ` A second try would begin at step ${int(would)}.`);
}

/** props: tries, current (number), steps, would (step a second try would begin at, or null), stops (steps that it can be dragged to), drag(step), blank (words), goBack(try) */
export function TriesLine({ tries, current, steps, would, stops = [], drag, blank, goBack }) {
  const [box, width] = useWidth(600);
  const X = (v) => EDGE + (v / Math.max(1, steps)) * (width - 2 * EDGE);
  const y0 = html`<line x1=${EDGE} x2=${width - EDGE} y1=${LOW} y2=${LOW} stroke="var(--line)" />`;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((f, i) => html`<line x1=${X(f * steps)} x2=${X(f * steps)} y1=${LOW + 3} y2=${LOW + 6} stroke="var(--line-strong)" stroke-width="1" /><text x=${X(f * steps)} y=${LOW + 15} text-anchor=${["start", "middle", "middle", "middle", "end"][i]}>${thousands(Math.round(f * steps))}</text>`);
  const now = tries.find((t) => t.number === current) ?? tries.at(-1);
  const narrow = width < 520;
  const cross = (x, y) => html`<path d=${`M${x - 4} ${y - 4}l8 8M${x + 4} ${y - 4}l-8 8`} stroke="var(--bad)" stroke-width="2.2" />`;
  let lines = html`<text x=${EDGE} y=${LOW - 12}>${blank}</text>`;
  let [back, handle] = [null, null];
  const key = byArrows((across, down) => drag(stops[stops.indexOf(would) + (across || -down)] ?? would)); // from stop to stop
  if (now) {
    const before = tries.filter((t) => t !== now);
    const stopped = now.alarm && !["training", "finished"].includes(now.state);
    const bad = stopped || now.state === "failed";
    const nameOf = (t) => `Try ${t.number}${t.number === 1 ? `: ${t.recipe}` : ""}`;
    const up = before.length > 0 && now.parent != null;
    const end = X(now.step);
    const begin = X(now.from_step ?? 0);
    const way = Math.min(1, (end - begin) / BEND); // share of the arc
    const y = up ? LOW + (UP - LOW) * way * way * (3 - 2 * way) : LOW;
    const beside = (x) => (x > width - 190 ? { x: x - 10, "text-anchor": "end" } : { x: Math.max(x + 12, label + 100) });
    const label = begin < 110 ? begin + BEND + 6 : 4; // beside an arc that would cross the name
    const from = would == null ? null : X(would);
    const next = `${up ? `Try ${now.number} · s` : "S"}econd try${narrow ? ":" : " would start here, at"} ${int(would)}`;
    const said = [`Try ${now.number}: from ${int(now.from_step)}${now.summary ? ` with ${now.summary}` : ""}`, `Try ${now.number}`];
    const name = said.find((text) => text.length * LETTER < width - EDGE) ?? said.at(-1);
    lines = html`
      ${up && before.map((t) => html`<line x1=${X(t.from_step ?? 0)} x2=${X(t.step)} y1=${LOW} y2=${LOW} stroke="var(--line-strong)" />${t.alarm || t.state === "failed" ? cross(X(t.alarm?.step ?? t.step), LOW) : null}`)}
      ${up && html`<path d=${arc(begin, end)} stroke="var(${bad ? "--line-strong" : "--brand"})" stroke-dasharray=${`${way < 1 ? LONG * way : LONG - BEND + end - begin} 9999`} />
        ${end < width - EDGE - 4 && !from && html`<path d=${`M${Math.max(begin + BEND, end)} ${UP}H${width - EDGE}`} stroke="var(--line)" stroke-dasharray="1 6" />`}`}
      ${!up && html`<line x1=${begin} x2=${end} y1=${LOW} y2=${LOW} stroke="var(${bad ? "--line-strong" : "--brand"})" />`}
      ${from != null && html`<path d=${up ? `M${from} ${UP}H${width - EDGE}` : arc(from, width - EDGE)} stroke="var(--brand)" stroke-width="2" stroke-dasharray="2 6" />
        <text class="lab brand" x=${Math.min(from + 64, width - next.length * LETTER)} y="11">${next}</text>`}
      ${from != null && stops.map((stop) => html`<circle cx=${X(stop)} cy=${up ? UP : LOW} r="3.5" fill="var(--panel)" stroke="var(--brand)" stroke-width="2" />`)}
      ${bad ? cross(end, y) : html`<circle cx=${end} cy=${y} r="5.5" fill="var(--brand)" stroke="var(--panel)" stroke-width="2" />`}
      ${up && from == null && html`<text class=${`lab ${bad ? "" : "brand"}`} x=${Math.min(begin + 64, width - name.length * LETTER)} y="11">${name}</text>`}
      ${up && !narrow && before.at(-1).alarm && html`<text ...${beside(X(before.at(-1).alarm.step))} y=${LOW - 7}>${before.at(-1).alarm.state} at ${int(before.at(-1).alarm.step)}</text>`}
      ${!up && html`<text class="lab" x=${from != null && from < 80 ? Math.min(from + 66, width / 2) : 10} y=${LOW - 8}>${nameOf(now)}</text>`}`;
    handle = from != null && stops.length > 1 && html`<input type="range" class=${`back ${up ? "up" : ""}`} max=${steps} value=${would} aria-label="Step to go back to" aria-valuetext=${`step ${int(would)}`} data-testid="go-back-to" onKeyDown=${key} onInput=${(e) => drag(e.target.value = stops.reduce((a, b) => (Math.abs(b - e.target.value) < Math.abs(a - e.target.value) ? b : a)))} />`;
    if (up) back = before.map((t) => html`<button style=${{ left: `${label}px` }} disabled=${!goBack} data-testid=${`try-${t.number}`} title=${`Go back to try ${t.number}`} aria-label=${`Try ${t.number}, ${plain(t.recipe)}: go back to it, at step ${int(t.step)}`} onClick=${() => goBack?.(t)}>${nameOf(t)}</button>`).slice(-1);
  }
  return html`<div class="track" data-testid="tries" ref=${box}>
    <svg role="img" viewBox=${`0 0 ${width} ${HEIGHT}`} aria-label=${words(tries, now, would)}>${y0}${ticks}${lines}</svg>${back}${handle}
  </div>`;
}
