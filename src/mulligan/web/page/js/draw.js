// Draw: one number gives one picture; is it a copy; one number becomes another.

import { Button, Panel, Slider, html, useEffect, useRef, useState } from "./html.js";
import { icon } from "./icons.js";
import { dice, int, num } from "./numbers.js";
import { decode, paint, paintDifference, values } from "./pictures.js";
import { begin, calm, latest, living, mayWrite, server, store } from "./store.js";

const FRAMES = 61;
const FPS = 30;
// Of the bundled generator: whole digits, those of a walk of different classes.
const [FIRST, ENDS] = [2026, [1969, 1984]];
const CALM = 300; // ms after the last change, before the address is updated

/** Ask again when something changes, or the server is back; the last answer stays until the next one. */
function useAnswer(ask, deps) {
  const [answer, set] = useState({});
  useEffect(() => (store.connected ? latest(ask(), (data, problem) => set({ data, fault: problem?.message })) : undefined), [...deps, store.connected]);
  return answer;
}

export function Picture({ image, label, className, testid }) {
  const canvas = useRef(null);
  useEffect(() => {
    if (image) paint(canvas.current, image);
    else canvas.current.width = canvas.current.width; // blank: the picture before was that of another seed
  }, [image]);
  return html`<canvas class=${`px ${image ? "" : "blank"} ${className ?? ""}`} ref=${canvas} role=${label ? "img" : null} aria-hidden=${label ? null : "true"} aria-label=${label} data-testid=${testid} width="28" height="28" />`;
}

export const Figure = ({ children, ...of }) => html`<figure><${Picture} ...${of} /><figcaption>${children}</figcaption></figure>`;

/** The difference of two pictures: orange where the first is brighter, blue where the second is. It may be enlarged as many times as it can be shown. */
export function Difference({ of: [a, b], enlarged, label, testid, children }) {
  const canvas = useRef(null);
  const [times, setTimes] = useState(1);
  useEffect(() => {
    if (!a || !b) return;
    const [first, second] = [values(a), values(b)];
    const most = enlarged ? first.reduce((largest, v, i) => Math.max(largest, Math.abs(v - second[i])), 1 / 255) : 1;
    setTimes(Math.floor(1 / most));
    paintDifference(canvas.current, first.map((v) => v / most), second.map((v) => v / most), a.width, a.height);
  }, [a, b]);
  return html`<figure><canvas class=${`px ${a && b ? "" : "blank"}`} ref=${canvas} width="28" height="28" role="img" aria-label=${label} data-testid=${testid} /><figcaption>${children}${times > 1 ? `, ${times} times enlarged` : ""}<br /><span class="fake">brighter</span>, <span class="real">darker</span></figcaption></figure>`;
}

export function useImages(pngs) {
  const [images, set] = useState([]);
  useEffect(() => pngs ? latest(Promise.all(pngs.map((png) => png && decode(png))), (found) => found && set(found)) : set([]), [pngs?.join()]);
  return images;
}

const number = (text) => {
  const digits = String(text ?? "").replaceAll(/[,\s]/g, "");
  return /^\d+$/.test(digits) && Number(digits) < 2 ** 53 ? Number(digits) : null;
};
const seeded = () => dice(1e6);

function SeedField({ value, set, label, testid, hide, className }) {
  const [text, setText] = useState(null);
  const bad = text != null && number(text) == null;
  const input = (e) => {
    setText(e.target.value);
    const n = number(e.target.value);
    if (n != null) set(n);
  };
  return html`<input class=${className ?? "in"} inputmode="numeric" autocomplete="off" value=${text ?? value} aria-label=${hide ? label : null} aria-invalid=${bad ? "true" : null} data-testid=${testid} onInput=${input} onBlur=${() => setText(null)} />
    ${bad && html`<span class="fault" role="status">The seed must be a whole number from 0 to 2⁵³ − 1, got “${text}”. Try 42.</span>`}`;
}

