// A line chart of a run: units in the title, the newest values in the legend. The report has these curves with a cursor.

import { html } from "./html.js";
import { num, short, thousands } from "./numbers.js";
import { Term } from "./terms.js";
import { useWidth } from "./width.js";

const [HEIGHT, LEFT, TOP, FOOT] = [150, 48, 8, 128]; // px

/** The smallest of 1, 2, 5 × 10ⁿ that is not below v. */
function roundUp(v) {
  const ten = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 5, 10].find((k) => k * ten >= v * (1 - 1e-9)) * ten;
}

/** The 99th percentile of the sizes: larger values are cut off. */
const most = (sizes) => sizes.sort((a, b) => a - b)[Math.max(0, Math.ceil(0.99 * sizes.length) - 1)] ?? 0;

/** The range of an axis for these values, in steps of 1, 2, 5 × 10ⁿ, or of whole powers of ten. */
export function grow(values, { log = false, least: [low, high] }) {
  const finite = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  if (!finite.length) return [low, high];
  if (log) return [Math.min(low, 10 ** -Math.ceil(Math.log10(most(finite.map((v) => 1 / v))))), Math.max(high, 10 ** Math.ceil(Math.log10(most(finite))))];
  const up = most(finite.filter((v) => v > 0));
  const down = most(finite.filter((v) => v < 0).map((v) => -v));
  return [-down < low ? -roundUp(down) : low, up > high ? roundUp(up) : high];
}

/** Points of a column table between two steps, as [step, value]; steps at which this was not measured are left out. */
export function points(table, name, from, to) {
  if (!table?.step || !table[name]) return [];
  return table.step.map((step, i) => [step, table[name][i]]).filter(([step, value]) => step >= from && step <= to && Number.isFinite(value));
}

/** series: [{name, color, data}]; least: the range of an empty chart; marks: [{x, color}]. */
export function Chart({ title, unit, term, steps, series, log = false, least, marks, testid }) {
  const [box, width] = useWidth(300);
  const [low, high] = grow(series.flatMap((s) => s.data.map((p) => p[1])), { log, least });
  const L = log ? Math.log10 : (v) => v;
  const X = (v) => LEFT + (v / steps) * (width - LEFT - 12);
  const Y = (v) => FOOT - ((L(Math.min(high, Math.max(low, v))) - L(low)) / (L(high) - L(low))) * (FOOT - TOP);
  const path = (data) => data.map(([x, y], i) => `${i ? "L" : "M"}${X(x).toFixed(1)} ${Y(y).toFixed(1)}`).join("");
  const ticks = [low, log ? Math.sqrt(low * high) : (low + high) / 2, high];
  const last = (s) => num(s.data.at(-1)?.[1]);
  return html`<section class="panel chart" data-testid=${testid} aria-label=${title}>
    <div class="ct"><h3>${title}</h3><span class="unit">${unit}</span><${Term} name=${term} /></div>
    <div class="lg">${series.map((s) => html`<span><svg viewBox="0 0 12 6" aria-hidden="true"><path d="M0 3H12" stroke=${`var(${s.color})`} stroke-width="2.5" /></svg>${s.name} <b>${last(s)}</b></span>`)}</div>
    <div ref=${box}><svg class="plot" role="img" height=${HEIGHT} viewBox=${`0 0 ${Math.max(width, 60)} ${HEIGHT}`} aria-label=${`${title}, ${unit}: ${series.map((s) => `${s.name} ${last(s)}`).join(", ")}`}>
      ${ticks.map((t) => html`<line class="grid" x1=${LEFT} x2=${width - 12} y1=${Y(t)} y2=${Y(t)} /><text x=${LEFT - 4} y=${Y(t) + 4} text-anchor="end">${short(t)}</text>`)}
      <text x=${LEFT} y=${HEIGHT - 4}>0</text><text x=${width - 12} y=${HEIGHT - 4} text-anchor="end">${thousands(steps)} steps</text>
      ${marks.map((m) => html`<path d=${`M${X(m.x)} ${TOP}V${FOOT}`} stroke=${`var(${m.color})`} />`)}
      ${series.map((s) => html`<path d=${path(s.data)} fill="none" stroke=${`var(${s.color})`} stroke-width="1.8" stroke-linejoin="round" />`)}
    </svg></div></section>`;
}
