// The setting in the page's address, so that a link is an experiment; and in this browser, so that it outlives the server.

import { keep, kept, settingsIn } from "./query.js";
import { LABELS, differences, recipeOf, wanted } from "./settings.js";
import { changed, store } from "./store.js";

/** What a query says of the setting; null if it names no recipe of this server. */
function said(query) {
  const found = settingsIn(query);
  return recipeOf(found.recipe) ? found : null;
}

/** The setting as a query. */
function query() {
  const now = wanted();
  return String(new URLSearchParams(differences().filter((name) => now[name] != null).map((name) => [name, now[name]])));
}

let read = false;

/** Once the catalog is there: what the address asks for, or where it asks for nothing and no run is in hand, what was set last. */
export function adopt() {
  if (read || !store.catalog || !store.status) return;
  read = true;
  const [view, asked] = location.hash.slice(1).split("?");
  const idle = ["empty", undefined].includes(store.status.state);
  const found = view === "train" && asked ? said(asked) : idle ? said(kept()) : null;
  if (!found) return;
  const [base, run] = [recipeOf(found.recipe), store.settings];
  const draft = Object.fromEntries(Object.entries(found).filter(([name, value]) => name === "recipe" || value !== base[name]));
  const inHand = run && Object.keys(LABELS).every((name) => ({ ...base, ...found })[name] === run[name]);
  if (!inHand) store.draft = draft;
  changed(true);
}

/** Write the setting where a reload, a friend and the next server find it. */
export function write() {
  if (!read || !wanted().recipe) return;
  const now = query();
  if (location.hash.slice(1).split("?")[1] !== now) history.replaceState(null, "", `#train?${now}`);
  if (kept() !== now) keep(now);
}
