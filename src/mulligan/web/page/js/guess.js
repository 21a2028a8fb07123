// Guess the failure: samples and curves only, six names to choose from; then the evidence, and the repair beside it.

import { Button, html, useEffect, useHears, useState } from "./html.js";
import { Figure, useImages } from "./draw.js";
import { icon, pictureOf } from "./icons.js";
import { capital, dice, int, num, short, time } from "./numbers.js";
import { act, mayWrite, server, store } from "./store.js";

const NAMES = 6;

/** The same shuffle for the same number, so that a round can be talked about. */
function shuffled(list, seed) {
  const found = [...list];
  let x = seed + 1;
  for (let i = found.length - 1; i > 0; i--) {
    x = (x * 48271) % 2147483647;
    const j = x % (i + 1);
    [found[i], found[j]] = [found[j], found[i]];
  }
  return found;
}

function choices(right, cases, seed) {
  const others = [...new Set([...cases.map((c) => c.state), "mode collapse", "standstill", "saturation", "copying"])].filter((name) => name !== right);
  return shuffled([right, ...shuffled(others, seed).slice(0, NAMES - 1)], seed + 7);
}

function Shown({ picture, caption }) {
  const [image] = useImages([picture.png]);
  return html`<${Figure} image=${image} label=${caption}>${caption}<//>`;
}

/** A case of the museum with what came of playing it, and a way to play it on this computer. */
export function useCase(name) {
  const [found, setFound] = useState(null);
  const [fault, setFault] = useState(null);
  const [busy, setBusy] = useState(store.progress?.what === "museum" ? store.progress.text : null);
  const look = () => server.get(`/api/museum/${encodeURIComponent(name)}`).then(setFound, (problem) => setFault(problem.message));
  useEffect(() => { if (store.connected) look(); }, [name, store.connected]);
  useHears({ "mulligan-progress": ({ detail: news }) => {
    if (news.what !== "museum") return;
    setBusy(news.done ? null : news.text || "playing");
    if (news.done) look();
  } }, [name]);
  const play = async (seed) => {
    setBusy("beginning");
    if (!(await act(`/api/museum/${encodeURIComponent(name)}/play`, { seed }))) setBusy(null);
  };
  return { found: found?.name === name ? found : null, fault, busy, play };
}

/** What the four most telling figures were, and are after the repair. */
export const Evidence = ({ lines = [] }) => html`<div class="nums">${lines.slice(0, 4).map((e) => html`<div><b>${num(e.before)}</b><span>${e.line}. Failed ${e.sign === "<" ? "below" : "above"} ${short(e.threshold)}${e.after == null ? "" : `; repaired: ${num(e.after)}`}</span></div>`)}</div>`;

export function Guess({ cases }) {
  const [seed] = useState(() => dice(1e6));
  const [round, setRound] = useState(0);
  const [guess, setGuess] = useState(null);
  const [score, setScore] = useState(0);
  const order = shuffled(cases, seed);
  const now = order[round % order.length];
  const { found, busy, play } = useCase(now.name);
  const played = found?.played ?? null;
  const names = choices(now.state, cases, seed + round);
  const answer = (name) => {
    setGuess(name);
    if (name === now.state) setScore(score + 1);
  };
  const next = () => {
    setGuess(null);
    setRound(round + 1);
    scrollTo(0, 0);
  };
  const pick = (word) => played?.pictures.find((p) => p.name.startsWith(word));
  const [before, after] = [pick("before") ?? played?.pictures[0], pick("after")];
  const right = guess === now.state;
  return html`<article class="guess" data-testid="guess"><p class="small">Round ${round + 1} of ${order.length} · ${int(score)} right</p><h1>What went wrong here?</h1>
    <p class="lead">Somebody trained this GAN and published it. This is what it drew.</p>
    ${!before ? html`<p class="nothing">${found ? "This one has not been played on this computer yet." : "Opening a case…"}</p>`
      : html`<div class="exam"><div class="duet"><${Shown} key=${now.name} picture=${before} caption=${guess ? "as published" : before.low == null ? "its samples" : "64 samples, black is the least value and white the largest"} />
        ${guess && after && html`<${Shown} key=${`${now.name}/after`} picture=${after} caption="repaired, from the same z" />`}</div>
      <div class="names" role="group" aria-label="Names to choose from">${names.map((name) => html`<${Button} kind=${`name ${guess && name === now.state ? "yes" : guess === name ? "no" : ""}`} off=${guess != null} testid=${`guess-${name.replaceAll(/[ ,]+/g, "-")}`} act=${() => answer(name)}>${pictureOf(name)}<span>${capital(name)}</span><//>`)}</div></div>`}
    ${guess && html`<section class="told" aria-live="polite" data-testid="guess-told"><h2 class=${right ? "ok" : "bad"}>${right ? icon.ok() : icon.bad()} ${right ? "Yes" : "No"}: ${now.state}</h2>
      <p class="lead">${found.cause}</p>
      <${Evidence} lines=${played?.evidence} />
      <p class="lead"><b>The repair.</b> ${found.repair}</p>
      ${!server.lab && html`<div class="run"><${Button} testid="guess-run" off=${busy != null || !mayWrite()} act=${() => play((played?.seed ?? 0) + 1)}>${icon.play()}${busy ? "Both run…" : "Run both again"}<//><span class="small" role="status">${busy ?? (found.seconds ? `Seed ${int(played.seed)}, both runs, ${time(found.seconds)} on this computer` : "As published and repaired, from the next seed, each drawing the same z")}</span></div>`}
      <p class="src">${now.title}, ${found.year}. <a href=${`#museum/${encodeURIComponent(now.name)}`}>See the exhibit</a></p>
      <div class="run">${round + 1 < order.length ? html`<${Button} kind="primary big" testid="guess-next" act=${next}>Next<//>` : html`<b>${int(score)} of ${order.length} right.</b>`}</div></section>`}
  </article>`;
}
