// Pictures: 0…1 is black to white, always. A stretched picture has its range written beside it.

const MARGIN = 0.3; // share of the data's range, on each side: generated points may lie outside
const SIDE = 384; // CSS pixels of a square of points
const TILE = 2; // canvas pixels for a CSS pixel, so that the browser scales down evenly

/** Decode base64 PNG or an address into something a canvas can draw. */
export async function decode(source) {
  const image = new Image();
  image.src = /^(\/|blob:|data:|https?:)/.test(source) ? source : `data:image/png;base64,${source}`;
  await image.decode();
  image.clear = isClear(image);
  return image;
}

const probe = Object.assign(document.createElement("canvas"), { width: 8, height: 8 }).getContext("2d", { willReadFrequently: true });

/** Whether what lies behind a picture is seen anywhere. */
function isClear(image) {
  probe.clearRect(0, 0, 8, 8);
  probe.drawImage(image, 0, 0, 8, 8);
  return probe.getImageData(0, 0, 8, 8).data.some((level, i) => i % 4 === 3 && level < 255);
}

/** Decode the picture of samples once, so that a canvas can be painted in the same frame as the rest. */
export async function decoded(samples) {
  if (samples?.png && !samples.image) samples.image = await decode(samples.png).catch(() => null);
  return samples;
}

/** Draw a decoded picture, enlarged by whole pixels. */
export function paint(canvas, image, scale = 1) {
  if (!canvas || !image) return;
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  canvas.classList.toggle("clear", image.clear);
  const ink = canvas.getContext("2d");
  ink.imageSmoothingEnabled = false;
  ink.drawImage(image, 0, 0, canvas.width, canvas.height);
}

/** Fit a grid into a box of CSS pixels: enlarged by a whole number, at least to the screen's resolution. */
export function paintGrid(canvas, image, box) {
  const wanted = Math.max(1, box) * Math.max(1, window.devicePixelRatio || 1);
  paint(canvas, image, Math.max(TILE, Math.ceil(wanted / image.width)));
}

/** Grey values 0…1 of a decoded picture: the mean of its colours, times alpha. */
export function values(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  ink.drawImage(image, 0, 0);
  const data = ink.getImageData(0, 0, image.width, image.height).data;
  return Float32Array.from({ length: image.width * image.height }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) * data[4 * i + 3] / 195075);
}

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** A colour scale with a sign: −1 orange, 0 the page, +1 blue. */
export function signedColours() {
  const [real, fake, zero] = [rgb(css("--map-real")), rgb(css("--map-fake")), rgb(css("--map-zero"))];
  return (t) => {
    const end = t > 0 ? real : fake;
    const share = Math.min(1, Math.abs(t)) ** 0.8;
    return zero.map((v, i) => v + (end[i] - v) * share);
  };
}

/** Paint values from −1 to 1, width × height. */
export function paintSigned(canvas, data, width, height, colour = signedColours()) {
  canvas.width = width;
  canvas.height = height;
  const ink = canvas.getContext("2d");
  const out = ink.createImageData(width, height);
  for (let i = 0; i < width * height; i++) out.data.set([...colour(data[i]), 255], 4 * i);
  ink.putImageData(out, 0, 0);
}

/** The difference of two pictures, on black: orange where the first is brighter, blue where the second is. */
export function paintDifference(canvas, a, b, width, height) {
  const [more, less, none] = [[240, 151, 92], [116, 174, 245], [12, 15, 14]];
  paintSigned(canvas, Float32Array.from(a, (v, i) => v - b[i]), width, height, (t) => {
    const end = t > 0 ? more : less;
    return none.map((v, i) => v + (end[i] - v) * Math.min(1, Math.abs(t)));
  });
}

/** Little-endian float32 out of base64. */
export function floats(base64) {
  const raw = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Float32Array(raw.buffer);
}

/** int8 out of base64. */
export function bytesOf(base64) {
  return Int8Array.from(atob(base64), (c) => (c.charCodeAt(0) << 24) >> 24);
}

/** Paint real or generated points on a square with axes, over others that are real. */
export function paintPoints(canvas, points, { low, high, real = false, under = [] }) {
  const size = SIDE * TILE;
  canvas.width = canvas.height = size;
  const ink = canvas.getContext("2d");
  const margin = MARGIN * (high - low);
  const at = (v) => ((v - low + margin) / (high - low + 2 * margin)) * size;
  ink.fillStyle = css("--sunken");
  ink.fillRect(0, 0, size, size);
  ink.strokeStyle = css("--line");
  ink.fillStyle = css("--ink-3");
  ink.font = `${13 * TILE}px system-ui`;
  for (let v = Math.ceil(low - margin); v <= Math.floor(high + margin); v++) {
    ink.beginPath();
    ink.moveTo(at(v), 0);
    ink.lineTo(at(v), size);
    ink.moveTo(0, size - at(v));
    ink.lineTo(size, size - at(v));
    ink.stroke();
    ink.fillText(String(v).replace("-", "−"), at(v) + 4, size - 8);
  }
  if (points[0]?.length === 1) {
    for (const [many, name] of [[under, "--real"], [points, real ? "--real" : "--fake"]]) {
      ink.fillStyle = css(name);
      paintHistogram(ink, many, at, size);
      ink.globalAlpha = 0.7;
    }
    ink.globalAlpha = 1;
    return;
  }
  ink.globalAlpha = 0.75;
  const inside = (v) => Math.min(size, Math.max(0, v));
  const all = [...(real ? [] : under.map((p) => [p, "--real"])), ...points.map((p) => [p, real ? "--real" : "--fake"])];
  const colours = { "--real": css("--real"), "--fake": css("--fake") };
  for (const [[x, y], name] of all) {
    ink.fillStyle = colours[name];
    const [across, down] = [at(x), size - at(y)];
    const [near, level] = [inside(across), inside(down)];
    ink.beginPath();
    // a point beyond the edge is a square at the edge
    if (near !== across || level !== down) ink.rect(near - 7, level - 7, 14, 14);
    else ink.arc(across, down, 4, 0, 7);
    ink.fill();
  }
  ink.globalAlpha = 1;
}

function paintHistogram(ink, points, at, size) {
  const bins = new Array(48).fill(0);
  for (const [x] of points) bins[Math.min(47, Math.max(0, Math.floor((at(x) / size) * 48)))]++;
  const most = Math.max(1, ...bins);
  const base = size - 16 * TILE; // the numbers of the axis are below
  bins.forEach((n, i) => ink.fillRect((i * size) / 48 + 1, base - (n / most) * size * 0.8, size / 48 - 2, (n / most) * size * 0.8));
}

/** Paint grey values with black at `low` and white at `high`. */
export function paintGrey(canvas, grey, width, height, low, high) {
  canvas.width = width;
  canvas.height = height;
  const ink = canvas.getContext("2d");
  const out = ink.createImageData(width, height);
  grey.forEach((v, i) => {
    const shade = 255 * Math.min(1, Math.max(0, (v - low) / (high - low)));
    out.data.set([shade, shade, shade, 255], 4 * i);
  });
  ink.putImageData(out, 0, 0);
}
