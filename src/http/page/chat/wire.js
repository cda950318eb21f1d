// How words travel: a WebSocket, or events and POST where networks let no WebSocket through. Comes back by itself with
// growing waits, and is told the rest by the number of the last entry that was shown.

const OPEN_WITHIN = 8000; // a network that swallows WebSockets answers nothing at all
const STORED_WITHIN = 12000; // a message that is not stored by then went into a dead connection
const WAIT_MIN = 500, WAIT_MAX = 30000;
const SILENT_MAX = 65000; // events show every 20 s that they are alive
const LOOK_EVERY = 5000, SLEPT = 30000; // a clock that jumps: the machine was asleep, and the connection is gone

export class Wire {
  // `ask`: () => {visitor, last, language}. `told`: (word). `state`: (what, reason) with what of
  // "up", "down", "idle", "rules", "tabs", "blocked", "large".
  constructor(base, { ask, told, state }) {
    Object.assign(this, { base, ask, told, state });
    this.link = null; // {send, close}
    this.up = false; // the welcome has come
    this.attempt = 0;
    this.plain = false;
    this.stopped = false;
    this.awaited = new Map(); // id → when it left
    let looked = Date.now();
    setInterval(() => {
      const now = Date.now(), slept = now - looked > SLEPT;
      looked = now;
      const late = [...this.awaited.values()].some((left) => now - left > STORED_WITHIN);
      const silent = this.link?.heard && now - this.link.heard > SILENT_MAX;
      if (this.link && (slept || silent || (this.up && late))) this.again();
    }, LOOK_EVERY);
    addEventListener("online", () => this.again());
    addEventListener("offline", () => this.drop());
    addEventListener("pagehide", () => { this.stopped = true; this.drop(); });
    addEventListener("pageshow", (event) => {
      if (event.persisted) { this.stopped = false; this.wake(); }
    });
  }

  send(word) {
    if (!this.up) return false;
    if (word.id) this.awaited.set(word.id, Date.now());
    this.link.send(word);
    return true;
  }

  // Now, if it is not connected.
  wake() {
    clearTimeout(this.waiting);
    if (this.link || this.stopped) return;
    this.link = this.plain ? this.openPlain() : this.openSocket();
  }

  // Anew.
  again() {
    this.drop();
    this.attempt = 0;
    this.wake();
  }

  // Until somebody wakes it.
  rest() {
    const { link } = this;
    clearTimeout(this.waiting);
    this.link = null;
    this.up = false;
    link?.close();
  }

  drop() {
    const link = this.link;
    if (!link) return;
    this.lost(link);
    link.close();
  }

  hear(link, word) {
    if (this.link !== link) return;
    if (word.type === "welcome") {
      this.up = true;
      this.attempt = 0;
    }
    if (word.type === "stored" || word.type === "refused") this.awaited.delete(word.id);
    this.told(word);
  }

  openSocket() {
    const url = new URL(this.base + "/socket", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    let opened = false, socket;
    const link = {
      send: (word) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(word)),
      close: () => socket.close(),
    };
    const ended = (code, reason) => {
      clearTimeout(patience);
      if (this.link === link && !opened) this.plain = this.attempt > 0 && !this.plain; // twice in vain
      this.lost(link, code, reason);
    };
    const patience = setTimeout(() => { ended(); socket?.close(); }, OPEN_WITHIN);
    try { socket = new WebSocket(url); } catch {
      queueMicrotask(() => ended());
      return link;
    }
    socket.onopen = () => {
      opened = true;
      clearTimeout(patience);
      link.send({ type: "hello", ...this.ask() });
    };
    socket.onmessage = (event) => this.hear(link, JSON.parse(event.data));
    socket.onclose = (event) => ended(event.code, event.reason);
    return link;
  }

  // Events by fetch and not by EventSource, so that the secret stands in a header and in no log.
  openPlain() {
    const stop = new AbortController();
    let sending = Promise.resolve();
    const link = {
      send: (word) => { sending = sending.then(() => this.post(link, word)).catch(() => this.lost(link)); },
      close: () => stop.abort(),
    };
    this.read(link, stop.signal).catch((fault) => {
      this.plain = false;
      return fault;
    }).then((fault) => this.lost(link, fault?.refused ? 4403 : undefined));
    return link;
  }

  headers() {
    const { visitor } = this.ask();
    return visitor ? { authorization: "Bearer " + visitor } : {};
  }

  async post(link, word) {
    const body = JSON.stringify({ ...word, language: this.ask().language });
    const headers = { ...this.headers(), "content-type": "application/json" };
    const answer = await (await fetch(this.base + "/messages", { method: "POST", body, headers })).json();
    if (answer) this.hear(link, answer);
  }

  async read(link, signal) {
    const { last } = this.ask();
    const resume = last === null ? {} : { "last-event-id": String(last) };
    const answer = await fetch(this.base + "/events", { headers: { ...this.headers(), ...resume }, signal });
    if (!answer.ok) throw Object.assign(new Error(answer.status), { refused: answer.status === 403 || answer.status === 404 });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      link.heard = Date.now();
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const data = event.split("\n").find((line) => line.startsWith("data:"));
        if (data) this.hear(link, JSON.parse(data.slice(5)));
      }
    }
  }

  lost(link, code, reason) {
    if (this.link !== link) return;
    this.link = null;
    this.up = false;
    this.awaited.clear();
    const told = { 4000: "idle", 1008: reason === "too many tabs" ? "tabs" : "rules", 1009: "large", 4403: "blocked" }[code] || "down";
    this.state(told, reason);
    if (this.stopped || told === "idle" || told === "rules" || told === "tabs") return;
    const longest = told === "blocked" ? WAIT_MAX : Math.min(WAIT_MAX, WAIT_MIN * 2 ** this.attempt);
    this.attempt += 1;
    this.waiting = setTimeout(() => this.wake(), longest / 2 + (Math.random() * longest) / 2);
  }
}
