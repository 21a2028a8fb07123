// Draw: one number gives one picture; is it a copy; one number becomes another; a plane through four.

import { Button, Panel, Segments, byArrows, html, placeOf, useEffect, useHears, useRef, useState } from "./html.js";
import { icon } from "./icons.js";
import { dice, int, num } from "./numbers.js";
import { LARGE, Pad, base64, lay, pixels, small, wipe } from "./pad.js";
import { decode, paint, paintDifference, values } from "./pictures.js";
import { Slider } from "./settings.js";
import { begin, calm, latest, living, mayWrite, modelOf, server, store } from "./store.js";

const FRAMES = 61;
const STOPS = 11;
const SIDE = 11;
const FPS = 30;
const SEEDS = 4294967296;
// Of the bundled generator: whole digits, those of a walk and of a plane of different classes.
const [FIRST, ENDS, CORNERS] = [2026, [1969, 1984], [1969, 1984, 29, 41]];
const PLAIN = [1, 0, 0, 0]; // ψ, and shifts along the first principal directions
const CALM = 300; // ms after the last change, before the address is updated

const same = (a, b) => a.join() === b.join();
const steered = (steer) => (same(steer, PLAIN) ? {} : { psi: steer[0], along: steer.slice(1).join() });

/** Ask again when something changes, or the server is back. The latest question wins; the last answer stays until the next one. */
export function useAnswer(ask, deps, wait = 0) {
  const key = deps.join();
  const [answer, set] = useState({ data: null, fault: null, key: null });
  useEffect(() => {
    if (answer.key === key && !(store.connected && answer.fault)) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const data = await ask(stop.signal);
        if (!stop.signal.aborted) set({ data, fault: null, key });
      } catch (problem) {
        if (problem.name !== "AbortError" && !stop.signal.aborted) set({ data: null, fault: problem.message, key });
      }
    }, wait);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [...deps, store.connected]);
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

/** Decoded pictures, or those before until they are. */
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

/** A field for a seed: keeps what is typed, and says what is wrong with it. */
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

// ── one number, one picture ──

const BUTTONS = 12; // at most as many classes are buttons, if their names are short; otherwise they are in a menu

function Steer({ steer, setSteer }) {
  const [open] = useState(!same(steer, PLAIN));
  const one = (at, label, min, max, testid) => html`<label><span>${label}</span><span class="small">${steer[at].toFixed(2).replace("-", "−")}</span><${Slider} value=${steer[at]} min=${min} max=${max} step="0.05" label=${label} text=${steer[at].toFixed(2)} testid=${testid} onInput=${(v) => setSteer(steer.with(at, v))} /></label>`;
  return html`<details class="steer" open=${open}><summary data-testid="steer">Steer z</summary><div>${one(0, "Variety ψ", 0, 1.5, "psi")}
    ${[1, 2, 3].map((k) => one(k, `Direction ${k}`, -4, 4, `along-${k - 1}`))}</div>
    <p class="small">ψ multiplies z: below 1, samples are more typical and less varied. The directions change G's first layer most. <${Button} kind="quiet" testid="steer-reset" act=${() => setSteer(PLAIN)}>As drawn<//></p></details>`;
}

function One({ model, info, seed, setSeed, kind, setKind, steer, setSteer }) {
  const { data, fault } = useAnswer(async (signal) => {
    const drawn = await server.get("/api/draw", { model, seed, class: kind, ...steered(steer) }, signal);
    return { ...drawn, image: await decode(drawn.png) };
  }, [model, seed, kind, steer], 30);
  const names = info?.class_names ?? [];
  const short = names.length <= BUTTONS && names.every((n) => n.length <= 2);
  return html`<${Panel} id="d1" title=${`One number, one ${names.join("") === "0123456789" ? "digit" : "picture"}`} note=${same(steer, PLAIN) ? "same number, same picture" : "steered"}>
    <div class="seed"><${Button} aria-label="Previous seed" off=${seed < 1} act=${() => setSeed(seed - 1)}>−<//>
      <${SeedField} value=${seed} set=${setSeed} label="Seed, a whole number" testid="seed-input" hide className="" />
      <${Button} aria-label="Next seed" act=${() => setSeed(seed + 1)}>+<//>
      <${Button} aria-label="Random seed" testid="seed-random" act=${() => setSeed(seeded())}>${icon.dice()}<//></div>
    <${Picture} image=${data?.image} className="digit" testid="digit" label=${data ? `Drawn from seed ${seed}${data.class_name ? `, class ${data.class_name}` : ""}` : "Not drawn yet"} />
    ${info && !names.length ? null : short || !info ? html`<${Segments} label="Class" className="classes" testid="class-select" at=${kind} set=${setKind} of=${[[null, "Any", { "data-testid": "class-any" }], ...(info ? names : [..."0123456789"]).map((n, k) => [k, n, { "aria-label": `Class ${n}`, "data-testid": `class-${k}` }])]} />`
      : html`<select class="in ds-more" aria-label="Class" data-testid="class-select" onChange=${(e) => setKind(e.target.value === "" ? null : Number(e.target.value))}><option value="" selected=${kind == null}>Any class</option>${names.map((n, k) => html`<option value=${k} selected=${kind === k}>${n}</option>`)}</select>`}
    <p class="small">${fault ? html`<span class="bad">${fault}</span>` : names.length ? `The number above is a seed for chance: 7 need not give a 7. The class is chosen here.${data?.class_name ? ` Drawn: ${data.class_name}.` : ""}` : "This generator takes no class."}</p>
    <${Steer} steer=${steer} setSteer=${setSteer} /><//>`;
}

