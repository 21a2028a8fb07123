// Runs: the runs folder as a table; compare, report, resume, export, delete with undo.

import { Button, html, useEffect, useMemo, useState } from "./html.js";
import { Chart, measured, points } from "./chart.js";
import { Futures } from "./diagnosis.js";
import { badgeOf, icon } from "./icons.js";
import { int, num, plain, short, time } from "./numbers.js";
import { act, begin, changed, latest, mayWrite, modelOf, runPath, server, store, tell } from "./store.js";

const COLOURS = ["--brand", "--real", "--fake", "--judge"];
const MOST = 4; // runs compared at once
const OPEN = ["paused", "stopped", "failed", "finished"];

const TRAINED = html`<br /><small>in training</small>`;
const ENDED = html`<br /><small>at the end</small>`;

const UNREAD = "unreadable";
const again = () => { store.runsVersion++; changed(true); };

function State({ run }) {
  if (run.state === UNREAD) return html`<span class="chip bad">${icon.bad()}Cannot be read</span>`;
  const d = run.diagnosis;
  const level = run.state === "failed" ? "bad" : d?.severity ? badgeOf(d.severity) : d ? "ok" : "";
  const well = d && !d.severity;
  return html`<span class=${`chip ${level}`}>${level && icon[level]()}${run.state === "failed" && !d?.severity ? "Failed" : well ? "No failure shows" : d?.title ?? "No check yet"}</span>${well && html`<br /><small>of ${store.catalog?.diagnosis.checks} looked for; not looked for: how good it is</small>`}`;
}

function Thumb({ run }) {
  const [source, set] = useState(null);
  useEffect(() => latest(server.url(run.sample), set), []);
  return source && html`<img class=${`thumb ${run.points ? "points" : ""}`} alt="" loading="lazy" src=${source} />`;
}

function Row({ run, selected, toggle, off, futures }) {
  const remove = async () => {
    const gone = await act(runPath(run.name, "/delete"));
    if (!gone) return;
    store.runsVersion++;
    tell("info", html`<b>${run.name}</b> is in the bin.`, [["Undo", async () => {
      const back = await act(`/api/trash/${encodeURIComponent(gone.id)}/restore`);
      store.runsVersion++;
      if (back) tell("info", `${back.name} is back.`);
    }, "undo-delete"]]);
  };
  const resume = async () => {
    const answer = await act(runPath(run.name, "/resume"), { replace: true, ...(run.state === "finished" ? { steps: run.steps + 10_000 } : {}) });
    if (answer) location.hash = "train";
  };
  const under = [run.recipe && run.recipe !== run.name ? run.recipe : null, run.data, run.parent ? `second try of ${run.parent}, from ${int(run.from_step)}` : null, run.live ? run.state : run.text].filter(Boolean).join(" · ");
  const read = run.state !== UNREAD, ours = read && run.recipe !== "watched";
  const shown = run.points ? null : run.fd;
  const of = (value, step) => value != null && step !== run.step && html`<br /><small class="nowrap">step ${int(step)}</small>`; // it went on
  return html`<tr class=${selected ? "sel" : ""} data-testid="run-row" data-run=${run.name}><td><input type="checkbox" checked=${selected} disabled=${!read} aria-label=${`Compare ${run.name}`} onChange=${toggle} /></td>
    <td><b>${ours ? html`<a href=${run.live ? "#train" : `#draw?model=${encodeURIComponent(modelOf(run.name))}`}>${run.name}</a>` : run.name}</b><br /><small>${under}</small></td>
    <td>${run.sample && html`<${Thumb} key=${run.changed} run=${run} />`}</td><td><${State} run=${run} /></td><td class="n" data-what="Steps">${int(run.step)}</td><td class="n nowrap" data-what="Time">${time(run.seconds)}</td>
    <td class="n" data-what="Distance">${run.points || run.distance == null ? html`${num(run.gap)}${run.gap != null && html`<br /><small>energy</small>`}` : html`${num(run.distance)}${of(run.distance, run.monitored_step)}`}</td><td class="n" data-what="FD"><b>${num(shown)}</b>${shown != null && run.fd_floor != null && html`<br /><small class="nowrap">floor ${num(run.fd_floor)}</small>`}${of(shown, run.measured_step)}</td><td class="n" data-what="Coverage">${num(run.coverage)}${run.coverage != null && run.coverage_ideal != null && html`<br /><small class="nowrap">best ${short(run.coverage_ideal)}</small>`}${of(run.coverage, run.measured_step)}</td><td class="n nowrap" data-what="Classes">${run.modes == null ? "–" : `${run.modes} / ${run.modes_of ?? "–"}`}${of(run.modes, run.monitored_step)}</td>
    <td><div class="acts">${read && html`${server.lab ? "" : run.report ? html`<a class="btn" href=${run.report} data-testid="run-report">Report</a>` : html`<${Button} off=${off} testid="run-report" act=${() => begin(run.name, "report")}>Report<//>`}
      ${ours && !run.live && OPEN.includes(run.state) && html`<${Button} off=${off} testid="run-resume" act=${resume}>${run.state === "finished" ? "Train on" : "Resume"}<//>`}`}
      ${run.parent && html`<${Button} testid="run-futures" act=${() => futures(run.name)}>Both futures<//>`}<${Button} kind="quiet" off=${off || run.live} title=${run.live ? "This run is in hand" : null} aria-label=${`Delete ${run.name}`} testid="run-delete" act=${remove}>Delete<//></div></td></tr>`;
}

