// Quality: every figure with its floor or best value, the number of samples, and the step.

import { Panel, html } from "./html.js";
import { int, num, percent, short } from "./numbers.js";
import { living, store } from "./store.js";
import { Term } from "./terms.js";
import { useWidth } from "./width.js";

const SPACES = { judge: "judge’s features", gist: "edges and colours", points: "coordinates" };

/** A figure with its floor or best value; what it is called, and which way is better, as the server's table of metrics says. */
function Metric({ id, value, note, right, className, label }) {
  const metric = store.catalog?.metrics[id];
  return html`<div class="metric"><div class="l"><span title=${metric?.line}>${label ?? metric?.label}${metric?.better && html` <span class="muted" aria-hidden="true">${metric.better === "low" ? "↓" : "↑"}</span><span class="sr">, ${metric.better}er is better</span>`}${["fd", "coverage", "distance"].includes(id) && html` <${Term} name=${id} />`}</span><b class=${className} data-testid=${`metric-${id}`}>${value}</b></div>
    <div class="l"><small>${note}</small><small>${right}</small></div></div>`;
}

function Histogram({ shares, real, names, of }) {
  const [box, W] = useWidth(240);
  const [H, base, top] = [114, 96, 84];
  const n = names.length;
  const most = Math.max(0.2, ...(shares ?? []));
  const max = most > 0.5 ? 1 : most > 0.2 ? 0.5 : 0.2;
  const wide = (W - 33) / n;
  const y = (p) => base - (p / max) * top;
  const label = (i) => (n <= 12 && names.every((name) => name.length < 3) ? names[i] : n <= 12 ? String(i) : "");
  const spoken = shares ? `Share of samples per class in percent: ${names.map((name, i) => `${name}: ${(100 * shares[i]).toFixed(1)}`).join(", ")}.` : "No shares yet.";
  return html`<div ref=${box}><svg class="bars" viewBox=${`0 0 ${W} ${H}`} role="img" aria-label=${spoken}>
    ${[0, max / 2, max].map((t) => html`<text x="25" y=${y(t) + 4} text-anchor="end">${Math.round(100 * t)}</text>`)}
    <line class="axis" x1="29" x2=${W} y1=${base + 0.5} y2=${base + 0.5} />
    ${names.map((name, i) => {
      const p = shares?.[i];
      const x = 33 + i * wide;
      const lost = p != null && p < 0.1 / n;
      return html`${p != null && html`<rect x=${x} y=${y(p)} width=${wide * 0.7} height=${Math.max(0.5, base - y(p))} rx="1.5" fill="var(${lost ? "--bad" : "--fake"})" />`}
        ${real?.[i] != null && html`<line x1=${x - wide * 0.12} x2=${x + wide * 0.82} y1=${y(real[i])} y2=${y(real[i])} stroke="var(--real)" stroke-width="1.6" stroke-dasharray="3 2" />`}
        <text x=${x + wide * 0.35} y=${base + 13} text-anchor="middle" class=${lost ? "bad" : ""}>${label(i)}</text>`;
    })}</svg><small>${of}</small></div>`;
}

const FAR = 999; // per cent: beyond it the number says nothing

export function Quality() {
  const { metrics, events: { evaluated, measured }, checked, status } = store;
  const blank = !living() || !(metrics || evaluated || measured);
  const m = metrics ?? evaluated?.metrics; // an evaluation of a checkpoint, or what the monitor has measured in training
  const points = status?.points;
  const far = points ? null : evaluated?.metrics.distance; // KID of points can be better than real where nothing is right
  const shares = measured?.histogram.length ? measured.histogram : null;
  // Modes of a toy, or classes that a judge reads: a measurement tells; before it, whether the pictures have classes.
  const counted = measured ? Boolean(shares) : points || Boolean(status?.counted_classes?.length);
  const names = !counted ? [] : status?.counted_classes?.length ? status.counted_classes : Array.from({ length: shares?.length || (points ? 8 : 10) }, (_, i) => String(i));
  const coverage = measured?.signals.coverage;
  const at = (metrics ?? evaluated ?? measured)?.step;
  if (blank) return html`<${Panel} id="h-q" testid="quality" title="Quality"><p class="nothing">How good the samples are is measured by step ${int(store.catalog?.diagnosis.by_step)}, and from then on.</p><//>`;
  return html`<${Panel} id="h-q" testid="quality" title="Quality" note=${at == null ? "" : `average weights, step ${int(at)}${metrics?.final ? ", at the end" : ""}`}>
    ${m?.fd != null ? html`<${Metric} id="fd" value=${num(m.fd)} note=${`${m.fd_floor == null ? "" : `real ones: ${num(m.fd_floor)}, `}n ${int(m.n)}`} right=${SPACES[m.space]} />
      ${m.coverage != null && html`<${Metric} id="coverage" value=${num(m.coverage)} note=${`of ${int(m.n_real)} real ones`} right=${`best ${short(m.coverage_ideal)}`} />`}`
      : html`${far != null && html`<${Metric} id="distance" label="Distance to real, %" value=${far > FAR ? "far off" : num(far)} note=${status.floor == null ? "" : far <= status.floor ? "as near as other real samples" : `other real samples: ${num(status.floor)} on average`} />`}
      ${coverage != null && html`<${Metric} id="coverage" value=${num(coverage)} note=${`of ${int(checked?.reals)} real ones`} right=${`best ${short(store.catalog?.diagnosis.coverage_ideal)}`} />`}`}
    ${m?.held_out === false && html`<small>Against real ones that G has seen: none are held out.</small>`}
    ${counted && m?.modes != null && html`<${Metric} id="modes" label=${points ? "Modes found" : "Classes found"} value=${`${m.modes} / ${names.length}`} className=${m.modes < names.length ? "bad" : ""} note=${m.high_quality == null ? "share of samples, %" : `${percent(m.high_quality)} of the points are close`} right=${html`<span class="real nowrap">– – real</span>`} />`}
    ${counted && html`<${Histogram} shares=${shares} real=${checked?.real_share} names=${names} of=${points ? "mode that is nearest" : "class, as the judge reads it"} />`}
    ${m?.junk != null && html`<small>Of no class: ${percent(m.junk)}</small>`}<//>`;
}
