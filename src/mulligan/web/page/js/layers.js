// One row a layer on a log axis: a healthy net is a straight column, a dead one slides to the left.

import { html } from "./html.js";
import { num } from "./numbers.js";
import { useWidth } from "./width.js";

const LABEL = 44; // px for a number under the axis
const LETTER = 7.8; // px for a letter of a name, at least
const EPSILON = 1e-8; // Adam's: gradients below it hardly move a weight
const KEYS = [["activation", "activations, std", "--ink-2"], ["change", "their change with z, std", "--fake"], ["gradient", "gradient of the weights, RMS", "--real"]];

const shapes = {
  activation: (x, y) => html`<circle cx=${x} cy=${y} r="4.5" fill="var(--ink-2)" />`,
  change: (x, y) => html`<path d=${`M${x} ${y - 6}l6 6-6 6-6-6z`} fill="var(--fake)" />`,
  gradient: (x, y) => html`<rect x=${x - 4.5} y=${y - 4.5} width="9" height="9" fill="var(--panel)" stroke="var(--real)" stroke-width="2" />`,
};

const power = (p) => (p === 0 ? "1" : p === 1 ? "10" : p === 2 ? "100" : p === -1 ? "0.1" : `1e${p}`.replace("-", "−"));

export function Layers({ rows, testid }) {
  const [box, W] = useWidth(560);
  const L = Math.min(0.5 * W, LETTER * (1 + Math.max(...rows.map((r) => r.name.length))));
  const letters = Math.floor(L / LETTER);
  const shown = KEYS.filter(([k]) => rows.some((r) => r[k] != null));
  const seen = rows.flatMap((r) => KEYS.map(([k]) => r[k])).filter((v) => v > 0);
  const low = Math.max(-20, Math.min(-3, Math.floor(Math.log10(Math.min(...seen, 1e-3)))));
  const high = Math.max(1, Math.ceil(Math.log10(Math.max(...seen, 1))));
  const [R, rh, top] = [16, 32, 6];
  const every = Math.max(1, Math.ceil((high - low) / Math.min(6, Math.max(1, Math.floor((W - L - R) / LABEL)))));
  const H = top + rows.length * rh + 26;
  const X = (v) => L + ((Math.log10(Math.max(v, 10 ** low)) - low) / (high - low)) * (W - L - R);
  const Y = (i) => top + i * rh + rh / 2;
  const label = rows.map((r) => `${r.name}: ${shown.map(([k, words]) => `${words.split(",")[0]} ${num(r[k])}`).join(", ")}`).join("; ");
  const powers = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => high - i * every);
  return html`<div class="key">${shown.map(([k, words]) => html`<span><svg viewBox="0 0 14 14" aria-hidden="true">${shapes[k](7, 7)}</svg>${words}</span>`)}</div>
    <div ref=${box}><svg class="layers" viewBox=${`0 0 ${W} ${H}`} role="img" aria-label=${label} data-testid=${testid}>
      ${powers.map((p) => html`<line x1=${X(10 ** p)} x2=${X(10 ** p)} y1=${top} y2=${H - 22} stroke="var(--line)" /><text x=${X(10 ** p)} y=${H - 8} text-anchor="middle">${power(p)}</text>`)}
      ${low < -8 && html`<line x1=${X(EPSILON)} x2=${X(EPSILON)} y1=${top} y2=${H - 22} stroke="var(--bad)" stroke-dasharray="3 3" /><text class="bad" x=${X(EPSILON) + 4} y=${top + 9}>Adam’s ε</text>`}
      ${shown.map(([k, , colour]) => {
        const line = rows.map((r, i) => (r[k] == null ? null : `${X(r[k]).toFixed(1)} ${Y(i)}`)).filter(Boolean);
        return line.length > 1 && html`<path d=${`M${line.join("L")}`} fill="none" stroke="var(${colour})" stroke-width="1.4" opacity="0.55" />`;
      })}
      ${rows.map((r, i) => html`<line x1="0" x2=${W} y1=${Y(i) + rh / 2} y2=${Y(i) + rh / 2} stroke="var(--line)" opacity="0.6" /><text x="0" y=${Y(i) + 4}>${r.name.length > letters ? `${r.name.slice(0, letters - 1)}…` : r.name}<title>${r.name}${r.silent > 0 ? `, ${(100 * r.silent).toFixed(0)} % of the units never active` : ""}</title></text>
        ${["gradient", "change", "activation"].map((k) => r[k] != null && shapes[k](X(r[k]), Y(i)))}`)}
    </svg></div>`;
}
