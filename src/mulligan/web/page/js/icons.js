// Drawings of index.html, by name.

import { html } from "./html.js";

const drawing = (name) => html`<svg class="glyph" viewBox="0 0 1 1" aria-hidden="true"><use href=${`#icon-${name}`} /></svg>`;

export const icon = Object.fromEntries("flag play pause step stop reset ok bad warn info down sun dice mark".split(" ").map((name) => [name, () => drawing(name)]));

export const badgeOf = (severity) => ({ alarm: "bad", warning: "warn" })[severity] ?? "ok";
