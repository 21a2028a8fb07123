// The connection to the server: one stream of news, GET for questions, POST for commands.

const HEX = 32;
const WAITS = [1, 2, 4, 8, 10]; // seconds between attempts to connect
const HIDDEN = 10_000; // ms after which a hidden tab stops listening

function draw() {
  return Array.from(crypto.getRandomValues(new Uint8Array(HEX / 2)), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** The name of this tab, which a reload keeps; stored only between two pages, or a duplicate would have it too. */
function named(key = "mulligan.client") {
  try {
    const name = sessionStorage.getItem(key) ?? draw();
    sessionStorage.removeItem(key);
    addEventListener("pagehide", () => sessionStorage.setItem(key, name));
    return name;
  } catch {
    return draw(); // a private window stores nothing
  }
}

/** Whether this page belongs to a phone of the class, which draws and votes, and leaves the run to others. */
export const guest = () => location.hash.startsWith("#pile");

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? `The server answered ${status} without a reason.`);
    this.kind = String(body?.type ?? "").replace("/problems/", "");
    this.field = body?.field ?? null;
  }
}

export class Server {
  words = "Connected";

  constructor(hear) {
    this.hear = hear;
    this.client = named();
    this.epoch = null; // changes when the server is restarted
    this.stream = null;
    this.attempt = 0;
    this.timer = 0;
    this.hidden = 0;
    document.addEventListener("visibilitychange", () => this.seen());
    addEventListener("hashchange", () => this.stream && this.phone !== guest() && this.connect());
  }

  seen() {
    clearTimeout(this.hidden);
    if (document.hidden) this.hidden = setTimeout(() => this.leave(), HIDDEN);
    else if (!this.stream) this.connect();
  }

  leave() {
    this.stream?.close();
    this.stream = null;
    clearTimeout(this.timer);
  }

  connect() {
    this.leave();
    this.phone = guest(); // the server tells phones less
    const stream = new EventSource(`/api/stream?client=${this.client}&phone=${this.phone}`);
    this.stream = stream;
    // "event" is an event of the run, as its events.jsonl has it; the others are the server's own
    const kinds = "snapshot event status samples checked advice metrics settings tries progress notice runs pile round ping";
    for (const kind of kinds.split(" ")) {
      stream.addEventListener(kind, (event) => {
        if (stream !== this.stream) return;
        if (kind === "snapshot") {
          this.attempt = 0;
          this.epoch = event.lastEventId.split("-")[0];
        }
        this.hear(kind, JSON.parse(event.data));
      });
    }
    stream.onerror = () => {
      if (stream !== this.stream) return;
      stream.close();
      this.stream = null;
      const wait = WAITS[Math.min(this.attempt++, WAITS.length - 1)];
      this.hear("lost", { retry: Date.now() + 1000 * wait });
      this.timer = setTimeout(() => this.connect(), 1000 * wait);
    };
  }

  async url(path) {
    return path;
  }

  get(path, params = {}) {
    const query = new URLSearchParams(Object.entries(params).filter(([, v]) => v != null && v !== ""));
    return this.send("GET", `${path}${query.size ? `?${query}` : ""}`);
  }

  post(path, body = {}) {
    return this.send("POST", path, body);
  }

  async send(method, path, body) {
    const headers = { Accept: "application/json" };
    if (method === "POST") headers["Content-Type"] = "application/json";
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
      throw new Error("The server does not answer.");
    });
    const content = await answer.json().catch(() => null);
    if (!answer.ok) throw new Problem(answer.status, content);
    return content;
  }
}