function Compare({ names, curves, runs }) {
  const there = names.filter((n) => curves[n]);
  const longest = Math.max(1000, ...there.map((n) => Math.max(curves[n].curves?.step?.at(-1) ?? 0, curves[n].measurements?.step?.at(-1) ?? 0)));
  const x = [0, longest];
  const lines = (part, column) => there.map((name, i) => ({ name: name.length > 18 ? `${name.slice(0, 17)}…` : name, color: COLOURS[i % MOST], dash: i % 3, data: measured(points(curves[name][part], column(runs.find((r) => r.name === name)))) }));
  const look = store.catalog?.diagnosis;
  const of = Math.max(10, ...there.map((n) => runs.find((r) => r.name === n)?.modes_of ?? 0));
  return html`<div class="cmp"><${Chart} testid="compare-distance" title="Distance to real in training" unit="log, lower is better" log height=${190} x=${x} least=${[1, 100]} series=${lines("distance", (run) => (run?.points ? "gap" : "distance"))} />
    <${Chart} testid="compare-coverage" title="Coverage in training" unit=${`of ≤ ${int(look?.reals)} reals, best ${short(look?.coverage_ideal)}`} height=${190} x=${x} fixed=${[0, 1]} series=${lines("measurements", () => "coverage")} />
    <${Chart} testid="compare-classes" title="Classes in use" unit=${`exp H, of ${of}`} height=${190} x=${x} fixed=${[0, of]} series=${lines("distance", () => "effective_modes")} /></div>`;
}

export function Runs({ query }) {
  const [list, setList] = useState(null);
  const [fault, setFault] = useState(null);
  const [words, setWords] = useState("");
  const [chosen, setChosen] = useState(query.has("compare") ? query.getAll("compare").slice(0, MOST) : null);
  const [curves, setCurves] = useState({});
  const [played, setPlayed] = useState(null); // whose GIF is shown
  const took = (found, problem) => {
    if (found) setList(found);
    setFault(problem?.message ?? null);
  };
  useEffect(() => latest(server.get("/api/runs"), took), [store.runsVersion]);
  const runs = list?.runs ?? [];
  const live = runs.some((r) => r.recipe === "watched" && r.state === "stopped");
  useEffect(() => { const timer = live && setInterval(again, 5e3); return () => clearInterval(timer); }, [live]);
  const picked = chosen ?? runs.filter((r) => r.state !== UNREAD).slice(0, 2).map((r) => r.name);
  useEffect(() => {
    const there = picked.filter((name) => runs.some((r) => r.name === name && r.state !== UNREAD));
    for (const name of there) server.get(runPath(name, "/curves")).then((c) => setCurves((old) => ({ ...old, [name]: c }))).catch(() => {});
  }, [picked.join(), list]);
  const found = runs.filter((r) => [r.name, r.recipe, r.data, r.diagnosis?.title, r.state].some((t) => String(t ?? "").toLowerCase().includes(words.toLowerCase())));
  const toggle = (name) => {
    const now = picked.includes(name) ? picked.filter((n) => n !== name) : [...picked, name].slice(-MOST);
    setChosen(now);
    history.replaceState(null, "", `#runs?${new URLSearchParams(now.map((n) => ["compare", n]))}`);
  };
  const off = !mayWrite();
  const rows = useMemo(() => found.map((run) => html`<${Row} key=${run.name} run=${run} selected=${picked.includes(run.name)} toggle=${() => toggle(run.name)} off=${off} futures=${setPlayed} />`), [list, words, picked.join("/"), off]);
  const restore = async (item) => {
    await act(`/api/trash/${encodeURIComponent(item.id)}/restore`);
    again();
  };
  return html`<main class="view" id="main" tabindex="-1"><h1 class="sr">Runs</h1><section class="panel" aria-labelledby="r1"><div class="ph"><h2 id="r1">${server.lab ? "Runs in this tab" : "Runs on disk"}</h2><span class="small mono">${list && !server.lab ? `${list.folder} · ${num(list.bytes / 1e6)} MB` : ""}</span><div class="end"><input class="in find" type="search" placeholder="Find" aria-label="Find a run" data-testid="runs-filter" value=${words} onInput=${(e) => setWords(e.target.value)} /></div></div>
    <div class="pb flush">${fault ? html`<p class="nothing">${fault}</p>` : list && !runs.length ? html`<div class="nothing"><h3>No runs yet</h3><p class="small">Each run of <a href="#train">Train</a> is kept in ${plain(list.folder)}.</p></div>`
      : html`<div class="scroll" tabindex="0" role="region" aria-label="Table of runs"><table class="tbl"><thead><tr><th><span class="sr">Compare</span></th><th>Run</th><th>Samples</th><th>State</th><th class="n">Steps</th><th class="n">Time</th><th class="n">Distance ↓${TRAINED}</th><th class="n">FD ↓${ENDED}</th><th class="n">Coverage ↑${ENDED}</th><th class="n">Classes${TRAINED}</th><th><span class="sr">Actions</span></th></tr></thead>
        <tbody>${rows}</tbody></table></div>
        ${runs.length > 0 && !found.length && html`<p class="nothing">No run has “${words}” in its name, recipe, data or state.</p>`}`}
      ${list?.trash?.length > 0 && html`<p class="small trash">In the bin: ${list.trash.map((item) => html`<span class="nowrap">${item.name} <${Button} kind="low quiet" off=${!mayWrite()} aria-label=${`Take ${item.name} out of the bin`} act=${() => restore(item)}>Take back<//></span> `)}</p>`}
    </div></section>${runs.length > 0 && html`<${Compare} names=${picked} curves=${curves} runs=${runs} />`}${played && html`<${Futures} run=${played} close=${() => setPlayed(null)} />`}</main>`;
}
