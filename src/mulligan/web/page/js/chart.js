// Curves of a run, with the ends of their axis.

import { html } from "./html.js";
import { num, short, thousands } from "./numbers.js";
import { useWidth } from "./width.js";

const [HEIGHT, LEFT, TOP, FOOT] = [150, 48, 10, 128]; // px

/** The smallest of 1, 2, 5 × 10ⁿ that is not below v. */
export function roundUp(v) {
  const ten = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 5, 10].find((k) => k * ten >= v * (1 - 1e-9)) * ten;
}

/** The values without the largest hundredth, which is cut off, and no less than 1e-6. */
function ends(values, log) {
  const sorted = values.filter((v) => !log || v > 0).sort((a, b) => a - b);
  if (!sorted.length) return log ? [0.1, 1] : [0, 1];
  const high = sorted[Math.max(0, Math.ceil(0.99 * sorted.length) - 1)];
  if (log) return [10 ** Math.floor(Math.log10(sorted[0])), 10 ** Math.ceil(Math.log10(high) + 1e-9)];
  return [Math.min(0, sorted[0]), roundUp(Math.max(1e-6, high))];
}

/** series: [{name, color, data}], its points as [step, value]. */
export function Chart({ title, unit, steps, series, log = false, testid }) {
  const [box, width] = useWidth(300);
  const [low, high] = ends(series.flatMap((s) => s.data.map((p) => p[1])), log);
  const L = log ? Math.log10 : (v) => v;
  const X = (v) => LEFT + (v / steps) * (width - LEFT - 12);
  const Y = (v) => FOOT - ((L(Math.min(high, Math.max(low, v))) - L(low)) / (L(high) - L(low))) * (FOOT - TOP);
  const last = (s) => num(s.data.at(-1)?.[1]);
  return html`<section class="panel chart" data-testid=${testid} aria-label=${title}><h3>${title} <small>${unit}</small></h3>
    <p class="small">${series.map((s) => html`<span class=${s.className}>${s.name} <b>${last(s)}</b></span> `)}</p>
    <div ref=${box}><svg class="plot" role="img" height=${HEIGHT} viewBox=${`0 0 ${Math.max(width, 60)} ${HEIGHT}`} aria-label=${`${title}, ${unit}: ${series.map((s) => `${s.name} ${last(s)}`).join(", ")}`}>
      ${[low, high].map((t) => html`<line class="grid" x1=${LEFT} x2=${width - 12} y1=${Y(t)} y2=${Y(t)} /><text x=${LEFT - 4} y=${Y(t) + 4} text-anchor="end">${short(t)}</text>`)}
      <text x=${LEFT} y=${HEIGHT - 4}>0</text><text x=${width - 12} y=${HEIGHT - 4} text-anchor="end">${thousands(steps)} steps</text>
      ${series.map((s) => html`<path d=${s.data.map(([x, y], i) => `${i ? "L" : "M"}${X(x).toFixed(1)} ${Y(y).toFixed(1)}`).join("")} fill="none" stroke=${`var(--${s.className})`} stroke-width="1.8" stroke-linejoin="round" />`)}
    </svg></div></section>`;
}
