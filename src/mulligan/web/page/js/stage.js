// The stage of what takes thousands of steps: digits become dots, each near the corner of the digit it looks like.

import { Brief } from "./diagnosis.js";
import { share } from "./game.js";
import { Button, Slider, byArrows, html, placeOf, useAgain, useEffect, useRef, useState } from "./html.js";
import { int } from "./numbers.js";
import { blank, css, paintGrey } from "./pictures.js";
import { counted, record, usePlaying } from "./recorded.js";
import { calm } from "./store.js";
import { TriesLine } from "./tries.js";

const [TINY, WIDE, DOT, LARGE] = [14, 800, 9, 168]; // pixels of a dot's picture, of the stage, of a dot, and of a picture that is looked at
const [CELL, ROW] = [WIDE / 10.5, 5]; // of a picture, and how many are in a row
const [FRAME, FLIGHT] = [400, 1500]; // ms of a recorded frame, and of the way from pictures to dots
const BEATS = { digits: ["healthy", "Make them dots"], dots: ["healthy", "Play the game"], play: ["healthy", "Take the brake off"], brake: ["failed", "Mulligan"], second: ["second", "Once more"] };

const corner = (k) => [0.5 + 0.36 * Math.sin((2 * Math.PI * k) / 10), 0.5 - 0.36 * Math.cos((2 * Math.PI * k) / 10)];
const far = ([x, y], [u, v]) => Math.hypot(x - u, y - v);
const nearest = (spot) => counted(10).reduce((best, k) => (far(spot, corner(k)) < far(spot, corner(best)) ? k : best), 0);

/** Places of the dots of a frame, from 0 to 1. */
function placesOf(name, frame) {
  const { count } = record.stage;
  const all = record.picture(`${name}.places`, frame, 2 * count);
  return counted(count).map((i) => [all[2 * i] / 255, all[2 * i + 1] / 255]);
}

const sheets = new Map();

/** The pictures of a frame, one below the other. */
function sheetOf(name, frame) {
  const key = `${name}/${frame}`;
  if (!sheets.has(key)) {
    const sheet = blank(1, 1);
    paintGrey(sheet, record.picture(`${name}.small`, frame, record.stage.count * TINY * TINY), TINY, TINY * record.stage.count, 0, 255);
    sheets.set(key, sheet);
  }
  return sheets.get(key);
}

