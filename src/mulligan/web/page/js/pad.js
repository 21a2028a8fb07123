// A canvas to draw on, and any picture at the size of a network's.

import { html, placeOf, useRef } from "./html.js";
import { blank } from "./pictures.js";

export const LARGE = 280;

/** A canvas for mouse and finger: `inked` with each place of a stroke, `lifted` at its end. */
export function Pad({ canvas, colour = "#fff", brush = 22, testid, inked, lifted }) {
  const last = useRef(null);
  const stroke = (e) => {
    if (!(e.buttons & 1)) return;
    const at = placeOf(e).map((v) => v * LARGE);
    const ink = canvas.current.getContext("2d");
    Object.assign(ink, { strokeStyle: colour, lineWidth: brush, lineCap: "round", lineJoin: "round" });
    ink.beginPath();
    ink.moveTo(...(last.current ?? at));
    ink.lineTo(...at);
    ink.stroke();
    last.current = at;
    inked?.(at);
  };
  return html`<canvas ref=${canvas} width=${LARGE} height=${LARGE} role="img" aria-label="Draw here, with mouse or finger" data-testid=${testid}
    onPointerDown=${(e) => { e.currentTarget.setPointerCapture(e.pointerId); last.current = null; stroke(e); }} onPointerMove=${stroke} onPointerUp=${lifted} />`;
}

/** Make all of a canvas one colour, or transparent for null. */
export function wipe(canvas, colour = "#000") {
  const ink = canvas.getContext("2d");
  if (!colour) return ink.clearRect(0, 0, canvas.width, canvas.height);
  ink.fillStyle = colour;
  ink.fillRect(0, 0, canvas.width, canvas.height);
}

/** Draw the middle of a picture, `across` × `down` pixels, over the whole of a canvas. */
export function lay(canvas, source, across, down) {
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  const side = Math.min(across, down);
  ink.imageSmoothingQuality = "high";
  ink.drawImage(source, (across - side) / 2, (down - side) / 2, side, side, 0, 0, canvas.width, canvas.height);
}

/** The middle of a picture at the size of a network's, on `ground` where it is transparent. */
export function small(source, across, down, width, height, ground) {
  const little = blank(width, height);
  wipe(little, ground);
  lay(little, source, across, down);
  return little;
}

/** Red, green and blue of each pixel of a canvas; the green alone for one channel, alpha too for four. */
export const pixels = (canvas, channels = 3) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => channels === 1 ? i % 4 === 1 : i % 4 < channels);

export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
