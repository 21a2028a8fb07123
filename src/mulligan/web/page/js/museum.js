// Museum: guess what went wrong, then see what was published, why it failed, and the repair.

import { Button, html, useEffect, useMemo, useRef, useState } from "./html.js";
import { Figure, Picture, useAnswer, useImages } from "./draw.js";
import { icon } from "./icons.js";
import { capital, int, num, short, shuffle } from "./numbers.js";
import { paintGrey, values } from "./pictures.js";
import { server, store } from "./store.js";

const NAMES = 6;
const MORE = ["mode collapse", "standstill", "saturation", "copying"]; // names to choose from beside those of the exhibits

/** The text before something has come; without a server nothing is asked for. */
const waiting = (what) => (store.connected ? `Opening ${what}…` : "The server does not answer.");

function useCase(name) {
  const { data, fault } = useAnswer(() => server.get(`/api/museum/${encodeURIComponent(name)}`), [name]);
  return { exhibit: data?.name === name ? data : null, fault };
}

/** Pixels as they are, from 0 to 1; where their caption says so, also stretched from their least to their largest value. */
function Plate({ picture, image }) {
  const canvas = useRef(null);
  const [low, high] = [picture.low ?? 0, picture.high ?? 1];
  const hidden = /stretched/i.test(picture.caption) && high - low < 1;
  const end = (v) => (high - low < 0.01 ? v.toFixed(1 - Math.floor(Math.log10(high - low))) : short(v));
  useEffect(() => { if (image && hidden) paintGrey(canvas.current, values(image).map((v) => low + v * (high - low)), image.width, image.height, 0, 1); }, [image]);
  return html`${hidden && html`<figure><canvas class="px" ref=${canvas} role="img" data-testid="museum-true" aria-label="The same pixels, shown from 0 to 1" /><div class="scale">0<i></i>1</div><figcaption><b>Not stretched</b>The pixels as they are.</figcaption></figure>`}
    <figure><${Picture} image=${image} label=${picture.caption} testid=${hidden ? "museum-stretched" : null} />${picture.low != null && html`<div class="scale">${end(low)}<i></i>${end(high)}</div>`}<figcaption><b class=${hidden ? "bad" : ""}>${hidden ? `Stretched ${int(1 / (high - low))} times` : capital(picture.name).replaceAll(/[-_]/g, " ")}</b>${picture.caption}</figcaption></figure>`;
}

const Evidence = ({ lines }) => html`<section class="nums" aria-label="Figures">${lines.slice(0, 4).map((e) => html`<div><b>${num(e.before)}</b><span>${e.line}. Failed ${e.sign === "<" ? "below" : "above"} ${short(e.threshold)}${e.after == null ? "" : `; repaired: ${num(e.after)}`}</span></div>`)}</section>`;

function Side({ kind, words, rows, image, caption }) {
  const after = kind === "f";
  return html`<div class=${`side ${kind}`}><header>${after ? icon.flag() : icon.bad()}${after ? "Second try" : "As published"}</header><div class="b">
    <dl class="cfg">${rows.map((r) => html`<dt>${r.name}</dt><dd class=${after ? "y" : "x"}>${after ? r.repaired : r.published}</dd>`)}</dl><p class="ink2">${words}</p>
    ${image && html`<${Picture} image=${image} label=${caption} />`}</div></div>`;
}

function Exhibit({ exhibit }) {
  const { played, settings } = exhibit;
  const pictures = played?.pictures ?? [];
  const images = useImages(pictures.map((p) => p.png));
  const at = (word) => pictures.findIndex((p) => p.name.startsWith(word));
  const [before, after] = [at("before"), at("after")];
  const plates = pictures.map((p, i) => [p, i]).filter(([, i]) => i !== after || pictures.length <= 3).slice(0, 3);
  return html`${plates.length > 0 && html`<section aria-labelledby="m1"><h2 id="m1">Look at the pixels themselves</h2><div class="trio">${plates.map(([p, i]) => html`<${Plate} key=${p.name} picture=${p} image=${images[i]} />`)}</div></section>`}
    ${played?.evidence?.length > 0 && html`<${Evidence} lines=${played.evidence} />`}
    <section aria-labelledby="m2"><h2 id="m2">Cause and repair</h2><div class="cr"><${Side} kind="c" words=${exhibit.cause} rows=${settings} image=${images[before]} caption=${pictures[before]?.caption} />
      <${Side} kind="f" words=${exhibit.repair} rows=${settings} image=${images[after]} caption=${pictures[after]?.caption} /></div></section>
    <section aria-labelledby="m3"><h2 id="m3">See it happen</h2><div class="run"><code>${exhibit.command}</code><span class="small">plays both here; the pictures above came with Mulligan</span></div></section>`;
}

