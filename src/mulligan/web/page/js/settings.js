// Settings: a recipe, pictures, and how it trains. A dot marks what differs from the recipe. Most changes wait for a new try.

import { Button, Dialog, html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { icon } from "./icons.js";
import { capital, int, plain, rate } from "./numbers.js";
import { LARGE, Pad, wipe } from "./pad.js";
import { css } from "./pictures.js";
import { Term } from "./terms.js";
import { act, backTo, can, changed, command, edited, latest, loadCatalog, mayWrite, server, store } from "./store.js";

/** The page's field for a field that the server refuses, where the names differ. */
export const NAMES = { size: "data", alpha: "data", resize: "data", tile: "data" };

const FIRST = ["quick", "best", "small", "mlp", "classic", "article", "ring"];

const DOES = { quick: "Digits, one minute", best: "The best digits", small: "The smallest nets", mlp: "Dense layers only", classic: "The first tutorials", article: "A famous failure", ring: "Points on a ring", pictures: "Your own pictures" };
export const does = ({ name, title }) => DOES[name] ?? capital(title.replace(/[:;.] ?`.*|`|\.$/g, ""));
/** Groups of the other recipes: scripts that failed, and their repairs, are for those who look for them. */
const FAILED = /^(article|attempt)/;

const first = () => FIRST.map(recipeOf).filter(Boolean);
export const recipeOf = (name) => store.catalog?.recipes.find((r) => r.name === name);

/** The settings that a start would use: the draft, then the run's, then the recipe's. */
export function wanted() {
  const { draft, settings, catalog } = store;
  const name = draft.recipe ?? settings?.recipe ?? (recipeOf("quick") ? "quick" : catalog?.recipes[0]?.name);
  const recipe = recipeOf(name);
  return { seed: 0, ...(settings && draft.recipe == null ? settings : recipe), ...draft, recipe: name };
}

/** The settings that say which experiment this is: the recipe, and what differs from it. */
export function differences() {
  const now = wanted();
  const recipe = recipeOf(now.recipe);
  return Object.keys(LABELS).filter((name) => name === "recipe" || (recipe && now[name] !== recipe[name]));
}

export const dirty = () => Object.keys(store.draft).length > 0;

function startBody(more = {}) {
  return { recipe: store.settings ? null : wanted().recipe, ...store.draft, ...more };
}

export async function start(more = {}) {
  const answer = await act("/api/train/start", startBody({ replace: true, ...more }), NAMES);
  if (answer) {
    store.draft = {};
    store.remedy = null;
    changed(true);
  }
  return answer;
}

const dataOf = (name) => store.catalog?.data.find((d) => d.name === name);

/** A recipe for these data where the one of now is for the other kind, or nobody chose it for own pictures; else null. */
function fitting(data) {
  const [there, now] = [dataOf(data), recipeOf(wanted().recipe)];
  if (there?.own && !there.points && !store.draft.recipe && !dataOf(wanted().data)?.own) return recipeOf("pictures");
  if (!there || !now || Boolean(there.points) === Boolean(now.points)) return null;
  const fit = store.catalog.recipes.filter((r) => Boolean(r.points) === Boolean(there.points));
  return fit.find((r) => r.name === data) ?? fit.find((r) => r.data === data && r.name === "quick") ?? fit.find((r) => ["quick", "ring"].includes(r.name));
}

function setDraft(name, value) {
  const fit = name === "data" ? fitting(value) : null;
  if (fit) {
    setDraft("recipe", fit.name);
    if (fit.data !== value) setDraft("data", value);
    store.switched = `${value} holds ${fit.points ? "points" : "pictures"}, so the recipe is ${fit.name} now.`;
    return changed(true);
  }
  store.switched = null;
  const draft = { ...store.draft };
  const recipe = name === "recipe" ? value : wanted().recipe;
  if (name === "recipe") {
    const now = wanted();
    for (const key of Object.keys(draft)) delete draft[key];
    draft.recipe = value; // the recipe as it is, but with the user's own pictures
    const own = dataOf(now.data);
    if (own?.own && Boolean(own.points) === Boolean(recipeOf(value)?.points)) for (const key of ["data", ...Object.keys(READ)]) if ((now[key] ?? READ[key][1]) !== READ[key]?.[1]) draft[key] = now[key];
  } else {
    draft[name] = value;
    if (name === "data") for (const key of Object.keys(READ)) delete draft[key]; // they were those of other pictures
    const base = store.settings && draft.recipe == null ? store.settings : recipeOf(recipe);
    if (base?.[name] === value) delete draft[name];
  }
  store.draft = draft;
  store.faults = {};
  changed(true);
}

/** Adjust the live run if the server allows it for this setting (rates and γ); otherwise keep the value in the draft. */
async function commit(name, value) {
  const living = store.status && !["empty", "finished"].includes(store.status.state) && store.draft.recipe == null;
  if (store.catalog?.live.includes(name) && living && can("adjust")) {
    if (value === store.settings?.[name]) return;
    await command("adjust", { [name]: value }, NAMES);
  } else setDraft(name, value);
}

// ── one setting ──

/** How own pictures are read: what it is called, what it is at first, and the choices where the server does not say them. */
const READ = {
  size: ["Size of the pictures", 0],
  alpha: ["Transparency", "auto", [["auto", "as they need"], ["keep", "keep it"], ["black", "on black"], ["white", "on white"]]],
  resize: ["Resizing", "auto", [["auto", "as they need"], ["smooth", "smooth"], ["pixels", "pixel art"]]],
  tile: ["Tiles, if they are sheets", ""],
};
export const LABELS = { recipe: "Recipe", data: "Pictures", ...Object.fromEntries(Object.entries(READ).map(([name, [label]]) => [name, label])), loss: "Loss", penalty: "Penalty", gamma: "Strength γ", lr_g: "Rate of G", lr_d: "Rate of D", batch: "Batch, samples", latent: "Latent size", seed: "Seed", steps: "Steps" };
const ASKED = { penalty: "r1", gamma: "gamma", latent: "z" }; // terms that are explained
const SLIDES = { gamma: [-3, 2], lr_g: [-5, -1], lr_d: [-5, -1] }; // powers of ten

const id = (name) => name.replace("_", "-");
const parse = (text) => (text.trim() === "" ? NaN : Number(text.trim().replaceAll(",", "").replace("−", "-")));

function Fault({ name, own }) {
  const text = own ?? store.faults[name];
  return text ? html`<span class="fault" id=${`fault-${id(name)}`} data-testid=${`fault-${id(name)}`}>${text}</span>` : null;
}

const Row = ({ name, marked, children }) => html`<div class=${`setting ${marked ? "changed" : ""}`}><span><label for=${`k-${id(name)}`}>${LABELS[name]}</label>${name in ASKED && html` <${Term} name=${ASKED[name]} />`}</span>${children}</div>`;

function Choice({ name, options, value, marked }) {
  const all = options.some((o) => o.name === value) || value == null ? options : [{ name: value }, ...options];
  return html`<${Row} name=${name} marked=${marked}><select class="in" id=${`k-${id(name)}`} data-testid=${`setting-${id(name)}`} disabled=${!mayWrite()} value=${value ?? "none"} onChange=${(e) => setDraft(name, e.target.value)}>
      ${all.map((o) => html`<option value=${o.name} selected=${o.name === (value ?? "none")}>${plain(o.name).replace("r1+r2", "R1 + R2").replace(/^r([12])$/, "R$1")}</option>`)}</select><${Fault} name=${name} /><//>`;
}

function Figure({ name, value, marked, off, whole }) {
  const [words, setWords] = useState(null); // the text that is being typed, or was refused
  const shown = words ?? (value == null ? "" : whole ? int(value).replaceAll(",", name === "steps" ? "," : "") : rate(value));
  const [refused, setRefused] = useState(null); // the refusal of this field; other fields may have theirs
  const fault = refused ?? store.faults[name];
  const field = useRef(null);
  useEffect(() => {
    if (document.activeElement === field.current) return;
    setWords(null);
    setRefused(null);
  }, [value, store.draft.recipe]);
  const send = async (text) => {
    const number = parse(text);
    if (!Number.isFinite(number) || (whole && !Number.isInteger(number)) || number < 0) {
      setWords(text);
      return setRefused(`${LABELS[name]} must be a ${whole ? "whole " : ""}number, 0 or more, got “${text}”. Try ${whole ? "64" : "5.0e-4"}. Until then ${whole ? int(value) : rate(value) || "nothing"} stands.`);
    }
    store.faults = { ...store.faults, [name]: null };
    await commit(name, number);
    setRefused(store.faults[name] ?? null);
    setWords((now) => (store.faults[name] || now !== text ? now : null)); // keep what was typed since then
  };
  const range = SLIDES[name];
  const place = range && value > 0 ? Math.round((100 * (Math.log10(value) - range[0])) / (range[1] - range[0])) : 0;
  const ofPlace = (p) => Number((10 ** (range[0] + (p / 100) * (range[1] - range[0]))).toPrecision(2));
  return html`<${Row} name=${name} marked=${marked}><input class="in" ref=${field} id=${`k-${id(name)}`} data-testid=${`setting-${id(name)}`} inputmode=${whole ? "numeric" : "decimal"} autocomplete="off" disabled=${off || !mayWrite()}
      aria-invalid=${fault ? "true" : null} aria-describedby=${fault ? `fault-${id(name)}` : null} value=${shown}
      onInput=${(e) => setWords(e.target.value)} onChange=${(e) => send(e.target.value)} />
    ${range && html`<${Slider} value=${place} disabled=${off || value == null || !mayWrite()} label=${`${LABELS[name]}, slider`} tabindex="-1" onInput=${(p) => setWords(rate(ofPlace(p)))} onChange=${(p) => send(rate(ofPlace(p)))} />`}
    <${Fault} name=${name} own=${refused} /><//>`;
}

/** A range; CSS draws its filled part from --f. */
export function Slider({ value, min = 0, max = 100, step = 1, label, disabled, onInput, onChange, testid, tabindex, className, text }) {
  const input = useRef(null);
  const filled = `${max > min ? (100 * (value - min)) / (max - min) : 100}%`;
  // in the same frame: later, the page would be painted twice
  useLayoutEffect(() => { if (input.current.style.getPropertyValue("--f") !== filled) input.current.style.setProperty("--f", filled); });
  return html`<input type="range" ref=${input} class=${className} min=${min} max=${max} step=${step} value=${value} aria-label=${label} aria-valuetext=${text} data-testid=${testid} tabindex=${tabindex} disabled=${disabled}
    onInput=${(e) => { e.target.style.setProperty("--f", `${(100 * (e.target.value - min)) / (max - min)}%`); onInput?.(Number(e.target.value)); }} onChange=${(e) => onChange?.(Number(e.target.value))} />`;
}

// ── pictures ──

const SHOWN = [["mnist", "mnist", "MNIST", icon.digit], ["fashion-mnist", "fashion", "Fashion", icon.shirt], ["ring", "ring", "Ring", icon.ring]];

function Pictures({ value, openOwn }) {
  const there = new Map((store.catalog?.data ?? []).map((d) => [d.name, d]));
  const others = [...there.values()].filter((d) => !d.own && !SHOWN.some(([name]) => name === d.name));
  const shown = SHOWN.filter(([name]) => !there.size || there.has(name)); // the lab has fewer
  const own = Boolean(there.get(value)?.own);
  const tile = ([name, key, label, draw], pressed = value === name, onClick = () => setDraft("data", name)) => html`<button type="button" aria-pressed=${pressed} data-testid=${`data-${key}`} disabled=${!mayWrite()} title=${there.get(name)?.line} onClick=${onClick}>${draw()}${label}${there.get(name)?.here === false && html`<span class="down">${icon.down()}<span class="sr">, fetched once</span></span>`}</button>`;
  return html`<div class="ds" role="group" aria-label="Data set">
      ${shown.slice(0, -1).map((one) => tile(one))}${tile(["own", "own", "Own…", icon.folder], own, openOwn)}${shown.slice(-1).map((one) => tile(one))}
    </div>
    ${others.length > 0 && html`<select class="in ds-more" aria-label="Other data sets" data-testid="data-more" disabled=${!mayWrite()} onChange=${(e) => e.target.value && setDraft("data", e.target.value)}>
      <option value="" selected=${!others.some((d) => d.name === value)}>${own ? value : "others…"}</option>
      ${others.map((d) => html`<option value=${d.name} selected=${d.name === value} title=${d.line}>${d.name}${d.here ? "" : " (download)"}</option>`)}</select>`}
    <p class="small" role="status" data-testid="data-note">${store.switched ?? (there.get(value)?.here === false ? `${capital(there.get(value).line.split(";")[1].trim())}: needs a network the first time.` : "")}</p>
    <${Fault} name="data" />`;
}

// ── a second try, edited first ──

function Remedy() {
  const { changes } = store.remedy;
  const set = (i, more) => {
    store.remedy = { ...store.remedy, changes: changes.map((c, j) => (j === i ? { ...c, ...more } : c)) };
    changed(true);
  };
  const go = async () => {
    const kept = changes.filter((c) => c.use).map((c) => `${c.path}=${c.text}`);
    const answer = await command("second-try", { changes: kept, step: backTo() }, { changes: "remedy" });
    if (answer) {
      store.remedy = null;
      changed(true);
    }
  };
  return html`<fieldset><legend>Second try, edited</legend><div class="edit" data-testid="remedy-editor">
    <small>From step ${int(backTo())}. Take out or change what it will apply.</small>
    ${changes.map((c, i) => html`<div class="one"><label class="line"><input type="checkbox" checked=${c.use} onChange=${(e) => set(i, { use: e.target.checked })} />${c.label}</label>
      <textarea class="in" aria-label=${`New value of ${c.label}`} disabled=${!c.use} rows=${Math.ceil((c.text.length + 1) / 28)} spellcheck="false" value=${c.text} onInput=${(e) => set(i, { text: e.target.value })} />
      <small>was ${c.old}</small></div>`)}
    <${Fault} name="remedy" />
    <div class="act"><${Button} kind="primary" testid="second-try-edited" off=${!mayWrite() || !changes.some((c) => c.use)} act=${go}>${icon.flag()}Mulligan<//>
      <${Button} kind="quiet" act=${() => { store.remedy = null; changed(true); }}>Leave it<//></div>
  </div></fieldset>`;
}

// ── the panel ──

export function Settings() {
  const narrow = matchMedia("(max-width: 1080px)").matches;
  const [open, setOpen] = useState(!narrow);
  const [own, setOwn] = useState(false);
  const now = wanted();
  const recipe = recipeOf(now.recipe);
  const differs = (name) => recipe && now[name] !== recipe[name];
  const marked = differences().filter((name) => name !== "recipe" && !(name in READ));
  const catalog = store.catalog;
  const recipes = catalog?.recipes ?? [];
  const others = recipes.filter((r) => !FIRST.includes(r.name));
  const off = !mayWrite();
  useEffect(() => { if (edited()) setOpen(true); }, [edited() != null]);
  return html`<aside class="panel settings" aria-label="Settings"><details open=${open} onToggle=${(e) => setOpen(e.target.open)}>
    <summary class="ph"><h2>Settings</h2><span class="end small" data-testid="settings-note">${narrow && recipe ? html`<b>${does(recipe)}</b>` : ""} ${marked.length ? html`<span class="fake">•</span> ${marked.length} changed` : narrow ? "" : "as in the recipe"}</span></summary>
    <form class="set" onSubmit=${(e) => e.preventDefault()}>
      ${edited() && html`<${Remedy} />`}
      ${dirty() && store.status?.state !== "empty" && html`<div class="pending" data-testid="pending"><span role="status">${Object.keys(store.draft).map((k) => LABELS[k]).join(", ")}: takes a new try. The run in hand stays on disk.</span>
        <div class="act"><${Button} kind="primary" testid="start-new" off=${off} act=${() => start()}>Start new try<//><${Button} kind="quiet" testid="discard" act=${() => { store.draft = {}; store.faults = {}; changed(true); }}>Leave as is<//></div></div>`}
      <fieldset class="rec"><legend>Recipe</legend><div>${first().map((r) => html`<label><input type="radio" name="recipe" value=${r.name} checked=${r.name === now.recipe} disabled=${off} data-testid=${`recipe-${r.name}`} onClick=${() => setDraft("recipe", r.name)} /><b>${does(r)}</b><span class="small">${r.name}</span></label>`)}
        ${others.length > 0 && html`<select class="in ds-more" aria-label="Other recipes" data-testid="recipe-more" disabled=${off} onChange=${(e) => e.target.value && setDraft("recipe", e.target.value)}><option value="" selected=${FIRST.includes(now.recipe)}>more recipes…</option>${[["Pictures", (r) => !r.points && !FAILED.test(r.name)], ["Points", (r) => r.points], ["Scripts that failed, and their repairs", (r) => FAILED.test(r.name)]].map(([label, of]) => html`<optgroup label=${label}>${others.filter(of).map((r) => html`<option value=${r.name} selected=${r.name === now.recipe}>${does(r)} (${r.name})</option>`)}</optgroup>`)}</select>`}
        <p class="small" data-testid="recipe-line">${recipe ? `${recipe.name}: ${recipe.title.replace(/: `.*/, ".").replaceAll("`", "")}` : ""}</p></div></fieldset>
      <fieldset><legend>Pictures</legend><${Pictures} value=${now.data} openOwn=${() => setOwn(true)} /></fieldset>
      <fieldset><legend>Training <span class="small">· rates and γ act at once</span></legend>
        <div>${[["loss", catalog?.losses], ["penalty", catalog?.penalties]].map(([name, options]) => html`<${Choice} name=${name} options=${options ?? []} value=${now[name]} marked=${differs(name)} />`)}
        ${["gamma", "lr_g", "lr_d", "batch", "latent", "steps", "seed"].map((name) => html`<${Figure} key=${name} name=${name} value=${now[name]} marked=${differs(name)} whole=${!(name in SLIDES)} off=${name === "gamma" && (now.penalty === "none" || now.gamma == null)} />`)}</div></fieldset>
    </form></details>${own && html`<${Own} close=${() => setOwn(false)} />`}</aside>`;
}

