"use strict";
/* The same numbers as numpy.random.Generator(PCG64DXSM(SeedSequence(seed, spawn_key=[key, 0]))).

   Three published algorithms, one after the other:
   SeedSequence  M. E. O'Neill, "Developing a seed_seq alternative" (2015): words are hashed into a pool of four
   PCG64 DXSM    M. E. O'Neill, "PCG" (2014), with the DXSM output and the 64-bit multiplier of 2019
   ziggurat      G. Marsaglia & W. W. Tsang, "The Ziggurat Method for Generating Random Variables" (2000), 256 strips */
export const Chance = (() => {
  const M64 = (1n << 64n) - 1n, M128 = (1n << 128n) - 1n;

  /* Whole numbers below 2^53, as 32-bit words, the lowest first. */
  const words = number => number > 0xffffffff ? [number >>> 0, Math.floor(number / 2 ** 32)] : [number];

  function seedWords(seed, spawnKey, count) {
    const POOL = 4, entropy = words(seed);
    while (entropy.length < POOL) entropy.push(0);
    entropy.push(...spawnKey.flatMap(words));
    const pool = new Uint32Array(POOL), out = new Uint32Array(count);
    let constant = 0x43b0d7e5;
    const fold = x => (x ^ x >>> 16) >>> 0;
    const hash = value => {
      value ^= constant;
      constant = Math.imul(constant, 0x931e8875);
      return fold(Math.imul(value, constant));
    };
    const mix = (x, y) => fold(Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y) | 0);
    for (let i = 0; i < POOL; i++) pool[i] = hash(entropy[i]);
    for (let from = 0; from < POOL; from++)
      for (let to = 0; to < POOL; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
    for (const word of entropy.slice(POOL)) for (let to = 0; to < POOL; to++) pool[to] = mix(pool[to], hash(word));
    constant = 0x8b51f9dd;
    for (let i = 0; i < count; i++) {
      const value = pool[i % POOL] ^ constant;
      constant = Math.imul(constant, 0x58f38ded);
      out[i] = fold(Math.imul(value, constant));
    }
    return out;
  }

  class Stream {
    constructor(seed, key) {
      const w = seedWords(seed, [key, 0], 8), at = i => BigInt(w[2 * i + 1]) << 32n | BigInt(w[2 * i]);
      const start = at(0) << 64n | at(1), step = s => s * 0x2360ed051fc65da44385df649fccf645n + this.increment & M128;
      this.increment = ((at(2) << 64n | at(3)) << 1n | 1n) & M128;
      this.state = step(this.increment + start & M128);
      this.half = null;
    }
    next64() {
      const M = 0xda942042e4dd58b5n, low = this.state & M64 | 1n;
      let high = this.state >> 64n;
      this.state = this.state * M + this.increment & M128;
      high = (high ^ high >> 32n) * M & M64;
      return (high ^ high >> 48n) * low & M64;
    }
    /* Two words of 32 bits from each of 64, the low one first. */
    next32() {
      if (this.half !== null) {
        const half = this.half;
        this.half = null;
        return half;
      }
      const both = this.next64();
      this.half = Number(both >> 32n);
      return Number(both & 0xffffffffn);
    }
    double() { return Number(this.next64() >> 11n) / 2 ** 53; }
    float() { return (this.next32() >>> 8) / 2 ** 24; }
    normal() {
      for (;;) {
        const word = this.next32(), i = word & 0xff, steps = word >>> 9;
        const x = f32((word & 0x100 ? -steps : steps) * width[i]);
        if (steps < inside[i]) return x;
        if (i === 0) {
          for (;;) {
            const tail = f32(-f32(1 / EDGE) * f32(Math.log1p(-this.float()))), y = -f32(Math.log1p(-this.float()));
            if (f32(y + y) > f32(tail * tail)) return (steps & 0x100 ? -1 : 1) * f32(f32(EDGE) + tail);
          }
        }
        const height = f32(f32(f32(density[i - 1] - density[i]) * this.float()) + density[i]);
        if (height < Math.exp(-.5 * x * x)) return x;
      }
    }
  }

  /* 256 strips of equal area under exp(-x²/2): strip 0 is the base with the tail beyond EDGE, strip 255 lies on it.
     A word of 23 bits times width[i] is a place in strip i, surely under the curve where the word is below inside[i]. */
  const f32 = Math.fround, EDGE = 3.6541528853610087963519472518, AREA = .0049286732339746519;
  const width = new Float32Array(256), inside = new Uint32Array(256), density = new Float32Array(256);
  const curve = x => Math.exp(-x * x / 2);
  let right = EDGE;
  width[0] = AREA / curve(EDGE) / 2 ** 23;
  inside[0] = EDGE * curve(EDGE) / AREA * 2 ** 23;
  density[0] = 1;
  for (let i = 255; i > 0; i--) {
    const left = i > 1 ? Math.sqrt(-2 * Math.log(AREA / right + curve(right))) : 0;
    width[i] = right / 2 ** 23;
    inside[i] = left / right * 2 ** 23;
    density[i] = curve(right);
    right = left;
  }

  /* z of picture 0 of a seed, and the class that goes with it. */
  function latent(seed, dim, distribution) {
    const stream = new Stream(seed, 4044060355); // crc32("sample")
    return Float32Array.from({length: dim}, () => distribution === "normal" ? stream.normal() : 2 * stream.float() - 1);
  }
  function label(seed, edges) {
    const u = new Stream(seed, 635751668).double(); // crc32("sample.class")
    const found = edges.findIndex(edge => u < edge);
    return found < 0 ? edges.length : found;
  }

  const steered = (z, psi) => z.map(v => f32(f32(psi) * v));
  /* A place on the way from z to z: along the great circle if they are normal, and straight if they are uniform. */
  function between(a, b, t, distribution = "normal") {
    const dot = (p, q) => p.reduce((sum, v, i) => sum + v * q[i], 0);
    const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)))));
    const round = distribution === "normal" && Math.sin(angle) >= 1e-6;
    const [u, v] = round ? [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)] : [1 - t, t];
    return a.map((x, i) => u * x + v * b[i]);
  }
  return {Stream, between, latent, label, steered, tables: {width, inside, density}};
})();
