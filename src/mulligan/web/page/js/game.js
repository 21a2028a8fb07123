// The game: real pictures on one side, forged ones on the other, the judge between them; and you in the judge's place.

import { html, useEffect, useState } from "./html.js";
import { Picture } from "./draw.js";
import { icon } from "./icons.js";
import { useLooks } from "./look.js";
import { int } from "./numbers.js";
import { Pace } from "./pace.js";
import { decode } from "./pictures.js";
import { act, latest, mayWrite, server, store } from "./store.js";
import { toggle } from "./train.js";

const PILE = 9;
const ROUND = 10;
const MANY = "mlp"; // a game of pictures that changes from second to second
const FAST = "small"; // the same in the lab

const share = (v) => `${Math.round(100 * v)} %`;
const mean = (list) => list.reduce((sum, one) => sum + one.belief, 0) / list.length;

/** Decoded pictures, or those before until they are. */
function useImages(list) {
  const [images, set] = useState([]);
  useEffect(() => list ? latest(Promise.all(list.map((one) => decode(one.png))), (found) => found && set(found)) : undefined, [list]);
  return images;
}

/** Two needles: what the judge believes of real pictures and of forged ones. Where they meet, it cannot tell. */
function Dial({ real, fake }) {
  const [cx, cy, r] = [134, 128, 104];
  const at = (v, length) => [cx - length * Math.cos(Math.PI * v), cy - length * Math.sin(Math.PI * v)];
  const needle = (v, colour) => { const [x, y] = at(v, r - 14); return html`<line x1=${cx} y1=${cy} x2=${x} y2=${y} stroke=${`var(${colour})`} stroke-width="5" stroke-linecap="round" />`; };
  const mark = (v) => { const [a, b] = [at(v, r - 5), at(v, r + 5)]; return html`<line x1=${a[0]} y1=${a[1]} x2=${b[0]} y2=${b[1]} stroke="var(--ink-3)" stroke-width="2" />`; };
  return html`<svg viewBox="0 0 268 158" role="img" data-testid="dial" aria-label=${`The judge believes real pictures by ${share(real)}, forged ones by ${share(fake)}`}>
    <path d=${`M${cx - r} ${cy}A${r} ${r} 0 0 1 ${cx} ${cy - r}`} fill="none" stroke="var(--fake)" stroke-width="10" opacity="0.35" /><path d=${`M${cx} ${cy - r}A${r} ${r} 0 0 1 ${cx + r} ${cy}`} fill="none" stroke="var(--real)" stroke-width="10" opacity="0.35" />
    ${[0, 0.25, 0.5, 0.75, 1].map(mark)}${needle(fake, "--fake")}${needle(real, "--real")}<circle cx=${cx} cy=${cy} r="9" fill="var(--judge)" />
    <text x="4" y="150">“forged”</text><text x=${cx} y="14" text-anchor="middle">cannot tell</text><text x="264" y="150" text-anchor="end">“real”</text></svg>`;
}

/** What the judge's needles mean, in words. */
function verdict(real, fake) {
  if (real - fake < 0.1) return "The judge cannot tell them apart. That is the forger’s aim.";
  if (real - fake > 0.8) return "The judge is sure of itself. The forger has much to learn.";
  return "The judge leans the right way, and the forger is catching up.";
}

function Heard({ one }) {
  const [before, after] = useImages([one, one.heard]);
  return html`<section class="panel" aria-labelledby="g3" data-testid="heard"><div class="ph"><h2 id="g3">What the forger hears</h2><span class="end small">one gradient step at the picture itself, enlarged so that you see it</span></div><div class="pb"><div class="heard">
    <figure><${Picture} image=${before} label="The forged picture" /><figcaption>forged: the judge believes it by <b>${share(one.belief)}</b></figcaption></figure>
    <figure><${Picture} image=${after} label="The same picture, a step on" /><figcaption>a step on: by <b class="ok">${share(one.heard.belief)}</b></figcaption></figure></div>
    <p class="small">The judge never tells the forger what is real. It tells for each pixel whether brighter or darker would be believed more, and nothing else.</p></div></section>`;
}