function Copy({ model, seed, kind, steer }) {
  const { data, fault } = useAnswer(async (signal) => {
    const found = await server.get("/api/nearest", { model, seed, class: kind, ...steered(steer) }, signal);
    return { ...found, drawn: await decode(found.png), image: await decode(found.nearest) };
  }, [model, seed, kind, steer], 250);
  const [level, verdict] = { "not a copy": ["ok", "Not a copy"], "near copy": ["warn", "Close to a training picture"] }[data?.verdict] ?? ["info", "Not known"];
  return html`<${Panel} id="d2" title="Is it a copy?" end=${data && html`<span class=${`end chip ${level}`} data-testid="copy-verdict">${icon[level]()}${verdict}</span>`}>
    ${fault ? html`<p class="small" data-testid="nearest-fault">${fault}</p>` : html`<div class="near"><${Figure} image=${data?.drawn} label="Generated">generated<//>
      <${Figure} image=${data?.image} testid="nearest" label=${data ? `Nearest training picture, number ${data.index}` : "Looking for the nearest"}>nearest, no. ${data ? int(data.index) : "–"}<//>
      <${Difference} of=${[data?.drawn, data?.image]} label="Difference: orange where the generated one is brighter, blue where the training picture is">generated is<//></div>
      <p class="small" aria-busy=${data ? null : "true"}>${data?.text ?? "Looking for the nearest training picture…"}</p>`}<//>`;
}

// ── a drawing, and the nearest picture that G can make ──

const GROUND = { 1: "#000", 3: "#fff", 4: null }; // of the drawing, by the channels of the generator's pictures

