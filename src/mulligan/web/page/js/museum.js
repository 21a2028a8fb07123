// Museum: what was published, what happens, why, the repair, with the pixels at true scale and stretched.

import { Button, html, useEffect, useRef, useState } from "./html.js";
import { Chart } from "./chart.js";
import { Picture } from "./draw.js";
import { Evidence, Guess, useCase } from "./guess.js";
import { icon } from "./icons.js";
import { capital, int, num, short, time } from "./numbers.js";
import { decode, paintGrey, values } from "./pictures.js";
import { Slider } from "./settings.js";
import { latest, mayWrite, server, store } from "./store.js";

const COLOURS = ["--bad", "--judge", "--real", "--fake", "--brand"];

/** The text before something has come; without a server nothing is asked for. */
const waiting = (what) => (store.connected ? `Opening ${what}…` : "The server does not answer.");

/** Whether black to white is less than the data's range of 0 to 1; a caption may also speak of a stretched part. */
const stretched = (p) => /stretched/i.test(p.caption) && p.low != null && p.high - p.low < 1;

function Exhibit({ picture, image }) {
  const grey = image && stretched(picture) ? values(image).map((v) => picture.low + v * (picture.high - picture.low)) : null;
  return grey ? html`<${Stretch} picture=${picture} grey=${grey} image=${image} />` : html`<figure><${Picture} image=${image} label=${picture.caption} />
    ${picture.low != null && html`<div class="scale">${short(picture.low)}<i></i>${short(picture.high)}</div>`}<figcaption><b>${title(picture.name)}</b>${picture.caption}</figcaption></figure>`;
}

const title = (name) => capital(name).replaceAll(/[-_]/g, " ");

/** The same pixels, from their true scale to a stretched one; the range is always written. */
function Stretch({ picture, grey, image }) {
  const canvas = useRef(null);
  const [place, setPlace] = useState(0);
  const q = place / 100;
  const ends = [picture.low, picture.high].map((end, i) => i + (end - i) * (1 - (1 - q) ** 3)); // from 0 and 1
  const factor = 1 / (ends[1] - ends[0]);
  const digits = Math.min(8, Math.max(0, Math.ceil(-Math.log10(ends[1] - ends[0])) + 1));
  const [low, high] = ends.map((v) => v.toFixed(digits).replace("-", "−"));
  useEffect(() => paintGrey(canvas.current, grey, image.width, image.height, ends[0], ends[1]), [place, grey]);
  return html`<figure><canvas class="px" ref=${canvas} role="img" data-testid="museum-stretched" aria-label=${`The same pixels, shown from ${low} to ${high}`} />
    <div class="scale"><span>${low}</span><i></i><span>${high}</span></div><figcaption><b class=${factor < 1.5 ? "" : "bad"}>${factor < 1.5 ? "Not stretched" : `Stretched ${int(factor)} times`}</b>${place ? picture.caption : "The pixels as they are. What is in them? Move the slider."}</figcaption>
    <div class="stretch"><b>Stretch</b><${Slider} value=${place} label="Stretch the contrast" testid="museum-stretch" text=${`${num(factor)} times`} onInput=${setPlace} /><output>× ${factor < 10 ? factor.toFixed(1) : int(factor)}</output></div></figure>`;
}

function Curve({ curve }) {
  const log = curve.x.includes("(log)");
  const place = (v) => (log ? Math.log10(Math.max(v, 1e-9)) : v);
  const lines = Object.entries(curve.lines).map(([name, data]) => [name, data.map(([a, b]) => [place(a), b ?? NaN])]);
  const places = lines.flatMap(([, data]) => data.map((p) => p[0]));
  const x = [Math.min(...places), Math.max(...places)];
  const written = (v) => short(log ? Math.round(10 ** v) : v);
  const low = Math.min(0, ...lines.flatMap(([, l]) => l.map((p) => p[1])).filter(Number.isFinite));
  return html`<${Chart} title=${curve.name} unit=${curve.y} xUnit=${curve.x.replace(" (log)", ", log")} xText=${written} height=${190} x=${x} least=${[low < 0 ? -0.25 : 0, 1]} series=${lines.map(([name, data], i) => ({ name, color: COLOURS[i % COLOURS.length], dash: i % 3, data }))} />`;
}

