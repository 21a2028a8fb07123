// What the story plays: the trained forger, which computes here, and runs of Mulligan as benchmarks/story.py recorded them.

import { Chance } from "../chance.js";
import { Network } from "../network.js";
import { openJudge } from "./gradient.js";
import { useEffect, useRef } from "./html.js";

export const SIDE = 28;
export const AREA = SIDE * SIDE;

export const counted = (n) => [...Array(n).keys()];

/** A description, and the bytes of the arrays that it names. */
async function bundle(name) {
  const bytes = new Uint8Array(await (await fetch(name)).arrayBuffer());
  const end = bytes.indexOf(10);
  const about = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const stream = new Blob([bytes.subarray(end + 1)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return [about, new Uint8Array(await new Response(stream).arrayBuffer())];
}

export let [forger, record] = [];

/** The trained forger: its input and its picture on the way from one number to another. */
export async function openForger() {
  const [about, bytes] = await bundle("forger.bin");
  const net = Network.build(about, bytes);
  const [latent, label] = [(seed) => Chance.latent(seed, about.latent.dim, "normal"), (seed) => Chance.label(seed, about.class_edges)];
  const noise = (from, to, t) => Chance.between(latent(from), latent(to), t);
  forger = { noise, draw: (from, to, t) => net(noise(from, to, t), about.classes.map((_, k) => (1 - t) * (k === label(from)) + t * (k === label(to)))) };
}

export async function openRecord() {
  const [about, bytes] = await bundle("story.bin");
  const arrays = Network.read(bytes, about.entries);
  const judge = openJudge(about.judge, arrays);
  const scaled = (grey) => Float32Array.from(grey, (v) => v / 127.5 - 1);
  record = { ...about, arrays, judge, scaled, picture: (name, i, area = AREA) => arrays[name].subarray(i * area, (i + 1) * area), believe: (grey) => judge(scaled(grey)).belief };
}

/** Call `frame` with the milliseconds since the last call while an element is on the screen. */
export function usePlaying(box, frame) {
  const newest = useRef();
  newest.current = frame;
  useEffect(() => {
    let [id, before] = [0, 0];
    const turn = (now) => {
      newest.current(Math.min(100, now - before));
      before = now;
      id = requestAnimationFrame(turn);
    };
    const watch = new IntersectionObserver(([{ isIntersecting }]) => {
      cancelAnimationFrame(id);
      if (isIntersecting) id = requestAnimationFrame(turn);
    });
    watch.observe(box.current);
  }, []);
}
