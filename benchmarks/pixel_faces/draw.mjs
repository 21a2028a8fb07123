// Draw the parts of the pixel faces and choose the parts of each face, with DiceBear's own code: node draw.mjs
//
// It prints JSON: `layers`, from the back to the front; for each layer its parts, its colours and its tiles (each part
// in each colour: 16×16 times red, green and blue, premultiplied by alpha, and 255 − alpha); for each face and layer
// the number of its tile.

import { createHash } from "node:crypto";
import { createAvatar } from "@dicebear/core";
import * as style from "@dicebear/pixel-art";
import { Resvg } from "@resvg/resvg-js";

const components = await import(new URL("components/index.js", import.meta.resolve("@dicebear/pixel-art")));
const FACES = 70_000;
const LAYERS = ["skin", "accessories", "clothing", "eyes", "glasses", "beard", "mouth", "hair", "hat"];
const colourOf = (layer) => (layer === "beard" ? "hair" : layer); // a beard has the colour of the hair

const pick = { pick: () => undefined, bool: () => false };
const body = (skin) => style.create({ prng: { ...pick, pick: (list) => list[0] }, options: { skinColor: [skin] } }).body;
const drawing = (layer, part, colour) => (layer === "skin" ? body(colour) : components[layer][part]({}, { [colourOf(layer)]: `#${colour}` }));

function tile(drawing) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" shape-rendering="crispEdges">${drawing}</svg>`;
  const on = (background) => new Resvg(svg, { background, fitTo: { mode: "original" } }).render().pixels;
  const [black, white] = [on("#000"), on("#fff")]; // black: c α; white: c α + 255 (1 − α)
  return Array.from(black, (value, i) => (i % 4 < 3 ? value : white[i - 3] - black[i - 3]));
}

const published = (name) => style.schema.properties[name].default;
const layers = LAYERS.map((name) => {
  const parts = name === "skin" ? ["skin"] : published(name).toReversed();
  const colours = published(`${colourOf(name)}Color`);
  return { name, parts, colours, tiles: parts.flatMap((part) => colours.map((colour) => tile(drawing(name, part, colour)))) };
});

const faces = Array.from({ length: FACES }, (_, i) => {
  // Seeds that are consecutive numbers give related faces; their hashes do not.
  const seed = createHash("sha256").update(String(i)).digest("hex");
  const chosen = createAvatar(style, { seed }).toJson().extra;
  return layers.map(({ name, parts, colours }) => {
    const part = name === "skin" ? "skin" : chosen[name];
    const colour = chosen[`${colourOf(name)}Color`].slice(1);
    return part === undefined ? -1 : parts.indexOf(part) * colours.length + colours.indexOf(colour);
  });
});

console.log(JSON.stringify({ layers, faces }));