function Side({ kind, words, rows, image, caption }) {
  const after = kind === "f";
  return html`<div class=${`side ${kind}`}><header>${after ? icon.flag() : icon.bad()}${after ? "Second try" : "As published"}</header><div class="b">
    <dl class="cfg">${rows.map((r) => html`<dt>${r.name}</dt><dd class=${after ? "y" : "x"}>${after ? r.repaired : r.published}</dd>`)}</dl><p class="ink2">${words}</p>
    ${image && html`<${Picture} image=${image} label=${caption} />`}</div></div>`;
}

function Case({ name, place, of }) {
  const { found, fault, busy, play } = useCase(name);
  const [images, setImages] = useState({});
  useEffect(() => latest(Promise.all((found?.played?.pictures ?? []).map(async (p) => [p.name, await decode(p.png)])), (all) => all && setImages(Object.fromEntries(all))), [found]);
  if (fault) return html`<article><p class="nothing">${fault}</p></article>`;
  if (!found) return html`<article><p class="nothing">${waiting("the exhibit")}</p></article>`;
  const played = found.played;
  const pictures = played?.pictures ?? [];
  const pick = (word) => pictures.find((p) => p.name.startsWith(word));
  const plates = pictures.filter((p) => p !== pick("after") || pictures.length <= 3).slice(0, 3);
  const evidence = played?.evidence ?? [];
  return html`<article><p class="small">Exhibit ${place} of ${of} · ${found.year} · ${found.state}</p><h1>${found.title}</h1><p class="lead">${found.published}</p><p class="src">${found.source}</p>
    ${plates.length > 0 && html`<section aria-labelledby="m1"><h2 id="m1">Look at the pixels themselves</h2><div class="trio">${plates.map((p) => html`<${Exhibit} key=${p.name} picture=${p} image=${images[p.name]} />`)}</div></section>`}
    ${evidence.length > 0 && html`<section aria-label="Figures"><${Evidence} lines=${evidence} /></section>`}
    <section aria-labelledby="m2"><h2 id="m2">Cause and repair</h2><div class="cr"><${Side} kind="c" words=${found.cause} rows=${found.settings} image=${images[pick("before")?.name]} caption=${pick("before")?.caption} />
      <${Side} kind="f" words=${found.repair} rows=${found.settings} image=${images[pick("after")?.name]} caption=${pick("after")?.caption} /></div></section>
    ${played?.curves?.length > 0 && html`<section aria-label="Curves"><div class="duo">${played.curves.map((c) => html`<${Curve} curve=${c} />`)}</div></section>`}
    <section aria-labelledby="m3"><h2 id="m3">See it happen</h2><div class="run">${!server.lab && html`<${Button} kind="primary big" testid="museum-run" off=${!mayWrite() || busy != null} act=${() => play(played?.seed ?? 0)}>${icon.play()}${busy ? "Playing…" : found.seconds ? "Run it again" : "Run it"}<//>`}
      <code>${found.command}</code><span class="small" role="status">${busy ?? (found.seconds ? `${time(found.seconds)} on this computer` : server.lab ? "where Mulligan is installed; a browser lacks what the cases need" : "not played on this computer yet; the pictures above came with Mulligan")}</span></div></section></article>`;
}

export function Museum({ rest }) {
  const [list, setList] = useState(null);
  const [fault, setFault] = useState(null);
  useEffect(() => { if (store.connected) server.get("/api/museum").then(setList).catch((problem) => setFault(problem.message)); }, [store.connected]);
  const cases = list?.cases ?? [];
  const at = Math.max(0, cases.findIndex((c) => c.name === rest[0]));
  return html`<main class="museum" id="main" tabindex="-1"><aside class="list"><h2>GANs that failed</h2><nav aria-label="Exhibits"><a class="play" href="#museum/guess" data-testid="guess-open" aria-current=${rest[0] === "guess" ? "page" : null}>Guess the failure<small>a game, ${cases.length} rounds</small></a>${rest[0] === "guess" ? html`<a href="#museum">All exhibits<small>their titles give answers away</small></a>` : cases.map((c, i) => html`<a href=${`#museum/${encodeURIComponent(c.name)}`} data-testid=${`exhibit-${i + 1}`} aria-current=${i === at && rest[0] !== "guess" ? "page" : null}>${c.title}<small>${[c.year, c.state].filter(Boolean).join(" · ")}</small></a>`)}</nav></aside>
    ${cases.length && rest[0] === "guess" ? html`<${Guess} cases=${cases} />` : cases.length ? html`<${Case} key=${cases[at].name} name=${cases[at].name} place=${at + 1} of=${cases.length} />` : html`<article><p class="nothing">${fault ?? waiting("the museum")}</p></article>`}</main>`;
}
