// Pictures: 0…1 is black to white, always. A stretched picture has its range written beside it.

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

/** Paint points of one dimension as bars, the first kind of points behind the second. */
export function paintBars(canvas, kinds, low, high) {
  const [size, bins] = [(canvas.width = canvas.height = 768), 48];
  const ink = canvas.getContext("2d");
  const at = (v) => ((v - low) / (high - low)) * size;
  Object.assign(ink, { fillStyle: css("--ink-3"), font: "26px system-ui" });
  for (let v = Math.ceil(low); v <= high; v++) ink.fillText(String(v).replace("-", "−"), at(v) + 4, size - 8);
  for (const [name, points] of Object.entries(kinds)) {
    const counts = new Array(bins).fill(0);
    for (const [x] of points) counts[Math.min(bins - 1, Math.max(0, Math.floor((at(x) * bins) / size)))]++;
    ink.fillStyle = css(`--${name}`);
    counts.forEach((n, i) => ink.fillRect((i * size) / bins + 1, (size - 32) * (1 - (0.8 * n) / Math.max(1, ...counts)), size / bins - 2, ((size - 32) * 0.8 * n) / Math.max(1, ...counts)));
    ink.globalAlpha = 0.7;
  }
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
