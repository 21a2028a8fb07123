// Teach it your own pictures: drawn, dropped, pasted or photographed, on a pile that all pages share; and a run on them.

import { html, useEffect, useRef, useState } from "./html.js";
import { int } from "./numbers.js";
import { LARGE, Pad, base64, pixels, small, wipe } from "./pad.js";
import { act, latest, loadCatalog, mayWrite, server, store } from "./store.js";
import { recipeOf, start } from "./settings.js";

const [WANTED, LEAST] = [40, 20];
const SIDE = 28; // pixels, as the network sees it
const TINT = 24; // of 255: what differs less between red, green and blue is grey
const BATCH = 15; // pictures in a message

/** The middle of a picture as the network will see it: SIDE × SIDE greys, or colours where it has some, in base64. */
function seen(source, width, height) {
  const found = pixels(small(source, width, height, SIDE, SIDE));
  const coloured = found.some((v, i) => Math.abs(v - found[i - (i % 3)]) > TINT);
  return base64(coloured ? found : found.filter((_, i) => i % 3 === 1));
}

/** Add files to the pile; returns what was refused, each with its reason. */
async function addFiles(files) {
  const refused = [];
  const read = [];
  for (const file of files) {
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (bitmap) read.push({ name: file.name, data: seen(bitmap, bitmap.width, bitmap.height) });
    else refused.push(`${file.name}: the browser cannot read it as a picture`);
  }
  return [...refused, ...(await add(read))];
}

async function add(pictures) {
  const refused = [];
  for (let i = 0; i < pictures.length; i += BATCH) {
    const part = pictures.slice(i, i + BATCH);
    const answer = await server.post("/api/pile", { pictures: part.map((one) => one.data) }).catch((problem) => ({ refused: part.map((_, place) => ({ place, reason: problem.message })) }));
    refused.push(...answer.refused.map(({ place, reason }) => `${part[place].name}: ${reason}`));
  }
  return refused;
}

const BARRED = {
  NotAllowedError: "The browser may not use the camera. Allow it beside the address, or choose pictures instead.",
  NotFoundError: "There is no camera here. Choose pictures instead.",
};

function Camera({ take, close }) {
  const video = useRef(null);
  const [fault, setFault] = useState(null);
  useEffect(() => {
    let stream = null;
    let left = false;
    const end = () => stream?.getTracks().forEach((track) => track.stop());
    if (!navigator.mediaDevices) setFault("Browsers open the camera only on this machine’s own address or over https. Choose pictures instead: a phone offers its camera there.");
    else navigator.mediaDevices.getUserMedia({ video: true }).then((found) => {
      stream = found;
      if (left) end();
      else video.current.srcObject = stream;
    }, (error) => setFault(BARRED[error.name] ?? `The camera does not start: ${error.message}. Choose pictures instead.`));
    return () => {
      left = true;
      end();
    };
  }, []);
  return html`<div class="camera" data-testid="camera">${fault ? html`<p class="warn" role="status" data-testid="camera-fault">${fault}</p>` : html`<video ref=${video} autoplay muted playsinline aria-label="What the camera sees" />`}
    <div class="act">${!fault && html`<button type="button" class="btn primary" data-testid="camera-take" onClick=${() => video.current.videoWidth && take(video.current, video.current.videoWidth, video.current.videoHeight)}>Take it</button>`}<button type="button" class="btn quiet" onClick=${close}>Close camera</button></div></div>`;
}

