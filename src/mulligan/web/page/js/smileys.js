// The visitor's own five drawings: learned while the story is read, and set beside the forger's in its last scene.

import { Button, Slider, html, useEffect, useRef, useState } from "./html.js";
import { Keep, icon } from "./icons.js";
import { Grey } from "./machine.js";
import { int } from "./numbers.js";
import { LARGE, base64, pixels, small, usePad, wipe } from "./pad.js";
import { blank, decode, decoded, paintGrey, save, sheet } from "./pictures.js";
import { keep, kept, startOf } from "./query.js";
import { SIDE, counted, record } from "./recorded.js";
import { act, can, changed, command, loadCatalog, mayWrite, runPath, server, store, useStore } from "./store.js";

const [FIVE, TURNS, ACROSS] = [5, 8, 16]; // drawings; ways in which each is turned; pictures of the forger's
const mine = { drawings: JSON.parse(kept("smileys") ?? "[]"), run: null, image: null, step: 0 };

const put = (drawings) => {
  Object.assign(mine, { drawings, run: null, image: null });
  keep(JSON.stringify(drawings), "smileys");
  keep("", "smileys.run");
  changed(true);
};

/** A drawing as the network will see it, turned, moved and stretched a little: greys in base64. */
function turned(image, k) {
  const little = blank(SIDE, SIDE);
  wipe(little);
  const ink = little.getContext("2d", { willReadFrequently: true });
  const [bend, grow] = [0.09 * ((k % 3) - 1), 1 + 0.08 * ((k % 2) - 0.5)];
  ink.setTransform(grow * Math.cos(bend), Math.sin(bend), -Math.sin(bend), Math.cos(bend) / grow, 0, 0);
  ink.drawImage(image, ((k & 2) - 1) / 2 + Math.sign(bend), ((k & 4) - 2) / 4 - Math.sign(bend));
  return base64(pixels(little).filter((_, i) => i % 3 === 1));
}

/** Begin a run on the five drawings. */
async function learn() {
  if (mine.asked) return;
  mine.asked = true;
  const images = await Promise.all(mine.drawings.map(decode));
  const pictures = images.flatMap((image) => counted(TURNS).map((k) => turned(image, k)));
  const pile = await act("/api/pile", { client: server.client, pictures });
  const saved = pile && (await act("/api/pile/keep", { numbers: pile.numbers }));
  if (pile) await act("/api/pile/remove", { client: server.client, numbers: pile.numbers });
  const answer = saved && (await act("/api/train/start", startOf({ recipe: "pictures", "data.name": saved.data, save_every: 50 })));
  Object.assign(mine, { asked: false, run: answer?.status.run ?? null });
  keep(store.epoch + mine.run, "smileys.run"); // another server has runs of the same names
  if (answer) await loadCatalog();
  changed(true);
}

const here = () => mine.run != null && store.status?.run === mine.run;
const idle = () => /empty|finished|stopped|failed/.test(store.status?.state);

/** How far the lesson is, in words. */
function progress() {
  if (server.broken) return "Python cannot run here. The last scene replays a recording.";
  if (!mayWrite()) return `It begins by itself, as soon as Python is here. ${store.news?.code === "lab" ? store.news.text : ""}`;
  if (mine.asked) return "It begins…";
  if (!here()) return mine.image ? `Learned until step ${int(mine.step)}; another run is in hand now.` : idle() ? "Not learned yet." : "Another run is in hand.";
  if (store.status.state === "failed") return `Stopped at step ${int(store.status.step)}: ${store.status.error?.text}`;
  return `Step ${int(store.status.step)} of ${int(store.status.steps)}. Read on: the last scene shows what it draws.`;
}

const ours = () => counted(FIVE).map((i) => {
  const one = blank(SIDE, SIDE);
  paintGrey(one, record.picture("smileys.drawn", i), SIDE, SIDE, 0, 255);
  return one.toDataURL();
});

const Five = ({ of }) => html`<div class="five">${counted(FIVE).map((i) => (of[i] ? html`<img class="px" alt=${`Drawing ${i + 1}`} src=${of[i]} />` : html`<span></span>`))}</div>`;

