// The story's figures. The forger of the second scene and the judge of the third are nets that run here; the others play
// what runs of Mulligan recorded, or train in this page. The words stand in index.html.

import { Break } from "./breakit.js";
import { Dial, share } from "./game.js";
import { oneStep } from "./gradient.js";
import { Button, Segments, byArrows, html, placeOf, render, useEffect, useMemo, useRef, useState } from "./html.js";
import { Grey, Machine } from "./machine.js";
import { dice } from "./numbers.js";
import { LARGE, Pad, pixels, small, wipe } from "./pad.js";
import { blank, paintGrey, save, sheet } from "./pictures.js";
import { AREA, SIDE, counted, forger, openForger, openRecord, record, usePlaying } from "./recorded.js";
import { Mine, Yours } from "./smileys.js";
import { Found, Stage } from "./stage.js";
import { calm, changed } from "./store.js";

const [MORPH, STAY] = [900, 1400]; // ms from one digit to the next, and until another number comes by itself
const ROUND = 5; // real and forged pictures of a round
const [STROKES, FORCE, NIB] = [10, 0.8, 1.1]; // of the pen; how much brighter (black is −1, white 1); its radius in pixels
const [GLOW, FAINT] = [4.5, 0.16]; // pixels around the pen in which the wish glows; elsewhere it is fainter
const MOST = 1e4; // of a number that comes by itself

function lay(canvas, grey, side = canvas.width) {
  const one = blank(SIDE, SIDE);
  paintGrey(one, grey, SIDE, SIDE, 0, 255);
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  ink.imageSmoothingEnabled = false;
  ink.drawImage(one, 0, 0, side, side);
}

/** A card to keep: a picture, its black and white −1 and 1, and words below it. */
function keepCard(picture, words) {
  const [canvas, , write] = sheet(840, 960);
  lay(canvas, picture.map((v) => 127.5 * (v + 1)), 840);
  write(words, 420, 915, 36, "#e9eeeb");
  save(canvas, words);
}

const sure = (belief) => `The judge is ${share(belief)} sure that it is real`;

/** The machine with one picture in it. */
const Judging = ({ of, grey, lit = "picture judge needle" }) => html`<${Machine} lit=${lit} needles=${[[of, "judge"]]} label=${sure(of)} picture=${html`<${Grey} of=${grey} label="The picture" />`} />`;

// ── the figures, by the names that index.html gives them ──

