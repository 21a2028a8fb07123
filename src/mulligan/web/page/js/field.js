// A drawing of points: real and generated ones, D's map under them, and where D pushes each.

import { roundUp } from "./chart.js";
import { css, floats, paintSigned } from "./pictures.js";

const NEAR = 0.06; // of a mode: three deviations of the toys

/** Logits from the middle of D's map to its full colours: 1, 2 or 5 × 10ⁿ, as this map needs. */
export const reach = (f) => roundUp(Math.max(1e-6, f.largest));

const axis = (v) => String(v).replace("-", "−");

function line(ink, ...places) {
  ink.beginPath();
  for (const place of places) ink.lineTo(...place);
  ink.stroke();
}

function mapOf(f) {
  const [map, logits] = [document.createElement("canvas"), floats(f.logits)];
  const rows = Array.from({ length: logits.length / f.side }, (_, row) => [...logits.subarray(row * f.side, (row + 1) * f.side)]).reverse();
  paintSigned(map, rows.flat().map((v) => (v - f.centre) / reach(f)), f.side, rows.length);
  return map;
}

function circle(ink, x, y, r) {
  ink.beginPath();
  ink.arc(x, y, r, 0, 7);
}

/** Draw D's map where there is one, points, and arrows where there are some. */
export function drawField(canvas, f) {
  if (f.dimension === 1 || f.fake[0]?.length === 1 || f.real[0]?.length === 1) return drawField(canvas, strip(f));
  const W = (canvas.width = canvas.clientWidth * 2);
  const H = (canvas.height = canvas.clientHeight * 2);
  const ink = canvas.getContext("2d");
  const S = H / (f.high - f.low);
  const middle = (f.high + f.low) / 2;
  const X = (v) => W / 2 + (v - middle) * S;
  const Y = (v) => H / 2 - (v - middle) * S;
  ink.fillStyle = css("--map-zero");
  ink.fillRect(0, 0, W, H);
  if (f.logits) {
    ink.imageSmoothingQuality = "high";
    const half = (f.high - f.low) / (f.side - 1) / 2; // values stand at grid points, pixels around them
    ink.drawImage(mapOf(f), X(f.low - half), Y(f.high + half), S * (f.high - f.low + 2 * half), S * (f.high - f.low + 2 * half));
  }
  ink.strokeStyle = css("--line-strong");
  ink.globalAlpha = 0.35;
  ink.fillStyle = css("--ink-2");
  ink.font = "26px system-ui";
  const every = f.high - f.low > 12 ? 5 : 1;
  for (let v = Math.ceil(f.low / every) * every; v <= f.high; v += every) {
    line(ink, [X(v), 0], [X(v), H]);
    line(ink, [0, Y(v)], [W, Y(v)]);
    ink.globalAlpha = 1;
    ink.fillText(axis(v), X(v) + 6, H - 8);
    if (v) ink.fillText(axis(v), 8, Y(v) - 6);
    ink.globalAlpha = 0.35;
  }
  const dots = (points, size, colour, ring) => {
    ink.fillStyle = colour;
    for (const [x, y] of points) {
      circle(ink, Math.min(W - size, Math.max(size, X(x))), Math.min(H - size, Math.max(size, Y(y))), size); // at the edge if it lies beyond
      ink.fill();
      if (ring) ink.stroke();
    }
  };
  ink.globalAlpha = 0.75;
  dots(f.real, 3.6, css("--real"));
  ink.globalAlpha = 1;
  ink.lineWidth = 1.6;
  ink.strokeStyle = css("--panel");
  dots(f.fake, 5.5, css("--fake"), true);
  if (f.arrows) drawArrows(ink, f, X, Y);
  if (f.modes) drawModes(ink, f.modes, X, Y, S);
}

function drawArrows(ink, f, X, Y) {
  ink.strokeStyle = ink.fillStyle = css("--ink");
  ink.lineWidth = 2.2;
  const unit = (0.18 * (f.high - f.low)) / (2 * (f.longest || 1)); // the longest takes a twelfth of the map
  for (const [x, y, dx, dy] of f.arrows) {
    const [ax, ay, bx, by] = [X(x), Y(y), X(x + unit * dx), Y(y + unit * dy)];
    if (Math.hypot(bx - ax, by - ay) < 6) continue;
    const turn = Math.atan2(by - ay, bx - ax);
    line(ink, [ax, ay], [bx, by]);
    ink.beginPath();
    ink.moveTo(bx + 4 * Math.cos(turn), by + 4 * Math.sin(turn));
    for (const bend of [2.6, -2.6]) ink.lineTo(bx + 10 * Math.cos(turn + bend), by + 10 * Math.sin(turn + bend));
    ink.fill();
  }
}

/** Points of one dimension as a strip: each has a height of its own, by its number, so that they can be told apart. */
const strip = (f) => {
  const spread = (points) => points.map(([x], i) => [x, f.low + (f.high - f.low) * (0.2 + 0.6 * ((i * 0.618) % 1))]);
  return { ...f, dimension: 2, real: spread(f.real), fake: spread(f.fake), arrows: null, modes: null };
};

/** A circle around each mode, as wide as `modes.found` counts: dashed where no sample lies in it. */
function drawModes(ink, { centres, counts, radius = NEAR }, X, Y, S) {
  ink.strokeStyle = css("--ink");
  ink.lineWidth = 2.4;
  centres.forEach(([x, y], i) => {
    ink.setLineDash(counts[i] ? [] : [4, 4]);
    circle(ink, X(x), Y(y), radius * S);
    ink.stroke();
  });
  ink.setLineDash([]);
}
