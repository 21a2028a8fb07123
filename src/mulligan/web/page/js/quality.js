// Quality: every figure with its floor or best value, the number of samples, and the step.

import { html } from "./html.js";
import { capital, int, num, percent, short } from "./numbers.js";
import { server, store } from "./store.js";
import { Term } from "./terms.js";
import { useWidth } from "./width.js";

const SPACES = { judge: "judge’s features", gist: "edges and colours", pca64: "64 PCA features", points: "coordinates" };

/** What a metric is called, and which way is better, as the server's table of metrics says. */
function Label({ name }) {
  const metric = store.catalog?.metrics[name];
  return html`<span title=${metric?.line}>${metric?.label}${metric?.better && html` <span class="muted" aria-hidden="true">${metric.better === "low" ? "↓" : "↑"}</span><span class="sr">, ${metric.better}er is better</span>`}</span>`;
}

/** All figures of an evaluation, with the floor or ideal of each. */
function Figures({ figures }) {
  const written = (name, v) => (v == null ? "" : store.catalog?.metrics[name]?.share ? percent(v) : Number.isInteger(v) ? int(v) : num(v));
  return html`<details class="figures" data-testid="figures" onToggle=${(e) => e.target.open && e.target.scrollIntoView({ block: "nearest" })}><summary>All figures</summary><table><thead><tr><th></th><td>measured</td><td>floor or best</td></tr></thead><tbody>
    ${Object.entries(figures).map(([name, [value, floor]]) => html`<tr><th scope="row"><${Label} name=${name} /></th><td>${written(name, value)}</td><td>${written(name, floor)}</td></tr>`)}</tbody></table></details>`;
}

function Metric({ label, value, left, right, id, className = "", last }) {
  return html`<div class=${`metric ${last ? "last" : ""}`}><div class="l"><span>${label ?? html`<${Label} name=${id} />`}${["fd", "coverage"].includes(id) && html` <${Term} name=${id} />`}</span><b class=${className} data-testid=${`metric-${id}`}>${value}</b></div>
    <div class="l"><small>${left}</small><small>${right}</small></div></div>`;
}

/** Shares of the classes, real ones dashed. */
function Histogram({ shares, real, names, of }) {
  const [box, W] = useWidth(240);
  const [H, base, top] = [130, 96, 84];
  const n = names.length;
  const most = Math.max(0.2, ...(shares ?? []));
  const max = most > 0.5 ? 1 : most > 0.2 ? 0.5 : 0.2;
  const wide = (W - 28) / n;
  const y = (p) => base - (p / max) * top;
  const label = (i) => (n <= 12 && names.every((name) => name.length < 3) ? names[i] : n <= 12 ? String(i) : "");
  const spoken = shares ? `Share of samples per class in percent: ${names.map((name, i) => `${name}: ${(100 * shares[i]).toFixed(1)}`).join(", ")}.` : "No shares yet.";
  return html`<div ref=${box}><svg class="bars" viewBox=${`0 0 ${W} ${H}`} role="img" aria-label=${spoken} data-testid="class-histogram">
    ${[0, max / 2, max].map((t) => html`<text x="20" y=${y(t) + 4} text-anchor="end">${Math.round(100 * t)}</text>`)}
    <line class="axis" x1="24" x2=${W} y1=${base + 0.5} y2=${base + 0.5} />
    ${names.map((name, i) => {
      const p = shares?.[i];
      const x = 28 + i * wide;
      const lost = p != null && p < 0.1 / n;
      return html`${p != null && html`<rect x=${x} y=${y(p)} width=${wide * 0.7} height=${Math.max(0.5, base - y(p))} rx="1.5" fill="var(${lost ? "--bad" : "--fake"})" />`}
        ${real?.[i] != null && html`<line x1=${x - wide * 0.12} x2=${x + wide * 0.82} y1=${y(real[i])} y2=${y(real[i])} stroke="var(--real)" stroke-width="1.6" stroke-dasharray="3 2" />`}
        <text x=${x + wide * 0.35} y=${base + 13} text-anchor="middle" class=${lost ? "bad" : ""}>${label(i)}</text>`;
    })}<text x="28" y="127">${of}</text></svg></div>`;
}