// ── own pictures ──

const [RANGE, FEWEST, MOST] = [3, 20, 2000]; // numbers from −RANGE to RANGE, points

function Distribution({ done, open }) {
  const canvas = useRef(null);
  const [points, setPoints] = useState([]);
  const add = ([x, y]) => setPoints((was) => [...was, [RANGE * ((2 * x) / LARGE - 1), RANGE * (1 - (2 * y) / LARGE)]].slice(0, MOST));
  const clear = () => {
    wipe(canvas.current, null);
    setPoints([]);
  };
  const use = async () => {
    const answer = await act("/api/points", { points: points.flat().map((n) => Number(n.toFixed(3))) });
    if (!answer) return;
    await loadCatalog();
    setDraft("recipe", recipeOf(wanted().recipe)?.points ? wanted().recipe : "ring");
    setDraft("data", answer.data);
    done();
  };
  return html`<details open=${open}><summary>Draw a distribution</summary><p class="small">Draw in the square: a generator then learns to put points there.</p>
    <div class="pad"><${Pad} canvas=${canvas} colour=${css("--real")} brush="4" testid="pad" inked=${add} /></div>
    <div class="act"><${Button} kind="primary" testid="pad-use" off=${points.length < FEWEST || !mayWrite()} act=${use}>Use these points<//>
      <${Button} kind="quiet" off=${!points.length} act=${clear}>Clear<//></div></details>`;
}

