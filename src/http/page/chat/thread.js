// The thread on the page: who said what and when, what became of the customer's own messages, answers while they are
// being written. Every text of anybody goes through `fill` or `oneLine`, and nothing is ever read as HTML.

import { fill, oneLine } from "./text.js";

const TOGETHER = 5 * 60000; // what one speaker says within this stands under one name
const NEAR_END = 80;
const TICKS = { pending: "◷", sent: "✓", read: "✓✓", failed: "!" };

const make = (tag, className, parent) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (parent) parent.append(element);
  return element;
};

export class Thread {
  // `does`: {choose(choice), retry(id), discard(id), files, size(bytes), newer(whether)}
  constructor(log, words, language, does) {
    Object.assign(this, { log, words, does });
    this.streams = new Map(); // effect → element
    this.own = new Map(); // the browser's id → element
    this.last = null; // the highest entry shown
    this.atEnd = true;
    this.clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
    this.date = new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "long" });
    // Whoever reads at the end stays there; whoever reads further up is left alone.
    log.addEventListener("scroll", () => this.looked());
    log.addEventListener("grown", () => this.atEnd && this.toEnd());
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(log);
  }

  looked() {
    const { scrollHeight, scrollTop, clientHeight, clientWidth } = this.log, size = `${clientWidth} ${clientHeight}`;
    // A window that changes its size scrolls by itself: nobody has looked anywhere.
    if (size !== this.size && this.atEnd) return this.toEnd();
    // Nor while we are on the way to the end ourselves.
    if (this.ending) return;
    this.size = size;
    this.atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.atEnd) this.does.newer(false);
  }

  toEnd() {
    this.atEnd = true;
    this.does.newer(false);
    if (this.ending) return;
    // Once for all that comes in this moment: to measure after every message of a long thread would take seconds.
    this.ending = true;
    const go = () => {
      this.ending = false;
      if (!this.atEnd) return;
      this.size = `${this.log.clientWidth} ${this.log.clientHeight}`;
      this.log.scrollTop = this.log.scrollHeight;
    };
    if (document.hidden) setTimeout(go);
    else requestAnimationFrame(go);
  }

  clear() {
    this.log.querySelectorAll(".message, .day").forEach((one) => one.remove());
    this.streams.clear();
    this.own.clear();
    this.last = null;
  }

  speaker({ from, name }) {
    if (from === "you") return this.words.you;
    if (from === "ai") return this.words.ai;
    return from === "human" ? oneLine(name) || this.words.agent : "";
  }

  bubble(told) {
    const message = make("article", "message " + told.from);
    message.dataset.from = told.from;
    message.dataset.who = this.speaker(told);
    const by = make("header", "by", message);
    const name = make("bdi", "", by);
    name.textContent = message.dataset.who;
    make("time", "", by);
    make("p", "text", message).dir = "auto";
    make("footer", "note", message).hidden = true;
    return message;
  }

  // A released message. Answers with its element, if it was new.
  show(told) {
    if (this.last !== null && told.entry <= this.last) return false;
    this.last = told.entry;
    let message = (told.id && this.own.get(told.id)) || this.streams.get(told.effect);
    if (!message) message = this.bubble(told);
    this.streams.delete(told.effect);
    message.classList.remove("writing", "pending", "failed");
    message.removeAttribute("aria-busy");
    message.dataset.at = told.at;
    const time = message.querySelector("time");
    time.dateTime = told.at;
    time.textContent = this.clock.format(new Date(told.at));
    this.write(message, told);
    if (told.from === "you") {
      this.own.set(told.id, message);
      this.mark(message, "sent");
    } else {
      this.note(message, told.partial ? this.words.cut : "");
      if (told.from !== "system") this.read();
    }
    // An offer stands until it is answered or another one is made, not until the next notice.
    if (told.from === "you" || told.choices) this.log.querySelectorAll(".choices").forEach((old) => old.remove());
    if (told.choices) message.append(this.choices(told.choices));
    this.place(message, told.entry);
    return message;
  }

  write(message, told) {
    const text = message.querySelector(".text");
    const files = told.files || [];
    message.querySelectorAll(".file").forEach((old) => old.remove());
    for (const file of files) text.after(this.does.files.show({ ...file, name: oneLine(file.name) }, this.words, this.does.size));
    fill(text, told.text);
    text.hidden = files.length > 0 && told.text === files.map((file) => `[${file.name}]`).join(" ");
  }

  choices(list) {
    const row = make("div", "choices");
    for (const choice of list) {
      const button = make("button", "", row);
      button.type = "button";
      button.dir = "auto";
      button.textContent = oneLine(choice.title);
      button.addEventListener("click", () => {
        row.remove();
        this.does.choose(choice);
      });
    }
    return row;
  }

  // The next piece of an answer that is being written.
  piece({ effect, text }) {
    let message = this.streams.get(effect);
    if (!message) {
      message = this.bubble({ from: "ai" });
      message.classList.add("writing");
      message.setAttribute("aria-busy", "true"); // read out once it is whole
      message.raw = "";
      this.streams.set(effect, message);
      this.read();
    }
    message.raw += text;
    fill(message.querySelector(".text"), message.raw);
    this.place(message);
  }

  cut(effect) {
    this.streams.get(effect)?.remove();
    this.streams.delete(effect);
  }

  cutAll() {
    for (const effect of [...this.streams.keys()]) this.cut(effect);
  }

  // What the customer wrote and is not stored.
  unstored(message, state, why) {
    let shown = this.own.get(message.id);
    if (!shown) {
      shown = this.bubble({ from: "you" });
      fill(shown.querySelector(".text"), message.text || message.title || "");
      this.own.set(message.id, shown);
      this.place(shown);
      this.toEnd();
    }
    shown.classList.toggle("pending", state === "pending");
    shown.classList.toggle("failed", state === "failed");
    this.mark(shown, state, why, message);
    if (this.atEnd) this.toEnd();
    return shown;
  }

  gone(id) {
    this.own.get(id)?.remove();
    this.own.delete(id);
  }

  // Where a message of the customer is: pending, sent, read, failed.
  mark(message, state, why, own) {
    const note = message.querySelector(".note");
    message.dataset.state = state;
    note.hidden = false;
    note.replaceChildren();
    const tick = make("span", "tick", note);
    tick.textContent = TICKS[state];
    tick.setAttribute("aria-hidden", "true");
    const said = make("span", state === "failed" ? "" : "quiet", note);
    said.textContent = state === "failed" && why ? `${this.words.failed}: ${why}` : this.words[state];
    if (state !== "failed" || !own) return;
    for (const [what, act] of [["retry", this.does.retry], ["discard", this.does.discard]]) {
      if (what === "retry" && own.final) continue;
      const button = make("button", "small", note);
      button.type = "button";
      button.textContent = this.words[what];
      button.addEventListener("click", () => act(own.id));
    }
  }

  // Somebody on our side has what the customer wrote so far.
  read() {
    for (const message of this.own.values()) if (message.dataset.state === "sent") this.mark(message, "read");
  }

  note(message, text) {
    const note = message.querySelector(".note");
    note.textContent = text;
    note.hidden = !text;
  }

  // Puts a message where it belongs: what is unstored or unfinished stays at the end.
  place(message, entry) {
    const wasAtEnd = this.atEnd;
    if (entry === undefined) {
      if (!message.isConnected) this.log.append(message);
    } else {
      message.dataset.entry = entry;
      let before = this.log.lastElementChild;
      while (before && (before === message || !(Number(before.dataset.entry) <= entry))) before = before.previousElementSibling;
      if (before ? before.nextElementSibling !== message : this.log.firstElementChild !== message) {
        if (before) before.after(message);
        else this.log.prepend(message);
      }
      this.dated(message);
    }
    this.grouped(message);
    if (message.nextElementSibling) this.grouped(message.nextElementSibling);
    if (wasAtEnd || (message.dataset.from === "you" && entry === undefined)) this.toEnd();
    else if (message.dataset.from !== "you") this.does.newer(true);
  }

  dated(message) {
    const day = new Date(message.dataset.at).toDateString();
    message.dataset.day = day;
    let before = message.previousElementSibling;
    while (before && !before.dataset.day) before = before.previousElementSibling;
    if (before?.dataset.day === day) return;
    const line = make("p", "day");
    Object.assign(line.dataset, { day, entry: message.dataset.entry });
    line.textContent = this.dayName(day);
    message.before(line);
  }

  dayName(day) {
    const yesterday = new Date();
    yesterday.setDate(yesterday.getDate() - 1);
    if (day === new Date().toDateString()) return this.words.today;
    return day === yesterday.toDateString() ? this.words.yesterday : this.date.format(new Date(day));
  }

  grouped(message) {
    const before = message.previousElementSibling;
    const same = before?.dataset.who === message.dataset.who && before?.dataset.from === message.dataset.from && message.dataset.from
      && new Date(message.dataset.at || Date.now()) - new Date(before.dataset.at || Date.now()) < TOGETHER;
    message.classList.toggle("same", Boolean(same));
  }
}
