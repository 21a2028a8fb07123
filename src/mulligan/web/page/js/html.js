// What views are written in: Preact, its hooks, and htm for templates without a build step.

import htm from "../vendor/htm-3.1.1.js";
import { h } from "../vendor/preact-11.2.0.js";
import { useEffect, useRef } from "../vendor/preact-hooks-11.2.0.js";

export const html = htm.bind(h);

/** A panel: its heading, a note or more beside that, and what is in it. */
export const Panel = ({ id, title, note, end, className = "", testid, children }) => html`<section class=${`panel ${className}`} aria-labelledby=${id} data-testid=${testid}><div class="ph"><h2 id=${id}>${title}</h2>${note != null && html`<span class="end small">${note}</span>`}${end}</div><div class="pb">${children}</div></section>`;

/** A dialog over the page, open while it is there. */
export function Dialog({ id, title, testid, close, children }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog ref=${dialog} aria-labelledby=${id} data-testid=${testid} onClose=${close}><header><h2 id=${id}>${title}</h2><button type="button" class="btn quiet" onClick=${() => dialog.current.close()}>Close</button></header>${children}</dialog>`;
}

export { render } from "../vendor/preact-11.2.0.js";
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-hooks-11.2.0.js";