function Nearest({ model, kind }) {
  const pad = useRef(null);
  const file = useRef(null);
  const [shape, setShape] = useState(null); // width, height and channels of the generator's pictures
  const [drawn, setDrawn] = useState(null);
  const [wrong, setWrong] = useState(null);
  const [colour, setColour] = useState("#ffffff");
  useEffect(() => {
    setDrawn(null);
    server.get("/api/draw", { model, seed: 0 }).then(({ width, height, channels }) => {
      setShape([width, height, channels]);
      wipe(pad.current, GROUND[channels]);
      setColour(channels > 1 ? "#8a4b20" : "#ffffff");
    }).catch(() => setShape(null));
  }, [model, store.connected]);
  const look = () => {
    const [width, height, channels] = shape;
    const given = small(pad.current, LARGE, LARGE, width, height, GROUND[channels]);
    setDrawn({ bytes: base64(pixels(given, channels)), url: given.toDataURL() });
  };
  const { data, fault } = useAnswer(async (signal) => {
    if (!drawn) return null;
    const found = await server.post("/api/invert", { model, picture: drawn.bytes, class: kind }, signal);
    return { ...found, given: await decode(drawn.url), image: await decode(found.png) };
  }, [model, kind, drawn?.bytes], 200);
  const pick = async (e) => {
    setWrong(null);
    const [chosen] = e.target.files;
    e.target.value = "";
    if (!chosen) return;
    await createImageBitmap(chosen).then((image) => lay(pad.current, image, image.width, image.height)).then(look, () => setWrong(`${chosen.name} must be a picture that this browser can read. Try a PNG.`));
  };
  const blank = () => {
    wipe(pad.current, GROUND[shape[2]]);
    setDrawn(null);
  };
  const said = wrong ?? fault;
  return html`<${Panel} id="d5" title="Draw one: what is the nearest it can make?">
    <div class="nearest"><div class="sheet"><${Pad} canvas=${pad} colour=${colour} testid="nearest-pad" lifted=${shape && look} />${!drawn && html`<p aria-hidden="true">Draw here</p>`}</div><div>
      <div class="near"><${Figure} image=${data?.given} testid="nearest-given" label="Yours, as the generator sees it">yours<//>
        <${Figure} image=${data?.image} testid="nearest-made" label=${data ? "The nearest picture" : "Not drawn yet"}>nearest${data?.class_name ? `, class ${data.class_name}` : ""}<//>
        <${Difference} of=${[data?.image, data?.given]} testid="nearest-error" label="Error: orange where the nearest is brighter, blue where yours is">nearest is<//></div>
      <p class="small" aria-live="polite" data-testid="nearest-words">${said ? html`<span class="bad">${said}</span>` : data ? `The error is ${num(data.error)} grey levels of 255 (root mean square). What stays in the error map, this search did not reach.` : "Draw, or take a picture. Adam then looks for the z and the class whose picture is nearest, through G's own backward pass."}</p>
      <div class="act"><${Button} off=${!drawn} testid="nearest-wipe" act=${blank}>Wipe<//><${Button} off=${!shape} act=${() => file.current.click()}>Take a picture<//><input type="file" hidden ref=${file} accept="image/*" data-testid="nearest-file" onChange=${pick} />${shape?.[2] > 1 && html`<input type="color" value=${colour} aria-label="Colour of the brush" onInput=${(e) => setColour(e.target.value)} />`}</div></div></div><//>`;
}

// ── morph ──

const ENLARGED = 10; // times, in a GIF: a digit of 28 pixels would be lost in a chat

function Morph({ model, kind, of, ends: [from, to], setEnds, player, off, why }) {
  const [at, setAt] = useState(24);
  const [playing, setPlaying] = useState(false);
  const { data, fault } = useAnswer(async (signal) => {
    const walk = await server.get("/api/walk", { model, from, to, frames: FRAMES, class: kind }, signal);
    return { ...walk, images: await Promise.all(walk.frames.map(decode)) };
  }, [model, from, to, kind], 150);
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
  const stops = Array.from({ length: STOPS }, (_, i) => Math.round((i * (FRAMES - 1)) / (STOPS - 1)));
  const gif = `/api/walk.gif?${new URLSearchParams({ model, from, to, frames: FRAMES, scale: Math.max(1, Math.floor((ENLARGED * 28) / (data?.width ?? 28))), ...(kind == null ? {} : { class: kind }) })}`;
  const end = (seed, set, place, label, testid) => html`<div class="end-of"><label>${label}<${SeedField} value=${seed} set=${set} label=${label} testid=${testid} /></label>
    <button aria-label=${`Show the picture of ${seed}`} onClick=${() => go(place)}><${Picture} image=${data?.images[place]} /></button></div>`;
  return html`<${Panel} id="d3" className="morph" title=${html`Morph: from one number to another${of}`} note="two birthdays, perhaps">
    ${fault && html`<p class="small bad">${fault}</p>`}
    <div class="three-of">${end(from, (n) => setEnds([n, to]), 0, "This number", "walk-from")}
      <div class="middle"><${Picture} image=${data?.images[at]} testid="walk-frame" label=${`Walk at ${share.toFixed(2)} between seed ${from} and seed ${to}`} />
        <${Slider} value=${at} max=${FRAMES - 1} label="Position on the walk" testid="walk-slider" text=${share.toFixed(2)} onInput=${go} />
        <div class="act"><${Button} kind="primary" testid="walk-play" off=${!data} act=${play}>${playing ? icon.pause() : icon.play()}${playing ? "Pause" : calm() ? "Next" : "Play"}<//><${Button} kind="icon" aria-label="Two other numbers" title="Two other numbers" testid="walk-dice" act=${() => setEnds([seeded(), seeded()])}>${icon.dice()}<//></div></div>
      ${end(to, (n) => setEnds([from, n]), FRAMES - 1, "becomes this one", "walk-to")}</div>
    <div class="strip">${stops.map((i) => html`<button aria-label=${`Go to ${(i / (FRAMES - 1)).toFixed(1)}`} aria-current=${i === stops.reduce((a, b) => (Math.abs(b - at) < Math.abs(a - at) ? b : a)) ? "true" : null} onClick=${() => go(i)}><${Picture} image=${data?.images[i]} /></button>`)}</div>
    <div class="act share"><b>Share</b><a class="btn" href=${gif} download=${`walk-${from}-${to}.gif`} data-testid="walk-save">${icon.down()}GIF</a><${Button} title=${why} off=${off} testid="walk-player" act=${() => player({ from, to, kind })}>${icon.down()}Player with this morph<//><span class="small">The player is one file: it opens anywhere, and plays on.</span></div><//>`;
}

