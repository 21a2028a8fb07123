// The frame: top bar, views by the part of the address after #, news at the foot, theme, live region.

import { Button, html, render, useEffect, useHears, useState } from "./html.js";
import { Draw } from "./draw.js";
import { Guest, Teach } from "./easel.js";
import { Game } from "./game.js";
import { icon } from "./icons.js";
import { Look } from "./look.js";
import { Museum } from "./museum.js";
import { keep, kept } from "./query.js";
import { Runs } from "./runs.js";
import { openStory } from "./story.js";
import { changed, pageState, server, store, takeLock, tell, useStore, wasAsked } from "./store.js";
import { Train, trainNews } from "./train.js";

/** The story stands in index.html, so that it stays as it is while other views are open. */
function Story({ rest: [place] }) {
  useEffect(() => { openStory().then(() => place && document.getElementById(place)?.scrollIntoView()); }, [place]);
  useEffect(() => { // chapters are links where there is a book
    for (const link of server.book ? document.querySelectorAll("[data-chapter]") : []) link.href = server.book.replace("index", link.dataset.chapter);
  }, [server.book]);
  return null;
}

const VIEWS = { story: ["Start here", Story, "The forger and the judge"], train: ["Train", Train], game: ["The game", Game], teach: ["Teach it", Teach], draw: ["Draw", Draw], look: ["Look inside", Look], museum: ["Museum", Museum], runs: ["Runs", Runs], pile: ["Draw and vote", Guest] };

// ── theme: the user's choice, or the system's ──

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

// ── where we are ──

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

function useRoute() {
  const [here, set] = useState(route());
  useHears({ hashchange() {
    const now = route();
    if (store.news && performance.now() - store.news.at > FRESH) store.news = null; // it was about the view before
    set(now);
    scrollTo(0, 0);
    document.querySelector(`[data-testid=nav-${now.view}]`)?.scrollIntoView({ block: "nearest", inline: "center" });
  } });
  return here;
}

const FRESH = 1000; // ms: a message that comes as the view changes belongs to the new one
const KEPT = ["draw", "museum"]; // views that open again as they were left
const places = {};

/** The address on the clipboard, or where the browser forbids that, in a message to be copied by hand. */
function CopyLink() {
  const [done, setDone] = useState(false);
  const copy = () => (navigator.clipboard?.writeText(location.href) ?? Promise.reject()).then(() => {
    store.spoken = "The address is on the clipboard.";
    setDone(true);
    setTimeout(() => setDone(false), 2000);
  }, () => tell("info", location.href));
  return html`<${Button} kind="quiet" testid="copy-link" aria-label=${done ? "Copied" : "Copy link"} act=${copy}>${done ? icon.ok() : icon.link()}<span class="wide">${done ? "Copied" : "Copy link"}</span><//>`;
}

/** For a projector: everything larger, and of Train only what a class looks at. */
function present() {
  document.documentElement.toggleAttribute("data-present");
  changed(true);
  dispatchEvent(new Event("resize"));
}

const loading = () => store.news?.code === "lab" && store.news.kind === "info" && store.news.text;

function Top({ view, state }) {
  const [dot, words] = state === "reconnecting" || state === "connecting" ? ["warn", state === "connecting" ? loading() || "Connecting…" : "Reconnecting…"] : ["", state === "second-tab" ? "Watching" : server.words];
  return html`<a class="skip" href=${view === "story" ? "#story" : "#main"} onClick=${(e) => { e.preventDefault(); (document.getElementById("main") ?? document.getElementById("story")).focus(); }}>Skip to content</a>
    <header class="top"><a class="logo" href=${view === "pile" ? "#pile" : `#/${FIRST}`}>${icon.mark()}<span>Mulligan</span></a>
    ${view !== "pile" && html`<nav class="nav" aria-label="Views">${Object.entries(VIEWS).filter(([key]) => key !== "pile").map(([key, [name]]) => html`<a href=${places[key] ?? `#${key}`} onClick=${() => { if (KEPT.includes(view)) places[view] = location.hash; }} data-testid=${`nav-${key}`} aria-current=${key === view ? "page" : null}>${name}</a>`)}${server.book && html`<a href=${server.book}>Book</a>`}</nav>`}
    <div class="right"><span class="conn" role="status" data-testid="connection"><i class=${`dot ${dot}`}></i><span>${words}</span></span>
    ${view !== "pile" && html`<${CopyLink} /><${Button} kind="quiet wide" testid="present" aria-pressed=${String("present" in document.documentElement.dataset)} title="Larger, for a projector" act=${present}>Present<//>`}
    <${Button} kind="quiet icon" testid="theme-toggle" aria-label="Switch between light and dark" act=${toggleTheme}>${icon.sun()}<//></div></header>`;
}

