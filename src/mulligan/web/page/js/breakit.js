// Break it yourself: three knobs, a guess, five seconds of real training, the diagnosis, and a second try.

import { Brief, isSevere } from "./diagnosis.js";
import { drawField } from "./field.js";
import { Button, Segments, html, useAgain, useEffect, useRef, useState } from "./html.js";
import { icon } from "./icons.js";
import { int } from "./numbers.js";
import { startOf } from "./query.js";
import { recipeOf } from "./settings.js";
import { act, command, mayWrite, server, store, useStore } from "./store.js";

const STEPS = 1800;
const RATES = [[5e-4, "slowly"], [5e-3, "as it did"], [5e-2, "fast"]];
const KNOBS = [["gamma", "The brake", [[0, "off"], [1, "as it was"], [10, "strong"]]], ["lr_g", "The forger learns", RATES], ["lr_d", "The judge learns", RATES]];
const CLUMPS = Array.from({ length: 240 }, (_, i) => [Math.cos, Math.sin].map((f) => 2 * f((i * Math.PI) / 4) + 0.003 * Math.sqrt(i) * f(2.4 * i))); // eight, until the data are here
const GUESSES = ["It holds", "Mode collapse", "Cycling", "Divergence", "Other"];

export function Break() {
  useStore();
  const canvas = useRef(null);
  const theme = useAgain("mulligan-theme");
  const [knobs, setKnobs] = useState({ gamma: 1, lr_g: 5e-3, lr_d: 5e-3 });
  const [guess, setGuess] = useState(null);
  const [run, setRun] = useState(null);
  const [real, setReal] = useState(CLUMPS);
  const { status, samples, advice } = store;
  const here = run != null && status?.run === run;
  const ended = here && ["alarm", "finished", "failed"].includes(status.state);
  const severe = ended && isSevere();
  const truth = severe ? advice.title : "It holds";
  const again = status?.try > 1;
  const play = async () => {
    const { gamma, ...rates } = knobs;
    const answer = await act("/api/train/start", startOf({ recipe: "ring", loss: "non_saturating", "generator.layers.activation": "leaky_relu", steps: STEPS, report_every: 50, save_every: 50, ...rates, ...(gamma ? { gamma } : { penalty: "none" }) }, recipeOf("ring").values));
    if (answer) setRun(answer.status.run);
  };
  const second = async () => {
    const answer = await command("second-try");
    if (answer) setRun(answer.status.run);
  };
  useEffect(() => { if (here && samples?.points && real === CLUMPS) server.get("/api/train/samples", { weights: "real" }).then((found) => found.points && setReal(found.points), () => {}); }, [here, samples]);
  useEffect(() => {
    const { low = -2.6, high = 2.6, points = [] } = (here && samples?.points && samples) || {};
    const wide = here ? 0.3 * (high - low) : 0;
    drawField(canvas.current, { low: low - wide, high: high + wide, real, fake: points });
  }, [samples, real, theme, here]);
  const right = guess === truth || (guess === GUESSES.at(-1) && !GUESSES.includes(truth));
  const words = !mayWrite() ? "This needs Python, which is not here (yet)." : !here ? "" : !ended ? `Step ${int(status.step)} of ${int(STEPS)}…` : null;
  return html`<canvas class="field" ref=${canvas} role="img" aria-label=${`Real points, blue, and forged ones, orange. ${words ?? truth}`} data-testid="break-field" />
    <div><div class="knobs">${KNOBS.map(([name, label, of]) => html`<div><b>${label}</b><${Segments} label=${label} of=${of.map(([value, text]) => [value, text, { "data-testid": `break-${name}-${value}` }])} at=${knobs[name]} set=${(v) => setKnobs({ ...knobs, [name]: v })} /></div>`)}
      <div><b>What will happen?</b><${Segments} label="Your guess" of=${GUESSES.map((text) => [text, text, { "data-testid": `break-guess-${text.replaceAll(" ", "-")}` }])} at=${guess} set=${setGuess} /></div></div>
      <div class="act"><${Button} kind=${severe ? "" : "primary"} off=${!mayWrite() || !store.catalog || guess == null || (here && !ended)} testid="break-play" act=${play}>${icon.play()}Play ${int(STEPS)} steps<//></div>
      <div role="status" data-testid="break-words"><p>${words}</p>${ended && html`<p><b class=${severe ? "bad" : "ok"}>${again && "Second try: "}${truth}${severe ? ` at step ${int(advice.step)}${status.state === "finished" ? ", a warning" : ""}.` : `: no failure shows until step ${int(status.step)}.`}</b> ${again ? "" : right ? "You guessed it." : `You said: ${guess?.toLowerCase()}.`}</p>
        ${severe && html`<${Brief} advice=${advice} from=${advice.can_try ? advice.from_step : null} />${advice.can_try && html`<${Button} kind="primary" off=${!mayWrite()} testid="break-mulligan" act=${second}>${icon.flag()}Mulligan<//>`}`}`}</div></div>`;
}