function Case({ name, place, of }) {
  const { exhibit, fault } = useCase(name);
  if (!exhibit) return html`<article><p class="nothing">${fault ?? waiting("the exhibit")}</p></article>`;
  return html`<article><p class="small">Exhibit ${place} of ${of} · ${exhibit.year} · ${exhibit.state}</p><h1>${exhibit.title}</h1><p class="lead">${exhibit.published}</p><p class="src">${exhibit.source}</p><${Exhibit} exhibit=${exhibit} /></article>`;
}

// guess the failure: samples only, and six names to choose from; then the exhibit

function choices(right, cases) {
  const others = [...new Set([...cases.map((c) => c.state), ...MORE])].filter((name) => name !== right);
  return shuffle([right, ...shuffle(others).slice(0, NAMES - 1)]);
}

function Guess({ cases }) {
  const [round, setRound] = useState(0);
  const [guess, setGuess] = useState(null);
  const [score, setScore] = useState(0);
  const [order] = useState(() => shuffle(cases));
  const now = order[round % order.length];
  const { exhibit, fault } = useCase(now.name);
  const names = useMemo(() => choices(now.state, cases), [round]);
  const pictures = exhibit?.played?.pictures ?? [];
  const before = pictures.find((p) => p.name.startsWith("before")) ?? pictures[0];
  const [image] = useImages(before && [before.png]);
  const answer = (name) => {
    setGuess(name);
    if (name === now.state) setScore(score + 1);
  };
  const next = () => {
    setGuess(null);
    setRound(round + 1);
    scrollTo(0, 0);
  };
  const right = guess === now.state;
  const caption = before?.low == null ? "its samples" : `64 samples, black is ${short(before.low)} and white ${short(before.high)}`;
  return html`<article data-testid="guess"><p class="small">Round ${round + 1} of ${order.length} · ${int(score)} right</p><h1>Guess the failure: what went wrong here?</h1>
    <p class="lead">Somebody trained this GAN and published it. This is what it drew.</p>
    ${!before ? html`<p class="nothing">${fault ?? (exhibit ? "This one has not been played on this computer yet." : waiting("a case"))}</p>`
      : html`<div class="exam"><${Figure} image=${image} label=${caption}>${caption}<//>
      <div class="names" role="group" aria-label="Names to choose from">${names.map((name) => html`<${Button} kind=${`name ${guess && name === now.state ? "yes" : guess === name ? "no" : ""}`} off=${guess != null} testid=${`guess-${name.replaceAll(/[ ,]+/g, "-")}`} act=${() => answer(name)}>${capital(name)}<//>`)}</div></div>`}
    ${guess && html`<section class="told" aria-live="polite" data-testid="guess-told"><h2 class=${right ? "ok" : "bad"}>${right ? icon.ok() : icon.bad()} ${right ? "Yes" : "No"}: ${now.state}</h2>
      <p class="src">${now.title}, ${exhibit.year}</p><div class="run">${round + 1 < order.length ? html`<${Button} kind="primary big" testid="guess-next" act=${next}>Next<//>` : html`<b>${int(score)} of ${order.length} right.</b>`}</div></section>
      <${Exhibit} exhibit=${exhibit} />`}
  </article>`;
}

export function Museum({ rest: [name = "guess"] }) {
  const { data, fault } = useAnswer(() => server.get("/api/museum"), []);
  const cases = data?.cases ?? [];
  const at = name === "guess" ? -1 : Math.max(0, cases.findIndex((c) => c.name === name));
  return html`<main class="museum" id="main" tabindex="-1"><aside class="list"><nav aria-label="Exhibits"><a class="play" href="#museum" aria-current=${at < 0 ? "page" : null}>Guess the failure<small>a game, ${cases.length} rounds</small></a>
      <details open=${at >= 0} key=${at >= 0}><summary>All exhibits<small>their titles give answers away</small></summary>${cases.map((c, i) => html`<a href=${`#museum/${encodeURIComponent(c.name)}`} data-testid=${`exhibit-${i + 1}`} aria-current=${i === at ? "page" : null}>${c.title}<small>${[c.year, c.state].filter(Boolean).join(" · ")}</small></a>`)}</details></nav></aside>
    ${!cases.length ? html`<article><p class="nothing">${fault ?? waiting("the museum")}</p></article>` : at < 0 ? html`<${Guess} cases=${cases} />` : html`<${Case} key=${cases[at].name} name=${cases[at].name} place=${at + 1} of=${cases.length} />`}</main>`;
}
