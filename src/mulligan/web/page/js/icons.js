import { html } from "./html.js";

const line = (d, width = 1.7) => html`<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width=${width} stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${d} /></svg>`;
const solid = (d) => html`<svg viewBox="0 0 16 16" fill="currentColor" aria-hidden="true"><path d=${d} /></svg>`;

export const icon = {
  flag: () => line("M4 15V1.5M4 2l8.5 3L4 8.2", 1.8),
  play: () => solid("M4 2.2v11.6L13.5 8z"),
  pause: () => solid("M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"),
  step: () => solid("M3 2.5v11L10 8zM11 2.5h2v11h-2z"),
  stop: () => solid("M3 3h10v10H3z"),
  reset: () => line("M3 8a5 5 0 1 0 1.6-3.7M3 2v3.2h3.2"),
  ok: () => line("M3 8.5l3.2 3.2L13 4.8", 2),
  bad: () => line("M4 4l8 8M12 4l-8 8", 2),
  warn: () => line("M8 2l6.5 11.5h-13zM8 6.5v3.6M8 11.6v.6", 1.8),
  info: () => line("M8 7v5M8 4v.4M8 1.2a6.8 6.8 0 1 0 0 13.6a6.8 6.8 0 1 0 0-13.6", 1.6),
  link: () => line("M6.5 9.5l3-3M7 4.8l1.6-1.6a2.9 2.9 0 0 1 4.2 4.2L11.2 9M9 11.2l-1.6 1.6a2.9 2.9 0 0 1-4.2-4.2L4.8 7"),
  down: () => line("M8 2v8.5M4.3 7L8 10.7 11.7 7M2.5 13.8h11"),
  sun: () => line("M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6M8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8L13 13M3 13l1.2-1.2M11.8 4.2L13 3", 1.6),
  dice: () => html`<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true"><rect x="2" y="2" width="12" height="12" rx="2.5" /><g fill="currentColor" stroke="none"><circle cx="5.2" cy="5.2" r="1.2" /><circle cx="10.8" cy="10.8" r="1.2" /><circle cx="8" cy="8" r="1.2" /></g></svg>`,
  /** The mark: a first shot that falls short, a second that lands at the flag. */
  mark: () => html`<svg viewBox="0 0 30 22" fill="none" aria-hidden="true"><path d="M2 20C5 10 9 10 12 20" stroke="var(--line-strong)" stroke-width="2" stroke-linecap="round" /><path d="M2 20C8-1 19-1 25 20" stroke="var(--brand)" stroke-width="2.2" stroke-linecap="round" /><path d="M25 20V7" stroke="var(--ink)" stroke-width="1.6" stroke-linecap="round" /><path d="M25 7l4.4 2L25 11.2z" fill="var(--brand)" /></svg>`,
  ring: () => html`<svg viewBox="0 0 36 36" aria-hidden="true"><rect width="36" height="36" rx="3" fill="var(--sunken)" />${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => html`<circle cx=${18 + 11 * Math.cos(i * 0.785)} cy=${18 + 11 * Math.sin(i * 0.785)} r="2.3" fill="var(--real)" />`)}</svg>`,
  digit: () => html`<svg viewBox="0 0 36 36" aria-hidden="true"><rect width="36" height="36" rx="3" fill="#0c0f0e" /><path d="M12 10c4-3 12-2 11 3c0 3-4 4-7 4c4 0 9 1 9 6c0 6-10 6-14 3" fill="none" stroke="#fff" stroke-width="3.4" stroke-linecap="round" /></svg>`,
  shirt: () => html`<svg viewBox="0 0 36 36" aria-hidden="true"><rect width="36" height="36" rx="3" fill="#0c0f0e" /><path d="M12 7l-7 5 3 5 3-2v14h14V15l3 2 3-5-7-5c-2 4-10 4-12 0z" fill="#b9bfbc" /></svg>`,
  folder: () => html`<svg viewBox="0 0 36 36" fill="none" stroke="var(--ink-3)" stroke-width="1.6" aria-hidden="true"><path d="M5 28V9h9l3 4h14v15z" stroke-linejoin="round" /><path d="M18 17v7M14.5 20.5h7" /></svg>`,
};

export const badgeOf = (severity) => ({ alarm: "bad", warning: "warn" })[severity] ?? "ok";
