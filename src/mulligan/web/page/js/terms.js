// Explained in place: two sentences at every term, which stand in index.html.

import { html, useRef, useState } from "./html.js";
import { server } from "./store.js";

const [WIDE, HIGH] = [300, 190]; // px
let count = 0;

export function Term({ name }) {
  const [id] = useState(() => `term-${++count}`);
  const box = useRef(null);
  const { title, textContent: text, dataset: { book } } = document.getElementById(`about-${name}`);
  const place = (e) => { // beside the control that it explains, or above it where there is no room: never over it
    if (e.newState !== "open") return;
    const host = document.querySelector(`[popovertarget=${id}]`).closest(".setting, .metric, .ct, .lg, .ph").getBoundingClientRect();
    const beside = host.right + 12 + WIDE < innerWidth;
    const left = beside ? host.right + 12 : Math.max(12, Math.min(host.left, innerWidth - WIDE - 12));
    const above = host.top > HIGH ? { bottom: `${innerHeight - host.top + 8}px`, top: "auto" } : { top: `${host.bottom + 8}px` };
    Object.assign(box.current.style, { left: `${left}px`, width: `${WIDE}px` }, beside ? { top: `${Math.min(host.top, innerHeight - HIGH)}px` } : above);
  };
  return html`<button type="button" class="link term" popovertarget=${id} aria-label=${`What is ${title}?`} data-testid=${`term-${name}`}>?</button>
    <span class="explained" popover="auto" id=${id} ref=${box} onBeforeToggle=${place}><b>${title}</b> ${text}${server.book && html` <a href=${server.book.replace("index", book)} target="_blank" data-testid=${`book-${name}`}>In the book</a>`}</span>`;
}
