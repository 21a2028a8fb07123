// The game, a view of Train: real pictures on one side, forged ones on the other, the judge between them; one step of it,
// held still; and you in the judge's place.

import { Button, Panel, html, useEffect, useHears, useLayoutEffect, useRef, useState } from "./html.js";
import { Difference, Figure, Picture, useImages } from "./draw.js";
import { isSevere } from "./diagnosis.js";
import { icon } from "./icons.js";
import { Field, useLooks } from "./look.js";
import { dice, int, shuffle } from "./numbers.js";
import { save, sheet } from "./pictures.js";
import { act, calm, living, mayWrite, server, store } from "./store.js";
import { ClassVote, nextRound } from "./votes.js";

const PILE = 9;
const SIDES = 5; // real and forged pictures of a round
const HALF = 500; // ms for which the judge's move is seen before the forger's
const MANY = "mlp"; // a game of pictures that changes from second to second
const FAST = "small"; // the same in the lab

export const share = (v) => `${Math.round(100 * v)} %`;
const mean = (list) => list.reduce((sum, one) => sum + one.belief, 0) / list.length;

/** Needles, each a belief in “real”, its colour, and how thick it is. */
export function Dial({ needles, label }) {
  const [cx, cy, r] = [134, 128, 104];
  const at = (v, length) => [cx - length * Math.cos(Math.PI * v), cy - length * Math.sin(Math.PI * v)];
  const needle = ([v, colour, width = 5]) => { const [x, y] = at(v, r - 14); return html`<line x1=${cx} y1=${cy} x2=${x} y2=${y} stroke=${`var(--${colour})`} stroke-width=${width} stroke-linecap="round" />`; };
  const mark = (v) => { const [a, b] = [at(v, r - 5), at(v, r + 5)]; return html`<line x1=${a[0]} y1=${a[1]} x2=${b[0]} y2=${b[1]} stroke="var(--ink-3)" stroke-width="2" />`; };
  return html`<svg viewBox="0 0 268 158" role="img" data-testid="dial" aria-label=${label}>
    <path d=${`M${cx - r} ${cy}A${r} ${r} 0 0 1 ${cx} ${cy - r}`} fill="none" stroke="var(--fake)" stroke-width="10" opacity="0.35" /><path d=${`M${cx} ${cy - r}A${r} ${r} 0 0 1 ${cx + r} ${cy}`} fill="none" stroke="var(--real)" stroke-width="10" opacity="0.35" />
    ${[0, 0.25, 0.5, 0.75, 1].map(mark)}${needles.map(needle)}<circle cx=${cx} cy=${cy} r="9" fill="var(--judge)" />
    <text x="4" y="150">“forged”</text><text x=${cx} y="14" text-anchor="middle">cannot tell</text><text x="264" y="150" text-anchor="end">“real”</text></svg>`;
}

/** The judge's mean belief in real ones and in forged ones, in words. */
export const Beliefs = ({ who, real, fake }) => html`How sure ${who} is of “real”: <span class="real nowrap">real ones ${share(real)}</span>, <span class="fake nowrap">forged ones ${share(fake)}</span>`;

/** What the judge's needles mean by their gap. */
export function verdict(gap) {
  if (isSevere()) return html`The diagnosis says: <a href="#train">${store.advice.title}</a>.`;
  return gap > 0.8 ? "The judge is sure of itself." : Math.abs(gap) < 0.1 ? "Both look alike to the judge: it guesses." : `The judge leans the ${gap > 0 ? "right" : "wrong"} way.`;
}

const Change = ({ from, to, label }) => html`<${Difference} of=${[to, from]} enlarged label=${`${label}: orange is brighter, blue is darker`}>${label}<//>`;

/** One forged picture through one step: what the judge asks for, and what the forger makes of it. */
function Heard({ one, step, since }) {
  const [now, heard, before] = useImages([one.png, one.heard.png, one.before?.png]);
  const then = one.before;
  return html`<${Panel} id="g3" testid="heard" title=${then ? `From step ${int(since)} to step ${int(step)}` : "What the forger hears"} note="this picture keeps its z"><div class="heard">
    ${then && html`<${Figure} image=${before} label="The forged picture before">Before: “real” with <b>${share(then.was)}</b>.<br />1. The judge learns: <b>${share(then.belief)}</b><//>`}
    <${Figure} image=${now} label="The forged picture now">${then ? "2. The forger learns: " : "Now: “real” with "}<b>${share(one.belief)}</b><//>
    ${then && html`<${Change} from=${before} to=${now} label="What the forger changed" />`}
    <${Change} from=${now} to=${heard} label="What the judge asks for next" />
    <${Figure} image=${heard} label="The picture that the judge asks for">Done in full: <b class="ok">${share(one.heard.belief)}</b><//></div>
    <p class="small">The judge never shows a real picture to the forger. It says for each pixel whether brighter or darker would look more real, and nothing else. <a href="#story/paint">Paint as it asks: be the gradient</a></p><//>`;
}

