// Settings: a recipe, pictures, three knobs, and more behind them. Most changes wait for a new try.

import { Button, Slider, html, useEffect, useRef, useState } from "./html.js";
import { capital, int, plain, rate } from "./numbers.js";
import { changesOf, startOf } from "./query.js";
import { act, can, changed, command, mayWrite, server, store } from "./store.js";

const DOES = { quick: "Digits, one minute", best: "The best digits", small: "The smallest nets", mlp: "Dense layers only", classic: "The first tutorials", article: "A famous failure", ring: "Points on a ring", pictures: "Your own pictures" };
const FIRST = Object.keys(DOES);
export const does = ({ name, title }) => DOES[name] ?? capital(title.replace(/[:;.] ?`.*|`|\.$/g, ""));

export const recipeOf = (name) => store.catalog?.recipes.find((r) => r.name === name);

/** The settings that a start would use: the draft, then the run's, then the recipe's. */
export function wanted() {
  const { draft, settings, catalog } = store;
  const name = draft.recipe ?? settings?.recipe ?? (recipeOf("quick") ? "quick" : catalog?.recipes[0]?.name);
  const recipe = recipeOf(name);
  return { seed: 0, ...(settings && draft.recipe == null ? settings : recipe), ...draft, recipe: name };
}

export function differences() {
  const now = wanted();
  const recipe = recipeOf(now.recipe);
  return Object.keys(LABELS).filter((name) => name === "recipe" || (recipe && now[name] !== recipe[name]));
}

export const dirty = () => Object.keys(store.draft).length > 0;

export async function start(more = {}) {
  const asked = { recipe: store.settings ? null : wanted().recipe, ...store.draft, ...more };
  const answer = await act("/api/train/start", startOf(asked, (asked.recipe ? recipeOf(asked.recipe) : store.settings)?.values));
  if (answer) {
    store.draft = {};
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
    if (own?.own && Boolean(own.points) === Boolean(recipeOf(value)?.points)) Object.assign(draft, { data: now.data }, now.size ? { size: now.size } : {});
  } else {
    draft[name] = value;
    if (name === "data") delete draft.size; // of other pictures
    const base = store.settings && draft.recipe == null ? store.settings : recipeOf(recipe);
    if ((base?.[name] ?? (name === "size" ? 0 : null)) === value) delete draft[name];
  }
  store.draft = draft;
  store.faults = {};
  changed(true);
}

/** Adjust the live run if the server allows it for this setting (rates and γ); otherwise keep the value in the draft. */
async function commit(name, value) {
  const living = store.status && !["empty", "finished"].includes(store.status.state) && store.draft.recipe == null;
  if (name in SLIDES && living && can("adjust")) {
    if (value !== store.settings?.[name]) await command("adjust", { changes: changesOf({ [name]: value }, store.settings.values) });
  } else setDraft(name, value);
}

export const LABELS = { recipe: "Recipe", data: "Pictures", size: "Size of the pictures", loss: "Loss", penalty: "Penalty", gamma: "Strength γ", lr_g: "Rate of G", lr_d: "Rate of D", batch: "Batch, samples", latent: "Latent size", seed: "Seed", steps: "Steps" };
const SLIDES = { gamma: [-3, 2], lr_g: [-5, -1], lr_d: [-5, -1] }; // powers of ten

const id = (name) => name.replace("_", "-");
const parse = (text) => (text.trim() === "" ? NaN : Number(text.trim().replaceAll(",", "").replace("−", "-")));

function Fault({ name, own }) {
  const text = own ?? store.faults[name];
  return text ? html`<span class="fault" id=${`fault-${id(name)}`} data-testid=${`fault-${id(name)}`}>${text}</span>` : null;
}

const Row = ({ name, marked, children }) => html`<div class=${`setting ${marked ? "changed" : ""}`}><label for=${`k-${id(name)}`}>${LABELS[name]}</label>${children}</div>`;

const optionOf = (value, now, words = value, title) => html`<option value=${value} selected=${value === now} title=${title}>${words}</option>`;
const spelled = (name) => plain(name).replace("r1+r2", "R1 + R2").replace(/^r([12])$/, "R$1");

function Choice({ name, options, value, marked, words = spelled }) {
  const all = options.includes(value) ? options : [value, ...options];
  return html`<${Row} name=${name} marked=${marked}><select class="in" id=${`k-${id(name)}`} data-testid=${`setting-${id(name)}`} disabled=${!mayWrite()} onChange=${(e) => setDraft(name, all[e.target.selectedIndex])}>
      ${all.map((one) => optionOf(one, value, words(one)))}</select><${Fault} name=${name} /><//>`;
}