const FIGURES = {
  Mine,
  Stage,
  Found,
  Break,
  Yours,

  Numbers() {
    const field = useRef();
    const [first] = useState(/^#story\?n=(\d{1,15})$/.exec(location.hash)?.[1]); // of a link to a number
    const [text, setText] = useState(first ?? "1984");
    const [shown, show] = useState();
    const w = useRef({ from: 2026, to: Number(text), t: Number(calm()), rest: 0, own: calm() || first != null }).current;
    const paint = () => show([forger.noise(w.from, w.to, w.t), forger.draw(w.from, w.to, w.t)]);
    const go = (to) => {
      Object.assign(w, { from: w.to, to, t: calm() ? 1 : 0, rest: 0 });
      paint();
    };
    useEffect(paint, []);
    usePlaying(field, (ms) => {
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
    return html`<${Machine} lit="noise forger picture" noise=${shown?.[0]} picture=${shown && html`<${Grey} of=${shown[1]} low=${-1} high=${1} label=${`The digit of the number ${text}`} testid="story-digit" />`} />
      <div class="act" ref=${field}><label for="number">A number</label><input id="number" class="in" inputmode="numeric" autocomplete="off" maxlength="15" value=${text} data-testid="story-number" onFocus=${() => { w.own = true; }} onInput=${(e) => typed(e.target.value = e.target.value.replace(/\D/g, ""))} /><${Button} testid="story-dice" act=${() => typed(String(dice(MOST)))}>Another<//><${Button} testid="story-keep" act=${() => keepCard(forger.draw(w.to, w.to, 1), `${w.to}, drawn by a network`)}>Keep it<//></div>`;
  },

  Needle() {
    const pad = useRef();
    const [grey, setGrey] = useState(record.picture("real", 0));
    const at = useMemo(() => record.believe(grey), [grey]);
    const judged = () => setGrey(pixels(small(pad.current, LARGE, LARGE, SIDE)).filter((_, i) => i % 3 === 0));
    const show = (name, i) => {
      lay(pad.current, record.picture(name, i));
      setGrey(record.picture(name, i));
    };
    const blank = () => {
      wipe(pad.current);
      judged();
    };
    useEffect(() => show("real", 0), []);
    return html`<${Judging} of=${at} grey=${grey} /><div class="give">${[["real", "real"], ["young", "forged"]].map(([name, word]) => html`<span class=${word === "real" ? "real" : "fake"}>${word}</span>${counted(ROUND).map((i) => html`<button aria-label=${`Show the judge the ${word} picture ${i + 1}`} data-testid=${`give-${word}-${i}`} onClick=${() => show(name, i)}><${Grey} of=${record.picture(name, i)} /></button>`)}`)}</div>
      <div><${Pad} canvas=${pad} testid="story-pad" inked=${judged} /><${Button} testid="story-wipe" act=${blank}>Wipe, and draw<//></div>
      <p role="status" data-testid="story-verdict">“${at > 0.5 ? html`<b class="real">Real</b>` : html`<b class="fake">Forged</b>`}”, ${share(Math.max(at, 1 - at))} sure. It has only ever seen these two piles: it must choose, whatever you draw.</p>`;
  },

  Turn() {
    const canvas = useRef();
    const [at, setAt] = useState(0);
    const [moment, parts, words] = [
      ["before", "picture judge needle", "A forged picture, and what the judge thinks of it."],
      ["before", "judge back", html`What the judge would rather see: <b class="fake">orange</b> means brighter, <b class="real">blue</b> darker.`],
      ["forger", "noise forger picture needle", "The forger has changed itself a little, to draw more as the judge wished. It is believed more."],
      ["both", "judge picture needle", "But the judge has learned as well, from real and forged pictures. It does not fall for this one again."],
    ][at];
    const { change, wish } = record.arrays;
    const first = record.picture("young", 0);
    const grey = useMemo(() => Float32Array.from(first, (v, i) => v + (at > 1 ? record.turn.change * change[i] : 0)), [at > 1]);
    useEffect(() => {
      lay(canvas.current, grey);
      if (at === 1) drawGlow(canvas.current, record.scaled(first), wish);
    }, [at]);
    return html`<${Judging} of=${record.turn[moment]} grey=${grey} lit=${parts} /><canvas ref=${canvas} width="560" height="560" role="img" aria-label="The picture" data-testid="story-turn" />
      <div class="judge"><p role="status"><b>“Real” with ${(100 * record.turn[moment]).toFixed(1)} %.</b> ${words}</p><${Button} kind="primary" testid="move-next" act=${() => setAt((at + 1) % 4)}>${at < 3 ? `Next, ${at + 1} of 3` : "Once more"}<//></div>`;
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
      <div class="judge"><${Segments} label="Pen" of=${[[-1, "Darker", { "data-testid": "tone-0" }], [1, "Brighter", { "data-testid": "tone-1" }]]} at=${tone} set=${setTone} /><${Dial} needles=${[[at.belief, "judge"]]} label=${sure(at.belief)} />
        <div class="beside"><p role="status" data-testid="paint-words">${at.heard ? html`<b>${score < 100 ? `Your score is ${Math.max(0, score)} of 100.` : `${score} of 100: you beat it!`}</b> You came from ${share(first)} to ${share(at.belief)}. The gradient, with as much paint, came to ${share(at.heard.belief)}.` : html`<b>${at.strokes ? `Stroke ${at.strokes} of ${STROKES}.` : "Ten strokes."}</b> Make the judge say “real”.`}</p>${at.heard && html`<${Grey} of=${at.heard.picture} low=${-1} high=${1} label="The gradient’s picture" testid="paint-heard" />`}</div>
        <div class="act"><${Button} kind=${at.heard ? "primary" : ""} testid="paint-again" act=${() => setAt(fresh(at.n))}>Once more<//><${Button} testid="paint-other" act=${() => setAt(fresh((at.n + 1) % record.young.fake.length))}>Another picture<//>${at.heard && html`<${Button} testid="paint-keep" act=${() => keepCard(pen.now, `I was the gradient, ${Math.max(0, score)} of 100`)}>Keep it<//>`}</div></div>`;
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
    put(places.slice(0, 1));
    await openForger();
    put(places.slice(1, 2));
    await openRecord();
    put(places.slice(2));
    changed(true); // what waits for the record, such as scene 1
  } catch (error) {
    places[0].textContent = `A part of this page could not be loaded (${error.message}). Load the page again.`;
  }
}
