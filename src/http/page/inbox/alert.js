// Calling for attention: the count in the title, a sound, a notification. Only for what waits for me or is mine.
import { called, h, memory } from "./dom.js";
import { counts, one, state, myTurn } from "./store.js";
import { mentions } from "./turns.js";
import { sheet } from "./dialogs.js";
import { preferences } from "./compose.js";
import { t } from "./words.js";

export const wishes = { sound: memory.get("sound", true), notify: memory.get("notify", false), theme: memory.get("theme", "auto") };
let audio = null, openIt = () => {}, ready = false;
const waitingBefore = new Set();

export function makeAlerts(onOpen) {
  openIt = onOpen;
  applyTheme();
  // A browser lets a page make a sound only after somebody has touched it.
  const unlock = () => { try { audio = audio || new AudioContext(); } catch { /* no sound here */ } };
  document.addEventListener("pointerdown", unlock, { once: true });
  document.addEventListener("keydown", unlock, { once: true });
}

export function title() {
  if (!state.me) { document.title = "Inbox · Segue"; return; }
  const told = counts();
  const n = told.waiting + told.unread;
  document.title = (n > 0 ? "(" + n + ") " : "") + (told.waiting ? t("n.waiting", { n: told.waiting }) + " · " : "") + t("inbox") + " · Segue" + (state.online ? "" : " · " + t("offline"));
}

// The first lists tell how it is; from then on what is new is called out.
export function begin() {
  ready = true;
}
export function end() {
  ready = false;
  waitingBefore.clear();
}

export function noticed(id, entries) {
  const it = one(id);
  if (!it) return;
  const waits = it.mode === "waiting";
  const fresh = waits && !waitingBefore.has(id);
  if (waits) waitingBefore.add(id); else waitingBefore.delete(id);
  if (!ready || state.me.presence === "away") return;
  const who = called(it);
  if (fresh && state.me.presence === "available" && state.me.role !== "observer") call(id, t(it.offered_to === state.me.name ? "offered.you" : "waits", { who }), it.summary);
  for (const entry of entries || []) {
    if (entry.kind === "customer_wrote" && it.assignee === state.me.name) call(id, who, entry.text);
    if (entry.kind === "note_written" && entry.agent !== state.me.name && mentions(entry.text, state.me.name)) call(id, entry.agent, entry.text);
    if (entry.kind === "asked_if_done" && myTurn(it)) call(id, t("are.you.done"), who);
    if (entry.kind === "settled" && entry.state === "failed" && entry.class === "human" && it.assignee === state.me.name) call(id, t("state.failed"), who);
  }
}

// A snooze of mine has ended by its time; what ended it otherwise has called already.
export function snoozeOver(id) {
  const it = one(id);
  if (ready && it && it.assignee === state.me.name && it.attributes.snoozed_until && state.me.presence !== "away") call(id, t("snooze.over"), called(it));
}

function call(id, what, text) {
  const looking = document.hasFocus() && !document.hidden && state.selected === id;
  if (looking) return;
  if (wishes.sound) chime();
  if (wishes.notify && "Notification" in window && Notification.permission === "granted" && (document.hidden || !document.hasFocus())) {
    const told = new Notification(what, { body: (text || "").slice(0, 160), tag: "segue-" + id });
    told.onclick = () => { window.focus(); openIt(id); told.close(); };
  }
}

// Two soft notes, made here: nothing has to be loaded.
function chime() {
  if (!audio) return;
  try {
    for (const [at, pitch] of [[0, 660], [0.13, 880]]) {
      const tone = audio.createOscillator(), loud = audio.createGain(), from = audio.currentTime + at;
      tone.frequency.value = pitch;
      loud.gain.setValueAtTime(0.0001, from);
      loud.gain.exponentialRampToValueAtTime(0.08, from + 0.02);
      loud.gain.exponentialRampToValueAtTime(0.0001, from + 0.3);
      tone.connect(loud).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.32);
    }
  } catch { /* no sound here */ }
}

function applyTheme() {
  if (wishes.theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wishes.theme;
}

export function showPreferences(languages, language, changeLanguage) {
  const check = (key, text, change) => h("label", { class: "check" }, h("input", { type: "checkbox", checked: Boolean(wishes[key]), onchange: (event) => change(event.target) }), " ", text);
  const select = (label, options, value, change) => h("div", { class: "row-field" }, h("label", {}, label, " ",
    h("select", { onchange: (event) => change(event.target.value) }, options.map(([word, text]) => h("option", { value: word, selected: word === value }, text)))));
  sheet(t("preferences"), h("div", {},
    check("sound", t("sound.on"), (box) => { wishes.sound = box.checked; memory.set("sound", box.checked); if (box.checked) chime(); }),
    check("notify", t("notify.on"), async (box) => {
      if (box.checked && "Notification" in window) box.checked = (await Notification.requestPermission()) === "granted";
      else box.checked = false;
      wishes.notify = box.checked;
      memory.set("notify", box.checked);
    }),
    select(t("undo.seconds"), [["0", t("off")], ["3", "3 s"], ["5", "5 s"], ["10", "10 s"]], String(preferences.undo), (value) => { preferences.undo = Number(value); memory.set("undo", Number(value)); }),
    select(t("theme"), [["auto", t("theme.auto")], ["light", t("theme.light")], ["dark", t("theme.dark")]], wishes.theme, (value) => { wishes.theme = value; memory.set("theme", value); applyTheme(); }),
    select(t("language"), languages, language, changeLanguage),
  ));
}