function Own({ close }) {
  const sets = (store.catalog?.data ?? []).filter((d) => d.own);
  const now = wanted();
  const readOf = (name) => Object.fromEntries(Object.entries(READ).map(([key, [, plain]]) => [key, (name === now.data ? now[key] : null) ?? plain]));
  const [chosen, setChosen] = useState((sets.find((d) => d.name === now.data) ?? sets[0])?.name);
  const [read, setRead] = useState(readOf(chosen));
  const [there, setFound] = useState(null); // the last preview stays until the next one comes: a button that moved would miss its click
  useEffect(() => setFound(null), [chosen]);
  useEffect(() => chosen && latest(server.get("/api/pictures", { data: chosen, ...read }), (answer, problem) => setFound((was) => answer ?? { fault: problem.message, sizes: was?.sizes })), [chosen, read]);
  const choose = (name) => {
    setChosen(name);
    setRead(readOf(name));
  };
  const use = () => {
    setDraft("data", chosen);
    for (const [key, value] of Object.entries(read)) if (value !== readOf()[key]) setDraft(key, value);
    close();
  };
  const choices = (key) => READ[key][2] ?? there?.sizes?.map((n) => [n, n ? `${n} × ${n}` : "as they are"]) ?? [[0, "…"]];
  const set = (key) => (e) => setRead({ ...read, [key]: key === "size" ? Number(e.target.value) : e.target.value });
  return html`<${Dialog} id="own-h" title="Own data" testid="own-dialog" close=${close}>
    <p><a class="btn primary" href="#teach" data-testid="own-teach">Draw or photograph pictures</a></p><${Distribution} done=${close} open=${!sets.length} />
    ${!server.lab && html`<h3>Own pictures</h3><p class="ink2">Folders and files that the playground was started with: <code>mulligan serve --data my-pictures</code>. A folder of pictures (one folder a class, where there are classes), or an .npz, .npy, IDX or CSV file. Nothing is copied, nothing leaves the machine.</p>`}
    ${!sets.length && !server.lab && html`<div class="nothing"><h3>None yet</h3><p class="small">End the playground with Ctrl-C in the terminal, which saves the run, and start it again with <code>--data FOLDER</code>.</p></div>`}
    ${sets.map((d) => html`<label class="own-set"><input type="radio" name="own" checked=${d.name === chosen} onChange=${() => choose(d.name)} /><span><b>${d.name}</b><br /><small class="mono">${d.line}</small></span></label>`)}
    ${chosen && !dataOf(chosen).points && html`<div class="setting own-read">${["size", "alpha", "resize"].map((key) => html`<label for=${`own-${key}`}>${READ[key][0]}</label><select class="in" id=${`own-${key}`} data-testid=${`own-${key}`} onChange=${set(key)}>${choices(key).map(([value, words], i) => html`<option value=${value} selected=${value === read[key] || (!i && !choices(key).some(([one]) => one === read[key]))}>${words}</option>`)}</select>`)}
      <label for="own-tile">${READ.tile[0]}</label><input class="in" id="own-tile" data-testid="own-tile" placeholder="16x16" key=${chosen} defaultValue=${read.tile} onChange=${set("tile")} /></div>`}
    ${chosen && !there && html`<p class="small" aria-busy="true">Reading ${chosen}…</p>`}
    ${there?.png && html`<p data-testid="own-found"><b>${int(there.accepted)} pictures</b>, as the network will see them: ${there.shape.slice(0, 2).join(" × ")}${{ 1: ", grey", 3: ", colour", 4: ", colour with transparency" }[there.shape[2]]}${there.classes ? `, ${there.classes.length} classes` : ""}.</p>
      <img class="own-preview" alt="Some of the pictures as the network will see them" src=${`data:image/png;base64,${there.png}`} />
      ${there.refused_count > 0 && html`<h3>${int(there.refused_count)} refused</h3><ul class="own-refused">${there.refused.map((r) => html`<li><b>${r.name}</b>: ${r.reason}</li>`)}${there.refused_count > there.refused.length && html`<li>and ${int(there.refused_count - there.refused.length)} more</li>`}</ul>`}`}
    ${there?.few && html`<p class="warn" data-testid="own-few">${there.few}</p>`}
    ${there?.note && html`<p class="small">${there.note}</p>`}
    ${there?.fault && html`<p class="small">No preview: ${there.fault}</p>`}
    ${chosen && html`<div class="act"><${Button} kind="primary" testid="own-use" act=${use}>Use these<//></div>`}
  <//>`;
}
