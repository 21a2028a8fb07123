// Drawings of index.html, by name.

import { html } from "./html.js";

const drawing = (name) => html`<svg class="glyph" viewBox="0 0 1 1" aria-hidden="true"><use href=${`#icon-${name}`} /></svg>`;

export const icon = Object.fromEntries("flag play pause step stop reset ok bad warn info down sun dice mark".split(" ").map((name) => [name, () => drawing(name)]));

/** A button that keeps a file: its address, and its name where the address tells none. */
export const Keep = ({ from, name = true, kind = "", testid, children }) => html`<a class=${`btn ${kind}`} href=${from} download=${name} data-testid=${testid}>${drawing("down")}${children}</a>`;

export const badgeOf = (severity) => ({ alarm: "bad", warning: "warn" })[severity] ?? "ok";
