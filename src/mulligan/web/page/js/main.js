// The frame: top bar, views by the part of the address after #, news at the foot, theme, live region.

import { Button, html, render, useEffect, useHears, useState } from "./html.js";
import { Draw } from "./draw.js";
import { Guest, Teach } from "./easel.js";
import { icon } from "./icons.js";
import { Museum } from "./museum.js";
import { keep, kept } from "./query.js";
import { Runs } from "./runs.js";
import { openStory } from "./story.js";
import { changed, pageState, server, store, tell, useStore } from "./store.js";
import { Train, trainNews } from "./train.js";

/** The story stands in index.html, so that it stays as it is while other views are open. */
function Story({ rest: [place] }) {
  useEffect(() => { openStory().then(() => place && document.getElementById(place)?.scrollIntoView()); }, [place]);
  useEffect(() => { // chapters are links where there is a book
    for (const link of server.book ? document.querySelectorAll("[data-chapter]") : []) link.href = server.book.replace("index", link.dataset.chapter);
  }, [server.book]);
  return null;
}

const VIEWS = { story: [Story, "The forger and the judge"], teach: [Teach, "Teach it"], train: [Train, "Train"], museum: [Museum, "Museum"], draw: [Draw, "Draw"], pile: [Guest, "Draw and vote"] };
const TABS = { story: "Story", teach: "Teach it", train: "Train", museum: "Museum" };

const system = matchMedia("(prefers-color-scheme: dark)");
const chosen = () => kept("theme");

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  dispatchEvent(new Event("mulligan-theme"));
}
setTheme(chosen() ?? (system.matches ? "dark" : "light"));
system.addEventListener("change", () => chosen() ?? setTheme(system.matches ? "dark" : "light"));

function toggleTheme() {
  const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  keep(name, "theme");
  setTheme(name);
}

const FIRST = server.lab ? "story" : "train"; // of an address without a view

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/");
  return { view: Object.hasOwn(VIEWS, view) ? view : FIRST, rest: rest.map(decoded), query: new URLSearchParams(query) };
}

/** A decoded part of the address; the part itself where a user has typed what cannot be decoded. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const asksForRuns = () => /^#\/?runs\b/.test(location.hash);
const FRESH = 1000; // ms: a message that comes as the view changes belongs to the new one

const loading = () => store.news?.code === "lab" && store.news.kind === "info" && store.news.text;

function connection(state) {
  if (state === "connecting") return server.broken ? "No Python here" : loading() || "Connecting…";
  return state === "reconnecting" ? "Reconnecting…" : server.words;
}

function Top({ view, state, openRuns }) {
  const waits = ["reconnecting", "connecting"].includes(state);
  const guest = view === "pile";
  const skip = (e) => {
    e.preventDefault();
    (document.getElementById("main") ?? document.getElementById("story")).focus();
  };
  const tab = view === "draw" ? "train" : view;
  return html`<a class="skip" href=${view === "story" ? "#story" : "#main"} onClick=${skip}>Skip to content</a>
    <header class="top"><a class="logo" href=${guest ? "#pile" : `#/${FIRST}`}>${icon.mark()}<span>Mulligan</span></a>
    ${!guest && html`<nav class="nav" aria-label="Views">${Object.entries(TABS).map(([key, name]) => html`<a href=${`#${key}`} data-testid=${`nav-${key}`} aria-current=${key === tab ? "page" : null}>${name}</a>`)}</nav>`}
    <div class="right"><span class="conn" role="status" data-testid="connection"><i class=${`dot ${waits ? "warn" : ""}`}></i><span>${connection(state)}</span></span>
    ${!guest && server.book && html`<a class="btn quiet" href=${server.book}>Book</a>`}${!guest && html`<${Button} kind="quiet" testid="runs-menu" aria-haspopup="dialog" act=${openRuns}>Runs<//>`}
    <${Button} kind="quiet icon" testid="theme-toggle" aria-label="Switch between light and dark" act=${toggleTheme}>${icon.sun()}<//></div></header>`;
}

const ago = (time) => Math.max(0, Math.round((Date.now() - time) / 1000));

function Banner({ kind, text, actions = [], close }) {
  return html`<div class=${`banner ${kind}`} role=${kind === "bad" ? "alert" : "status"} data-testid="banner">${icon[kind]()}<span>${text}</span>
    <span class="end">${actions.map(([label, act, testid]) => html`<${Button} testid=${testid} act=${act}>${label}<//>`)}
    ${close && html`<${Button} kind="quiet" aria-label="Close this message" act=${close}>${icon.bad()}<//>`}</span></div>`;
}

/** What stands as long as the page is in a state; null where there is nothing to say. */
function standing(view, state) {
  if (state === "reconnecting") return { kind: "warn", text: html`<b>The page lost the server.</b> Where that still runs, training goes on; last news ${ago(store.heard)} s ago. Trying again in ${Math.max(0, Math.ceil((store.lost.retry - Date.now()) / 1000))} s.`, actions: [["Try now", () => server.connect(), "reconnect-now"]] };
  return view === "train" ? trainNews(state) : null;
}

function News({ view, state }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = state === "reconnecting" ? setInterval(() => tick((n) => n + 1), 1000) : 0;
    return () => clearInterval(timer);
  }, [state]);
  const now = standing(view, state);
  const ended = view === "train" && state === "finished" ? `${store.status.run} ${store.status.step}` : null; // that bar may be closed
  const reading = view === "story"; // who reads is told what fails, and nothing of runs
  const passing = store.news && !(reading && store.news.kind === "info") && !loading() && !(now && store.news.code) && state !== "reconnecting" ? { ...store.news, close: () => tell(null) } : null;
  const busy = !reading && store.progress && state !== "diagnosis" ? { kind: "info", text: `${store.progress.run}: ${store.progress.text}` } : null;
  const one = passing ?? (now && ended && store.closed === ended ? null : now) ?? busy; // one bar: two would cover the page
  const close = one === now && ended ? () => { store.closed = ended; changed(true); } : one?.close;
  return one && html`<div class="news"><${Banner} ...${one} close=${close} /></div>`;
}

function App() {
  useStore();
  const [runs, setRuns] = useState(asksForRuns());
  const [here, setHere] = useState(route());
  useHears({ hashchange() {
    if (asksForRuns()) setRuns(true);
    if (store.news && store.news.code !== "lab" && performance.now() - store.news.at > FRESH) store.news = null; // it was about the view before
    setHere(route());
    scrollTo(0, 0);
  } });
  const state = pageState();
  const [View, title] = VIEWS[here.view];
  useEffect(() => {
    document.body.dataset.state = state;
    document.body.dataset.view = here.view;
    document.getElementById("story").hidden = here.view !== "story";
    document.title = `${title} · Mulligan`;
  });
  return html`<${Top} view=${here.view} state=${state} openRuns=${() => setRuns(true)} /><${News} view=${here.view} state=${state} /><${View} key=${`${here.view}?${here.query}`} ...${here} />
    ${runs && store.connected && html`<${Runs} close=${() => setRuns(false)} />`}<div class="sr" aria-live="polite" data-testid="announcer">${store.spoken}</div><div class="sr" role="alert">${store.alarmSpoken}</div>`;
}

addEventListener("mulligan-theme", () => changed(true));
const app = document.getElementById("app");
app.replaceChildren(); // index.html says there that the page opens
render(html`<${App} />`, app);
server.connect();