export function Mine() {
  useStore();
  const { drawings } = mine;
  const full = drawings.length === FIVE;
  const [canvas, inked, fresh, pad] = usePad("smiley-pad", full ? "Five: thank you" : "Draw a smiley here");
  useEffect(() => {
    const { run } = store.status ?? {};
    if (run !== mine.run && kept("smileys.run") === store.epoch + run) {
      mine.run = run; // since before a reload
      changed(true);
    } else if (full && !mine.run && mayWrite() && idle() && (mine.new || server.lab)) learn();
  }, [full, mayWrite(), idle(), store.status?.run]);
  const add = (all) => {
    mine.new = true;
    put(all);
    fresh();
  };
  return html`<div class="sheet">${pad}</div>
    <div><${Five} of=${drawings} /><p role="status" data-testid="smiley-words"><b>${drawings.length} of ${FIVE}.</b> ${full ? progress() : "Always the same thing: a smiley, a star."}</p>
      <div class="act">${full ? html`${!here() && mayWrite() && !mine.asked && html`<${Button} testid="smiley-learn" act=${learn}>Let it learn these<//>`}<${Button} testid="smiley-others" act=${() => put([])}>Draw others<//>`
        : html`<${Button} kind="primary" off=${!inked} testid="smiley-next" act=${() => add([...drawings, small(canvas.current, LARGE, LARGE, SIDE).toDataURL()])}>Next one<//><${Button} off=${!inked} act=${fresh}>Wipe<//>${!drawings.length && html`<${Button} testid="smiley-ours" off=${!record} act=${() => add(ours())}>Take ours<//>`}`}</div></div>`;
}

/** The forger's pictures as the first of its grid. */
function Forged({ image }) {
  const canvas = useRef(null);
  useEffect(() => canvas.current.getContext("2d").drawImage(image, 0, 0), [image]);
  return html`<canvas class="px" ref=${canvas} width=${image.width} height=${(image.height * ACROSS) / 64} role="img" aria-label=${`${ACROSS} forged pictures`} data-testid="yours-forged" />`;
}

async function card(words) {
  const images = await Promise.all(mine.drawings.map(decode));
  const [canvas, ink, write] = sheet(1080, 760);
  write("I drew five smileys", 540, 70, 44, "#74aef5");
  images.forEach((image, i) => ink.drawImage(image, 140 + 164 * i, 100, 144, 144));
  write("and a network learned to draw its own", 540, 330, 44, "#f0975c");
  ink.drawImage(mine.image, 0, 0, mine.image.width, mine.image.height / 4, 60, 370, 960, 240);
  write(`${words}. Mulligan`, 540, 690, 24, "#bac3be");
  save(canvas, "my-smileys");
}

export function Yours() {
  useStore();
  const [at, setAt] = useState(record.smileys.steps.length - 1);
  const [, drawn] = useState(null);
  useEffect(() => {
    if (!here() || !store.samples) return;
    decoded(store.samples).then(({ image, step }) => { if (image) drawn(Object.assign(mine, { image, step }).step); });
  }, [store.samples, mine.run]);
  const { steps, count } = record.smileys;
  const words = `Step ${int(mine.step)}, average weights, the first ${ACROSS} noises`;
  if (mine.image) return html`<h3 class="real">Yours</h3><${Five} of=${mine.drawings} /><h3 class="fake">The forger’s</h3><${Forged} image=${mine.image} />
    <p class="small" role="status" data-testid="yours-words">${words}. From five drawings, each turned ${TURNS} ways, it learns to vary these five and no more.</p>
    <div class="act">${(!here() || can("resume")) && html`<${Button} testid="yours-on" off=${!mayWrite()} act=${() => (here() ? command("resume") : act(runPath(mine.run, "/resume")))}>Let it learn on<//>`}<${Button} kind="primary" testid="yours-card" act=${() => card(words)}>${icon.down()}Save as a picture<//><${Keep} from=${runPath(mine.run, "/viewer.html")} testid="yours-player">Keep the forger, one file<//></div>`;
  const missing = mine.drawings.length < FIVE;
  return html`<p class="small" role="status" data-testid="yours-words">${missing ? html`You have drawn ${mine.drawings.length} of ${FIVE}: <a href="#story/scene-1">draw the rest</a>. Until then this` : server.broken ? "Python cannot run here, so this" : "Yours are not learned yet. Until then this"} is a replay: five smileys of ours, and a forger that learned them in the same way.</p>
    <h3 class="real">Ours</h3><${Five} of=${ours()} /><h3 class="fake">The forger’s</h3><div class="eight">${counted(count).map((i) => html`<${Grey} key=${i} of=${record.picture("smileys.learned", at * count + i)} label=${`Forged smiley ${i + 1}`} testid=${`replay-${i}`} />`)}</div>
    <div class="act"><b>Replay: step ${int(steps[at])}</b><${Slider} label="Steps of the replay" text=${`${int(steps[at])} steps`} max=${steps.length - 1} value=${at} testid="replay" onInput=${setAt} /></div>`;
}