/** Where pictures are made; `guest` pages add to the pile and see nothing else of it. */
export function Easel({ guest, done }) {
  const canvas = useRef(null);
  const [inked, setInked] = useState(false);
  const [camera, setCamera] = useState(false);
  const [over, setOver] = useState(false);
  const [refused, setRefused] = useState([]);
  const [sent, setSent] = useState(0);
  const [pile, setPile] = useState(null);
  const count = store.pile?.count ?? 0;
  useEffect(() => (guest ? undefined : latest(server.get("/api/pile"), (found) => found && setPile(found))), [store.pile]);
  const blank = () => {
    wipe(canvas.current);
    setInked(false);
  };
  useEffect(blank, []);
  const told = async (pictures, adding) => {
    const answer = await adding;
    setRefused(answer);
    setSent((was) => was + pictures - answer.length);
  };
  const take = (source, width, height, name) => told(1, add([{ name, data: seen(source, width, height) }]));
  const files = (list) => list.length > 0 && told(list.length, addFiles([...list]));
  useEffect(() => {
    const hears = {
      paste: (e) => files(e.clipboardData.files),
      dragover: (e) => { e.preventDefault(); setOver(true); }, // or the browser opens the file in place of the page
      dragleave: () => setOver(false),
      drop: (e) => { e.preventDefault(); setOver(false); files(e.dataTransfer.files); },
    };
    for (const [name, hear] of Object.entries(hears)) addEventListener(name, hear);
    return () => { for (const [name, hear] of Object.entries(hears)) removeEventListener(name, hear); };
  }, []);
  const keep = () => {
    take(canvas.current, LARGE, LARGE, "your drawing");
    blank();
  };
  const remove = (numbers) => act("/api/pile/remove", { numbers });
  const train = async () => {
    const kept = await act("/api/pile/keep");
    if (!kept) return;
    await loadCatalog();
    done();
    await start({ recipe: recipeOf("pictures") ? "pictures" : "mlp", data: kept.data });
  };
  const off = !guest && !mayWrite();
  const left = WANTED - count;
  return html`<section class=${`easel ${over ? "over" : ""}`} aria-label="Make pictures"><div><${Pad} canvas=${canvas} testid="easel" inked=${() => setInked(true)} />
    <div class="act"><button type="button" class="btn primary" disabled=${!inked || off} data-testid="easel-next" onClick=${keep}>${guest ? "Send it" : "Next one"}</button><button type="button" class="btn" disabled=${!inked} onClick=${blank}>Wipe</button></div></div>
    <div><p aria-live="polite"><b data-testid="easel-count">${guest ? `${sent} sent` : `${int(count)} of ${WANTED}`}</b> ${guest ? `${int(count)} on the pile.` : left > 0 ? "Draw the same thing again and again: a smiley, your initial, a star." : "Enough to begin. More make it better."}</p>
      <div class="act"><label class="btn" data-testid="easel-files">Choose pictures<input type="file" accept="image/*" multiple disabled=${off} onChange=${(e) => { files(e.target.files); e.target.value = ""; }} /></label><button type="button" class="btn" disabled=${off} data-testid="easel-camera" onClick=${() => setCamera(!camera)}>Camera</button><span class="small wide">or drop and paste them here</span></div>
      ${camera && html`<${Camera} take=${(...seen) => take(...seen, "your photograph")} close=${() => setCamera(false)} />`}
      ${refused.length > 0 && html`<ul class="own-refused bad" role="status" data-testid="easel-refused">${refused.map((line) => html`<li>${line}</li>`)}</ul>`}
      ${!guest && html`<div class="drawn">${pile?.pictures.map((one) => html`<button type="button" key=${one.number} disabled=${off} title="Take it away" aria-label=${`Take picture ${one.number} away`} onClick=${() => remove([one.number])}><img alt="" src=${`data:image/png;base64,${one.png}`} /></button>`)}</div>
      <div class="act"><button type="button" class=${`btn big ${left > 0 ? "" : "primary"}`} disabled=${count < LEAST || off} data-testid="easel-train" onClick=${train}>${count < LEAST ? `${LEAST - count} more to begin` : `Train on these ${int(count)}`}</button>${count > 0 && html`<button type="button" class="btn quiet" disabled=${off} data-testid="easel-empty" onClick=${() => remove(pile.pictures.map((one) => one.number))}>Empty the pile</button>`}</div>
      <p class="small">The run shifts each picture and hides parts of it, so that D cannot learn so few by heart. Then check under Draw: is it a copy?</p>`}</div>
    ${pile?.code && html`<aside class="door" data-testid="door"><img alt="QR code of the address for phones" src=${pile.code} /><div><b>A class can draw too.</b><p>Phones on this network scan this, and what they draw lands on this pile.</p><code>${pile.address}</code></div></aside>`}</section>`;
}

/** What a phone of the class opens: draw, and send. */
export function Guest() {
  return html`<main class="view" id="main" tabindex="-1"><h1>Draw for the class</h1><p class="ink2">Everybody draws the same thing. A network then learns to draw it too.</p>${store.pile?.open ? html`<${Easel} guest />` : html`<p class="nothing">${store.pile ? "Phones cannot add to this pile. To let them, start the playground with --host and --token." : "Opening the pile…"}</p>`}</main>`;
}
