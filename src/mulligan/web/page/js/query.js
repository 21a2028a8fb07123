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

// the paths of each setting; of the last three there may be several
const PATHS = { recipe: "recipe", data: "data.name", size: "data.size", loss: "loss.kind", batch: "batch_size", latent: "latent.dim", seed: "seed", steps: "steps",
  gamma: "penalties.+(gamma|weight)", lr_g: "generator.optimizer.(.+[.])?lr", lr_d: "discriminator.optimizer.(.+[.])?lr" };
const isOf = (name, path) => new RegExp(`^${PATHS[name]}$`).test(path);

/** The page's name of a path, for the place of its refusal. */
export const nameOf = (path) => (path === "penalties" ? "penalty" : Object.keys(PATHS).find((name) => isOf(name, path)) ?? path);

/** The values of a configuration by the page's names: null if it lacks one, the first one if it has several. */
export function namesOf(values) {
  const paths = Object.keys(values);
  const kinds = paths.filter((path) => /^penalties.+kind$/.test(path)).map((path) => values[path]);
  const named = Object.keys(PATHS).map((name) => [name, values[paths.find((path) => isOf(name, path))] ?? null]);
  return { ...Object.fromEntries(named), penalty: kinds.sort().join("+") || "none", values };
}

/** Settings as changes of the values of a configuration. R1 and R2 keep the strength that it has already. */
export function changesOf({ penalty, ...settings }, values) {
  const changes = [];
  let paths = Object.keys(values);
  if (penalty != null) {
    const kinds = penalty === "none" ? [] : penalty.split("+");
    const gamma = values["penalties.0.gamma"] ?? 1;
    changes.push(["penalties", kinds.map((kind) => (/^r\d$/.test(kind) ? { kind, gamma } : { kind }))]);
    paths = [...paths.filter((path) => !isOf("gamma", path)), ...kinds.map((kind, i) => `penalties.${i}.${/^r\d$/.test(kind) ? "gamma" : "weight"}`)];
  }
  for (const [name, value] of Object.entries(settings)) {
    if (value != null) changes.push(...(PATHS[name] ? paths.filter((path) => isOf(name, path)) : [name]).map((path) => [path, value]));
  }
  return changes;
}

/** What a start asks of the server: a recipe, or else the live run's settings, and every other setting as a change. */
export const startOf = ({ recipe = null, paused = false, ...settings }, values = {}) => ({ recipe, paused, changes: changesOf(settings, values) });

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