export function Quality() {
  const { metrics, events: { evaluated, measured }, checked, status } = store;
  const blank = !status || ["empty", "loading"].includes(status.state);
  const m = metrics ?? evaluated?.metrics; // an evaluation of a checkpoint, or what the monitor has measured in training
  const trained = blank ? null : evaluated?.metrics; // in training: other features and fewer samples than at the end
  const first = store.catalog?.diagnosis; // known before the first measurement
  const points = status?.points;
  const far = trained?.distance ?? trained?.kid;
  const shares = blank || !measured?.histogram.length ? null : measured.histogram;
  // Modes of a toy, or classes that a judge reads: a measurement tells; before it, whether the pictures have classes.
  const counted = blank || (measured ? Boolean(shares) : points || Boolean(status.counted_classes?.length));
  const names = !counted ? [] : status?.counted_classes?.length ? status.counted_classes : Array.from({ length: shares?.length || (points ? 8 : 10) }, (_, i) => String(i));
  const what = counted ? (points ? "mode" : "class, as the judge reads it") : points ? "this toy has no modes to count" : "no judge reads these pictures";
  const modes = m?.modes;
  const coverage = blank ? null : measured?.signals.coverage;
  const lost = modes != null && modes < names.length;
  const at = (metrics ?? evaluated ?? measured)?.step;
  const measuredAt = measured == null ? "" : `step ${int(measured.step)}`; // an evaluation may have another step
  return html`<section class="panel qual" aria-labelledby="h-q" data-testid="quality"><div class="ph"><h2 id="h-q">Quality</h2><span class="end small">${blank || at == null ? `first by step ${int(first?.by_step)}` : `step ${int(at)}${metrics?.final ? ", at the end" : ""}`}</span></div>
    <div class="pb"><div class="first">
      ${!server.lab && html`<h3>At the end</h3>
      <${Metric} id="fd" value=${m?.fd == null ? "–" : num(m.fd)} left=${m?.fd_floor == null ? "" : `floor ${num(m.fd_floor)}, n ${int(m.n)}`} right=${m?.fd == null ? "" : SPACES[m.space]} />
      <${Metric} id="coverage-end" label=${html`<${Label} name="coverage" />`} value=${m?.coverage == null ? "–" : num(m.coverage)} left=${m?.coverage == null ? "" : `of ${int(m.n_real)} reals reached`} right=${m?.coverage == null ? "" : `best ${short(m.coverage_ideal)}`} last />`}
      <h3>In training</h3>
      <${Metric} id="distance" label=${html`${points ? "KID" : "Distance to real, %"} <${Term} name="distance" />`} value=${far == null ? "–" : num(far)} left=${blank || status.floor == null ? "" : `floor ${num(status.floor)}`} right=${far == null ? "" : `n ${int(status.monitored_n)}`} />
      <${Metric} id="coverage" value=${coverage == null ? "–" : num(coverage)} left=${blank || !measuredAt ? `of ${int(first?.reals)} reals at most` : `of ${int(checked?.reals)} reals, ${measuredAt}`} right=${`best ${short(first?.coverage_ideal)}`} />
      ${m?.held_out === false && html`<small data-testid="reals-seen">Against reals that G has seen: none are held out.</small>`}
    </div><div>
      <${Metric} id="modes" last label=${points ? "Modes found" : "Classes found"} value=${counted ? `${modes ?? "–"} / ${names.length}` : "–"} className=${lost ? "bad" : ""} left="share of samples, %" right=${html`<span class="real">– –</span> real`} />
      ${!counted ? html`<p class="small bars none">${capital(what)}.</p>` : html`<${Histogram} shares=${shares} real=${blank ? null : checked?.real_share} names=${names} of=${what} />`}
      <small>Of no class: ${m?.junk == null ? "–" : percent(m.junk)}${shares && checked ? ` · n ${int(checked.histogram_n)}` : ""}</small>
      ${m?.figures && html`<${Figures} figures=${m.figures} />`}
    </div></div></section>`;
}
