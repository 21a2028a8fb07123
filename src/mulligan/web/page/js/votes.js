// Class forgery: one picture, real or forged; each phone of the class votes, and the class's needle meets the judge's.

import { Button, html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Picture, useImages } from "./draw.js";
import { Dial, share, word } from "./game.js";
import { int } from "./numbers.js";
import { keep, kept } from "./query.js";
import { act, latest, mayWrite, server, store } from "./store.js";

const many = (n, one) => `${int(n)} ${one}${n === 1 ? "" : "s"}`;
export const nextRound = () => act("/api/round");

/** The address of a pile for phones, as a QR code. */
export const Code = ({ of }) => html`<img alt="QR code of the address for phones" src=${of.code} />`;

function Shown({ round }) {
  const [image] = useImages([round.png]);
  return html`<${Picture} image=${image} testid="vote-picture" label=${round.answer ? `A ${word(round.answer.real)} picture` : `Picture ${round.number}, real or forged`} />`;
}

export function ClassVote() {
  const { round } = store;
  const { answer } = round;
  const [door, setDoor] = useState(null);
  useEffect(() => latest(server.get("/api/pile"), setDoor), []);
  const main = useRef(null);
  useLayoutEffect(() => main.current?.focus(), [round.number, answer != null]);
  const [rounds, ours, judges] = round.score;
  const off = !mayWrite();
  const [name, words, go] = answer ? ["next", "Next picture", nextRound] : ["end", "Show the answer", () => act("/api/round/end")];
  return html`<section class="panel bench" aria-labelledby="g6" data-testid="class-vote"><h2 id="g6">${answer ? html`It is <b class=${answer.real ? "real" : "fake"}>${word(answer.real)}</b>.` : "Real or forged? Vote on your phone."}</h2>
    <div class="ballot"><${Shown} round=${round} />
      <div>${answer ? html`<${Dial} needles=${[...(answer.share == null ? [] : [[answer.share, "brand", 11]]), [answer.belief, "judge"]]} label=${`The class: ${answer.share == null ? "no vote" : share(answer.share)}; the judge: ${share(answer.belief)} for real`} />
        <p role="status" data-testid="vote-answer">${answer.share == null ? "Nobody voted. " : html`<b class="ok">The class</b>: ${share(answer.share)} say “real” (${many(round.votes, "vote")}). `}The judge says “real” with ${share(answer.belief)}.</p>`
        : html`${door?.code && html`<${Code} of=${door} />`}<p data-testid="vote-count">${round.phones || round.votes ? html`<b>${many(round.votes, "vote")}</b> · ${many(round.phones, "phone")}` : "No phone is here yet. Scan this to join."}</p>`}
        <p class="ink2" data-testid="vote-score">${rounds ? `Right in ${many(rounds, "round")}: the class ${int(ours)}, the judge ${int(judges)}` : ""}</p></div></div>
    <p class="small">From step ${int(round.step)} of the run${store.status?.state === "training" ? ", which goes on" : ""}.</p>
    <div class="act"><button class="btn big primary" ref=${main} disabled=${off} data-testid=${`vote-${name}`} onClick=${go}>${words}</button><${Button} kind="big quiet" off=${off} testid="vote-leave" act=${() => act("/api/round/leave")}>Back to the game<//></div></section>`;
}

export function Ballot({ round }) {
  const { number, answer } = round;
  const [mine, set] = useState(() => JSON.parse(kept(`votes.${store.epoch}`) ?? "{}")); // by round of this server: what this phone has said, and what was true
  const setMine = (all) => {
    set(all);
    keep(JSON.stringify(all), `votes.${store.epoch}`);
  };
  const [fault, setFault] = useState(null);
  const [said] = mine[number] ?? [];
  useEffect(() => setFault(null), [number, answer != null]);
  useEffect(() => { if (answer && said != null) setMine({ ...mine, [number]: [said, answer.real] }); }, [answer != null, number]);
  const told = Object.values(mine).filter(([, real]) => real != null);
  const say = (real) => server.post("/api/round/vote", { client: server.client, number, real }).then(() => setMine({ ...mine, [number]: [real] }), (problem) => setFault(problem.message));
  const answered = answer && (said == null ? "You did not vote." : said === answer.real ? html`<b class="ok">You were right.</b>` : html`<b class="bad">${answer.real ? "You were wrong." : "You were fooled."}</b>`);
  return html`<section class="panel bench" aria-label="Your vote" data-testid="ballot"><${Shown} round=${round} />
    <p class="answer" role="status" data-testid="ballot-answer">${fault ? html`<span class="bad">${fault}</span>` : answer ? html`It is ${word(answer.real)}. ${answered}` : said == null ? "What do you say?" : `You say ${word(said)}. Until the answer comes, you may change your mind.`}</p>
    ${!answer && html`<div class="act">${[false, true].map((real) => html`<${Button} kind="big" aria-pressed=${said === real} off=${!store.connected} testid=${`vote-${word(real)}`} act=${() => say(real)}>${real ? "Real" : "Forged"}<//>`)}</div>`}
    ${told.length > 0 && html`<p class="ink2" data-testid="ballot-score">You: ${told.filter(([mine, real]) => mine === real).length} of ${told.length} right</p>`}</section>`;
}
