"use strict";
(async () => {
  const LAST = Number.MAX_SAFE_INTEGER, NEXT = 12;
  const by = id => document.getElementById(id);
  const model = JSON.parse(by("model").textContent), [height, width, channels] = model.shape;
  document.body.classList.toggle("clear", channels === 4);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  async function weights() {
    const packed = Uint8Array.from(atob(by("weights").textContent), c => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
  let network;
  by("caption").textContent = "Reading the weights…"; // of a large generator: seconds
  try {
    network = Network.build(model, await weights());
  } catch (error) {
    by("caption").textContent = "";
    by("problem").textContent = "This browser cannot read the weights; one of 2023 or later can.";
    throw error;
  }

  // ── pictures ──────────────────────────────────────────────────────────────────────────────────────────────────────
  let psi = 1;
  const latent = seed => Chance.steered(Chance.latent(seed, model.latent.dim, model.latent.distribution), psi);
  const labelOf = (seed, chosen) => !model.classes.length ? -1 : chosen < 0 ? Chance.label(seed, model.class_edges) : chosen;

  /* Bytes (height, width, channels): black is the low end of the output's range and white the high one, always. */
  function decode(z, label) {
    const [low, high] = model.output_range, y = network(z, label);
    return Uint8Array.from(y, v => Math.round(Math.min(255, Math.max(0, (v - low) * 255 / (high - low)))));
  }
  const picture = (seed, chosen = -1) => decode(latent(seed), labelOf(seed, chosen));

  /* The class changes on the way too, from the first seed's to the last one's, unless one is chosen. */
  const mixed = (from, to, t, chosen) => !model.classes.length ? -1 : model.classes.map((_, k) =>
    (1 - t) * (k === labelOf(from, chosen)) + t * (k === labelOf(to, chosen)));
  const walked = (from, to, t, chosen = -1) => decode(Chance.between(latent(from), latent(to), t, model.latent.distribution), mixed(from, to, t, chosen));

  function paint(canvas, bytes) {
    canvas.width = width;
    canvas.height = height;
    const image = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      const alpha = channels === 4 ? bytes[4 * i + 3] : 255; // colours are multiplied by it
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = bytes[channels * i + (channels > 1 ? k : 0)] * 255 / (alpha || 255);
      image.data[4 * i + 3] = alpha;
    }
    canvas.getContext("2d", {willReadFrequently: true}).putImageData(image, 0, 0);
  }

  // ── state: a seed, a class (−1: the seed's own), a target, and how far ────────────────────────────────────────────
  let seed = 42, chosen = -1, target = 43, ownTarget = false, queue = 0, playing = 0, direction = 1;
  const after = (number, n) => number > LAST - n ? n - (LAST - number) - 1 : number + n;
  const far = () => by("way").value / 100;
  const named = (seed, chosen, to = seed) => {
    const [first, last] = [seed, to].map(s => model.classes[labelOf(s, chosen)]);
    return model.classes.length ? `, ${model.class_noun} ${first}${first === last ? "" : ` to ${last}`}` : "";
  };

  function show() {
    const t = far(), way = `${Math.round(100 * t)} % of the way from seed ${seed} to seed ${target}`;
    paint(by("picture"), t ? walked(seed, target, t, chosen) : picture(seed, chosen));
    const how = psi !== 1 ? ", steered" : "";
    const words = `${t ? way : `Seed ${seed}`}${named(seed, chosen, t ? target : seed)}${how}`;
    by("picture").setAttribute("aria-label", words);
    by("caption").textContent = t ? `${Math.round(100 * t)} % of the way${named(seed, chosen, target)}` : words;
    by("way").setAttribute("aria-valuetext", way);
    by("way").style.setProperty("--far", `${100 * t}%`);
    by("from").textContent = `seed ${seed}`;
    by("to").textContent = `seed ${target}`;
    by("how-far").textContent = t ? t.toFixed(2) : "";
    return words;
  }

  /* One small picture at a time, so that nobody waits for all of them. */
  function fill() {
    const mine = ++queue, buttons = [...by("next").children];
    const one = i => {
      if (mine !== queue || i === buttons.length) return;
      const number = after(seed, i + 1), [canvas, text] = buttons[i].children;
      buttons[i].dataset.seed = number;
      buttons[i].setAttribute("aria-label", `Seed ${number}${named(number, chosen)}`);
      text.textContent = number;
      paint(canvas, picture(number, chosen));
      setTimeout(one, 0, i + 1);
    };
    setTimeout(one, 0, 0);
  }

  function change() {
    if (!ownTarget) target = after(seed, 1);
    if (document.activeElement !== by("target")) by("target").value = target;
    by("way").value = 0;
    by("announcer").textContent = show();
    fill();
  }

  function read(field) {
    const text = field.value.trim(), value = /^\d{1,16}$/.test(text) ? Number(text) : NaN, fine = value <= LAST;
    field.setAttribute("aria-invalid", !fine);
    by("problem").textContent = fine ? "" : `A seed is a whole number, 0 to ${LAST}.`;
    return fine ? value : null;
  }
  function setSeed(number) {
    seed = number;
    by("seed").value = number;
    read(by("seed"));
    change();
  }

  // ── controls ──────────────────────────────────────────────────────────────────────────────────────────────────────
  by("seed").addEventListener("input", () => {
    const number = read(by("seed"));
    if (number !== null) { seed = number; change(); }
  });
  by("seed").addEventListener("keydown", event => {
    const step = {ArrowUp: 1, ArrowDown: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    setSeed(Math.min(LAST, Math.max(0, seed + step)));
  });
  by("random").addEventListener("click", () => setSeed(Math.floor(Math.random() * 1e6)));
  by("target").addEventListener("input", () => {
    const number = read(by("target"));
    if (number !== null) { target = number; ownTarget = true; show(); }
  });
  by("way").addEventListener("input", show);

  function move(percent) {
    let at = Number(by("way").value) + direction * percent;
    if (at >= 100 || at <= 0) { at = Math.min(100, Math.max(0, at)); direction = at ? -1 : 1; }
    by("way").value = at;
    show();
  }
  function say() {
    by("play-word").textContent = calm.matches ? "Step" : playing ? "Pause" : "Play";
    by("play").toggleAttribute("data-playing", playing > 0);
  }
  by("play").addEventListener("click", () => {
    if (calm.matches) { playing = 0; move(10); return say(); }
    playing = playing ? 0 : performance.now();
    say();
    const frame = now => {
      if (!playing) return;
      if (now - playing >= 33) { playing = now; move(1); }
      requestAnimationFrame(frame);
    };
    if (playing) requestAnimationFrame(frame);
  });
  calm.addEventListener("change", () => { playing = 0; say(); });

  by("save").addEventListener("click", () => {
    const link = document.createElement("a"), t = far();
    link.download = t ? `seed-${seed}-to-${target}-at-${t.toFixed(2)}.png` : `seed-${seed}.png`;
    link.href = by("picture").toDataURL("image/png");
    link.click();
  });

  function choose(label) {
    chosen = label;
    for (const button of by("classes").querySelectorAll("button")) button.setAttribute("aria-pressed", Number(button.value) === label);
    by("announcer").textContent = show();
    fill();
  }
  /* A slider for ψ and one for each direction; they act on every picture of the page. */
  function sliders() {
    const set = (name, words, low, high, start, put) => {
      const label = by("steer").appendChild(document.createElement("label")), shown = document.createElement("span");
      const range = Object.assign(document.createElement("input"), {type: "range", min: low, max: high, step: .05});
      range.dataset.testid = `viewer-${name}`;
      label.append(words, shown, range);
      const act = () => {
        put(Number(range.value));
        shown.textContent = Number(range.value).toFixed(2).replace("-", "−");
        range.style.setProperty("--far", `${100 * (range.value - low) / (high - low)}%`);
      };
      range.value = start;
      act();
      range.addEventListener("input", () => { act(); show(); fill(); });
      by("reset").addEventListener("click", () => { range.value = start; act(); });
    };
    set("psi", "Variety ψ", 0, 1.5, 1, value => { psi = value; });
    by("reset").addEventListener("click", () => { show(); fill(); });
  }

  function classes() {
    const each = name => model.class_noun === "class" ? name : `${model.class_noun} ${name}`;
    const names = ["Any", ...model.classes.map(each)], group = by("classes");
    if (!model.classes.length) return;
    group.hidden = false;
    const few = names.length <= 13 && names.join("").length <= 32;
    const parent = few ? group : group.appendChild(document.createElement("select"));
    names.forEach((name, i) => {
      const item = parent.appendChild(document.createElement(few ? "button" : "option"));
      item.textContent = name;
      item.value = i - 1;
      item.dataset.testid = `viewer-class-${i ? i - 1 : "any"}`;
      if (few) {
        item.type = "button";
        item.setAttribute("aria-pressed", !i);
        item.addEventListener("click", () => choose(i - 1));
      }
    });
    if (!few) {
      parent.setAttribute("aria-label", model.class_noun);
      parent.dataset.testid = "viewer-class";
      parent.addEventListener("change", () => choose(Number(parent.value)));
    }
  }
  for (let i = 0; i < NEXT; i++) {
    const button = by("next").appendChild(document.createElement("button"));
    button.type = "button";
    button.append(document.createElement("canvas"), document.createElement("span"));
    button.addEventListener("click", () => setSeed(Number(button.dataset.seed)));
    paint(button.firstChild, new Uint8Array(height * width * channels));
  }

  classes();
  sliders();
  say();
  change();
  /* For the console, and for the tests. */
  globalThis.mulligan = {model, picture, walked, latent, label: seed => labelOf(seed, -1)};
  document.body.dataset.state = "ready";
})();
