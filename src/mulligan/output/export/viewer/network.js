"use strict";
/* The operations of mulligan.output.export.plan for one row at a time; pictures are (height, width, channels).
   Sums are taken in double precision and kept in single, so pictures agree with NumPy's to a grey level. */
export const Network = (() => {
  const size = shape => shape.reduce((a, b) => a * b, 1);
  const map = f => (op, x) => x.map(f(op.options));
  const sigmoid = v => 1 / (1 + Math.exp(-v));

  /* y[k] += Σ x[c] · W[c, k] for one pixel of each side; W begins at `at`. */
  function accumulate(x, from, depth, W, at, y, to, width) {
    for (let c = 0; c < depth; c++) {
      const value = x[from + c], row = at + c * width;
      if (value !== 0) for (let k = 0; k < width; k++) y[to + k] += value * W[row + k];
    }
  }

  /* Begin every pixel (or the row) with the bias. */
  function biased(count, width, b) {
    const y = new Float64Array(count * width);
    if (b) for (let i = 0; i < y.length; i++) y[i] = b[i % width];
    return y;
  }

  function dense(op, x, {W, b}) {
    const y = biased(1, op.shape[0], b);
    accumulate(x, 0, x.length, W, 0, y, 0, op.shape[0]);
    return new Float32Array(y);
  }

  /* Both convolutions pair pixels (fine row = stride · coarse row + a − top) and differ in which side is given. */
  function convolution(transposed) {
    return (op, x, {W, b}, [height, width, depth]) => {
      const [rows, cols, channels] = op.shape, {stride, top, left} = op.options, [kh, kw] = op.options.kernel ?? op.kernel;
      const coarse = transposed ? [height, width] : [rows, cols], fine = transposed ? [rows, cols] : [height, width];
      const y = biased(rows * cols, channels, b);
      for (let i = 0; i < coarse[0]; i++) for (let a = 0; a < kh; a++) {
        const f = stride * i + a - top;
        if (f < 0 || f >= fine[0]) continue;
        for (let j = 0; j < coarse[1]; j++) for (let c = 0; c < kw; c++) {
          const g = stride * j + c - left;
          if (g < 0 || g >= fine[1]) continue;
          const here = i * coarse[1] + j, there = f * fine[1] + g;
          const [from, to] = transposed ? [here, there] : [there, here];
          accumulate(x, from * depth, depth, W, (a * kw + c) * depth * channels, y, to * channels, channels);
        }
      }
      return new Float32Array(y);
    };
  }

  function upsample(op, x, _, [height, width, depth]) {
    const y = new Float32Array(size(op.shape));
    for (let i = 0, at = 0; i < 2 * height; i++) for (let j = 0; j < 2 * width; j++)
      for (let k = 0; k < depth; k++, at++) y[at] = x[((i >> 1) * width + (j >> 1)) * depth + k];
    return y;
  }

  /* Numbers less their mean, over the root of their variance. */
  function normalised(x, eps) {
    let mean = 0, square = 0;
    for (const v of x) mean += v / x.length;
    for (const v of x) square += (v - mean) ** 2 / x.length;
    return x.map(v => (v - mean) / Math.sqrt(square + eps));
  }

  const scaled = (x, {gamma, beta}) => x.map((v, i) => v * gamma[i % gamma.length] + beta[i % beta.length]);

  /* The share of class k: of one class, or of a mixture. */
  const share = (label, k) => typeof label === "number" ? Number(k === label) : label[k];

  function oneHot(op, x, _, shape, label) {
    const {classes, scale} = op.options, depth = shape.at(-1), y = new Float32Array(size(op.shape));
    for (let pixel = 0; pixel < x.length / depth; pixel++) {
      y.set(x.subarray(pixel * depth, (pixel + 1) * depth), pixel * (depth + classes));
      for (let k = 0; k < classes; k++) y[pixel * (depth + classes) + depth + k] = scale * share(label, k);
    }
    return y;
  }

  const OPS = {
    one_hot: oneHot,
    dense,
    conv: convolution(false),
    conv_transpose: convolution(true),
    leaky_relu: map(({alpha}) => v => v < 0 ? alpha * v : v),
    relu: map(() => v => v < 0 ? 0 : v),
    tanh: map(({gain}) => v => Math.max(-1, Math.min(1, gain * Math.tanh(v)))),
    sigmoid: map(() => v => sigmoid(v)),
    arctan: map(() => v => Math.atan(v)),
    reshape: (op, x) => x,
    upsample,
    scale: (op, x, arrays) => scaled(x.map((v, i) => v - arrays.mean[i % arrays.mean.length]), arrays),
    layer_norm: (op, x, arrays) => scaled(normalised(x, op.options.eps), arrays),
    add: (op, xs) => xs[0].map((_, i) => xs.reduce((sum, x) => sum + x[i], 0)),
  };
  const SEVERAL = new Set(["add"]);

  /* Half precision: sign, 5 bits of exponent, 10 of fraction. */
  function halves(words) {
    const table = new Float32Array(65536);
    for (let w = 0; w < 65536; w++) {
      const exponent = w >> 10 & 31, fraction = w & 1023, sign = w & 32768 ? -1 : 1;
      table[w] = sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
    }
    const out = new Float32Array(words.length);
    for (let i = 0; i < words.length; i++) out[i] = table[words[i]];
    return out;
  }

  /* Read the arrays from the file's bytes: all first bytes of their numbers, then all second ones, … */
  function read(bytes, entries) {
    const arrays = {};
    let at = 0;
    for (const {name, dtype, count} of entries) {
      const width = {float16: 2, float32: 4}[dtype] ?? 1, whole = new Uint8Array(width * count);
      for (let byte = 0; byte < width; byte++) for (let i = 0; i < count; i++) whole[width * i + byte] = bytes[at++];
      arrays[name] = width === 2 ? halves(new Uint16Array(whole.buffer))
        : new {float32: Float32Array, int8: Int8Array, uint8: Uint8Array}[dtype](whole.buffer);
    }
    return arrays;
  }

  /* The network as a function of z and a class, in its own range of output. */
  function build({ops, result, latent, entries}, bytes) {
    const arrays = read(bytes, entries), shapes = [latent.shape ?? [latent.dim], ...ops.map(op => op.shape)];
    const own = ops.map(op => Object.fromEntries(Object.entries(op.arrays).map(([k, name]) => [k, arrays[name]])));
    return (z, label) => {
      const values = [z];
      ops.forEach((op, n) => {
        const inputs = op.inputs.map(i => values[i]), from = op.inputs.map(i => shapes[i]);
        values.push(SEVERAL.has(op.kind)
          ? OPS[op.kind](op, inputs, from)
          : OPS[op.kind](op, inputs[0], own[n], from[0], label));
      });
      return values[result];
    };
  }
  return {build, read, ops: OPS};
})();
