// The story's figures. The forger of the first two and the judge of the third are nets that run here; the others play what
// runs of Mulligan recorded (benchmarks/story.py). The words stand in index.html.

import { Chance } from "../chance.js";
import { Network } from "../network.js";
import { Changes, EvidenceLine } from "./diagnosis.js";
import { Dial, Judge, share } from "./game.js";
import { openJudge, oneStep } from "./gradient.js";
import { NEAR, drawField } from "./field.js";
import { Button, Segments, Slider, byArrows, html, placeOf, render, useAgain, useEffect, useMemo, useRef, useState } from "./html.js";
import { dice, int, sigmoid } from "./numbers.js";
import { LARGE, Pad, pixels, small, wipe } from "./pad.js";
import { blank, paintGrey } from "./pictures.js";
import { calm } from "./store.js";
import { TriesLine } from "./tries.js";

const SIDE = 28;
const AREA = SIDE * SIDE;
const [MORPH, STAY] = [900, 1400]; // ms from one digit to the next, and until another number comes by itself
const FRAME = 130; // ms of a recorded frame
const ROUND = 5; // real and forged pictures of a round
const TILES = [12, 8]; // the forger's numbers as a picture
const [STROKES, FORCE, NIB] = [10, 0.8, 1.1]; // of the pen; how much brighter (black is −1, white 1); its radius in pixels
const [GLOW, FAINT] = [4.5, 0.16]; // pixels around the pen in which the wish glows; elsewhere it is fainter
const MOST = 1e4; // of a number that comes by itself

const counted = (n) => [...Array(n).keys()];