function One({ model, info, seed, setSeed, kind, setKind }) {
  const { data, fault } = useAnswer(async () => {
    const drawn = await server.get("/api/draw", { model, seed, class: kind });
    return { ...drawn, image: await decode(drawn.png) };
  }, [model, seed, kind]);
  const names = info?.class_names ?? [];
  return html`<${Panel} id="d1" title=${`One number, one ${names.join("") === "0123456789" ? "digit" : "picture"}`} note="same number, same picture">
    <div class="seed"><${SeedField} value=${seed} set=${setSeed} label="Seed, a whole number" testid="seed-input" hide className="" />
      <${Button} aria-label="Random seed" testid="seed-random" act=${() => setSeed(seeded())}>${icon.dice()}<//></div>
    <${Picture} image=${data?.image} className="digit" testid="digit" label=${data ? `Drawn from seed ${seed}${data.class_name ? `, class ${data.class_name}` : ""}` : "Not drawn yet"} />
    ${names.length > 0 && html`<select class="in wide-in" aria-label="Class" data-testid="class-select" onChange=${(e) => setKind(e.target.value === "" ? null : Number(e.target.value))}><option value="" selected=${kind == null}>Any class</option>${names.map((n, k) => html`<option value=${k} selected=${kind === k}>${n}</option>`)}</select>`}
    <p class="small">${fault ? html`<span class="bad">${fault}</span>` : names.length ? `The number above is a seed for chance: 7 need not give a 7. The class is chosen here.${data?.class_name ? ` Drawn: ${data.class_name}.` : ""}` : "This generator takes no class."}</p><//>`;
}

function Copy({ model, seed, kind }) {
  const { data, fault } = useAnswer(async () => {
    const found = await server.get("/api/nearest", { model, seed, class: kind });
    return { ...found, drawn: await decode(found.png), image: await decode(found.nearest) };
  }, [model, seed, kind]);
  const [level, verdict] = { "not a copy": ["ok", "Not a copy"], "near copy": ["warn", "Close to a training picture"] }[data?.verdict] ?? ["info", "Not known"];
  return html`<${Panel} id="d2" title="Is it a copy?" end=${data && html`<span class=${`end chip ${level}`} data-testid="copy-verdict">${icon[level]()}${verdict}</span>`}>
    ${fault ? html`<p class="small">${fault}</p>` : html`<div class="near"><${Figure} image=${data?.drawn} label="Generated">generated<//>
      <${Figure} image=${data?.image} testid="nearest" label=${data ? `Nearest training picture, number ${data.index}` : "Looking for the nearest"}>nearest, no. ${data ? int(data.index) : "–"}<//>
      <${Difference} of=${[data?.drawn, data?.image]} label="Difference: orange where the generated one is brighter, blue where the training picture is">generated is<//></div>
      <p class="small" aria-busy=${data ? null : "true"}>${data?.text ?? "Looking for the nearest training picture…"}</p>`}<//>`;
}


function Morph({ model, kind, name, ends: [from, to], setEnds }) {
  const [at, setAt] = useState(24);
  const [playing, setPlaying] = useState(false);
  const { data, fault } = useAnswer(async () => {
    const walk = await server.get("/api/walk", { model, from, to, frames: FRAMES, class: kind });
    return { ...walk, images: await Promise.all(walk.frames.map(decode)) };
  }, [model, from, to, kind]);
  useEffect(() => {
    if (!playing) return undefined;
    let way = 1;
    const timer = setInterval(() => setAt((now) => {
      if (now + way > FRAMES - 1 || now + way < 0) way = -way;
      return now + way;
    }), 1000 / FPS);
    return () => clearInterval(timer);
  }, [playing]);
  const play = () => (calm() ? setAt((now) => (now + 6) % FRAMES) : setPlaying(!playing));
  const go = (place) => { setPlaying(false); setAt(place); };
  const share = at / (FRAMES - 1);
  const end = (seed, set, place, label, testid) => html`<div class="end-of"><label>${label}<${SeedField} value=${seed} set=${set} label=${label} testid=${testid} /></label>
    <button aria-label=${`Show the picture of ${seed}`} onClick=${() => go(place)}><${Picture} image=${data?.images[place]} /></button></div>`;
  return html`<${Panel} id="d3" className="morph" title=${`Morph: from one number to another${name == null ? "" : ` · class ${name}`}`} note="two birthdays, perhaps">
    ${fault && html`<p class="small bad">${fault}</p>`}
    <div class="three-of">${end(from, (n) => setEnds([n, to]), 0, "This number", "walk-from")}
      <div class="middle"><${Picture} image=${data?.images[at]} testid="walk-frame" label=${`Walk at ${share.toFixed(2)} between seed ${from} and seed ${to}`} />
        <${Slider} value=${at} max=${FRAMES - 1} label="Position on the walk" testid="walk-slider" text=${share.toFixed(2)} onInput=${go} />
        <div class="act"><${Button} kind="primary" testid="walk-play" off=${!data} act=${play}>${playing ? icon.pause() : icon.play()}${playing ? "Pause" : calm() ? "Next" : "Play"}<//><${Button} kind="icon" aria-label="Two other numbers" title="Two other numbers" testid="walk-dice" act=${() => setEnds([seeded(), seeded()])}>${icon.dice()}<//></div></div>
      ${end(to, (n) => setEnds([from, n]), FRAMES - 1, "becomes this one", "walk-to")}</div><//>`;
}

