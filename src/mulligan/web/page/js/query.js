// A setting as the query of an address, and as this browser keeps it. Here without the store, for the lab begins with it.

const KEY = "mulligan.setting";
const WORDS = ["recipe", "data", "loss", "penalty"];
const NUMBERS = ["size", "gamma", "lr_g", "lr_d", "batch", "latent", "seed", "steps"];

/** The settings that a query names: {recipe, …}. */
export function settingsIn(query) {
  const found = {};
  for (const [name, text] of new URLSearchParams(query)) {
    const value = NUMBERS.includes(name) ? Number(text) : text;
    if ((WORDS.includes(name) || NUMBERS.includes(name)) && value === value) found[name] = value;
  }
  return found;
}

/** The query that was kept last; null where there is none. */
export function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a private window stores nothing
  }
}

export function keep(query) {
  try {
    localStorage.setItem(KEY, query);
  } catch {
    // the address has it
  }
}
