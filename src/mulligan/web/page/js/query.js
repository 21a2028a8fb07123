// A setting as the query of an address, and as this browser keeps it. Here without the store, for the lab begins with it.

const WORDS = ["recipe", "data", "loss", "penalty"];
const NUMBERS = ["size", "gamma", "lr_g", "lr_d", "batch", "latent", "seed", "steps"];

export function settingsIn(query) {
  const found = {};
  for (const [name, text] of new URLSearchParams(query)) {
    const value = NUMBERS.includes(name) ? Number(text || NaN) : text;
    if (WORDS.includes(name) || (NUMBERS.includes(name) && value >= 0 && value < Infinity)) found[name] = value;
  }
  return found;
}

/** What a start asks of the server: a recipe, and every other setting as a change. */
export const startOf = ({ recipe = null, paused = false, replace = false, ...settings }) => ({ recipe, paused, replace, changes: Object.entries(settings) });

export function kept(name = "setting") {
  try {
    return localStorage.getItem(`mulligan.${name}`);
  } catch {
    return null; // a private window stores nothing
  }
}

export function keep(text, name = "setting") {
  try {
    localStorage.setItem(`mulligan.${name}`, text);
  } catch {
    // it lasts as long as the page
  }
}