/** Save a player that begins with this very walk: its model, which is data, says so. */
async function withWalk(path, { from, to, kind }) {
  const text = await (await fetch(await server.url(path))).text();
  const own = text.replace('id="model">{', `id="model">{"walk": ${JSON.stringify([from, to, kind ?? -1])}, `);
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([own], { type: "text/html" })), download: `morph-${from}-${to}.html` });
  link.click();
}

// ── plane ──

function Plane({ model, kind, of, corners, setCorners }) {
  const [spot, setSpot] = useState([0.62, 0.38]);
  const cross = useRef(null);
  const [u, v] = spot;
  const seeds = corners.join(",");
  const grid = useAnswer(async (signal) => {
    const plane = await server.get("/api/plane", { model, seeds, side: SIDE, class: kind }, signal);
    return { ...plane, image: await decode(plane.png) };
  }, [model, seeds, kind], 200);
  const one = useAnswer(async (signal) => {
    const point = await server.get("/api/plane", { model, seeds, at: `${u.toFixed(3)},${v.toFixed(3)}`, class: kind }, signal);
    return { ...point, image: await decode(point.png) };
  }, [model, seeds, kind, u, v], 15);
  useEffect(() => {
    cross.current?.style.setProperty("left", `${u * 100}%`);
    cross.current?.style.setProperty("top", `${v * 100}%`);
  }, [u, v, grid.data]);
  const move = (e) => setSpot(placeOf(e));
  const key = byArrows((across, down) => setSpot([u + 0.02 * across, v + 0.02 * down].map((x) => Math.min(1, Math.max(0, x)))));
  return html`<${Panel} id="d4" title=${html`A plane through four seeds${of}`} note="drag, or use the arrow keys">
    ${grid.fault ? html`<p class="small bad">${grid.fault}</p>` : html`<div class="plane">
      <div class="pw" tabindex="0" role="application" aria-label=${`Latent plane, at ${u.toFixed(2)} across and ${v.toFixed(2)} down. Arrow keys move the point.`} data-testid="latent-plane" onKeyDown=${key} onPointerDown=${(e) => { e.currentTarget.setPointerCapture(e.pointerId); move(e); }} onPointerMove=${(e) => e.buttons && move(e)}>
        <${Picture} image=${grid.data?.image} label=${`${SIDE} by ${SIDE} pictures between seeds ${corners.join(", ")}`} /><span class="x" ref=${cross}></span></div>
      <div class="pick"><${Picture} image=${one.data?.image} label=${`The picture at ${u.toFixed(2)} across, ${v.toFixed(2)} down`} testid="plane-point" /><div>
        <dl class="kv"><dt>across</dt><dd>${u.toFixed(2)}</dd><dt>down</dt><dd>${v.toFixed(2)}</dd><dt>corners</dt><dd>${corners[0]} · ${corners[1]}<br />${corners[2]} · ${corners[3]}</dd></dl>
        <div class="act"><${Button} testid="plane-shuffle" act=${() => setCorners(corners.map(seeded))}>Other corners<//></div>
        <p class="small">Between the corners, normal z are mixed along great circles and uniform z along straight lines, so z stays where G was trained.</p></div></div></div>`}<//>`;
}

// ── the view ──

/** Seeds in the address, 1969-1984; null where they are not as many. */
function seeds(text, count) {
  const found = (text ?? "").split("-").map(number);
  return found.length === count && !found.includes(null) ? found : null;
}
/** ψ and shifts in the address, 0.7,1.5,0,-2; null where they are none. */
function steering(text) {
  const found = (text ?? "").split(",").map(Number);
  return found.length === PLAIN.length && found.every((v) => Math.abs(v) <= 10) && found[0] >= 0 && found[0] <= 2 ? found : null;
}

