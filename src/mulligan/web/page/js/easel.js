// Teach it your drawings: a canvas for mouse and finger, a row of what was drawn, and a run that begins with them.

import { html, useEffect, useRef, useState } from "./html.js";
import { act, loadCatalog, mayWrite } from "./store.js";
import { start } from "./settings.js";

const [WANTED, LEAST, MOST] = [40, 20, 60];
const SIDE = 28; // pixels, as the network sees it
const LARGE = 10 * SIDE;
const BRUSH = 22;

/** A drawing as the network will see it: SIDE × SIDE greys, in base64. */
function small(canvas) {
  const little = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const ink = little.getContext("2d", { willReadFrequently: true });
  ink.imageSmoothingQuality = "high";
  ink.drawImage(canvas, 0, 0, SIDE, SIDE);
  const { data } = ink.getImageData(0, 0, SIDE, SIDE);
  const grey = Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i]);
  return { grey: btoa(String.fromCharCode(...grey)), url: little.toDataURL() };
}

export function Easel({ done }) {
  const canvas = useRef(null);
  const last = useRef(null);
  const [drawn, setDrawn] = useState([]);
  const [inked, setInked] = useState(false);
  const blank = () => {
    const ink = canvas.current.getContext("2d");
    ink.fillStyle = "#000";
    ink.fillRect(0, 0, LARGE, LARGE);
    setInked(false);
  };
  useEffect(blank, []);
  const stroke = (e) => {
    if (!(e.buttons & 1)) return;
    const box = canvas.current.getBoundingClientRect();
    const at = [((e.clientX - box.left) * LARGE) / box.width, ((e.clientY - box.top) * LARGE) / box.height];
    const ink = canvas.current.getContext("2d");
    Object.assign(ink, { strokeStyle: "#fff", lineWidth: BRUSH, lineCap: "round", lineJoin: "round" });
    ink.beginPath();
    ink.moveTo(...(last.current ?? at));
    ink.lineTo(...at);
    ink.stroke();
    last.current = at;
    setInked(true);
  };
  const keep = () => {
    setDrawn([...drawn, small(canvas.current)]);
    blank();
  };
  const train = async () => {
    const kept = await act("/api/drawings", { pictures: drawn.map((one) => one.grey) });
    if (!kept) return;
    await loadCatalog();
    done();
    await start({ recipe: "pictures", data: kept.data });
  };
  const left = WANTED - drawn.length;
  return html`<h3>Teach it your drawings</h3><section class="easel" aria-label="Draw them here"><div><canvas ref=${canvas} width=${LARGE} height=${LARGE} role="img" aria-label="Draw here, with mouse or finger" data-testid="easel"
      onPointerDown=${(e) => { e.currentTarget.setPointerCapture(e.pointerId); last.current = null; stroke(e); }} onPointerMove=${stroke} />
    <div class="act"><button type="button" class="btn primary" disabled=${!inked || drawn.length >= MOST} data-testid="easel-next" onClick=${keep}>Next one</button><button type="button" class="btn" disabled=${!inked} onClick=${blank}>Wipe</button></div></div>
    <div><p><b data-testid="easel-count">${drawn.length} of ${WANTED}</b> ${left > 0 ? "Draw the same thing again and again: a smiley, your initial, a star." : "Enough to begin. More make it better."}</p>
      <div class="drawn">${drawn.map((one, i) => html`<button type="button" title="Take it away" aria-label=${`Take drawing ${i + 1} away`} onClick=${() => setDrawn(drawn.filter((_, j) => j !== i))}><img alt="" src=${one.url} /></button>`)}</div>
      <button type="button" class=${`btn big ${drawn.length >= WANTED ? "primary" : ""}`} disabled=${drawn.length < LEAST || !mayWrite()} data-testid="easel-train" onClick=${train}>${drawn.length < LEAST ? `${LEAST - drawn.length} more to begin` : `Train on these ${drawn.length}`}</button>
      <p class="small">The run moves each drawing about and hides parts of it, so that D cannot learn so few by heart. Then ask under Draw: is it a copy?</p></div></section>`;
}
