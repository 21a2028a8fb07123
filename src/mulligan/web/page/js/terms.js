// Explained in place: two sentences at every term.

import { html, useRef, useState } from "./html.js";
import { server } from "./store.js";

const TERMS = {
  fd: ["FD", "The Fréchet distance: how far the statistics of thousands of samples lie from those of real pictures, as a classifier sees them. 0 would be perfect; even real pictures score the floor.", "06-is-it-any-good"],
  distance: ["Distance to real", "How far 1,000 samples lie from real data in training. For pictures it is FD, in a judge’s features or in edges and colours, and perfect samples score the floor; for points it is KID, whose best is 0.", "06-is-it-any-good"],
  coverage: ["Coverage", "The share of real pictures that have a generated one close by. It falls when G forgets kinds of pictures, even if each single sample looks good.", "06-is-it-any-good"],
  z: ["z", "The random numbers that G turns into a sample: the same z always gives the same picture. The grid keeps its z, so you watch the same pictures grow.", "01-the-game"],
  gamma: ["γ", "How strongly the penalty holds D’s slope down. Too little and D shouts; too much and D cannot judge.", "04-second-order"],
  r1: ["R1 and R2", "Penalties on D’s slope, at real samples (R1) and at generated ones (R2). They keep D from shouting, so that G has a direction to learn from.", "04-second-order"],
  logit: ["Logit", "D’s answer before it becomes a probability: above 0 it says “real”, below 0 “generated”. At 0 D cannot tell, which is G’s aim.", "01-the-game"],
  nats: ["Nats", "A unit of surprise, counted with natural logarithms: a fair coin is 0.69 nats. A loss near that means that a player is guessing.", "06-is-it-any-good"],
};

const [WIDE, HIGH] = [300, 190]; // px
let count = 0;

/** A question mark that opens two sentences about a term. */
export function Term({ name }) {
  const [id] = useState(() => `term-${++count}`);
  const box = useRef(null);
  const [title, text, chapter] = TERMS[name];
  const place = (e) => { // beside the control that it explains, or above it where there is no room: never over it
    if (e.newState !== "open") return;
    const host = document.querySelector(`[popovertarget=${id}]`).closest(".setting, .metric, .ct, .lg, .ph").getBoundingClientRect();
    const beside = host.right + 12 + WIDE < innerWidth;
    const left = beside ? host.right + 12 : Math.max(12, Math.min(host.left, innerWidth - WIDE - 12));
    const above = host.top > HIGH ? { bottom: `${innerHeight - host.top + 8}px`, top: "auto" } : { top: `${host.bottom + 8}px` };
    Object.assign(box.current.style, { left: `${left}px`, width: `${WIDE}px` }, beside ? { top: `${Math.min(host.top, innerHeight - HIGH)}px` } : above);
  };
  return html`<button type="button" class="link term" popovertarget=${id} aria-label=${`What is ${title}?`} data-testid=${`term-${name}`}>?</button>
    <span class="explained" popover="auto" id=${id} ref=${box} onBeforeToggle=${place}><b>${title}</b> ${text}${server.book && html` <a href=${server.book.replace("index", `book/${chapter}`)} target="_blank" data-testid=${`book-${name}`}>In the book</a>`}</span>`;
}
