// A line chart: units in the title, values in the legend, one cursor for all, arrow keys, triangles beyond the edge.

import { byArrows, html, placeOf, useAgain } from "./html.js";
import { int, num, short, thousands } from "./numbers.js";
import { Term } from "./terms.js";
import { LETTER, useWidth } from "./width.js";

const HEIGHT = 150;
const MARGIN = { left: 48, right: 12, top: 10, bottom: 24 };

// ── the cursor ──

let cursor = null;

function moveCursor(value) {
  if (value === cursor) return;
  cursor = value;
  dispatchEvent(new Event("mulligan-cursor"));
}
addEventListener("keydown", (event) => event.key === "Escape" && moveCursor(null));

// ── axes that grow only in fixed steps ──

/** The smallest of 1, 2, 5 × 10ⁿ that is not below v. */
function roundUp(v) {
  const ten = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 5, 10].find((k) => k * ten >= v * (1 - 1e-9)) * ten;
}

/** The 99th percentile of the sizes: larger values become triangles at the edge. */
function most(sizes) {
  if (!sizes.length) return 0;
  sizes.sort((a, b) => a - b);
  return sizes[Math.min(sizes.length - 1, Math.ceil(0.99 * sizes.length) - 1)];
}

/** The range of an axis for these values; never smaller than `before`. */
export function grow(values, { log = false, least = log ? [0.1, 1] : [0, 1] }, before = null) {
  const finite = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let [low, high] = before ?? least;
  if (log) {
    if (!finite.length) return [low, high];
    high = Math.max(high, 10 ** Math.ceil(Math.log10(most([...finite])) - 1e-9));
    low = Math.min(low, 10 ** Math.floor(-Math.log10(most(finite.map((v) => 1 / v))) + 1e-9));
    return [low, high];
  }
  const up = most(finite.filter((v) => v > 0));
  const down = most(finite.filter((v) => v < 0).map((v) => -v));
  if (up > high) high = roundUp(up);
  if (-down < low) low = -roundUp(down);
  return [low, high];
}