/** Ten pictures, real or forged? Your score beside D's, at this moment of the run. */
function Judge({ close }) {
  const [ten, setTen] = useState(null);
  const [said, setSaid] = useState([]);
  useEffect(() => latest(server.get("/api/look/duel", { run: "live", count: ROUND }), (found) => {
    if (!found) return close();
    const mixed = Array.from({ length: ROUND }, (_, i) => (Math.random() < 0.5 ? { ...found.real[i], real: true } : { ...found.fake[i], real: false }));
    setTen(mixed);
  }), []);
  const images = useImages(ten);
  const at = said.length;
  const over = ten && at === ROUND;
  const say = (real) => at < ROUND && images[at] && setSaid([...said, real]);
  useEffect(() => {
    const key = (e) => ({ ArrowLeft: () => say(false), ArrowRight: () => say(true) })[e.key]?.();
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  });
  const mine = ten ? said.filter((real, i) => real === ten[i].real).length : 0;
  const judges = ten ? ten.filter((one) => (one.belief > 0.5) === one.real).length : 0;
  return html`<section class="panel bench" aria-labelledby="g4" data-testid="be-the-judge"><h2 id="g4">${over ? "Your verdicts" : `Picture ${Math.min(at + 1, ROUND)} of ${ROUND}: real or forged?`}</h2>
    ${over ? html`<output data-testid="judge-score">You ${mine} of ${ROUND} · the judge ${judges} of ${ROUND}</output>
        <p class="ink2">${mine > judges ? "You see more than the network does." : mine === judges ? "As good as the network." : "The network sees what you do not."} At step ${int(store.status?.step)} of the run; later it is harder.</p>
        <div class="pile">${ten.map((one, i) => html`<figure><${Picture} image=${images[i]} className=${said[i] === one.real ? "yes" : "no"} label=${`${one.real ? "Real" : "Forged"}; you said ${said[i] ? "real" : "forged"}`} /><figcaption class=${one.real ? "real" : "fake"}>${one.real ? "real" : "forged"}</figcaption></figure>`)}</div>`
      : html`<${Picture} image=${images[at]} testid="judge-picture" label=${`Picture ${at + 1}`} /><div class="act"><button type="button" class="btn big" data-testid="say-forged" disabled=${!images[at]} onClick=${() => say(false)}>← Forged</button><button type="button" class="btn big" data-testid="say-real" disabled=${!images[at]} onClick=${() => say(true)}>Real →</button></div>`}
    <div class="act"><button type="button" class=${`btn ${over ? "primary" : "quiet"}`} onClick=${close}>${over ? "Back to the game" : "Leave"}</button></div></section>`;
}

export function Game() {
  const [picked, setPicked] = useState(null);
  const [judging, setJudging] = useState(false);
  const s = store.status;
  const living = s && !["empty", "loading"].includes(s.state) && s.shape && !s.points;
  const { data, fault } = useLooks("/api/look/duel", { run: living ? "live" : null, count: PILE }, `${s?.run}`);
  const [real, fake] = [useImages(data?.real), useImages(data?.fake)];
  const begin = () => act("/api/train/start", { recipe: server.lab ? FAST : MANY, replace: true });
  const going = s?.state === "training" || store.slow;
  if (!living || !data) return html`<main class="view" id="main" tabindex="-1"><h1 class="sr">The game</h1><div class="nothing" data-testid="game-nothing"><h3>${living || s?.state === "loading" ? fault ?? "Opening the game…" : "A forger and a judge"}</h3>
    ${!living && s?.state !== "loading" && html`<p>One network forges handwritten digits. Another judges which are real. Both begin knowing nothing.</p><button type="button" class="btn primary big" data-testid="game-start" disabled=${!mayWrite()} onClick=${begin}>${icon.play()}Let them play</button>`}</div></main>`;
  const [believed, doubted] = [mean(data.real), mean(data.fake)];
  const one = picked == null ? null : data.fake[picked];
  return html`<main class="view" id="main" tabindex="-1"><h1 class="sr">The game</h1>
    ${judging ? html`<${Judge} close=${() => setJudging(false)} />` : html`<div class="table">
      <section class="panel" aria-labelledby="g1"><div class="ph"><h2 id="g1" class="real">Real</h2><span class="end small">from the pile</span></div><div class="pb"><div class="pile">${data.real.map((p, i) => html`<${Picture} image=${real[i]} label=${`Real; the judge believes it by ${share(p.belief)}`} />`)}</div></div></section>
      <section class="panel judge" aria-labelledby="g5"><div class="ph"><h2 id="g5">The judge</h2><span class="end small">step ${int(data.step)}</span></div><div class="pb"><${Dial} real=${believed} fake=${doubted} />
        <p class="ink2">${verdict(believed, doubted)}</p><p class="small">It <span class="real">believes real ones by ${share(believed)}</span>, <span class="fake">forged ones by ${share(doubted)}</span></p>
        <div class="act"><button type="button" class="btn" data-testid="game-toggle" disabled=${!mayWrite()} onClick=${toggle}>${going ? icon.pause() : icon.play()}${going ? "Pause" : "Go on"}</button><button type="button" class="btn primary" data-testid="game-judge" onClick=${() => setJudging(true)}>Be the judge</button></div><${Pace} /></div></section>
      <section class="panel" aria-labelledby="g2"><div class="ph"><h2 id="g2" class="fake">Forged just now</h2><span class="end small">click one</span></div><div class="pb"><div class="pile">${data.fake.map((p, i) => html`<button type="button" aria-pressed=${picked === i ? "true" : "false"} data-testid=${`forged-${i}`} onClick=${() => setPicked(i)}><${Picture} image=${fake[i]} label=${`Forged; the judge believes it by ${share(p.belief)}`} /></button>`)}</div></div></section></div>
    ${one && html`<${Heard} one=${one} />`}`}</main>`;
}