/** A description, and the bytes of the arrays that it names. */
async function bundle(name) {
  const bytes = new Uint8Array(await (await fetch(name)).arrayBuffer());
  const end = bytes.indexOf(10);
  const about = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const stream = new Blob([bytes.subarray(end + 1)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return [about, new Uint8Array(await new Response(stream).arrayBuffer())];
}

/** The trained forger: its input and its picture on the way from one number to another. */
async function openForger() {
  const [about, bytes] = await bundle("forger.bin");
  const net = Network.build(about, bytes);
  const [latent, label] = [(seed) => Chance.latent(seed, about.latent.dim, "normal"), (seed) => Chance.label(seed, about.class_edges)];
  const noise = (from, to, t) => Chance.between(latent(from), latent(to), t);
  return { noise, draw: (from, to, t) => net(noise(from, to, t), about.classes.map((_, k) => (1 - t) * (k === label(from)) + t * (k === label(to)))) };
}

async function openRecord() {
  const [about, bytes] = await bundle("story.bin");
  const arrays = Network.read(bytes, about.entries);
  const judge = openJudge(about.judge, arrays);
  const scaled = (grey) => Float32Array.from(grey, (v) => v / 127.5 - 1);
  return { ...about, arrays, judge, scaled, picture: (name, i) => arrays[name].subarray(i * AREA, (i + 1) * AREA), believe: (grey) => judge(scaled(grey)).belief };
}

let [forger, record] = [];

/** Call `frame` with the milliseconds since the last call while an element is on the screen. */
function usePlaying(box, frame) {
  const newest = useRef();
  newest.current = frame;
  useEffect(() => {
    let [id, before] = [0, 0];
    const turn = (now) => {
      newest.current(Math.min(100, now - before));
      before = now;
      id = requestAnimationFrame(turn);
    };
    const watch = new IntersectionObserver(([{ isIntersecting }]) => {
      cancelAnimationFrame(id);
      if (isIntersecting) id = requestAnimationFrame(turn);
    });
    watch.observe(box.current);
  }, []);
}

function Grey({ of, label, low = 0, high = 255, size: [width, height] = [SIDE, SIDE], testid }) {
  const canvas = useRef();
  useEffect(() => paintGrey(canvas.current, of, width, height, low, high), [of]);
  return html`<canvas class="px" ref=${canvas} role=${label && "img"} aria-label=${label} data-testid=${testid} />`;
}

function lay(canvas, grey) {
  const one = blank(SIDE, SIDE);
  paintGrey(one, grey, SIDE, SIDE, 0, 255);
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  ink.imageSmoothingEnabled = false;
  ink.drawImage(one, 0, 0, canvas.width, canvas.height);
}

const sure = (belief) => `The judge is ${share(belief)} sure that it is real`;
const Sure = ({ of }) => html`<${Dial} needles=${[[of, "judge"]]} label=${sure(of)} />`;

// ── the figures, by the names that index.html gives them ──

const FIGURES = {
  Numbers() {
    const canvas = useRef();
    const [first] = useState(/^#story\?n=(\d{1,15})$/.exec(location.hash)?.[1]); // of a link to a number
    const [text, setText] = useState(first ?? "1984");
    const w = useRef({ from: 2026, to: Number(text), t: Number(calm()), rest: 0, own: calm() || first != null }).current;
    const paint = () => paintGrey(canvas.current, forger.draw(w.from, w.to, w.t), SIDE, SIDE, -1, 1);
    const go = (to) => {
      Object.assign(w, { from: w.to, to, t: calm() ? 1 : 0, rest: 0 });
      paint();
    };
    useEffect(paint, []);
    usePlaying(canvas, (ms) => {
      if (w.t < 1) {
        w.t = Math.min(1, w.t + ms / MORPH);
        paint();
      } else if (!w.own && (w.rest += ms) > STAY) {
        go(dice(MOST));
        setText(w.to);
      }
    });
    const typed = (words) => {
      setText(words);
      w.own = true;
      if (!words) return;
      go(Number(words));
      history.replaceState(null, "", `#story?n=${words}`);
    };
    return html`<canvas ref=${canvas} role="img" aria-label=${`The digit of the number ${text}`} data-testid="story-digit" />
      <div><label for="number">A number</label><input id="number" class="in" inputmode="numeric" autocomplete="off" maxlength="15" value=${text} data-testid="story-number" onFocus=${() => { w.own = true; }} onInput=${(e) => typed(e.target.value = e.target.value.replace(/\D/g, ""))} />
        <${Button} testid="story-dice" act=${() => typed(String(dice(MOST)))}>Another<//></div>`;
  },

  Noise() {
    const [ends, setEnds] = useState([1984, 2026]);
    const [t, setT] = useState(0);
    const [noise, drawn] = useMemo(() => [forger.noise(...ends, t / 100), forger.draw(...ends, t / 100)], [ends, t]);
    const other = () => {
      setEnds([ends[1], dice(MOST)]);
      setT(0);
    };
    return html`<div class="flow"><${Grey} of=${noise} low=${-2.5} high=${2.5} size=${TILES} label="Noise: 96 random numbers" /><b class="fake">→ forger →</b><${Grey} of=${drawn} low=${-1} high=${1} label="The picture made of it" testid="story-made" /></div>
      <div class="act"><${Button} act=${other}>Other noise<//><span>stir it</span><${Slider} label="Stir the noise" text=${share(t / 100)} value=${t} testid="story-stir" onInput=${setT} /></div>`;
  },

  Practice() {
    const { steps, count } = record.practice;
    const [at, setAt] = useState(0);
    return html`<div class="eight">${useMemo(() => counted(count).map((i) => html`<${Grey} of=${record.picture("practice", at * count + i)} label=${`Picture ${i + 1}`} testid=${`practice-${i}`} />`), [at])}</div>
      <div class="act"><b role="status">After ${int(steps[at])} steps</b><${Slider} label="Practice" text=${`${int(steps[at])} steps`} max=${steps.length - 1} value=${at} testid="story-practice" onInput=${setAt} /></div>`;
  },

  Needle() {
    const pad = useRef();
    const [at, setAt] = useState(0.5);
    const judged = () => setAt(record.believe(pixels(small(pad.current, LARGE, LARGE, SIDE)).filter((_, i) => i % 3 === 0)));
    const show = (name, i) => {
      lay(pad.current, record.picture(name, i));
      setAt(record.believe(record.picture(name, i)));
    };
    const blank = () => {
      wipe(pad.current);
      judged();
    };
    useEffect(() => show("real", 0), []);
    return html`<div class="give">${[["real", "real"], ["young", "forged"]].map(([name, word]) => html`<span class=${word === "real" ? "real" : "fake"}>${word}</span>${counted(ROUND).map((i) => html`<button aria-label=${`Show the judge the ${word} picture ${i + 1}`} data-testid=${`give-${word}-${i}`} onClick=${() => show(name, i)}><${Grey} of=${record.picture(name, i)} /></button>`)}`)}</div>
      <div><${Pad} canvas=${pad} testid="story-pad" inked=${judged} /><${Button} testid="story-wipe" act=${blank}>Wipe, and draw<//></div>
      <div class="judge"><${Sure} of=${at} /><p role="status" data-testid="story-verdict">“${at > 0.5 ? html`<b class="real">Real</b>` : html`<b class="fake">Forged</b>`}”, ${share(Math.max(at, 1 - at))} sure. It has only ever seen these two piles: it must choose, whatever you draw.</p></div>`;
  },

  Duel() {
    const canvas = blank(SIDE, SIDE);
    const drawn = (name) => counted(record.votes[name].length).sort(() => Math.random() - 0.5).slice(0, ROUND).map((i) => {
      paintGrey(canvas, record.picture(name, i), SIDE, SIDE, 0, 255);
      return { png: canvas.toDataURL(), belief: record.votes[name][i] };
    });
    return html`<${Judge} ask=${async () => ({ step: record.practice.steps.at(-1), real: drawn("real"), fake: drawn("fake") })} />`;
  },

  Turn() {
    const canvas = useRef();
    const [at, setAt] = useState(0);
    const [moment, words] = [
      ["before", "A forged picture, and what the judge thinks of it."],
      ["before", html`What the judge would rather see: <b class="fake">orange</b> means brighter, <b class="real">blue</b> darker.`],
      ["forger", "The forger has changed itself a little, to draw more as the judge wished. It is believed more."],
      ["both", "But the judge has learned as well, from real and forged pictures. It does not fall for this one again."],
    ][at];
    useEffect(() => {
      const { change, wish } = record.arrays;
      const grey = record.picture("young", 0);
      lay(canvas.current, Float32Array.from(grey, (v, i) => v + (at > 1 ? record.turn.change * change[i] : 0)));
      if (at === 1) drawGlow(canvas.current, record.scaled(grey), wish);
    }, [at]);
    return html`<canvas ref=${canvas} width="560" height="560" role="img" aria-label="The picture" data-testid="story-turn" />
      <div class="judge"><${Sure} of=${record.turn[moment]} /><p role="status"><b>“Real” with ${(100 * record.turn[moment]).toFixed(1)} %.</b> ${words}</p><${Button} kind="primary" testid="move-next" act=${() => setAt((at + 1) % 4)}>${at < 3 ? `Next, ${at + 1} of 3` : "Once more"}<//></div>`;
  },

  Paint() {
    const canvas = useRef();
    const [tone, setTone] = useState(1);
    const pen = useRef({}).current;
    const fresh = (n) => {
      Object.assign(pen, { first: record.scaled(record.picture("young", n)), place: [14, 14], touched: null }); // touched: how much the stroke has changed each pixel, of 1
      pen.now = pen.first;
      pen.seen = record.judge(pen.now);
      return { n, strokes: 0, belief: record.young.fake[n], heard: null };
    };
    const [at, setAt] = useState(() => fresh(record.young.fake.indexOf(Math.min(...record.young.fake))));
    const paint = () => {
      lay(canvas.current, pen.now.map((v) => 127.5 * (v + 1)));
      if (!at.heard) drawGlow(canvas.current, pen.now, pen.seen.wish(), pen.place);
    };
    const touch = (place) => {
      const steps = Math.max(1, Math.ceil(2 * Math.hypot(place[0] - pen.place[0], place[1] - pen.place[1])));
      for (let s = 1; s <= steps; s++) {
        const spot = pen.place.map((v, k) => v + ((place[k] - v) * s) / steps);
        pen.touched = pen.touched.map((v, i) => Math.max(v, nearness(i, spot, NIB)));
      }
      pen.now = pen.before.map((v, i) => Math.min(1, Math.max(-1, v + tone * FORCE * pen.touched[i])));
      pen.seen = record.judge(pen.now);
      setAt((was) => ({ ...was, belief: pen.seen.belief }));
    };
    const down = (place) => {
      if (at.strokes === STROKES) return;
      Object.assign(pen, { before: pen.now, touched: new Float32Array(AREA), place });
      touch(place);
      setAt((was) => ({ ...was, strokes: was.strokes + 1 }));
    };
    const move = (place) => {
      if (pen.touched) touch(place);
      pen.place = place;
      paint();
    };
    const up = () => {
      if (!pen.touched) return;
      pen.touched = null;
      setAt((was) => ({ ...was, heard: was.strokes === STROKES ? oneStep(record.judge, pen.first, pen.now) : null }));
    };
    const spotOf = (e) => placeOf(e).map((v) => v * SIDE);
    const arrows = byArrows((...way) => move(pen.place.map((v, k) => Math.min(SIDE - 0.5, Math.max(0.5, Math.floor(v) + 0.5 + way[k])))));
    const key = (e) => {
      arrows(e);
      if (e.key !== " ") return;
      e.preventDefault();
      pen.touched ? up() : down(pen.place);
    };
    useEffect(paint, [at]);
    const first = record.young.fake[at.n];
    const score = at.heard && Math.round((100 * (at.belief - first)) / (at.heard.belief - first));
    return html`<canvas ref=${canvas} width="560" height="560" tabindex="0" role="application" aria-label=${`A forged picture to paint on. Arrow keys move the pen; the space bar sets it down and lifts it. ${sure(at.belief)}.`} data-testid="paint"
        onPointerDown=${(e) => { e.currentTarget.setPointerCapture(e.pointerId); down(spotOf(e)); }} onPointerMove=${(e) => move(spotOf(e))} onPointerUp=${up} onPointerCancel=${up} onKeyDown=${key} onBlur=${up} />
      <div class="judge"><${Segments} label="Pen" of=${[[-1, "Darker", { "data-testid": "tone-0" }], [1, "Brighter", { "data-testid": "tone-1" }]]} at=${tone} set=${setTone} /><${Sure} of=${at.belief} />
        <div class="beside"><p role="status" data-testid="paint-words">${at.heard ? html`<b>${score < 100 ? `Your score is ${Math.max(0, score)} of 100.` : `${score} of 100: you beat it!`}</b> You came from ${share(first)} to ${share(at.belief)}. The gradient, with as much paint, came to ${share(at.heard.belief)}.` : html`<b>${at.strokes ? `Stroke ${at.strokes} of ${STROKES}.` : "Ten strokes."}</b> Make the judge say “real”.`}</p>${at.heard && html`<${Grey} of=${at.heard.picture} low=${-1} high=${1} label="The gradient’s picture" testid="paint-heard" />`}</div>
        <div class="act"><${Button} kind=${at.heard ? "primary" : ""} testid="paint-again" act=${() => setAt(fresh(at.n))}>Once more<//><${Button} testid="paint-other" act=${() => setAt(fresh((at.n + 1) % record.practice.count))}>Another picture<//></div></div>`;
  },

  Ring: () => html`<${Ring} name="healthy" testid="ring" />`,

  Collapse() {
    const [off, setOff] = useState(false);
    const [ended, setEnded] = useState(false);
    const { advice } = record.ring.failed;
    return html`${!off && html`<${Button} kind="primary big" testid="brake" act=${() => setOff(true)}>Take the brake off<//>`}<${Ring} name="failed" testid="collapse" begins=${off} told=${(_, end) => setEnded(end)} />
      <div class="found" role="status" data-testid="story-diagnosis">${off && (ended ? html`<p><b class="bad">${advice.title} at step ${int(advice.step)}.</b> ${advice.text.replace(/^G /, "The forger ")}</p><ul class="ev">${advice.evidence.slice(0, 2).map((line) => html`<${EvidenceLine} line=${line} level="bad" />`)}</ul>` : html`<p>Mulligan measures while they play…</p>`)}</div>`;
  },

  Second() {
    const [pressed, setPressed] = useState(false);
    const { failed: { advice }, second: { steps } } = record.ring;
    const [step, setStep] = useState(steps[0]);
    const tries = [{ number: 1, recipe: "ring", step: advice.step, state: "failed", alarm: { step: advice.step, state: "mode collapse" } }, { number: 2, recipe: "ring", parent: 1, from_step: steps[0], step, state: "training" }];
    return html`<${TriesLine} tries=${tries.slice(0, 1 + pressed)} current=${1 + pressed} steps=${steps.at(-1)} would=${pressed ? null : steps[0]} /><${Changes} changes=${advice.changes.filter((c) => c.new != null)} from=${steps[0]} healthy=${steps[0]} />
      ${!pressed && html`<${Button} kind="primary big" testid="story-second" act=${() => setPressed(true)}>Mulligan<//>`}<${Ring} name="second" testid="again" begins=${pressed} told=${setStep} />`;
  },
};

/** How near the middle of pixel i is to a place: 1 there, e⁻¹ at a radius from it. */
const nearness = (i, [x, y], radius) => Math.exp(-(((i % SIDE) + 0.5 - x) ** 2 + (Math.floor(i / SIDE) + 0.5 - y) ** 2) / radius ** 2);

/** The wish as light on a picture: orange for brighter, blue for darker. With a pen, it is strong around that. */
function drawGlow(canvas, picture, wish, pen) {
  const ink = canvas.getContext("2d");
  const unit = canvas.width / SIDE;
  const most = wish.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0);
  wish.forEach((v, i) => {
    if (Math.sign(v) === picture[i]) return; // white cannot be brighter, nor black darker
    ink.globalAlpha = Math.sqrt(Math.abs(v) / most) * (pen ? Math.max(FAINT, nearness(i, pen, GLOW)) : 1);
    ink.fillStyle = v > 0 ? "#f0975c" : "#74aef5";
    ink.fillRect((i % SIDE) * unit, Math.floor(i / SIDE) * unit, unit, unit);
  });
  ink.globalAlpha = 1;
  Object.assign(ink, { strokeStyle: "#fff", lineWidth: 3 });
  ink.beginPath();
  if (pen) ink.arc(pen[0] * unit, pen[1] * unit, NIB * unit, 0, 7);
  ink.stroke();
}

/** What `drawField` draws, out of a recorded run; dots glide from frame to frame. */
function fieldAt(name, at) {
  const { ring, arrays } = record;
  const { low, high, side, centres } = ring;
  const [now, part] = [Math.floor(at), at % 1];
  const of = (kind, frame) => {
    const long = arrays[`${name}.${kind}`].length / ring[name].steps.length;
    return arrays[`${name}.${kind}`].subarray(frame * long, (frame + 1) * long);
  };
  const place = (list) => counted(list.length / 2).map((i) => [0, 1].map((k) => low + ((high - low) * list[2 * i + k]) / 255));
  const next = place(of("fake", Math.min(now + 1, ring[name].steps.length - 1)));
  const fake = place(of("fake", now)).map((spot, i) => spot.map((v, k) => v + part * (next[i][k] - v)));
  const ways = of("ways", now);
  const { reach } = ring[name];
  const arrows = counted(ways.length / 2).map((i) => [...fake[i], ways[2 * i], ways[2 * i + 1]]);
  const counts = centres.map(([x, y]) => fake.filter((spot) => Math.hypot(spot[0] - x, spot[1] - y) <= NEAR).length);
  // one scale for all of a run: the ground pales where the judge grows less sure
  return { low, high, side, fake, logits: of("map", now), reach: (127 * Math.max(...reach)) / reach[now], centre: 0, real: place(arrays.points), arrows, longest: 127, modes: { centres, counts } };
}

function Ring({ name, testid, told, begins = true }) {
  const canvas = useRef();
  const [at, setAt] = useState(0);
  const [plays, setPlays] = useState(false);
  const time = useRef(0);
  const { steps, reach } = record.ring[name];
  const last = steps.length - 1;
  const look = (v) => {
    time.current = v;
    setAt(Math.floor(v));
    told?.(steps[Math.floor(v)], v === last);
    drawField(canvas.current, fieldAt(name, v));
  };
  const theme = useAgain("mulligan-theme");
  useEffect(() => {
    setPlays(begins && !calm());
    look(begins && calm() ? last : 0);
  }, [name, begins]);
  useEffect(() => look(time.current), [theme]);
  usePlaying(canvas, (ms) => {
    if (!plays) return;
    look(Math.min(last, time.current + ms / FRAME));
    if (time.current === last) setPlays(false);
  });
  const toggle = () => {
    if (time.current === last) look(0);
    setPlays(!plays);
  };
  const drag = (v) => {
    setPlays(false);
    look(v);
  };
  const found = fieldAt(name, at).modes.counts.filter(Boolean).length;
  const words = `Step ${int(steps[at])}: ${found} of 8 clumps have a forged dot in their circle.`;
  return html`<canvas class="field" ref=${canvas} role="img" aria-label=${words} data-testid=${`${testid}-map`} /><div class="act"><${Button} testid=${`${testid}-play`} act=${toggle}>${plays ? "Pause" : at === last ? "Play again" : "Play"}<//><${Slider} label="Time" text=${words} max=${last} value=${at} testid=${`${testid}-time`} onInput=${drag} /></div>
    <p><b data-testid=${`${testid}-words`}>${words}</b> <span class="small">Where the colour is deepest, the judge is ${share(Math.min(0.99, sigmoid(reach[at])))} sure.</span></p>`;
}

let opened = false;

/** Put the figures in their places, the first ones first; they stay as they are while another view is open. */
export async function openStory() {
  if (opened) return;
  opened = true;
  const places = [...document.querySelectorAll("[data-figure]")];
  const put = (some) => some.forEach((place) => {
    place.className = `panel fig-${place.dataset.figure.toLowerCase()}`;
    render(html`<${FIGURES[place.dataset.figure]} />`, place);
  });
  try {
    forger = await openForger();
    put(places.slice(0, 2));
    record = await openRecord();
    put(places.slice(2));
  } catch (error) {
    places[0].textContent = `A part of this page could not be loaded (${error.message}). Load the page again.`;
  }
}
