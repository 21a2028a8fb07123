// The port to a server that is a Web Worker of this page: the same calls as messages, the same stream. Only the static site has it.

import { kept, settingsIn, startOf } from "./query.js";
import { Problem, Server } from "./server.js";

const FIRST = { recipe: "ring" };

function asked() {
  const found = settingsIn(location.hash.split("?")[1] || kept());
  return found.recipe ? found : FIRST;
}

const read = ({ content }) => JSON.parse(new TextDecoder().decode(content));
const addressOf = ({ media, content }) => URL.createObjectURL(new Blob([content], { type: media }));

export class Lab extends Server {
  words = "In this page";
  lab = true;
  calls = new Map(); // by number: what waits for an answer
  number = 0;
  loaded = Promise.withResolvers(); // the addresses of what was loaded

  constructor(hear) {
    super(hear);
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="/api/"], a[href^="/runs/"]');
      if (!link) return;
      event.preventDefault();
      this.save(link.getAttribute("href"));
    });
  }

  seen() {} // every tab has a worker of its own
  leave() {}

  async connect() {
    const { worker, early, site } = self.lab;
    this.worker = worker;
    worker.onmessage = ({ data }) => this.heard(data);
    early.forEach((data) => this.heard(data));
    try {
      const { book, version } = await site;
      this.book = book && "book/index.html";
      this.keep(version).catch(() => {}); // a private window keeps nothing
    } catch {
      this.failed("This page needs a file server, and the network to it. On this machine, type: python -m http.server");
    }
  }

  /** Have a service worker keep what was loaded, Python too, once all is there. */
  async keep(version) {
    await navigator.serviceWorker.register(`offline.js?${version}`);
    const [{ active }, addresses] = await Promise.all([navigator.serviceWorker.ready, this.loaded.promise]);
    active.postMessage(addresses);
  }

  failed(text) {
    this.broken = true; // other files still come, and have nothing to say
    this.hear("notice", { kind: "failed", code: "lab", text: `The lab did not start. ${text}` });
  }

  heard(data) {
    if (data.progress) this.broken || this.hear("notice", { kind: "info", code: "lab", text: data.progress });
    else if (data.failed) this.failed(data.failed);
    else if (data.ready) this.ready(data.ready.later);
    else if (data.stream) this.news(data.stream);
    else {
      this.calls.get(data.id)(data);
      this.calls.delete(data.id);
    }
  }

  ready(later) {
    this.hear("notice", {});
    const early = performance.getEntriesByType("resource").map((one) => one.name);
    this.loaded.resolve([...early, ...later, "./", "worker.mjs"].filter((name) => !name.startsWith("blob:")));
    return this.begin();
  }

  /** Once somebody looks at Train, begin with the settings of the address, or with the ring where they are refused. */
  async begin() {
    const start = async () => {
      if (this.began || document.body.dataset.view !== "train") return;
      const wanted = asked();
      const { recipes } = await this.get("/api/catalog");
      await this.post("/api/train/start", startOf(wanted, recipes.find((one) => one.name === wanted.recipe)?.values)).catch(() => this.post("/api/train/start", startOf(FIRST)));
    };
    await start();
    addEventListener("hashchange", () => setTimeout(start)); // when the page shows the view
    this.worker.postMessage({ client: this.client });
  }

  news(text) {
    for (const event of text.split("\n\n").filter(Boolean)) {
      const [, id, kind, data] = /(?:id: (\S+)\n)?event: (\S+)\ndata: (.*)/.exec(event);
      if (kind === "snapshot") this.epoch = id.split("-")[0];
      this.hear(kind, JSON.parse(data));
    }
  }

  ask(method, path, body) {
    const id = ++this.number;
    this.worker.postMessage({ id, method, path, body: body ? JSON.stringify(body) : "{}" });
    return new Promise((answer) => this.calls.set(id, answer));
  }

  async send(method, path, body) {
    if (path === "/api/train/start") this.began = true; // the visitor's own run, of their drawings or the game
    const answer = await this.ask(method, path, body);
    if (answer.status >= 400) throw new Problem(answer.status, read(answer));
    return read(answer);
  }

  async url(path) {
    return addressOf(await this.ask("GET", path));
  }

  async save(path) {
    const answer = await this.ask("GET", path);
    if (answer.status >= 400) return this.hear("notice", { kind: "warning", text: read(answer).detail });
    const more = answer.file ? { download: answer.file } : { target: "_blank" };
    Object.assign(document.createElement("a"), { href: addressOf(answer), ...more }).click();
  }
}
