// Runs: a menu of what is kept; each run is resumed, drawn with or reported.

import { Button, Dialog, html, useState } from "./html.js";
import { Futures } from "./diagnosis.js";
import { useAnswer } from "./draw.js";
import { badgeOf, icon } from "./icons.js";
import { int, num, short } from "./numbers.js";
import { act, mayWrite, reportPath, runPath, server, store } from "./store.js";

const OPEN = ["paused", "stopped", "failed", "finished"];
const UNREAD = "unreadable";

function State({ run }) {
  if (run.state === UNREAD) return html`<span class="chip bad">${icon.bad()}Cannot be read</span>`;
  const d = run.diagnosis;
  const level = run.state === "failed" ? "bad" : d?.severity ? badgeOf(d.severity) : d ? "ok" : "";
  return html`<span class=${`chip ${level}`}>${level && icon[level]()}${run.state === "failed" && !d?.severity ? "Failed" : d && !d.severity ? "No failure shows" : d?.title ?? "No check yet"}</span>`;
}

function Row({ run, off, close, futures }) {
  const resume = async () => {
    const answer = await act(runPath(run.name, "/resume"), run.state === "finished" ? { steps: run.steps + 10_000 } : {});
    if (!answer) return;
    location.hash = "train";
    close();
  };
  const under = [run.recipe && run.recipe !== run.name ? run.recipe : null, run.data?.replace(/^.*[\\/]\.(drawings-\d+)\.npy$/, "$1"), run.parent ? `second try of ${run.parent}, from ${int(run.from_step)}` : null, run.live ? run.state : run.text, run.state === UNREAD ? null : `step ${int(run.step)}`,
    run.points || run.fd == null ? null : `FD ${num(run.fd)}${run.fd_floor == null ? "" : ` (floor ${short(run.fd_floor)})`}`].filter(Boolean).join(" · ");
  const read = run.state !== UNREAD;
  const ours = read && !run.watched;
  return html`<li data-testid="run-row" data-run=${run.name}><div><b>${run.name}</b> <${State} run=${run} /><br /><small>${under}</small></div>
    <div class="act">${ours && !run.live && OPEN.includes(run.state) && html`<${Button} kind="low" off=${off} testid="run-resume" act=${resume}>${run.state === "finished" ? "Train on" : "Resume"}<//>`}
      ${ours && !run.points && html`<a class="btn low" href=${`#draw?model=${encodeURIComponent(run.name)}`} onClick=${close}>Draw</a>`}
      ${read && !server.lab && html`<a class="btn low" href=${reportPath(run.name)} data-testid="run-report">Report</a>`}
      ${run.parent && html`<${Button} kind="low" testid="run-futures" act=${() => futures(run.name)}>Both futures<//>`}</div></li>`;
}

export function Runs({ close }) {
  const { data: list, fault } = useAnswer(() => server.get("/api/runs"), [store.runsVersion]);
  const [played, setPlayed] = useState(null); // whose GIF is shown
  if (played) return html`<${Futures} run=${played} close=${() => setPlayed(null)} />`;
  return html`<${Dialog} id="runs-h" title=${server.lab ? "Runs in this tab" : "Runs on disk"} testid="runs" close=${close}>
    ${fault ? html`<p class="nothing">${fault}</p>` : list && !list.runs.length ? html`<p class="nothing">No runs yet. Each run of Train is kept ${server.lab ? "while this tab is open" : `in ${list.folder}`}.</p>`
      : html`<ul class="runs">${list?.runs.map((run) => html`<${Row} key=${run.name} run=${run} off=${!mayWrite()} close=${close} futures=${setPlayed} />`)}</ul>`}<//>`;
}