export const word = (real) => (real ? "real" : "forged");

function card(round, images, said, words) {
  const [canvas, ink, write] = sheet(1080, 720);
  write(words, 540, 76, 44, "#e9eeeb");
  round.forEach((one, i) => {
    const [x, y] = [60 + 196 * (i % SIDES), 120 + 280 * Math.floor(i / SIDES)];
    ink.drawImage(images[i], x, y, 176, 176);
    write(word(one.real), x + 88, y + 206, 24, one.real ? "#74aef5" : "#f0975c");
    write(`you ${said[i] === one.real ? "✓" : "✗"}  judge ${(one.belief > 0.5) === one.real ? "✓" : "✗"}`, x + 88, y + 240, 20, "#bac3be");
  });
  write(`Real or forged? Step ${int(round[0].step)} of a GAN in Mulligan`, 540, 700, 24, "#98a39d");
  save(canvas, words);
}

const duel = () => server.get("/api/look/duel", { count: SIDES, seed: dice(2 ** 31) });

/** Five real pictures and five forged ones, mixed and new in each round: your answers beside D's. Keys and a way out with `close`. */
function Judge({ close, ask = duel }) {
  const [round, setRound] = useState(null);
  const [said, setSaid] = useState([]);
  const [told, setTold] = useState(false); // whether the answer to the last one stands there
  const [fault, setFault] = useState(null);
  const again = () => {
    setRound(null);
    setSaid([]);
    setTold(false);
    ask().then((found) => {
      const mixed = [...found.real.map((one) => ({ ...one, real: true })), ...found.fake.map((one) => ({ ...one, real: false }))];
      setRound(shuffle(mixed).map((one) => ({ ...one, step: found.step })));
    }, (problem) => setFault(problem.message));
  };
  useEffect(again, []);
  const images = useImages(round?.map((one) => one.png));
  const many = 2 * SIDES;
  const at = said.length - (told ? 1 : 0);
  const over = round && at === many;
  const one = round?.[at];
  const say = (real) => {
    if (!one || told || !images[at]) return;
    setSaid([...said, real]);
    setTold(true);
  };
  useHears({ keydown({ key }) {
    if (close && key === "ArrowLeft") say(false);
    if (close && key === "ArrowRight") told ? setTold(false) : say(true);
  } }, null);
  const next = useRef(null);
  useLayoutEffect(() => { if (told || over) next.current?.focus(); }, [told, over]);
  const right = (one, said) => said === one.real;
  const mine = round ? said.filter((real, i) => right(round[i], real)).length : 0;
  const judges = round ? round.slice(0, said.length).filter((one) => right(one, one.belief > 0.5)).length : 0;
  const words = `You ${mine} of ${many} · the judge ${judges} of ${many}`;
  return html`<section class="panel bench" aria-labelledby="g4"><h2 id="g4">${over ? "Your verdicts" : `Picture ${Math.min(at + 1, many)} of ${many}: real or forged?`}</h2>
    ${fault ? html`<p class="bad">${fault}</p>` : over ? html`<output data-testid="judge-score">${words}</output>
        <p class="ink2">${mine > judges ? "You see more than the network does." : mine === judges ? "As good as the network." : "The network sees what you do not."} Step ${int(round[0].step)}; later it is harder.</p>
        <div class="pile">${round.map((one, i) => html`<${Figure} image=${images[i]} className=${right(one, said[i]) ? "yes" : "no"} label=${`${one.real ? "Real" : "Forged"}; you said ${word(said[i])}, the judge ${word(one.belief > 0.5)}`}><span class=${one.real ? "real" : "fake"}>${word(one.real)}</span><br />you ${right(one, said[i]) ? "✓" : "✗"} · judge ${right(one, one.belief > 0.5) ? "✓" : "✗"}<//>`)}</div>`
      : html`<${Picture} image=${images[at]} testid="judge-picture" label=${told ? `A ${word(one.real)} picture` : `Picture ${at + 1}`} />
        <p class="answer" role="status" data-testid="judge-answer">${told ? html`<b class=${right(one, said[at]) ? "ok" : "bad"}>${right(one, said[at]) ? "Right" : "No"}: it is ${word(one.real)}.</b> The judge said ${word(one.belief > 0.5)}, with ${share(Math.max(one.belief, 1 - one.belief))}. You ${mine}, the judge ${judges}.` : close && "Keys: ← forged, → real."}</p>
        <div class="act">${told ? html`<button class="btn big primary" ref=${next} data-testid="judge-next" onClick=${() => setTold(false)}>${at + 1 < many ? "Next picture" : "See the result"}</button>`
          : html`<${Button} kind="big" off=${!one || !images[at]} act=${() => say(false)}>← Forged<//><${Button} kind="big" testid="say-real" off=${!one || !images[at]} act=${() => say(true)}>Real →<//>`}</div>`}
    <div class="act">${over && html`<button class="btn primary" ref=${next} data-testid="judge-again" onClick=${again}>Again, with other pictures</button><${Button} testid="judge-card" act=${() => card(round, images, said, words)}>${icon.down()}Save as a picture<//>`}
      ${close && html`<${Button} kind="quiet" act=${close}>${over ? "Back to the game" : "Leave"}<//>`}</div></section>`;
}

let seed = dice(2 ** 31); // of the pictures in the game, which stay until others are asked for

export function Game() {
  const [, other] = useState(seed);
  const [picked, setPicked] = useState({ at: 0 }); // at full speed also how it was when it was picked
  const [judging, setJudging] = useState(false);
  const [half, setHalf] = useState(false); // whether the judge has moved in this step, and the forger not yet
  const s = store.status;
  const plays = living() && s.shape && !s.points;
  const { data, fault } = useLooks("/api/look/duel", { count: PILE, seed }, `${s?.run}/${seed}`, plays);
  const stepwise = s?.state === "paused"; // both moves of a step are seen
  const moved = data?.fake.every((one) => one.before);
  useEffect(() => {
    if (!stepwise || !moved || calm()) return undefined;
    setHalf(true);
    const timer = setTimeout(() => setHalf(false), HALF);
    return () => clearTimeout(timer);
  }, [data?.step]);
  const forged = data?.fake.map((one) => (half && moved ? { ...one, ...one.before } : one));
  const [real, fake] = [useImages(data?.real.map((one) => one.png)), useImages(forged?.map((one) => one.png))];
  const begin = () => act("/api/train/start", { recipe: server.lab ? FAST : MANY });
  if (store.round) return html`<${ClassVote} />`;
  if (living() && s.points) return html`<${Field} key=${s.run} name=${s.run} />`;
  if (judging) return html`<${Judge} close=${() => setJudging(false)} />`;
  if (!plays || !data) return html`<div class="nothing" data-testid="game-nothing"><h2>${plays || s?.state === "loading" ? fault ?? "Opening the game…" : "A forger and a judge"}</h2>
    ${!plays && s?.state !== "loading" && html`<p>One network forges handwritten digits. Another judges which are real. Both begin knowing nothing.</p><${Button} kind="primary big" testid="game-start" off=${!mayWrite()} act=${begin}>${icon.play()}Let them play<//>`}</div>`;
  const [believed, doubted] = [mean(data.real), mean(forged)];
  const still = !stepwise && s.state === "training" && picked.one;
  const look = (at) => setPicked({ at, one: data.fake[at], step: data.step, since: data.since });
  const others = () => {
    seed = dice(2 ** 31);
    setPicked({ at: 0 });
    other(seed);
  };
  return html`<div class="table">
      <${Panel} id="g1" title=${html`<span class="real">Real</span>`} note="from the training set"><div class="pile">${data.real.map((p, i) => html`<${Picture} image=${real[i]} label=${`Real; the judge says “real” with ${share(p.belief)}`} />`)}</div><//>
      <${Panel} id="g5" className="judge" title="The judge" note=${`step ${int(data.step)}`}><${Dial} needles=${[[doubted, "fake"], [believed, "real"]]} label=${`The judge thinks that a real picture is real with ${share(believed)}, a forged one with ${share(doubted)}`} />
        <p class="small"><${Beliefs} who="it" real=${believed} fake=${doubted} /></p>
        <p class="ink2" data-testid="game-verdict">${half && moved ? "The judge has learned. Now the forger…" : verdict(believed - doubted)}</p>
        <div class="act"><${Button} act=${others}>Other pictures<//><${Button} kind="primary big" testid="game-judge" act=${() => setJudging(true)}>Be the judge<//>${store.pile?.open && html`<${Button} kind="big" testid="game-class" off=${!mayWrite()} act=${nextRound}>Let the class judge<//>`}</div><//>
      <${Panel} id="g2" title=${html`<span class="fake">Forged</span>`} note="click one to follow it"><div class="pile">${forged.map((p, i) => html`<button aria-pressed=${picked.at === i} data-testid=${`forged-${i}`} onClick=${() => look(i)}><${Picture} image=${fake[i]} label=${`Forged; the judge says “real” with ${share(p.belief)}`} /></button>`)}</div><//></div>
    <${Heard} one=${still ? picked.one : data.fake[picked.at]} step=${still ? picked.step : data.step} since=${still ? picked.since : data.since} />`;
}
