"use strict";
// The page is whole without this: it adds the slider over the samples, a cursor in the curves, and the theme's button.

const root = document.documentElement;
const themeButton = document.querySelector("[data-theme-toggle]");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
function keep(value) {
  try {
    if (value === undefined) return localStorage.getItem("mulligan-theme");
    localStorage.setItem("mulligan-theme", value);
  } catch {
    // a browser that keeps nothing for files: the choice lasts as long as the page
  }
  return null;
}
function showTheme() {
  themeButton.textContent = isDark() ? "Light" : "Dark";
  themeButton.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
}
const chosen = keep();
if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  keep(root.dataset.theme);
  showTheme();
});
prefersDark.addEventListener("change", showTheme);
showTheme();

for (const scrub of document.querySelectorAll("[data-scrub]")) {
  const frames = [...scrub.querySelectorAll(".frames img")];
  if (frames.length < 2) continue;
  const slider = scrub.querySelector(".slider"), input = slider.querySelector("input");
  const output = slider.querySelector("output"), play = slider.querySelector("[data-play]");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0;
  slider.hidden = false;
  function show(i) {
    frames.forEach((frame, j) => { frame.hidden = i !== j; });
    const words = `step ${frames[i].dataset.step}`;
    input.value = i;
    input.setAttribute("aria-valuetext", words);
    output.textContent = scrub.querySelector("[data-shown]").textContent = words;
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  }
  const next = () => show((Number(input.value) + 1) % frames.length);
  input.addEventListener("input", () => { stop(); show(Number(input.value)); });
  play.addEventListener("click", () => {
    if (timer) return stop();
    next();
    if (calm.matches) return undefined;
    play.textContent = "Stop";
    timer = setInterval(() => {
      next();
      if (Number(input.value) === frames.length - 1) stop();
    }, 250);
    return undefined;
  });
  show(frames.length - 1);
}

for (const chart of document.querySelectorAll(".chart svg")) {
  const { left, right, end, unit } = chart.dataset, cursor = chart.querySelector(".cursor");
  const place = chart.closest("figure").querySelector(".at");
  const curves = [...chart.querySelectorAll("[data-x]")].map((path) => ({
    x: path.dataset.x.split(" ").map(Number),
    y: path.dataset.y.split(" "),
    shown: [...chart.closest("figure").querySelectorAll("[data-of]")].find((b) => b.dataset.of === path.dataset.name),
  }));
  if (!curves.length) continue;
  chart.setAttribute("tabindex", "0");
  const longest = curves.reduce((a, b) => (b.x.length > a.x.length ? b : a));
  let at = longest.x.length - 1;
  const nearest = (x, wanted) => x.reduce((best, value, i) => (Math.abs(value - wanted) < Math.abs(x[best] - wanted) ? i : best), 0);
  function point(i) {
    at = Math.max(0, Math.min(longest.x.length - 1, i));
    const wanted = longest.x[at], x = Number(left) + ((right - left) * wanted) / end;
    cursor.removeAttribute("hidden");
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    for (const curve of curves) curve.shown.textContent = curve.y[nearest(curve.x, wanted)];
    place.hidden = false;
    place.textContent = `at ${wanted.toLocaleString("en", { maximumFractionDigits: 1 })} ${unit}`;
  }
  function leave() {
    cursor.setAttribute("hidden", "");
    place.hidden = true;
    for (const curve of curves) curve.shown.textContent = curve.y.at(-1);
    at = longest.x.length - 1;
  }
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect(), scale = chart.viewBox.baseVal.width / box.width;
    point(nearest(longest.x, (((event.clientX - box.left) * scale - left) / (right - left)) * end));
  });
  chart.addEventListener("pointerleave", leave);
  chart.addEventListener("blur", leave);
  chart.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") leave();
    if (move === undefined) return;
    event.preventDefault();
    point(at + move);
  });
}
