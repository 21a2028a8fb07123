// The tries line: a failed try ends in a cross, and the next one leaves it in an arc, at the step where it went back to.

import { html } from "./html.js";
import { int, thousands } from "./numbers.js";
import { LETTER, useWidth } from "./width.js";

const [HEIGHT, LOW, UP] = [56, 40, 18];
const EDGE = 8;

const [BEND, LONG] = [60, 65]; // pixels of an arc, across and along

const arc = (a, end) => `M${a} ${LOW}C${a + 20} ${UP} ${a + 34} ${UP} ${a + BEND} ${UP}L${Math.max(a + BEND, end)} ${UP}`;

function words(tries, now, would) {
  if (!tries.length) return "No try yet.";
  const said = tries.map((t) => {
    const begun = t.from_step ? ` began from step ${int(t.from_step)} and` : "";
    if (t === now) return `Try ${t.number}${begun} is at step ${int(t.step)} of ${int(t.steps)}.`;
    return `Try ${t.number}${begun} ${t.alarm ? `failed at step ${int(t.alarm.step)} with ${t.alarm.state}` : `stands at step ${int(t.step)}`}.`;
  });
  return said.join(" ") + (would == null ? "" : ` A second try would begin at step ${int(would)}.`);
}

export function TriesLine({ tries, current, steps, would, blank }) {
  const [box, width] = useWidth(600);
  const X = (v) => EDGE + (v / Math.max(1, steps)) * (width - 2 * EDGE);
  const cross = (x, y) => html`<path d=${`M${x - 4} ${y - 4}l8 8M${x + 4} ${y - 4}l-8 8`} stroke="var(--bad)" stroke-width="2.2" />`;
  const ground = (from, to) => html`<line x1=${X(from)} x2=${X(to)} y1=${LOW} y2=${LOW} stroke="var(--line-strong)" />`;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((f, i) => html`<line x1=${X(f * steps)} x2=${X(f * steps)} y1=${LOW + 3} y2=${LOW + 6} stroke="var(--line-strong)" stroke-width="1" /><text x=${X(f * steps)} y=${LOW + 15} text-anchor=${["start", "middle", "middle", "middle", "end"][i]}>${thousands(Math.round(f * steps))}</text>`);
  const now = tries.find((t) => t.number === current) ?? tries.at(-1);
  let lines = html`<text x=${EDGE} y=${LOW - 12}>${blank}</text>`;
  if (now) {
    const before = tries.filter((t) => t !== now);
    const bad = now.state === "failed" || (now.alarm && !["training", "finished"].includes(now.state));
    const up = before.length > 0 && now.parent != null;
    const [begin, end] = [X(now.from_step ?? 0), X(now.step)];
    const way = Math.min(1, (end - begin) / BEND); // share of the arc
    const y = up ? LOW + (UP - LOW) * way * way * (3 - 2 * way) : LOW;
    const from = would == null ? null : X(would);
    const plan = `Try ${now.number + 1} would start at ${int(would)}`;
    const name = [`Try ${now.number}: from ${int(now.from_step)}${now.summary ? ` with ${now.summary}` : ""}`, `Try ${now.number}`].find((text) => text.length * LETTER < width - EDGE) ?? "";
    const above = from == null ? name : plan;
    const last = before.at(-1);
    const below = up ? `Try ${last.number}${last.alarm && width > 520 ? `: ${last.alarm.state} at ${int(last.alarm.step)}` : ""}` : `Try ${now.number}: ${now.recipe}`;
    lines = html`${up && before.map((t) => html`${ground(t.from_step ?? 0, t.step)}${t.alarm || t.state === "failed" ? cross(X(t.alarm?.step ?? t.step), LOW) : null}`)}
      ${up ? html`<path d=${arc(begin, end)} stroke="var(${bad ? "--line-strong" : "--brand"})" stroke-dasharray=${`${way < 1 ? LONG * way : LONG - BEND + end - begin} 9999`} />`
        : html`<line x1=${begin} x2=${end} y1=${LOW} y2=${LOW} stroke="var(${bad ? "--line-strong" : "--brand"})" />`}
      ${from != null && html`<path d=${up ? `M${from} ${UP}H${width - EDGE}` : arc(from, width - EDGE)} stroke="var(--brand)" stroke-width="2" stroke-dasharray="2 6" />`}
      ${bad ? cross(end, y) : html`<circle cx=${end} cy=${y} r="5.5" fill="var(--brand)" stroke="var(--panel)" stroke-width="2" />`}
      ${(up || from != null) && html`<text class=${`lab ${bad && from == null ? "" : "brand"}`} x=${Math.min((from ?? begin) + 64, width - above.length * LETTER)} y="11">${above}</text>`}
      <text class="lab" x=${begin < 110 && (up || from != null) ? BEND + 14 : EDGE} y=${LOW - 7}>${below}</text>`;
  }
  return html`<div class="track" data-testid="tries" ref=${box}>
    <svg role="img" viewBox=${`0 0 ${width} ${HEIGHT}`} aria-label=${words(tries, now, would)}><line x1=${EDGE} x2=${width - EDGE} y1=${LOW} y2=${LOW} stroke="var(--line)" />${ticks}${lines}</svg>
  </div>`;
}
