// A judge that runs here, and its wish: the slope of its answer at each pixel, by backpropagation through its layers.

import { Network } from "../network.js";
import { sigmoid } from "./numbers.js";

const { conv_transpose: spread } = Network.ops;

/** By kind of operation: from the slope at what comes out of it, the slope at what went in. */
const BACK = {
  reshape: (op, slope) => slope,
  leaky_relu: ({ options }, slope, x) => slope.map((v, i) => (x[i] < 0 ? options.alpha * v : v)),
  dense: (op, slope, x, { W }) => x.map((_, i) => slope.reduce((sum, v, k) => sum + v * W[i * slope.length + k], 0)),
  conv(op, slope, x, { W }, shape) {
    const [depth, channels] = [shape[2], op.shape[2]];
    const turned = W.map((_, i) => W[i - (i % (depth * channels)) + (i % depth) * channels + (Math.floor(i / depth) % channels)]);
    return spread({ ...op, shape }, slope, { W: turned }, op.shape);
  },
};

/** What a judge believes of a picture, and what it wishes there: the slope of its logit. `ops` is a chain; its weights are whole multiples of `factor`. */
export function openJudge({ ops, latent, factor }, arrays) {
  const shapes = [latent.shape, ...ops.map((op) => op.shape)];
  const own = ops.map((op) => Object.fromEntries(Object.entries(op.arrays).map(([key, name]) => [key, arrays[name]])));
  return (picture) => {
    const values = [picture];
    ops.forEach((op, n) => values.push(Network.ops[op.kind](op, values[n], own[n], shapes[n])));
    const wish = () => ops.reduceRight((slope, op, n) => BACK[op.kind](op, slope, values[n], own[n], shapes[n]), Float32Array.of(factor));
    return { belief: sigmoid(factor * values.at(-1)[0]), wish };
  };
}

const distance = (a, b) => Math.hypot(...a.map((v, i) => v - b[i]));

/** The picture after one step along the wish, as far from the first as another one is; black is −1, white 1. */
export function oneStep(judge, first, other) {
  const wish = judge(first).wish();
  const after = (long) => first.map((v, i) => Math.min(1, Math.max(-1, v + long * wish[i])));
  let [low, high] = [0, 1e6];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (distance(after(middle), first) < distance(other, first)) low = middle;
    else high = middle;
  }
  const picture = after(low);
  return { picture, belief: judge(picture).belief };
}
