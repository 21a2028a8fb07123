// Teach it: your own pictures, drawn, dropped, pasted or chosen, on a pile that all pages share; and a run on them.

import { Button, Dialog, html, useEffect, useHears, useState } from "./html.js";
import { int } from "./numbers.js";
import { LARGE, base64, pixels, small, usePad } from "./pad.js";
import { decode } from "./pictures.js";
import { Ballot, Code } from "./votes.js";
import { keep, kept } from "./query.js";
import { act, latest, loadCatalog, mayWrite, server, store } from "./store.js";
import { recipeOf, start } from "./settings.js";

const [WANTED, LEAST] = [40, 20];
const SIDE = 28; // pixels, as the network sees it
const TINT = 24; // of 255: what differs less between red, green and blue is grey
const BATCH = 15; // pictures in a message

/** The middle of a picture as the network will see it: SIDE × SIDE greys, or colours where it has some, in base64. */
function seen(name, source, width, height) {
  const little = small(source, width, height, SIDE);
  const found = pixels(little);
  const coloured = found.some((v, i) => Math.abs(v - found[i - (i % 3)]) > TINT);
  return { name, data: base64(coloured ? found : found.filter((_, i) => i % 3 === 1)), png: little.toDataURL().split(",")[1] };
}

/** Add files to the pile; returns what is there now, with its numbers, and what was refused, each with its reason. */
async function addFiles(files) {
  const refused = [];
  const read = [];
  for (const file of files) {
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (bitmap) read.push(seen(file.name, bitmap, bitmap.width, bitmap.height));
    else refused.push(`${file.name}: the browser cannot read it as a picture`);
  }
  const added = await add(read);
  return { ...added, refused: [...refused, ...added.refused] };
}

async function add(pictures) {
  const [refused, there] = [[], []];
  for (let i = 0; i < pictures.length; i += BATCH) {
    const part = pictures.slice(i, i + BATCH);
    const answer = await server.post("/api/pile", { client: server.client, pictures: part.map((one) => one.data) }).catch((problem) => ({ numbers: [], refused: part.map((_, place) => ({ place, reason: problem.message })) }));
    refused.push(...answer.refused.map(({ place, reason }) => `${part[place].name}: ${reason}`));
    part.filter((_, place) => !answer.refused.some((one) => one.place === place)).forEach((one, i) => there.push({ ...one, number: answer.numbers[i] }));
  }
  return { refused, there };
}

/** The lab's pile is gone with its tab, so this browser keeps it: put the drawings of the last visit back. */
async function putBack() {
  const images = await Promise.all(JSON.parse(kept("drawings") ?? "[]").map(decode));
  if (images.length) await add(images.map((image) => seen("a drawing", image, SIDE, SIDE)));
}