function ticksOf([low, high], log) {
  if (log) {
    const [a, b] = [Math.round(Math.log10(low)), Math.round(Math.log10(high))];
    const every = Math.ceil((b - a) / 4) || 1;
    return Array.from({ length: Math.floor((b - a) / every) + 1 }, (_, i) => 10 ** (a + i * every));
  }
  const raw = (high - low) / 5;
  const ten = 10 ** Math.floor(Math.log10(raw));
  const step = ten * [1, 2.5, 5, 10].find((k) => k * ten >= raw * (1 - 1e-9));
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const tickText = (v, log) => {
  if (log && (v < 0.01 || v >= 1e4)) return `1e${Math.round(Math.log10(v))}`.replace("-", "−");
  const a = Math.abs(v);
  return a >= 1000 && a < 1e6 ? `${v < 0 ? "−" : ""}${thousands(a)}` : short(v); // −2k: the margin has no room for more
};

// ── lines ──

/** Points of a column table between two steps, as [step, value]. */
export function points(table, name, from = -Infinity, to = Infinity, change = (v) => v) {
  if (!table?.step || !table[name]) return [];
  const out = [];
  for (let i = 0; i < table.step.length; i++) {
    const step = table.step[i];
    if (step >= from && step <= to) out.push([step, table[name][i] == null ? NaN : change(table[name][i], i)]);
  }
  return out;
}

/** The same without steps at which this was not measured, so that a line has no gap there. */
export const measured = (data) => data.filter((p) => Number.isFinite(p[1]));

/** The same with gaps beyond the axis: a dead try has no say in how far it reaches. */
const inside = (data, [low, high]) => data.map(([x, y]) => [x, y < low || y > high ? NaN : y]);

function path(data, X, Y) {
  let d = "";
  let pen = false;
  for (const [x, y] of data) {
    if (!Number.isFinite(y)) pen = false;
    else {
      d += `${pen ? "L" : "M"}${X(x).toFixed(1)} ${Y(y).toFixed(1)}`;
      pen = true;
    }
  }
  return d;
}

/** Where values lie beyond the axis: at most one triangle in eight pixels. */
function beyond(data, X, [low, high]) {
  const out = [];
  let last = -Infinity;
  for (const [x, y] of data) {
    const side = y > high ? 1 : y < low ? -1 : 0;
    if (side && X(x) - last >= 8) {
      last = X(x);
      out.push({ x: last, side, y });
    }
  }
  return out;
}

function lastBefore(data, at) {
  let found = null;
  for (const p of data) {
    if (p[0] > at + 1e-9) break;
    found = p;
  }
  return found;
}

const dashes = ["", "5 3", "2 3"];

/**
 * props: title, unit, x [from, to], series [{name, color, dash, faint, data}], log, fixed (a range that never grows), term (beside the unit), xUnit,
 * xText(x), least (an empty chart's range), memory (keeps the range), marks [{x, color, label}], band {upTo, label}, testid
 */
export function Chart(props) {
  const { title, unit, series, log = false, marks = [], band, testid, height = HEIGHT, xUnit = "steps", xText } = props;
  const [box, width] = useWidth();
  useAgain("mulligan-cursor");
  const at = cursor;
  const values = series.filter((s) => !s.faint).flatMap((s) => s.data.map((p) => p[1]));
  const range = props.fixed ?? grow(values, props, props.memory?.range);
  if (props.memory) props.memory.range = range;
  const [x0, x1] = props.x;
  const w = Math.max(10, width - MARGIN.left - MARGIN.right);
  const h = height - MARGIN.top - MARGIN.bottom;
  const L = log ? Math.log10 : (v) => v;
  const X = (v) => MARGIN.left + ((v - x0) / (x1 - x0 || 1)) * w;
  const Y = (v) => MARGIN.top + h - ((L(Math.min(range[1], Math.max(range[0], v))) - L(range[0])) / (L(range[1]) - L(range[0]))) * h;
  const move = (x) => moveCursor(Math.min(x1, Math.max(x0, x)));
  const live = series.filter((s) => !s.faint);
  const end = Math.max(x0, ...live.map((s) => s.data.at(-1)?.[0] ?? x0));
  const shown = (s) => lastBefore(s.data, at ?? end)?.[1];
  const label = live.filter((s) => s.name).map((s) => `${s.name} ${num(shown(s))}`).join(", ");
  const point = (event) => move(x0 + ((placeOf(event)[0] * width - MARGIN.left) / w) * (x1 - x0));
  const key = byArrows((across) => move((at ?? end) + (across * (x1 - x0)) / 50));
  const xTicks = (w < 300 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]).map((f) => x0 + f * (x1 - x0));
  const xTexts = xTicks.map((t, i) => `${xText ? xText(t) : thousands(Math.round(t))}${i === xTicks.length - 1 ? ` ${xUnit}` : ""}`);
  const free = X(x1) - (xTexts.at(-1).length + 1) * LETTER; // a label that would touch the last one is left out
  return html`<section class="panel chart" ref=${box} data-testid=${testid} aria-label=${title}>
    <div class="ct"><h3>${title}</h3><span class="unit">${unit}</span></div>
    <div class="lg">${live.length && values.length
      ? live.filter((s) => s.name).map((s) => html`<span><svg viewBox="0 0 12 6" aria-hidden="true"><line x1="0" x2="12" y1="3" y2="3" stroke="var(${s.color})" stroke-width="2.5" stroke-dasharray=${dashes[s.dash ?? 0] && "4 2"} /></svg>${s.name}${at != null && html` <b>${num(shown(s))}</b>`}</span>`)
      : html`<span>no data yet</span>`}${props.term && html`<${Term} name=${props.term} />`}</div>
    <svg class="plot" tabindex="0" role="img" height=${height} viewBox=${`0 0 ${Math.max(width, 60)} ${height}`}
      aria-label=${`${title}, ${unit}. ${label || "No data yet"}${at == null ? "" : xText ? ` at ${xText(at)}` : ` at step ${int(at)}`}. Arrow keys move the cursor.`}
      onKeyDown=${key} onBlur=${() => moveCursor(null)} onPointerLeave=${() => moveCursor(null)}
      onPointerDown=${point} onPointerMove=${point}>
      ${ticksOf(range, log).map((t) => html`<line class="grid" x1=${MARGIN.left} x2=${MARGIN.left + w} y1=${Y(t)} y2=${Y(t)} /><text x=${MARGIN.left - 4} y=${Y(t) + 4} text-anchor="end">${tickText(t, log)}</text>`)}
      ${xTicks.map((t, i) => (i === xTicks.length - 1 || X(t) + (xTexts[i].length * LETTER) / 2 < free) && html`<text x=${X(t)} y=${height - 6} text-anchor=${i === 0 ? "start" : i === xTicks.length - 1 ? "end" : "middle"}>${xTexts[i]}</text>`)}
      <line class="axis" x1=${MARGIN.left} x2=${MARGIN.left + w} y1=${MARGIN.top + h + 0.5} y2=${MARGIN.top + h + 0.5} />
      ${band && html`<rect x=${MARGIN.left} width=${w} y=${Y(band.upTo)} height=${MARGIN.top + h - Y(band.upTo)} fill="var(--real)" opacity="0.13" /><text class="halo" x=${MARGIN.left + 4} y=${Math.min(Y(band.upTo) + 12, MARGIN.top + h - 4)}>${band.label}</text>`}
      ${marks.map((m) => html`<line x1=${X(m.x)} x2=${X(m.x)} y1=${MARGIN.top} y2=${MARGIN.top + h} stroke="var(${m.color})" stroke-width="1.2" />${m.label && html`<text class="halo ${m.color.slice(2)}" x=${X(m.x) + (X(m.x) > width * 0.6 ? -4 : 4)} y=${MARGIN.top + 9} text-anchor=${X(m.x) > width * 0.6 ? "end" : "start"}>${m.label}</text>`}`)}
      ${series.map((s) => html`<path d=${path(s.faint ? inside(s.data, range) : s.data, X, Y)} fill="none" stroke="var(${s.color})" stroke-width=${s.faint ? 1.4 : 1.8} stroke-dasharray=${dashes[s.dash ?? 0]} opacity=${s.faint ? 0.4 : 1} stroke-linejoin="round" />${!s.faint && beyond(s.data, X, range).map((b) => html`<path class="beyond" d=${b.side > 0 ? `M${b.x - 4} ${MARGIN.top + 7}l4-7 4 7z` : `M${b.x - 4} ${MARGIN.top + h - 7}l4 7 4-7z`} fill="var(${s.color})" stroke="var(--panel)"><title>${num(b.y)}, beyond the axis</title></path>`)}`)}
      ${at != null && html`<line x1=${X(at)} x2=${X(at)} y1=${MARGIN.top} y2=${MARGIN.top + h} stroke="var(--ink)" />`}
      ${live.map((s) => {
        const p = lastBefore(s.data, at ?? end);
        return p && Number.isFinite(p[1]) && html`<circle cx=${X(p[0])} cy=${Y(p[1])} r="3" fill="var(${s.color})" stroke="var(--panel)" stroke-width="1.5" />`;
      })}
    </svg>
  </section>`;
}
