// A picture for each failure, drawn small: what somebody would see.

import { html } from "./html.js";

const line = (d, color = "fake", more = {}) => html`<path d=${d} fill="none" stroke=${`var(--${color})`} stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" ...${more} />`;
const dot = (x, y, color = "fake", r = 3) => html`<circle cx=${x} cy=${y} r=${r} fill=${`var(--${color})`} />`;
const box = (x, y, w, h, fill, more = {}) => html`<rect x=${x} y=${y} width=${w} height=${h} rx="1.5" fill=${fill} ...${more} />`;
const eight = (draw) => [0, 1, 2, 3, 4, 5, 6, 7].map((i) => draw(24 + 14 * Math.cos(i * 0.785), 24 + 14 * Math.sin(i * 0.785), i));
const four = (draw) => [[15, 15], [33, 15], [15, 33], [33, 33]].map(([x, y], i) => draw(x, y, i));

const SHOWN = {
  divergence: () => line("M6 30c8 0 10-4 14-3s4 9 8 5c6-8 6-20 8-28M36 4l-4 5M36 4l5 4"),
  "dead latent": () => four((x, y) => line(`M${x - 4} ${y + 5}c0-14 9-14 9 0`)),
  "contrast illusion": () => html`${box(6, 6, 36, 36, "var(--line-strong)", { opacity: 0.6 })}${line("M18 16c5-4 13-2 12 4c0 3-4 4-7 4c4 0 9 1 9 5c0 6-10 7-15 3", "ink", { opacity: 0.18 })}`,
  "wrong sign": () => html`${line("M14 38V12M8 18l6-7 6 7", "real")}${line("M34 38V12M28 18l6-7 6 7")}`,
  "wrong scale": () => html`${box(10, 6, 10, 36, "var(--real)")}${box(28, 20, 10, 8, "var(--fake)")}`,
  "D wins": () => html`${dot(12, 14, "real")}${dot(16, 24, "real")}${dot(10, 34, "real")}${dot(36, 14)}${dot(32, 24)}${dot(38, 34)}${line("M24 5V43", "judge")}`,
  "G wins": () => html`${line("M18 18c0-9 13-9 12 0c0 5-6 5-6 11", "judge")}${dot(24, 36, "judge", 2)}${dot(9, 38)}${dot(39, 10, "real")}`,
  standstill: () => html`${line("M6 28H42")}${line("M6 12c12 0 14-6 36-7", "line-strong", { "stroke-dasharray": "2 5" })}`,
  "mode collapse": () => eight((x, y, i) => (i === 6 ? dot(x, y, "fake", 6) : html`<circle cx=${x} cy=${y} r="3" fill="none" stroke="var(--real)" stroke-width="1.6" />`)),
  "gamma off": () => html`${line("M8 6V42M40 6V42", "judge")}${line("M12 24H20M28 24H36M17 20l4 4-4 4M31 20l-4 4 4 4")}`,
  cycling: () => line("M38 24a14 14 0 1 1-5-11M34 5v9h-9"),
  saturation: () => html`${[0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => box(6 + 9 * i, 6 + 9 * j, 9, 9, (i * 7 + j * 3) % 5 % 2 ? "#fff" : "#000", { rx: 0 })))}`,
  copying: () => html`${box(6, 12, 22, 26, "none", { stroke: "var(--real)", "stroke-width": 2 })}${box(20, 8, 22, 26, "var(--panel)", { stroke: "var(--fake)", "stroke-width": 2 })}${line("M26 21c0-8 9-8 9 0c0 4-5 3-8 7h8")}`,
  "intra-class collapse": () => html`${[10, 24, 38].map((x, i) => [12, 24, 36].map((y) => [dot(x, y, "fake", 4), box(x - 4, y - 4, 8, 8, "var(--fake)"), line(`M${x - 4} ${y + 4}L${x} ${y - 4}L${x + 4} ${y + 4}Z`)][i]))}`,
};

/** The picture of a state; a plain one for a state that an observer has of its own. */
export const pictureOf = (state) => html`<svg class="fails" viewBox="0 0 48 48" aria-hidden="true"><rect width="48" height="48" rx="5" fill="var(--sunken)" />${(SHOWN[state] ?? (() => dot(24, 24)))()}</svg>`;