export function Stage() {
  const canvas = useRef();
  const [beat, setBeat] = useState("digits");
  const [name, next] = BEATS[beat];
  const { steps, beliefs } = record.stage[name];
  const last = steps.length - 1;
  const w = useRef({ at: last, spread: 0, plays: false }).current;
  const [at, setAt] = useState(last);
  w.at = Math.min(w.at, last); // of a longer run before
  const [picked, pick] = useState(null); // the real ones first
  const { count, radius } = record.stage;

  /** What is drawn now, and nothing else is counted. */
  const dots = () => {
    const [frame, part] = [Math.floor(w.at), w.at % 1];
    const then = placesOf(name, Math.min(last, frame + 1));
    const fake = placesOf(name, frame).map(([x, y], i) => [x + part * (then[i][0] - x), y + part * (then[i][1] - y)]);
    return [...placesOf("real", 0).map((spot) => ["real", spot]), ...fake.map((spot) => ["fake", spot])];
  };
  const isFound = (all, k) => all.some(([kind, spot]) => kind === "fake" && far(spot, corner(k)) <= radius);
  const paint = () => {
    const ink = canvas.current.getContext("2d");
    const all = dots();
    const ease = w.spread * w.spread * (3 - 2 * w.spread);
    const show = (n, x, y, size) => {
      const [kind, frame] = all[n][0] === "real" ? ["real", 0] : [name, Math.floor(w.at)];
      ink.drawImage(sheetOf(kind, frame), 0, TINY * (n % count), TINY, TINY, x - size / 2, y - size / 2, size, size);
    };
    const ring = (x, y, r, finish) => {
      ink.beginPath();
      ink.arc(x, y, r, 0, 7);
      ink[finish]();
    };
    ink.imageSmoothingEnabled = false;
    ink.fillStyle = css("--map-zero");
    ink.fillRect(0, 0, WIDE, WIDE);
    Object.assign(ink, { globalAlpha: ease, strokeStyle: css("--ink-2"), fillStyle: css("--ink"), lineWidth: 2, font: "600 28px system-ui", textAlign: "center", textBaseline: "middle" });
    counted(10).forEach((k) => {
      const [x, y] = corner(k);
      ink.setLineDash(isFound(all, k) ? [] : [8, 8]);
      ring(x * WIDE, y * WIDE, radius * WIDE, "stroke");
      ink.fillText(k, (0.5 + 1.18 * (x - 0.5)) * WIDE, (0.5 + 1.18 * (y - 0.5)) * WIDE);
    });
    ink.setLineDash([]);
    w.spots = all.map(([kind, spot], n) => {
      const grid = [(kind === "real" ? 0.8 : 5.9) + ((n % count) % ROW) * 0.95, 0.8 + Math.floor((n % count) / ROW)];
      return grid.map((v, k) => v * CELL + ease * (spot[k] * WIDE - v * CELL));
    });
    all.forEach(([kind], n) => {
      ink.fillStyle = css(`--${kind}`);
      if (ease > 0) ring(...w.spots[n], DOT + (1 - ease) * CELL * 0.6, "fill");
    });
    ink.globalAlpha = 1;
    if (ease < 1) all.forEach((_, n) => show(n, ...w.spots[n], 0.84 * CELL * (1 - ease)));
    if (picked == null) return;
    Object.assign(ink, { strokeStyle: css(`--${all[picked][0]}`), lineWidth: 5 });
    ring(...w.spots[picked], 2 * DOT, "stroke");
    show(picked, WIDE / 2, WIDE / 2, LARGE);
    ink.strokeRect((WIDE - LARGE) / 2, (WIDE - LARGE) / 2, LARGE, LARGE);
  };
  const look = (v) => {
    w.at = v;
    setAt(Math.floor(v));
    paint();
  };
  const theme = useAgain("mulligan-theme");
  useEffect(() => {
    w.plays = ["play", "brake", "second"].includes(beat) && !calm();
    w.to = beat === "digits" ? 0 : 1;
    if (calm()) w.spread = w.to;
    look(w.plays ? 0 : last);
  }, [beat]);
  useEffect(() => paint(), [theme, picked]);
  useEffect(() => {
    const watch = new IntersectionObserver((all) => all.forEach(({ isIntersecting, target }) => isIntersecting && setBeat(target.dataset.beat)), { rootMargin: "-60% 0px -39% 0px" });
    document.querySelectorAll("[data-beat]").forEach((place) => watch.observe(place));
  }, []);
  usePlaying(canvas, (ms) => {
    if (w.spread !== w.to) {
      w.spread = w.to ? Math.min(1, w.spread + ms / FLIGHT) : Math.max(0, w.spread - ms / FLIGHT);
      paint();
    } else if (w.plays) {
      w.plays = w.at < last;
      look(Math.min(last, w.at + ms / FRAME));
    }
  });
  const go = () => {
    const there = document.querySelector(`[data-beat=${beat}] + [data-beat]`);
    if (there) return there.scrollIntoView();
    w.plays = !calm();
    look(w.plays ? 0 : last);
  };
  const drag = (v) => {
    w.plays = false;
    look(v);
  };
  const hover = (e) => {
    const spot = placeOf(e).map((v) => v * WIDE);
    const best = counted(2 * count).reduce((near, i) => (far(spot, w.spots[i]) < far(spot, w.spots[near]) ? i : near), count);
    pick(far(spot, w.spots[best]) < 40 ? best : null);
  };
  const all = dots();
  const [real, fake] = beliefs[Math.min(at, last)];
  const lie = `the ${count} forged ones lie at ${counted(10).filter((k) => isFound(all, k)).length} of 10 corners`;
  const words = `Step ${int(steps[Math.min(at, last)])}: ${beat === "digits" ? `${count} forged pictures` : lie}.`;
  const one = picked != null && ` This ${all[picked][0] === "real" ? "real" : "forged"} one is nearest to ${nearest(all[picked][1])}.`;
  return html`<canvas ref=${canvas} width=${WIDE} height=${WIDE} tabindex="0" role="application" data-shows=${beat} aria-label=${`${words}${one || " Arrow keys go from dot to dot."}`} data-testid="stage" onPointerMove=${hover} onPointerDown=${hover} onPointerLeave=${() => pick(null)} onBlur=${() => pick(null)}
      onKeyDown=${byArrows((x, y) => pick((n) => ((n ?? count - 1) + x + y + 2 * count) % (2 * count)))} />
    <p class="small" role="status"><b data-testid="stage-words">${words}</b> The judge says “real” of the <span class="real">real ones with ${share(real)}</span>, of the <span class="fake">forged with ${share(fake)}</span>.${one}</p>
    <div class="act"><${Slider} label="Time" text=${words} max=${last} value=${at} testid="stage-time" onInput=${drag} /><${Button} kind="primary" testid="stage-next" act=${go}>${next}<//></div>`;
}

/** What Mulligan said of the run that failed, and what it changed for the second try. */
export function Found() {
  const { failed: { advice }, second: { steps } } = record.stage;
  const tries = [{ number: 1, recipe: "digits", step: advice.step, state: "failed", alarm: { step: advice.step, state: advice.title.toLowerCase() } }, { number: 2, recipe: "digits", parent: 1, from_step: steps[0], step: steps.at(-1), state: "finished" }];
  return html`<p><b class="bad">${advice.title} at step ${int(advice.step)}.</b> ${advice.text.replace(/^G /, "The forger ")}</p><${Brief} advice=${advice} from=${steps[0]} /><${TriesLine} tries=${tries} current=${2} steps=${steps.at(-1)} />`;
}