/** Seeds in the address, 1969-1984; null where they are not as many. */
function seeds(text, count) {
  const found = (text ?? "").split("-").map(number);
  return found.length === count && !found.includes(null) ? found : null;
}
export function Draw({ query }) {
  const [models, setModels] = useState([]);
  const [model, setModel] = useState(query.get("model") ?? (living() && store.status.shape && !store.status.points ? "live" : "bundled"));
  const [seed, setSeed] = useState(number(query.get("seed")) ?? FIRST);
  const [kind, setKind] = useState(number(query.get("class")));
  const [ends, setEnds] = useState(seeds(query.get("morph"), 2) ?? ENDS);
  useEffect(() => { // so that a reload, the back button or a friend with the link sees the same pictures
    const more = { ...(kind == null ? {} : { class: kind }), ...(ends.join() === ENDS.join() ? {} : { morph: ends.join("-") }) };
    const words = new URLSearchParams({ model, seed, ...more });
    const timer = setTimeout(() => history.replaceState(null, "", `#draw?${words}`), CALM);
    return () => clearTimeout(timer);
  }, [model, seed, kind, ends]);
  useEffect(() => { server.get("/api/models").then(setModels).catch(() => setModels([])); }, [store.runsVersion]);
  const s = store.status;
  const now = { name: "live", title: `${s?.run}, as it is now`, points: s?.points, classes: s?.classes, class_names: s?.class_names };
  const all = living() && s.shape ? [models[0], now, ...models.slice(1)].filter(Boolean) : models;
  const info = all.find((m) => m.name === model);
  const choose = (name) => {
    setModel(name);
    setKind(null);
  };
  const saved = model === "live" ? s?.run : model;
  const kept = models.some((m) => m.name === saved);
  const off = !mayWrite() || !kept;
  const send = (to) => begin(["bundled", "pixel-faces"].includes(saved) ? `.${saved}` : saved, "export", { to });
  const why = kept ? undefined : "A run can be exported from its first checkpoint on";
  return html`<section class="sub" aria-label="Generator"><label for="gen" class="ink2">Generator</label><select class="in" id="gen" data-testid="generator-select" onChange=${(e) => choose(e.target.value)}>
      ${!info && html`<option value=${model} selected>${model}</option>`}${all.map((m) => html`<option value=${m.name} selected=${m.name === model}>${m.title ?? m.name}${m.step ? ` · step ${int(m.step)}` : ""}</option>`)}</select>
    <span class="small">${info?.parameters ? `${num(info.parameters / 1e6)} million weights · ${info.latent} numbers in${info.classes ? ` · ${info.classes} ${info.classes === 1 ? "class" : "classes"}` : ""} · average weights` : ""}</span>
    <div class="end"><${Button} title=${why} off=${off} testid="export-player" act=${() => send("html")}>${icon.down()}Player, one file<//>${!server.lab && html`<${Button} title=${why} off=${off} testid="export-onnx" act=${() => send("onnx")}>${icon.down()}ONNX<//>`}</div></section>
    <main class="view draw" id="main" tabindex="-1"><h1 class="sr">Draw</h1>${info?.points ? html`<div class="nothing">This generator makes points, not pictures: see them in <a href="#train/game">The game</a>.</div>`
      : html`<div class="col"><${One} model=${model} info=${info} seed=${seed} setSeed=${setSeed} kind=${kind} setKind=${setKind} /></div>
      <div class="col"><${Copy} model=${model} seed=${seed} kind=${kind} /><${Morph} model=${model} kind=${kind} name=${info?.class_names?.[kind] ?? kind} ends=${ends} setEnds=${setEnds} /></div>`}</main>`;
}