function Easel({ guest }) {
  const [canvas, inked, blank, pad] = usePad("easel", "Draw here");
  const [refused, setRefused] = useState([]);
  const [mine, setMine] = useState([]); // of a guest
  const [pile, setPile] = useState(null);
  const [large, setLarge] = useState(false);
  const count = store.pile?.count ?? 0;
  useEffect(() => guest ? undefined : latest(server.get("/api/pile"), (found) => {
    if (!found) return;
    setPile(found);
    if (!server.lab) return;
    if (found.pictures.length) keep(JSON.stringify(found.pictures.map((one) => one.png)), "drawings");
    else if (!pile) putBack();
  }), [store.pile]);
  const told = async (adding) => {
    const answer = await adding;
    setRefused(answer.refused);
    setMine((was) => [...was, ...answer.there]);
  };
  const take = (source, width, height, name) => told(add([seen(name, source, width, height)]));
  const files = (list) => list.length > 0 && told(addFiles([...list]));
  useHears({
    paste: (e) => files(e.clipboardData.files),
    dragover: (e) => { e.preventDefault(); }, // or the browser opens the file in place of the page
    drop: (e) => { e.preventDefault(); files(e.dataTransfer.files); },
  });
  const next = () => {
    take(canvas.current, LARGE, LARGE, "your drawing");
    blank();
  };
  const remove = async (numbers) => {
    if (await act("/api/pile/remove", { client: server.client, numbers })) setMine((was) => was.filter((one) => !numbers.includes(one.number)));
  };
  const clear = () => {
    keep("[]", "drawings");
    remove(pile.pictures.map((one) => one.number));
  };
  const train = async () => {
    const saved = await act("/api/pile/keep");
    if (!saved) return;
    await loadCatalog();
    if (await start({ recipe: recipeOf("pictures") ? "pictures" : "mlp", data: saved.data })) location.hash = "train";
  };
  const off = !guest && !mayWrite();
  const shown = guest ? mine : pile?.pictures ?? [];
  const words = guest ? `${int(count)} on the pile of the class.` : count < LEAST ? "Draw the same thing again and again: a smiley, your initial, a star." : count < WANTED ? "Well done: enough to begin. More make it better." : "A fine pile.";
  return html`<section class="panel easel" aria-label="Make pictures"><div class="sheet">${pad}
    <div class="act"><${Button} kind="primary big" off=${!inked || off} testid="easel-next" act=${next}>${guest ? "Send it" : "Next one"}<//><${Button} kind="big" off=${!inked} act=${blank}>Wipe<//></div></div>
    <div><p aria-live="polite"><b data-testid="easel-count">${guest ? `${shown.length} sent` : `${int(count)} of ${count < LEAST ? LEAST : WANTED}`}</b> ${words}</p>
      <div class="drawn">${shown.map((one) => html`<button key=${one.number} disabled=${off} aria-label=${`Take picture ${one.number} away`} onClick=${() => remove([one.number])}><img alt="" src=${`data:image/png;base64,${one.png}`} /></button>`)}</div>
      ${shown.length > 0 && html`<p class="small">Press one to remove it.</p>`}
      ${!guest && html`<div class="act"><${Button} kind=${`big ${count < LEAST ? "" : "primary"}`} off=${count < LEAST || off} testid="easel-train" act=${train}>${count < LEAST ? `${LEAST - count} more to begin` : `Train on these ${int(count)}`}<//>${count > 0 && html`<${Button} kind="quiet" off=${off} testid="easel-empty" act=${clear}>Empty the pile<//>`}</div>
      <p class="small">From few pictures a network may learn to copy. Afterwards, <a href="#draw">Is it a copy?</a> tells.</p>`}
      <div class="act"><label class="btn" data-testid="easel-files">Choose pictures<input type="file" accept="image/*" multiple disabled=${off} onChange=${(e) => { files(e.target.files); e.target.value = ""; }} /></label><span class="small wide">or drop and paste them here</span></div>
      ${refused.length > 0 && html`<ul class="own-refused bad" role="status" data-testid="easel-refused">${refused.map((line) => html`<li>${line}</li>`)}</ul>`}
      ${!guest && pile?.code && html`<aside class="door" data-testid="door"><${Code} of=${pile} /><div><b>A class can draw too.</b><p>Phones on this network scan this, and what they draw lands on this pile.</p><code>${pile.address}</code><div class="act"><${Button} testid="class-page" act=${() => setLarge(true)}>Show it large, with the lesson<//></div></div></aside>${large && html`<${Lesson} pile=${pile} close=${() => setLarge(false)} />`}`}</div></section>`;
}

/** The teacher's page: the class's code, and what to press when. */
const Lesson = ({ pile, close }) => html`<${Dialog} id="lesson-h" title="A class draws, and judges" testid="lesson" className="lesson" close=${close}><${Code} of=${pile} /><div><code>${pile.address}</code>
  <ol><li>Phones scan the code. All draw the same thing, ${LEAST} or more: <b>${int(store.pile?.count ?? 0)}</b> are here.</li><li>Press <b>Train on these</b>, and watch the samples.</li><li><b>The game</b>, then <b>Let the class judge</b>: each phone votes.</li><li><b>Show the answer</b>, then <b>Next picture</b>.</li><li>Break it: set <b>Rate of G</b> to 0.3, and wait for the alarm.</li><li>Press <b>Mulligan</b>. Which change helped?</li></ol></div><//>`;

export function Teach() {
  return html`<main class="view" id="main" tabindex="-1"><h1>Teach it your drawings</h1><p class="ink2">Draw twenty of one thing. A network then learns to draw more of them, in a minute or two.</p><${Easel} /></main>`;
}

/** What a phone of the class opens: it draws and sends, and votes while there is a round; a drawing outlasts that. */
export function Guest() {
  const { pile, round } = store;
  return html`<main class="view" id="main" tabindex="-1"><h1>${round ? "Real or forged?" : "Draw for the class"}</h1>${round && html`<${Ballot} round=${round} />`}
    ${pile?.open ? html`<div class="view" hidden=${round != null}><p class="ink2">Everybody draws the same thing. A network then learns to draw it too.</p><${Easel} guest /></div>` : html`<p class="nothing">${pile ? "Phones cannot add to this pile. To let them, start the playground with --host and --token." : "Opening the pile…"}</p>`}</main>`;
}
