// How numbers are written: three significant digits, a true minus sign, a dash for an unknown value.

const minus = (text) => String(text).replace("-", "−");

const grouped = new Intl.NumberFormat("en-US"); // made once, because toLocaleString makes one for each number

export const int = (n) => (n == null ? "–" : minus(grouped.format(Math.round(n))));

/** A measured figure: 2.83, 87.1, 312, 3.1e−4. */
export function num(v) {
  if (v == null) return "–";
  if (Number.isNaN(v)) return "NaN";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  if (v < 0) return "−" + num(-v);
  if (v === 0) return "0";
  if (v >= 999.5) return v < 1e7 ? int(v) : minus(v.toExponential(1).replace("e+", "e"));
  if (v >= 0.00995) return v.toPrecision(3);
  return minus(v.toExponential(1));
}

/** A figure with two significant digits, for thresholds. */
export function short(v) {
  if (v == null || !Number.isFinite(v)) return num(v);
  const a = Math.abs(v);
  if (a !== 0 && (a < 0.01 || a >= 1e4)) return minus(v.toExponential(a.toExponential(0) == a ? 0 : 1).replace("e+", "e"));
  return minus(String(Number(v.toPrecision(2))));
}

export const percent = (v) => (v == null ? "–" : `${(100 * v).toFixed(1)} %`);

export const rate = (v) => (v == null ? "" : v === 0 ? "0" : v >= 1e-2 && v < 1e4 ? String(Number(v.toPrecision(3))) : v.toExponential(1));

/** 37 s, 2 min 59 s, 1 h 04 min. */
export function time(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  const two = (n) => String(n).padStart(2, "0");
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`;
}

export const thousands = (n) => (n >= 1000 ? `${Number((n / 1000).toPrecision(3))}k` : String(n));

export const sigmoid = (v) => 1 / (1 + Math.exp(-v));

export const dice = (most) => Math.floor(Math.random() * most);

export const shuffle = (list) => list.map((one) => [Math.random(), one]).sort(([a], [b]) => a - b).map(([, one]) => one);

export const plain = (word) => String(word ?? "none").replaceAll("_", "-");

export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
