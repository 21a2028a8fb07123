// A setting: as the query of an address, as this browser keeps it, and as values of a configuration by their paths. Here
// without the store, for the lab begins with it.

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

const PATHS = { recipe: "recipe", data: "data.name", size: "data.size", loss: "loss.kind", batch: "batch_size", latent: "latent.dim", seed: "seed", steps: "steps" };
const MANY = { gamma: /^penalties\..*\.(gamma|weight)$/, lr_g: /^generator\.optimizer\.(.+\.)?lr$/, lr_d: /^discriminator\.optimizer\.(.+\.)?lr$/ }; // and these act at once

/** The page's name of a path, for the place of its refusal. */
export const nameOf = (path) => (path === "penalties" ? "penalty" : Object.keys(PATHS).find((name) => PATHS[name] === path) ?? Object.keys(MANY).find((name) => MANY[name].test(path)) ?? path);

/** The values of a configuration by the page's names: null if it lacks one, the first one if it has several. */
export function namesOf(values) {
  const first = (test) => values[Object.keys(values).find((path) => test.test(path))] ?? null;
  const kinds = Object.keys(values).filter((path) => /^penalties\.\d+\.kind$/.test(path)).map((path) => values[path]);
  const plain = Object.entries(PATHS).map(([name, path]) => [name, values[path] ?? null]);
  return { ...Object.fromEntries([...plain, ...Object.entries(MANY).map(([name, test]) => [name, first(test)])]), penalty: kinds.sort().join("+") || "none", values };
}

/** Settings as changes of the values of a configuration. R1 and R2 keep the strength that it has already. */
export function changesOf({ penalty, ...settings }, values = {}) {
  const changes = [];
  let paths = Object.keys(values);
  if (penalty != null) {
    const kinds = penalty === "none" ? [] : penalty.split("+");
    const [own, gamma] = [(kind) => (/^r\d$/.test(kind) ? "gamma" : "weight"), values["penalties.0.gamma"] ?? 1];
    changes.push(["penalties", kinds.map((kind) => (own(kind) === "gamma" ? { kind, gamma } : { kind }))]);
    paths = [...paths.filter((path) => !MANY.gamma.test(path)), ...kinds.map((kind, i) => `penalties.${i}.${own(kind)}`)];
  }
  for (const [name, value] of Object.entries(settings)) {
    if (value == null) continue;
    for (const path of MANY[name] ? paths.filter((one) => MANY[name].test(one)) : [PATHS[name] ?? name]) changes.push([path, value]);
  }
  return changes;
}

/** What a start asks of the server: a recipe, or else the live run's settings, and every other setting as a change. */
export const startOf = ({ recipe = null, paused = false, replace = false, ...settings }, values) => ({ recipe, paused, replace, changes: changesOf(settings, values) });

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
