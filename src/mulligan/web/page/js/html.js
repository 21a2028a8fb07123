// What views are written in: Preact, its hooks, and htm for templates without a build step.

import htm from "../vendor/htm-3.1.1.js";
import { h } from "../vendor/preact-11.2.0.js";
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks-11.2.0.js";

export const html = htm.bind(h);

/** A panel: its heading, a note or more beside that, and what is in it. */
export const Panel = ({ id, title, note, end, className = "", testid, children }) => html`<section class=${`panel ${className}`} aria-labelledby=${id} data-testid=${testid}><div class="ph"><h2 id=${id}>${title}</h2>${note != null && html`<span class="end small">${note}</span>`}${end}</div><div class="pb">${children}</div></section>`;

export const Button = ({ kind = "", testid, off, act, children, ...more }) => html`<button type="button" class=${`btn ${kind}`} data-testid=${testid} disabled=${off} onClick=${act} ...${more}>${children}</button>`;

/** A row of buttons, one of them chosen. `of`: the value, the words and more attributes of each. */
export const Segments = ({ label, of, at, set, className = "", testid }) => html`<div class=${`seg ${className}`} role="group" aria-label=${label} data-testid=${testid}>${of.map(([value, words, more]) => html`<button type="button" aria-pressed=${value === at} onClick=${() => set(value)} ...${more}>${words}</button>`)}</div>`;

export const Slider = ({ value, min = 0, max = 100, step = 1, label, disabled, onInput, onChange, testid, tabindex, text }) => html`<input type="range" min=${min} max=${max} step=${step} value=${value} aria-label=${label} aria-valuetext=${text} data-testid=${testid} tabindex=${tabindex} disabled=${disabled}
  onInput=${(e) => onInput?.(Number(e.target.value))} onChange=${(e) => onChange?.(Number(e.target.value))} />`;

export function Dialog({ id, title, testid, close, className, children }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog ref=${dialog} class=${className} aria-labelledby=${id} data-testid=${testid} onClose=${close}><header><h2 id=${id}>${title}</h2><button type="button" class="btn quiet" onClick=${() => dialog.current.close()}>Close</button></header>${children}</dialog>`;
}

export const useHears = (hears, deps = []) => useLayoutEffect(() => { // before the next key
  for (const [name, hear] of Object.entries(hears)) addEventListener(name, hear);
  return () => { for (const [name, hear] of Object.entries(hears)) removeEventListener(name, hear); };
}, deps);

/** Draw a component again when an event comes; returns how many have come. */
export function useAgain(...events) {
  const [n, set] = useState(0);
  useHears(Object.fromEntries(events.map((name) => [name, () => set((n) => n + 1)])));
  return n;
}

/** Where a pointer is in its element: shares of its width and height, from 0 to 1. */
export function placeOf({ currentTarget, clientX, clientY }) {
  const box = currentTarget.getBoundingClientRect();
  return [(clientX - box.left) / box.width, (clientY - box.top) / box.height].map((v) => Math.min(1, Math.max(0, v)));
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What a key does where arrow keys move something: `go(across, down)` of −1, 0 or 1. */
export const byArrows = (go) => (event) => {
  if (!ARROWS[event.key]) return;
  event.preventDefault();
  go(...ARROWS[event.key]);
};

export { render } from "../vendor/preact-11.2.0.js";
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-hooks-11.2.0.js";
