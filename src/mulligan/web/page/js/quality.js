// Quality: every figure with its floor or best value, the number of samples, and the step.

import { Panel, html } from "./html.js";
import { int, num, percent, short } from "./numbers.js";
import { living, store } from "./store.js";

const SPACES = { judge: "judge’s features", gist: "edges and colours", points: "coordinates" };

/** A figure with its floor or best value; what it is called, and which way is better, as the server's table of metrics says. */
function Metric({ id, value, note, right, className, label }) {
  const metric = store.catalog?.metrics[id];
  return html`<div class="metric"><div class="l"><span title=${metric?.line}>${label ?? metric?.label}${metric?.better && html` <span class="muted" aria-hidden="true">${metric.better === "low" ? "↓" : "↑"}</span><span class="sr">, ${metric.better}er is better</span>`}</span><b class=${className} data-testid=${`metric-${id}`}>${value}</b></div>
    <div class="l"><small>${note}</small><small>${right}</small></div></div>`;
}

/** The figures of an evaluation's main feature map. */
export const mainOf = (metrics) => metrics?.[metrics.space];

const FAR = 999; // per cent: beyond it the number says nothing

export function Quality() {
  const { metrics, events: { evaluated, measured }, checked, status } = store;
  const blank = !living() || !(metrics || evaluated || measured);
  const m = metrics ?? evaluated?.metrics; // an evaluation of a checkpoint, or what the monitor has measured in training
  const main = mainOf(metrics);
  const modes = metrics ? metrics.classes?.modes ?? metrics.modes?.captured : m?.modes;
  const points = status?.points;
  const far = points ? null : evaluated?.metrics.distance; // of points it sees mean and spread alone
  const classes = measured?.histogram.length || status?.counted_classes?.length || (points && !measured && 8); // or modes of a toy
  const coverage = measured?.signals.coverage;
  const at = (metrics ?? evaluated ?? measured)?.step;
  if (blank) return html`<${Panel} id="h-q" testid="quality" title="Quality"><p class="nothing">How good the samples are is measured by step ${int(store.catalog?.diagnosis.by_step)}, and from then on.</p><//>`;
  return html`<${Panel} id="h-q" testid="quality" title="Quality" note=${at == null ? "" : `average weights, step ${int(at)}${metrics?.final ? ", at the end" : ""}`}>
    ${main?.fd != null ? html`<${Metric} id="fd" value=${num(main.fd)} note=${`${main.fd_floor == null ? "" : `real ones: ${num(main.fd_floor)}, `}n ${int(m.n)}`} right=${SPACES[m.space]} />
      ${main.coverage != null && html`<${Metric} id="coverage" value=${num(main.coverage)} note=${`of ${int(m.n_real)} real ones`} right=${`best ${short(main.coverage_ideal)}`} />`}`
      : html`${far != null && html`<${Metric} id="distance" label="Distance to real, %" value=${far > FAR ? "far off" : num(far)} note=${status.floor == null ? "" : far <= status.floor ? "as near as other real samples" : `other real samples: ${num(status.floor)} on average`} />`}
      ${coverage != null && html`<${Metric} id="coverage" value=${num(coverage)} note=${`of ${int(checked?.reals)} real ones`} right=${`best ${short(store.catalog?.diagnosis.coverage_ideal)}`} />`}`}
    ${m?.held_out === false && html`<small>Against real ones that G has seen: none are held out.</small>`}
    ${classes && modes != null && html`<${Metric} id="modes" label=${points ? "Modes found" : "Classes found"} value=${`${modes} / ${classes}`} className=${modes < classes ? "bad" : ""} note=${m.high_quality == null ? (points ? "" : "as Mulligan’s classifier reads them") : `${percent(m.high_quality)} of the points are close`} />`}
    ${m?.classes && html`<small>Of no class: ${percent(m.classes.junk)}</small>`}<//>`;
}
