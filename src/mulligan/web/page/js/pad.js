// A canvas to draw on, and any picture at the size of a network's.

import { html, placeOf, useLayoutEffect, useRef, useState } from "./html.js";
import { blank } from "./pictures.js";

export const LARGE = 280;

const BRUSH = 22;

/** A canvas for mouse and finger; each place of a stroke calls `inked`. */
export function Pad({ canvas, testid, inked }) {
  const last = useRef(null);
  const stroke = (e) => {
    if (!(e.buttons & 1)) return;
    const at = placeOf(e).map((v) => v * LARGE);
    const ink = canvas.current.getContext("2d");
    Object.assign(ink, { strokeStyle: "#fff", lineWidth: BRUSH, lineCap: "round", lineJoin: "round" });
    ink.beginPath();
    ink.moveTo(...(last.current ?? at));
    ink.lineTo(...at);
    ink.stroke();
    last.current = at;
    inked();
  };
  return html`<canvas ref=${canvas} width=${LARGE} height=${LARGE} role="img" aria-label="Draw here, with mouse or finger" data-testid=${testid}
    onPointerDown=${(e) => { e.currentTarget.setPointerCapture(e.pointerId); last.current = null; stroke(e); }} onPointerMove=${stroke} />`;
}

/** A pad of its own: its canvas, whether something is drawn there, what wipes it, and the pad with `words` to begin with. */
export function usePad(testid, words) {
  const canvas = useRef(null);
  const [inked, setInked] = useState(false);
  const clear = () => {
    wipe(canvas.current);
    setInked(false);
  };
  useLayoutEffect(clear, []); // before the first stroke: an effect may come after it
  return [canvas, inked, clear, html`<${Pad} canvas=${canvas} testid=${testid} inked=${() => setInked(true)} />${!inked && html`<p aria-hidden="true">${words}</p>`}`];
}

export function wipe(canvas) {
  const ink = canvas.getContext("2d");
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, canvas.width, canvas.height);
}

/** The middle of a picture, `across` × `down` pixels, at the size of a network's, on black where it is transparent. */
export function small(source, across, down, size) {
  const little = blank(size, size);
  wipe(little);
  const side = Math.min(across, down);
  const ink = little.getContext("2d", { willReadFrequently: true });
  ink.imageSmoothingQuality = "high";
  ink.drawImage(source, (across - side) / 2, (down - side) / 2, side, side, 0, 0, size, size);
  return little;
}

export const pixels = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 < 3);

export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
