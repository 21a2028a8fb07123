// The port to a server that is a Web Worker of this page: the same calls as messages, the same stream. Only the static
// site has it (mulligan site).

import { kept, settingsIn } from "./query.js";
import { Problem, Server } from "./server.js";

const FIRST = { recipe: "ring" };

/** Settings as the address has them, or as the last visit left them. */
function asked() {
  const found = settingsIn(location.hash.split("?")[1] || kept());
  return found.recipe ? found : FIRST;
}

export class Lab extends Server {
  words = "In this page";
  lab = true;
  calls = new Map(); // by number: what waits for an answer
  number = 0;

  constructor(hear) {
    super(hear);
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="/api/"], a[href^="/runs/"]');
      if (!link) return;
      event.preventDefault();
      this.save(link.getAttribute("href"));
    });
  }

  watchTwins() {} // every tab has a worker of its own
  seen() {}
  leave() {}

  async connect() {
    try {
      const site = await (await fetch(document.documentElement.dataset.lab)).json();
      this.book = site.book && "book/index.html";
      this.worker = new Worker("worker.mjs", { type: "module" });
      this.worker.onmessage = ({ data }) => this.heard(data);
      this.worker.onerror = (event) => this.failed(event.message ?? "the worker did not start");
      this.worker.postMessage({ boot: new URL(site.runtime, location.href).href });
    } catch (error) {
      this.failed(error.message);
    }
  }

  failed(text) {
    this.hear("notice", { kind: "failed", code: "lab", text: `The lab did not start: ${text.replace(/\.$/, "")}. It needs a file server, and the network for Python itself.` });
  }

  heard(data) {
    if (data.progress) this.hear("notice", { kind: "info", code: "lab", text: `${data.progress} …` });
    else if (data.failed) this.failed(data.failed);
    else if (data.ready) this.begin();
    else if (data.stream) this.news(data.stream);
    else {
      this.calls.get(data.id)(data);
      this.calls.delete(data.id);
    }
  }

  /** Begin with the settings of the address; with the ring where the lab refuses them. */
  async begin() {
    await this.lock(true);
    const start = (body) => this.post("/api/train/start", body);
    await start(asked()).catch(() => start(FIRST));
    this.token = null; // the page asks for it when it has heard the first news
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
    this.worker.postMessage({ id, method, path, token: this.token, body: body ? JSON.stringify(body) : "{}" });
    return new Promise((answer) => this.calls.set(id, answer));
  }

  async send(method, path, body, signal) {
    const { status, content } = await this.ask(method, path, body);
    if (signal?.aborted) throw new DOMException("", "AbortError");
    const found = JSON.parse(new TextDecoder().decode(content));
    if (status >= 400) throw new Problem(status, found);
    return found;
  }

  async url(path) {
    const { media, content } = await this.ask("GET", path);
    return URL.createObjectURL(new Blob([content], { type: media }));
  }

  /** What a link to a file does elsewhere. */
  async save(path) {
    const { status, media, file, content } = await this.ask("GET", path);
    if (status >= 400) return this.hear("notice", { kind: "warning", text: JSON.parse(new TextDecoder().decode(content)).detail });
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([content], { type: media })) });
    Object.assign(link, file ? { download: file } : { target: "_blank" }).click();
  }
}