function Figure({ name, value, marked, off, whole }) {
  const [words, setWords] = useState(null); // the text that is being typed, or was refused
  const shown = words ?? (value == null ? "" : name === "steps" ? int(value) : whole ? value : rate(value));
  const [refused, setRefused] = useState(null); // the refusal of this field; other fields may have theirs
  const range = SLIDES[name];
  const beyond = range && value > 10 ** range[1] ? `Usual values end at ${rate(10 ** range[1])}. A larger one may break the run.` : null;
  const fault = refused ?? store.faults[name] ?? beyond;
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
  const place = range && value > 0 ? Math.round((100 * (Math.log10(value) - range[0])) / (range[1] - range[0])) : 0;
  const ofPlace = (p) => Number((10 ** (range[0] + (p / 100) * (range[1] - range[0]))).toPrecision(2));
  return html`<${Row} name=${name} marked=${marked}><input class="in" ref=${field} id=${`k-${id(name)}`} data-testid=${`setting-${id(name)}`} inputmode=${whole ? "numeric" : "decimal"} autocomplete="off" disabled=${off || !mayWrite()}
      aria-invalid=${fault && fault !== beyond ? "true" : null} aria-describedby=${fault ? `fault-${id(name)}` : null} value=${shown}
      onInput=${(e) => setWords(e.target.value)} onChange=${(e) => send(e.target.value)} />
    ${range && html`<${Slider} value=${place} disabled=${off || value == null || !mayWrite()} label=${`${LABELS[name]}, slider`} tabindex="-1" onInput=${(p) => setWords(rate(ofPlace(p)))} onChange=${(p) => send(rate(ofPlace(p)))} />`}
    <${Fault} name=${name} own=${fault} /><//>`;
}

function Recipes({ now, off }) {
  const recipes = store.catalog?.recipes ?? [];
  const groups = [["To begin with", FIRST.map(recipeOf).filter(Boolean)], ["More", recipes.filter((r) => !FIRST.includes(r.name))]];
  return html`<select class="in" id="k-recipe" data-testid="recipe" disabled=${off} onChange=${(e) => setDraft("recipe", e.target.value)}>
    ${groups.map(([label, list]) => html`<optgroup label=${label}>${list.map((r) => optionOf(r.name, now, `${does(r)} (${r.name})`))}</optgroup>`)}</select>`;
}

function Pictures({ now, off }) {
  const data = store.catalog?.data ?? [];
  const at = dataOf(now);
  return html`<select class="in" id="k-data" data-testid="data" disabled=${off} onChange=${(e) => setDraft("data", e.target.value)}>
      ${!at && optionOf(now, now)}${data.map((d) => optionOf(d.name, now, `${d.name}${d.here ? "" : " (download)"}`, d.line))}</select>
    <p class="small" role="status" data-testid="data-note">${store.switched ?? (at?.here === false ? `${capital(at.line.split(";")[1].trim())}: needs a network the first time.` : "")}</p>
    <${Fault} name="data" />`;
}

export function Settings() {
  const narrow = matchMedia("(max-width: 1080px)").matches;
  const [open, setOpen] = useState(!narrow);
  const now = wanted();
  const recipe = recipeOf(now.recipe);
  const differs = (name) => recipe && now[name] !== recipe[name];
  const marked = differences().filter((name) => name !== "recipe" && name !== "size");
  const off = !mayWrite();
  const figure = (name) => html`<${Figure} key=${name} name=${name} value=${now[name]} marked=${differs(name)} whole=${!(name in SLIDES)} off=${name === "gamma" && (now.penalty === "none" || now.gamma == null)} />`;
  const choice = (name, options = []) => html`<${Choice} name=${name} options=${options.map((o) => o.name)} value=${now[name] ?? "none"} marked=${differs(name)} />`;
  const own = dataOf(now.data);
  return html`<aside class="panel settings" aria-label="Settings"><details open=${open} onToggle=${(e) => setOpen(e.target.open)}>
    <summary class="ph"><h2>Settings</h2><span class="end small" data-testid="settings-note">${narrow && recipe ? html`<b>${does(recipe)}</b>` : ""} ${marked.length ? html`<span class="fake">•</span> ${marked.length} changed` : narrow ? "" : "as in the recipe"}</span></summary>
    <form class="set" onSubmit=${(e) => e.preventDefault()}>
      ${dirty() && store.status?.state !== "empty" && html`<div class="pending" data-testid="pending"><span role="status">${Object.keys(store.draft).map((k) => LABELS[k]).join(", ")}: takes a new try. The run in hand ${server.lab ? "ends" : "stays on disk"}.</span>
        <div class="act"><${Button} kind="primary" testid="start-new" off=${off} act=${() => start()}>Start new try<//><${Button} kind="quiet" testid="discard" act=${() => { store.draft = {}; store.faults = {}; changed(true); }}>Leave as is<//></div></div>`}
      <div class="pick"><label for="k-recipe">Recipe</label><${Recipes} now=${now.recipe} off=${off} />
        <p class="small">${recipe ? capital(recipe.title.replace(/: `.*/, ".").replaceAll("`", "")) : ""}</p></div>
      <div class="pick"><label for="k-data">Pictures</label><${Pictures} now=${now.data} off=${off} />${own?.own && !own.points && html`<${Choice} name="size" options=${[0, ...store.catalog.sizes]} value=${now.size ?? 0} words=${(n) => (n ? `${n} × ${n}` : "fitting")} />`}</div>
      <fieldset><legend>Three knobs <span class="small">· they act at once</span></legend>${["gamma", "lr_g", "lr_d"].map(figure)}</fieldset>
      <details class="more"><summary>More settings</summary>${choice("loss", store.catalog?.losses)}${choice("penalty", store.catalog?.penalties)}${["batch", "latent", "steps", "seed"].map(figure)}</details>
    </form></details></aside>`;
}
