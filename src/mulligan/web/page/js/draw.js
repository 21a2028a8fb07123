// Draw: one number gives one picture; is it a copy.

import { Button, Panel, html, useEffect, useRef, useState } from "./html.js";
import { Keep, icon } from "./icons.js";
import { dice, int } from "./numbers.js";
import { decode, paint, paintDifference, values } from "./pictures.js";
import { latest, runPath, server, store } from "./store.js";

const FIRST = 2026; // a whole digit of the bundled generator
const CALM = 300; // ms after the last change, before the address is updated

/** Ask again when something changes, or the server is back; the last answer stays until the next one. */
export function useAnswer(ask, deps) {
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

function One({ model, info, seed, setSeed, kind, setKind }) {
  const { data, fault } = useAnswer(async () => {
    const drawn = await server.get("/api/draw", { model, seed, class: kind });
    return { ...drawn, image: await decode(drawn.png) };
  }, [model, seed, kind]);
  const [text, setText] = useState(null); // what is being typed
  const bad = text != null && number(text) == null;
  const input = (e) => {
    setText(e.target.value);
    if (number(e.target.value) != null) setSeed(number(e.target.value));
  };
  const names = info?.class_names ?? [];
  const digits = names.join("") === "0123456789";
  const of = info?.class_noun ?? "class";
  const said = data?.class_name ? `${of} ${data.class_name}` : "";
  return html`<${Panel} id="d1" title=${`One number, one ${digits ? "digit" : "picture"}`} note="same number, same picture">
    <div class="seed"><input inputmode="numeric" autocomplete="off" value=${text ?? seed} aria-label="Seed, a whole number" aria-invalid=${bad ? "true" : null} data-testid="seed-input" onInput=${input} onBlur=${() => setText(null)} />
      ${bad && html`<span class="fault" role="status">The seed must be a whole number from 0 to 2⁵³ − 1, got “${text}”. Try 42.</span>`}
      <${Button} aria-label="Random seed" testid="seed-random" act=${() => setSeed(dice(1e6))}>${icon.dice()}<//></div>
    <${Picture} image=${data?.image} className="digit" testid="digit" label=${data ? `Drawn from seed ${seed}${said && `, ${said}`}` : "Not drawn yet"} />
    ${names.length > 0 && html`<select class="in wide-in" aria-label=${of} data-testid="class-select" onChange=${(e) => setKind(e.target.value === "" ? null : Number(e.target.value))}><option value="" selected=${kind == null}>Any ${of}</option>${names.map((n, k) => html`<option value=${k} selected=${kind === k}>${of === "class" ? n : `${of} ${n}`}</option>`)}</select>`}
    <p class="small">${fault ? html`<span class="bad">${fault}</span>` : names.length ? `The number above is a seed for chance${digits ? ": 7 need not give a 7" : ""}. The ${of}${of === "cluster" ? ", a group of alike pictures," : ""} is chosen here.${said && ` Drawn: ${said}.`}` : "This generator takes no class."}</p>
    <${Keep} from=${data?.image.src} name=${`seed-${seed}.png`} kind="wide-in" testid="draw-keep">Save picture<//><//>`;
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

export function Draw({ query }) {
  const [models, setModels] = useState([]);
  const [chosen, setModel] = useState(query.get("model"));
  const own = models.find((m) => m.name === store.status?.run && !m.points); // what the visitor has just trained
  const model = chosen ?? own?.name ?? "bundled";
  const [seed, setSeed] = useState(number(query.get("seed")) ?? FIRST);
  const [kind, setKind] = useState(number(query.get("class")));
  useEffect(() => { // so that a reload, the back button or a friend with the link sees the same pictures
    const words = new URLSearchParams({ model, seed, ...(kind == null ? {} : { class: kind }) });
    const timer = setTimeout(() => history.replaceState(null, "", `#draw?${words}`), CALM);
    return () => clearTimeout(timer);
  }, [model, seed, kind]);
  useEffect(() => { server.get("/api/models").then(setModels).catch(() => setModels([])); }, [store.runsVersion]);
  const info = models.find((m) => m.name === model);
  const choose = (name) => {
    setModel(name);
    setKind(null);
  };
  const ours = ["bundled", "pixel-faces"].includes(model);
  return html`<section class="sub" aria-label="Generator"><label for="gen" class="ink2">Generator</label><select class="in" id="gen" data-testid="generator-select" onChange=${(e) => choose(e.target.value)}>
      ${!info && html`<option value=${model} selected>${model}</option>`}${models.map((m) => html`<option value=${m.name} selected=${m.name === model}>${m.title ?? m.name}${m.step ? ` · step ${int(m.step)}` : ""}</option>`)}</select>
    ${!ours && info && html`<div class="end"><${Keep} from=${runPath(model, "/viewer.html")} testid="export-player">Player, one file<//></div>`}</section>
    <main class="view draw" id="main" tabindex="-1"><h1 class="sr">Draw</h1>${info?.points ? html`<div class="nothing">This generator makes points, not pictures: see them in <a href="#train/game">The game</a>.</div>`
      : html`<div class="col"><${One} model=${model} info=${info} seed=${seed} setSeed=${setSeed} kind=${kind} setKind=${setKind} /></div>
      <div class="col"><${Copy} model=${model} seed=${seed} kind=${kind} /></div>`}</main>`;
}
