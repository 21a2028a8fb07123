// Explained in place: two sentences at every term, which stand in index.html.

import { html, useState } from "./html.js";
import { server } from "./store.js";

let count = 0;

export function Term({ name }) {
  const [id] = useState(() => `term-${++count}`);
  const { title, textContent: text, dataset: { book } } = document.getElementById(`about-${name}`);
  return html`<button type="button" class="link term" popovertarget=${id} aria-label=${`What is ${title}?`} data-testid=${`term-${name}`}>?</button>
    <span class="explained" popover="auto" id=${id}><b>${title}</b> ${text}${server.book && html` <a href=${server.book.replace("index", book)} target="_blank" data-testid=${`book-${name}`}>In the book</a>`}</span>`;
}
