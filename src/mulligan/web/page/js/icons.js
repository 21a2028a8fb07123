// Drawings of index.html, by name.

import { html } from "./html.js";

const drawing = (name, kind) => html`<svg class=${`glyph ${kind ?? ""}`} viewBox="0 0 1 1" aria-hidden="true"><use href=${`#${name}`} /></svg>`;

export const icon = Object.fromEntries("flag play pause step stop reset ok bad warn info link down sun dice mark ring digit shirt folder".split(" ").map((name) => [name, () => drawing(`icon-${name}`)]));

/** What somebody would see of a failure; a dot for one that an observer has of its own. */
export function pictureOf(state) {
  const name = `fail-${state.replaceAll(" ", "-")}`;
  return drawing(document.getElementById(name) ? name : "fail", "fails");
}

export const badgeOf = (severity) => ({ alarm: "bad", warning: "warn" })[severity] ?? "ok";
