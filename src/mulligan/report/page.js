"use strict";
// The page is whole without this: it adds the slider over the samples.

for (const scrub of document.querySelectorAll("[data-scrub]")) {
  const frames = [...scrub.querySelectorAll(".frames img")];
  if (frames.length < 2) continue;
  const slider = scrub.querySelector(".slider"), input = slider.querySelector("input");
  slider.hidden = false;
  input.addEventListener("input", () => {
    const shown = frames[Number(input.value)], words = `step ${shown.dataset.step}`;
    for (const frame of frames) frame.hidden = frame !== shown;
    input.setAttribute("aria-valuetext", words);
    slider.querySelector("output").textContent = scrub.querySelector("[data-shown]").textContent = words;
  });
}