// ── news ──

const STEPS = html`<kbd>Space</kbd> starts and pauses, <kbd>.</kbd> takes one step`;
const HINTS = { train: html`${STEPS}, arrow keys move through charts.`, game: html`${STEPS}.` };

const ago = (time) => Math.max(0, Math.round((Date.now() - time) / 1000));

function Banner({ kind, text, actions = [], close }) {
  return html`<div class=${`banner ${kind}`} role=${kind === "bad" ? "alert" : "status"} data-testid="banner">${icon[kind]()}<span>${text}</span>
    <span class="end">${actions.map(([label, act, testid, href]) => (href ? html`<a class="btn" href=${href} data-testid=${testid}>${label}</a>` : html`<${Button} testid=${testid} act=${act}>${label}<//>`))}
    ${close && html`<${Button} kind="quiet" aria-label="Close this message" act=${close}>${icon.bad()}<//>`}</span></div>`;
}

/** In the lab: how many drawings of the last visit this browser keeps, until the page has shown them. */
let left = server.lab ? JSON.parse(kept("drawings") ?? "[]").length : 0;

function News({ view, state }) {
  const [, tick] = useState(0);
  const [watching, setWatching] = useState(false); // for longer than a page needs to follow one that was just closed
  useEffect(() => {
    setWatching(false);
    const timer = state === "second-tab" ? setTimeout(setWatching, 2500, true) : 0;
    return () => clearTimeout(timer);
  }, [state]);
  useEffect(() => {
    if (state !== "reconnecting") return undefined;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [state]);
  const standing = state === "reconnecting"
    ? { kind: "warn", text: html`<b>The page lost the server.</b> Where that still runs, training goes on; last news ${ago(store.heard)} s ago. Trying again in ${Math.max(0, Math.ceil((store.lost.retry - Date.now()) / 1000))} s.`, actions: [["Try now", () => server.connect(), "reconnect-now"]] }
    : state === "second-tab" ? watching && view !== "pile" ? { kind: "info", text: html`<b>Another tab controls ${["empty", undefined].includes(store.status?.state) ? "the playground" : "this run"}.</b> Here you can look, but not change anything.`, actions: [["Take control here", () => takeLock(true), "take-control"]] } : null
    : view === "train" ? trainNews(state) : null;
  const ended = view === "train" && state === "finished" ? `${store.status.run} ${store.status.step}` : null; // that bar may be closed
  const passing = store.news && !loading() && !(standing && store.news.code) && !["reconnecting", "second-tab"].includes(state) ? { ...store.news, close: () => tell(null) } : null;
  const busy = store.progress && state !== "diagnosis" ? { kind: "info", text: [store.progress.run, store.progress.text || store.progress.what].filter(Boolean).join(": ") } : null;
  if (view === "teach") left = 0;
  const offer = left && store.connected ? { kind: "info", text: `This browser keeps ${left} drawings of your last visit.`, actions: [["Go on with them", null, "go-on-drawing", "#teach"]] } : null;
  const one = passing ?? (standing && ended && store.closed === ended ? null : standing) ?? busy ?? offer; // one bar: two would cover the page
  const close = one === standing && ended ? () => { store.closed = ended; changed(true); } : one?.close;
  return html`<footer class="news">${one ? html`<${Banner} ...${one} close=${close} />` : html`<p class="small">${HINTS[view] ?? "Nothing that you do here leaves this machine."}</p>`}</footer>`;
}

addEventListener("mulligan-progress", ({ detail: news }) => {
  if (!news.done || !wasAsked(news.what)) return;
  if (news.url) tell("info", `${news.text || "Done"}${/[.!?]$/.test(news.text ?? "") ? "" : "."}`, [[news.what === "report" ? "Open the report" : "Download", null, "progress-link", news.url]]);
  else if (news.text) tell("warn", news.text);
});

// ── the page ──

function App() {
  useStore();
  const here = useRoute();
  const state = pageState();
  const [name, View, title = name] = VIEWS[here.view];
  useEffect(() => {
    document.body.dataset.state = state;
    document.body.dataset.view = here.view;
    document.getElementById("story").hidden = here.view !== "story";
    document.title = `${title} · Mulligan`;
  });
  return html`<${Top} view=${here.view} state=${state} /><${News} view=${here.view} state=${state} /><${View} key=${`${here.view}?${here.query}`} ...${here} />
    <div class="sr" aria-live="polite" data-testid="announcer">${store.spoken}</div><div class="sr" role="alert">${store.alarmSpoken}</div>`;
}

addEventListener("mulligan-theme", () => changed(true));
const app = document.getElementById("app");
app.replaceChildren(); // the text of index.html
render(html`<${App} />`, app);
server.connect();