export function Draw({ query }) {
  const [models, setModels] = useState([]);
  const [model, setModel] = useState(query.get("model") ?? "bundled");
  const [seed, setSeed] = useState(number(query.get("seed")) ?? FIRST);
  const [kind, setKind] = useState(number(query.get("class")));
  const [steer, setSteer] = useState(steering(query.get("steer")) ?? PLAIN);
  const [ends, setEnds] = useState(seeds(query.get("morph"), 2) ?? ENDS);
  const [corners, setCorners] = useState(seeds(query.get("plane"), 4) ?? CORNERS);
  useEffect(() => { // so that a reload, the back button or a friend with the link sees the same pictures
    const more = { ...(kind == null ? {} : { class: kind }), ...(same(steer, PLAIN) ? {} : { steer: steer.join() }), ...(same(ends, ENDS) ? {} : { morph: ends.join("-") }), ...(same(corners, CORNERS) ? {} : { plane: corners.join("-") }) };
    const words = new URLSearchParams({ model, seed, ...more });
    const timer = setTimeout(() => history.replaceState(null, "", `#draw?${words}`), CALM);
    return () => clearTimeout(timer);
  }, [model, seed, kind, steer, ends, corners]);
  const shared = useRef(null); // the walk that a player is being written for
  useHears({ "mulligan-progress": ({ detail: news }) => {
    if (news.what !== "export" || !news.done || !shared.current) return;
    const walk = shared.current;
    shared.current = null;
    if (news.url) withWalk(news.url, walk);
  } });
  useEffect(() => { server.get("/api/models", { also: query.get("model") }).then(setModels).catch(() => setModels([])); }, [store.runsVersion]);
  const s = store.status;
  const now = { name: "live", title: `${s?.run}, as it is now`, points: s?.points, classes: s?.classes, class_names: s?.class_names };
  const all = living() && s.shape ? [models[0], now, ...models.slice(1)].filter(Boolean) : models;
  const info = all.find((m) => m.name === model);
  const choose = (name) => {
    setModel(name);
    setKind(null);
  };
  const saved = model === "live" ? modelOf(s?.run) : model;
  const kept = models.some((m) => m.name === saved);
  const off = !mayWrite() || !kept;
  const send = (to) => begin(["bundled", "pixel-faces"].includes(saved) ? `.${saved}` : saved.replace("./", ""), "export", { to });
  const of = kind == null ? null : ` · class ${info?.class_names?.[kind] ?? kind}`; // a class holds for all of the view
  const why = kept ? undefined : "A run can be exported from its first checkpoint on";
  return html`<section class="sub" aria-label="Generator"><label for="gen" class="ink2">Generator</label><select class="in" id="gen" data-testid="generator-select" onChange=${(e) => choose(e.target.value)}>
      ${!info && html`<option value=${model} selected>${model}</option>`}${all.map((m) => html`<option value=${m.name} selected=${m.name === model}>${m.title ?? m.name}${m.step ? ` · step ${int(m.step)}` : ""}</option>`)}</select>
    <span class="small">${info?.parameters ? `${num(info.parameters / 1e6)} million weights · ${info.latent} numbers in${info.classes ? ` · ${info.classes} ${info.classes === 1 ? "class" : "classes"}` : ""} · average weights` : ""}</span>
    <div class="end"><${Button} title=${why} off=${off} testid="export-player" act=${() => send("html")}>${icon.down()}Player, one file<//>${!server.lab && html`<${Button} title=${why} off=${off} testid="export-onnx" act=${() => send("onnx")}>${icon.down()}ONNX<//>`}</div></section>
    <main class="view draw" id="main" tabindex="-1"><h1 class="sr">Draw</h1>${info?.points ? html`<div class="nothing">This generator makes points, not pictures: see them under <a href="#look">Look inside</a>.</div>`
      : html`<div class="col"><${One} model=${model} info=${info} seed=${seed} setSeed=${(n) => setSeed(Math.min(SEEDS * 2 ** 21 - 1, Math.max(0, n)))} kind=${kind} setKind=${setKind} steer=${steer} setSteer=${setSteer} /><${Copy} model=${model} seed=${seed} kind=${kind} steer=${steer} /></div>
      <div class="col"><${Nearest} model=${model} kind=${kind} /><${Morph} model=${model} kind=${kind} of=${of} ends=${ends} setEnds=${setEnds} off=${off} why=${why} player=${(walk) => { shared.current = walk; send("html"); }} /><${Plane} model=${model} kind=${kind} corners=${corners} setCorners=${setCorners} of=${of} /></div>`}</main>`;
}
