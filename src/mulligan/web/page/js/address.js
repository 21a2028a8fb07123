// The setting in the page's address, so that a link is an experiment; and in this browser, so that it outlives the server.

import { plain } from "./numbers.js";
import { keep, kept, settingsIn } from "./query.js";
import { LABELS, differences, recipeOf, wanted } from "./settings.js";
import { changed, store, tell } from "./store.js";

const alike = (word) => plain(word).toLowerCase().replaceAll(" ", "");

/** What a query says of the setting, its names as the catalog or as the page spells them; null if it names no recipe. */
function said(query) {
  const setting = settingsIn(query);
  for (const [name, list] of [["loss", "losses"], ["penalty", "penalties"], ["data", "data"]]) {
    if (setting[name]) setting[name] = store.catalog[list].find((one) => alike(one.name) === alike(setting[name]))?.name ?? setting[name];
  }
  return recipeOf(setting.recipe) ? setting : null;
}

function query() {
  const now = wanted();
  return String(new URLSearchParams(differences().filter((name) => now[name] != null).map((name) => [name, now[name]])));
}

const here = () => location.hash.slice(1).split("?");
const inTrain = (view) => /^train(\/|$)/.test(view);

let known = null; // the query that was taken or written last

/** Once the catalog is there, and when another address comes: what it asks for, or where it asks for nothing and no run is
 * in hand, what was set last. */
export function adopt() {
  if (!store.catalog || !store.status) return;
  const first = known == null;
  const [view, asked] = here();
  if (!first && (!inTrain(view) || !asked || asked === known)) return;
  known = asked ?? "";
  const idle = ["empty", undefined].includes(store.status.state);
  const named = inTrain(view) && asked;
  const setting = named ? said(asked) : idle ? said(kept()) : null;
  if (!setting) {
    if (named) tell("warn", "This link names no recipe that is here. The settings are the last ones.");
    return;
  }
  const [base, run] = [recipeOf(setting.recipe), store.settings];
  const draft = Object.fromEntries(Object.entries(setting).filter(([name, value]) => name === "recipe" || value !== base[name]));
  const inHand = run && Object.keys(LABELS).every((name) => run[name] == null || ({ ...base, ...setting })[name] === run[name]); // no penalty, no γ
  store.draft = inHand ? {} : draft;
  changed(true);
}

/** Write the setting where a reload, a friend and the next server find it. */
export function write() {
  if (known == null || !wanted().recipe) return;
  const now = query();
  const [view, asked] = here();
  known = now;
  const elsewhere = view && view !== "runs" && !inTrain(view); // the page has not followed this address yet
  if (asked !== now && !elsewhere) history.replaceState(null, "", `#${inTrain(view) ? view : "train"}?${now}`);
  if (kept() !== now) keep(now);
}
