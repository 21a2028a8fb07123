// Pictures: 0…1 is black to white, always. A stretched picture has its range written beside it.

const TILE = 2; // canvas pixels for a CSS pixel, so that the browser scales down evenly

/** Decode base64 PNG or an address into something a canvas can draw. */
export async function decode(source) {
  const image = new Image();
  image.src = /^(\/|blob:|data:|https?:)/.test(source) ? source : `data:image/png;base64,${source}`;
  await image.decode();
  return image;
}

export const blank = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

/** A dark sheet to save, its pen, and what writes around a place. */
export function sheet(width, height) {
  const canvas = blank(width, height);
  const ink = canvas.getContext("2d");
  ink.fillStyle = "#101312";
  ink.fillRect(0, 0, width, height);
  ink.imageSmoothingEnabled = false;
  return [canvas, ink, (text, x, y, size, colour) => { Object.assign(ink, { font: `600 ${size}px system-ui`, fillStyle: colour, textAlign: "center" }); ink.fillText(text, x, y); }];
}

/** Give a canvas to the visitor as a file. */
export const save = (canvas, name) => Object.assign(document.createElement("a"), { href: canvas.toDataURL(), download: `${name}.png` }).click();

/** Decode the picture of samples once, so that a canvas can be painted in the same frame as the rest. */
export async function decoded(samples) {
  if (samples?.png && !samples.image) samples.image = await decode(samples.png).catch(() => null);
  return samples;
}

export function paint(canvas, image, scale = 1) {
  if (!canvas || !image) return;
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
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
  const ink = blank(image.width, image.height).getContext("2d", { willReadFrequently: true });
  ink.drawImage(image, 0, 0);
  const data = ink.getImageData(0, 0, image.width, image.height).data;
  return Float32Array.from({ length: image.width * image.height }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) * data[4 * i + 3] / 195075);
}

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** Paint width × height values, each in its `colour`: red, green and blue. */
function paintEach(canvas, data, width, height, colour) {
  Object.assign(canvas, { width, height });
  const ink = canvas.getContext("2d");
  const out = ink.createImageData(width, height);
  for (let i = 0; i < width * height; i++) out.data.set([...colour(data[i]), 255], 4 * i);
  ink.putImageData(out, 0, 0);
}

/** From `none` at 0 to `more` at 1, and to `less` at −1. */
const between = (more, less, none, bend = 1) => (t) => none.map((v, i) => v + ((t > 0 ? more : less)[i] - v) * Math.min(1, Math.abs(t)) ** bend);

/** Paint values from −1, orange, to 1, blue; 0 is the page. */
export function paintSigned(canvas, data, width, height) {
  paintEach(canvas, data, width, height, between(...["real", "fake", "zero"].map((name) => rgb(css(`--map-${name}`))), 0.8));
}

/** The difference of two pictures, on black: orange where the first is brighter, blue where the second is. */
export function paintDifference(canvas, a, b, width, height) {
  paintEach(canvas, Float32Array.from(a, (v, i) => v - b[i]), width, height, between([240, 151, 92], [116, 174, 245], [12, 15, 14]));
}

export function paintGrey(canvas, grey, width, height, low, high) {
  paintEach(canvas, grey, width, height, (v) => new Array(3).fill((255 * (v - low)) / (high - low))); // the canvas clamps
}

export function floats(base64) {
  const raw = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Float32Array(raw.buffer);
}
