// Elements, and times in words. Whatever anybody wrote becomes a text node: there is no other way in here.
import { language, t } from "./words.js";

export const $ = (id) => document.getElementById(id);

// Characters that turn round what stands behind them make exe.jpg of gpj.exe. Whoever needs them is served by dir=auto, so
// they act nowhere here: what the house tells is read without them, and so is whatever else becomes part of the page.
export const straight = (text) => (typeof text === "string" ? text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "") : text);

// h("button", { class: "x", onclick: f, "aria-label": "…" }, child, "text", …); false, null and undefined leave it out.
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value" || name === "checked" || name === "disabled" || name === "selected") element[name] = straight(value);
    else element.setAttribute(name, value === true ? "" : straight(value));
  }
  element.append(...flat(children));
  return element;
}

const flat = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false).map(straight);

// Shows exactly these children.
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

// What people wrote: in its own direction, which ends where it ends.
export const said = (text, tag = "span", kind = "") => h(tag, { dir: "auto", class: ("said " + kind).trim() }, text);
export const name = (text) => h("bdi", {}, text);

// What a customer is called here; the address of a web visitor says nothing to anybody.
export function called(it) {
  const { name: own, address } = it.customer;
  return own || (it.medium === "webchat" ? t("visitor", { n: address.slice(-6) }) : address);
}

export function button(text, onclick, attributes) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

// ---- times

// The browser's own habits (24 hours, say) where they belong to the language of the page.
const habits = (navigator.languages || []).find((one) => one.toLowerCase().startsWith(language)) || language;
const clock = new Intl.DateTimeFormat(habits, { hour: "2-digit", minute: "2-digit" });
const dayOf = new Intl.DateTimeFormat(habits, { weekday: "long", day: "numeric", month: "long" });
const short = new Intl.DateTimeFormat(habits, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(habits, { dateStyle: "medium", timeStyle: "medium" });

// The server's clock, as far as its answers have told it: waiting clocks must not follow a laptop that is wrong.
let ahead = 0;
export const now = () => Date.now() + ahead;
export function heard(date) {
  const told = Date.parse(date);
  if (Number.isFinite(told)) {
    const off = told - Date.now();
    ahead = Math.abs(off) < 2000 ? 0 : off;
  }
}

export const at = (iso) => clock.format(new Date(iso));
export const exactly = (iso) => full.format(new Date(iso));
const sameDay = (one, other) => new Date(one).toDateString() === new Date(other).toDateString();
export const isToday = (iso) => sameDay(iso, now());

export function day(iso) {
  if (isToday(iso)) return t("today");
  if (sameDay(iso, now() - 86400000)) return t("yesterday");
  return dayOf.format(new Date(iso));
}

// "14:02" today, "3 Mar, 14:02" before.
export const when = (iso) => (isToday(iso) ? at(iso) : short.format(new Date(iso)) + ", " + at(iso));
export const brief = (iso) => (isToday(iso) ? at(iso) : short.format(new Date(iso)));

// A running clock: 0:42, 12:05, 3 h 07, 2 d 4 h.
export function lasting(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  if (seconds < 3600) return Math.floor(seconds / 60) + ":" + two(seconds % 60);
  if (seconds < 86400) return Math.floor(seconds / 3600) + " h " + two(Math.floor((seconds % 3600) / 60));
  return Math.floor(seconds / 86400) + " d " + Math.floor((seconds % 86400) / 3600) + " h";
}

// A measured length: 240 ms, 12 s, 4 min, 2 h 10 min.
export function took(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return Math.round(ms) + " ms";
  if (ms < 90000) return Math.round(ms / 1000) + " s";
  const minutes = Math.round(ms / 60000);
  return minutes < 60 ? minutes + " min" : Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
}

export const time = (iso, text) => h("time", { datetime: iso, title: exactly(iso) }, text || at(iso));

// ---- what this browser remembers; a private window remembers nothing, and that is all right

const KEY = "segue.inbox.";
export const memory = {
  get(key, otherwise) {
    try { return JSON.parse(localStorage.getItem(KEY + key)) ?? otherwise; } catch { return otherwise; }
  },
  set(key, value) {
    try {
      if (value === null || value === undefined || value === "") localStorage.removeItem(KEY + key);
      else localStorage.setItem(KEY + key, JSON.stringify(value));
    } catch { /* this tab only */ }
  },
  // Forgets everything whose name begins so.
  forget(prefix) {
    try {
      for (const key of Object.keys(localStorage)) if (key.startsWith(KEY + prefix)) localStorage.removeItem(key);
    } catch { /* nothing was kept */ }
  },
};

export function soon(work, ms) {
  let timer;
  const later = (...given) => { clearTimeout(timer); timer = setTimeout(() => work(...given), ms); };
  later.cancel = () => clearTimeout(timer);
  return later;
}

// Many reasons to draw become one drawing.
export function onFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    const run = () => { if (asked) { asked = false; work(); } };
    requestAnimationFrame(run);
    // A hidden tab gets no frames, and its title must still count.
    setTimeout(run, 300);
  };
}
