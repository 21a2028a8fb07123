// The machine, drawn once: noise → forger → picture → judge → needle, and the gradient on its way back.

import { Dial } from "./game.js";
import { html, useEffect, useRef } from "./html.js";
import { paintGrey } from "./pictures.js";

const SIDE = 28;
const TILES = [12, 8]; // the forger's numbers as a picture

export function Grey({ of, label, low = 0, high = 255, size: [width, height] = [SIDE, SIDE], testid }) {
  const canvas = useRef();
  useEffect(() => paintGrey(canvas.current, of, width, height, low, high), [of]);
  return html`<canvas class="px" ref=${canvas} role=${label && "img"} aria-label=${label} aria-hidden=${label ? null : "true"} data-testid=${testid} />`;
}

const SOME = Array.from({ length: 96 }, (_, i) => 1.5 * Math.sin(97 * i * i)); // a picture of noise where none is told

/** `lit`: the names of what plays a part now. `picture` is drawn by the caller. */
export function Machine({ lit = "noise forger picture judge needle back", noise = SOME, picture, needles = [], label = "The needle" }) {
  const part = (name, of, words = name) => html`<div class=${`${name} ${lit.includes(name) ? "lit" : ""}`}>${of}<b>${words}</b></div>`;
  return html`<div class="machine" data-testid="machine" data-lit=${lit}>
    ${part("noise", html`<${Grey} of=${noise} low=${-2.5} high=${2.5} size=${TILES} />`)}<i>→</i>${part("forger")}<i>→</i>${part("picture", picture)}<i>→</i>${part("judge")}<i>→</i>
    ${part("needle", html`<${Dial} needles=${needles} label=${label} />`, html`<span class="fake">forged</span> <span class="real">real</span>`)}${part("back", null, "the gradient")}</div>`;
}
