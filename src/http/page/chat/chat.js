// The chat page: on its own at /chat, in a frame of the widget at /chat/embed. The words it speaks are described in
// src/http/chat/protocol.rs. The other modules each hold one thing; this one brings them together.

import { Files, ACCEPTED } from "./files.js";
import { frame, framedBy, keepAboveKeyboard, trap } from "./frame.js";
import { memory } from "./memory.js";
import { newId, Outbox } from "./outbox.js";
import { Shown } from "./shown.js";
import { oneLine } from "./text.js";
import { dress } from "./theme.js";
import { Thread } from "./thread.js";
import { Wire } from "./wire.js";
import { wordsOf } from "./words.js";

const asked = new URLSearchParams(location.search);
const language = asked.get("lang") || navigator.language || "en";
const { words, spoken } = wordsOf(language);
// The browser's own habits (24 hours, say) where they belong to the language that is spoken.
const habits = (navigator.languages || []).find((one) => one.toLowerCase().split("-")[0] === language.toLowerCase()) || language;
const { channel, upload } = document.body.dataset;
const base = "/chat/" + encodeURIComponent(channel);
const $ = (id) => document.getElementById(id);
const field = $("text");
const kept = memory(channel);
const fresh = 60000; // only what was said just now is read out

const secret = (value) => (typeof value === "string" ? value : null);
let visitor = secret(kept.get("", null));
let mode = null, seen = kept.get(".seen", -1), shown = true;
const unread = new Set();

// ---- the parts

const files = new Files(base, () => visitor, () => language);
const thread = new Thread($("log"), words, habits, {
  files, size,
  choose: (choice) => {
    write({ type: "choose", choice: choice.id, title: choice.title });
    field.focus();
  },
  retry,
  discard: (id) => {
    outbox.discard(id);
    pendingFiles.delete(id);
    thread.gone(id);
    field.focus();
  },
  newer: (there) => { $("newer").hidden = !there; },
});
const wire = new Wire(base, {
  ask: () => ({ visitor, last: thread.last, language }),
  told: hear,
  state: down,
});
const outbox = new Outbox(kept, (word) => wire.send(word), (message, state, why) => thread.unstored(message, state, why));
const outside = framedBy() && frame(framedBy());
const showing = new Shown($("log"), (word) => wire.send(word), looked);
// Only a site that shows us says what stands on top: a link to our own page must not.
const title = (outside && oneLine(asked.get("title"))) || words.title;

// ---- what is heard

function hear(told) {
  switch (told.type) {
    case "welcome": welcome(told); break;
    case "message": message(told); break;
    case "streamed": hideTyping(); thread.piece(told); break;
    case "stream_cut": thread.cut(told.effect); break;
    case "typing": showTyping(told.name, told.seconds); break;
    case "stored": if (!showing.stored(told.id)) stored(told.id); break;
    case "refused": if (!showing.refused(told)) refused(told); break;
    case "who": showWho(told); break;
    case "line": showLine(told); break;
    default: console.warn(told.why || told.type);
  }
}

function welcome(told) {
  // Another tab may have become somebody meanwhile: then we are them, and there is one thread.
  const known = secret(kept.get("", null));
  if (known && known !== told.visitor && thread.last === null && told.mode === null) return become(known);
  visitor = told.visitor;
  kept.set("", visitor);
  if (told.after !== thread.last) {
    thread.clear();
    showing.clear();
    for (const one of outbox.all) thread.unstored(one, one.failed ? "failed" : "pending");
  }
  say("");
  showWho(told);
  $("attach").disabled = false;
  outbox.down();
  outbox.next();
  showing.up();
}

function become(known) {
  visitor = known;
  thread.clear();
  showing.clear();
  for (const one of outbox.all) thread.unstored(one, one.failed ? "failed" : "pending");
  wire.again();
}

function message(told) {
  if (told.from === "you") stored(told.id);
  else hideTyping();
  const element = thread.show(told);
  if (!element) return;
  $("empty").hidden = true;
  if (told.from === "you") return;
  showing.add(told.effect, element);
  if (Date.now() - new Date(told.at) < fresh) announce(thread.speaker(told), told.text);
  if (told.entry <= seen) return;
  if (shown && !document.hidden) sawAll();
  else {
    unread.add(told.entry);
    showUnread();
  }
}

function stored(id) {
  const shown = thread.own.get(id);
  if (shown?.dataset.state === "pending") {
    shown.classList.remove("pending");
    thread.mark(shown, "sent");
  }
  outbox.stored(id);
}

// The house says why in English; the page says what it knows in the customer's language.
function refused(told) {
  console.warn(told.why);
  outbox.refused({ ...told, why: /longer/.test(told.why) ? words.large : "" });
}

function down(what) {
  thread.cutAll();
  hideTyping();
  $("attach").disabled = true;
  if (what === "large") outbox.failUnderWay(words.large);
  outbox.down();
  showing.down();
  say({ idle: words.idle, rules: words.rules, tabs: words.tabs, blocked: words.blocked }[what] || words.offline);
}

// ---- what is shown around the thread

let answers = { mode: null }; // who does, as last told
function showWho(told) {
  answers = told;
  mode = told.mode;
  const mayEnd = Boolean(told.may_end);
  const name = oneLine(told.name) || words.agent;
  $("who").textContent = words.who[mode || "none"].replace("%s", name);
  document.body.dataset.mode = mode || "none";
  $("face").textContent = mode === "human" ? [...name][0].toUpperCase() : "";
  const person = $("person");
  person.hidden = mode === "human" && !mayEnd;
  person.disabled = mode === "waiting";
  $("person-text").textContent = mode === "human" ? words.back : mode === "waiting" ? words.who.waiting : words.person;
  person.dataset.say = mode === "human" ? words.end : words.ask;
  $("line").hidden = mode !== "waiting";
  if (mode === "waiting" && !$("line-text").textContent) showLine({});
  if (mode !== "waiting") $("line-text").textContent = "";
  if (mode === "human") thread.read();
  if (mode !== "human" && mode !== "ai") hideTyping();
}

// How the wait stands, as far as the house tells it.
function showLine({ position, minutes, closed, opens_at: opens }) {
  let text = words.connecting;
  if (closed) text = opens ? words.opens.replace("%s", moment(opens)) : words.shut;
  else if (position || minutes) text = [text, position && words.place.replace("%n", position), minutes && words.soon.replace("%n", minutes)].filter(Boolean).join(" ");
  $("line").classList.toggle("closed", Boolean(closed));
  if ($("line-text").textContent !== text) $("line-text").textContent = text;
}

function moment(at) {
  const then = new Date(at), today = then.toDateString() === new Date().toDateString();
  const day = today ? {} : { weekday: "long", day: "numeric", month: "long" };
  return new Intl.DateTimeFormat(habits, { ...day, hour: "2-digit", minute: "2-digit", timeZoneName: "short" }).format(then);
}

let typingUntil;
function showTyping(name, seconds) {
  clearTimeout(typingUntil);
  thread.read();
  $("typing-text").textContent = name ? words.typing.replace("%s", oneLine(name)) : words.thinking;
  $("typing").hidden = false;
  typingUntil = setTimeout(hideTyping, seconds * 1000);
}
function hideTyping() {
  $("typing").hidden = true;
}

function say(text) {
  $("state").textContent = text;
  $("state").hidden = !text;
}

function announce(who, text) {
  const line = document.createElement("p");
  line.textContent = who ? `${who}: ${oneLine(text)}` : oneLine(text);
  $("aloud").append(line);
  while ($("aloud").childElementCount > 5) $("aloud").firstElementChild.remove();
}

function showUnread() {
  document.title = unread.size && !outside ? `(${unread.size}) ${title}` : title;
  outside?.unread(unread.size);
}

function sawAll() {
  if (thread.last !== null && thread.last > seen) {
    seen = thread.last;
    kept.set(".seen", seen);
  }
  unread.clear();
  showUnread();
}

function size(bytes) {
  const unit = bytes < 1e6 ? ["kilobyte", Math.max(1, Math.round(bytes / 1e3))] : ["megabyte", Math.round(bytes / 1e5) / 10];
  return new Intl.NumberFormat(language, { style: "unit", unit: unit[0] }).format(unit[1]);
}

// ---- what the customer does

const LENGTH_MAX = 8 * 1024; // in bytes; the house takes no more
const megabytes = Math.floor(Number(upload) / 1048576);
const pendingFiles = new Map(); // id → {id, file, title, final}

function write(word) {
  $("empty").hidden = true;
  outbox.write(word);
  wire.wake();
}

function retry(id) {
  const file = pendingFiles.get(id), text = outbox.all.find((one) => one.id === id);
  if (file) return void deliver(file);
  if (!text) return;
  outbox.discard(id);
  thread.gone(id);
  const { id: old, written, failed, ...word } = text;
  write(word);
}

function submit() {
  const text = field.value.trim();
  if (!text) return;
  if (new TextEncoder().encode(text).length > LENGTH_MAX) return say(words.large);
  field.value = "";
  grow();
  keepDraft();
  write({ type: "say", text });
  field.focus();
}

async function deliver(one) {
  const shown = thread.unstored(one, "pending");
  const why = await files.send(one.id, one.file, (part) => shown.style.setProperty("--part", part));
  shown.style.removeProperty("--part");
  if (why) {
    one.final = why !== "fileFailed";
    return thread.unstored(one, "failed", words[why].replace("%n", megabytes));
  }
  pendingFiles.delete(one.id);
  stored(one.id);
}

function attach(list) {
  for (const file of [...list].slice(0, 5)) {
    const one = { id: newId(), file, title: file.name, final: file.size > Number(upload) };
    $("empty").hidden = true;
    pendingFiles.set(one.id, one);
    if (one.final) thread.unstored(one, "failed", words.fileLarge.replace("%n", megabytes));
    else deliver(one);
  }
}

function grow() {
  field.style.height = "";
  field.style.height = Math.min(field.scrollHeight + 2, 144) + "px";
}

const keepDraft = () => {
  try { sessionStorage.setItem("segue.draft." + channel, field.value); } catch { /* not allowed */ }
};

let typed = 0;
function types() {
  grow();
  keepDraft();
  if ((mode !== "human" && mode !== "waiting") || !field.value.trim() || Date.now() - typed < 3000) return;
  typed = Date.now();
  wire.send({ type: "typing" });
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
field.addEventListener("input", types);
field.addEventListener("paste", (event) => {
  const pasted = event.clipboardData?.files;
  if (!pasted?.length || $("attach").hidden) return;
  event.preventDefault();
  attach(pasted);
});
$("person").addEventListener("click", () => {
  const asks = mode !== "human";
  write({ type: "say", text: $("person").dataset.say });
  if (asks) { // said at once; what the house answers takes its place
    $("person").disabled = true;
    $("line-text").textContent = words.connecting;
    $("line").hidden = false;
    setTimeout(() => showWho(answers), 15000);
  }
  field.focus();
});
$("attach").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => {
  attach($("file").files);
  $("file").value = "";
  field.focus();
});
$("newer").addEventListener("click", () => {
  thread.toEnd();
  field.focus();
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  if (!$("attach").hidden && !$("attach").disabled) attach(event.dataTransfer.files);
});
document.addEventListener("visibilitychange", () => {
  doze();
  showing.look();
  if (document.hidden) return;
  if (shown) sawAll();
  wire.wake();
});

// Whether the customer has the page before them: not behind another window, not in a panel that is shut. A frame has the
// focus also when the page around it has.
let around = false;
function looked() {
  return shown && !document.hidden && (around || document.hasFocus());
}
addEventListener("focus", () => showing.look());
addEventListener("blur", () => { around = false; }); // the page around it says so, if it is there

// A page that nobody looks at and that nobody is about to answer gives its connection to others.
const DOZE_AFTER = 60000;
let dozing;
function doze() {
  clearTimeout(dozing);
  if (shown && !document.hidden) return;
  dozing = setTimeout(() => {
    if (mode === "waiting" || mode === "human" || outbox.all.length || pendingFiles.size) return doze();
    wire.rest();
  }, DOZE_AFTER);
}
kept.changed("", (known) => secret(known) && known !== visitor && become(known));
kept.changed(".seen", (newest) => {
  seen = Math.max(seen, newest ?? -1);
  for (const entry of unread) if (entry <= seen) unread.delete(entry);
  showUnread();
});

// ---- inside a frame

if (outside) {
  shown = false;
  document.documentElement.classList.add("framed");
  $("close").hidden = false;
  $("close").addEventListener("click", () => outside.close());
  addEventListener("keydown", (event) => event.key === "Escape" && !event.isComposing && outside.close());
  const appear = () => {
    shown = true;
    doze();
    sawAll();
    showing.look();
    if (thread.atEnd) thread.toEnd();
    wire.wake();
  };
  outside.on("shown", appear);
  outside.on("opened", () => {
    appear();
    field.focus();
  });
  outside.on("focused", () => {
    around = true;
    showing.look();
  });
  outside.on("blurred", () => { around = false; });
  outside.on("closed", () => {
    shown = false;
    doze();
  });
  trap(document.body);
} else {
  keepAboveKeyboard();
}

// ---- at the beginning

dress({ color: asked.get("color"), theme: asked.get("theme") });
document.documentElement.lang = spoken;
document.title = $("title").textContent = title;
for (const [id, text] of [["label", words.label], ["send-text", words.send], ["empty", words.empty], ["newer-text", words.newer]]) $(id).textContent = text;
for (const [id, text] of [["attach", words.attach], ["close", words.close]]) {
  $(id).setAttribute("aria-label", text);
  $(id).title = text;
}
field.placeholder = words.label;
$("attach").hidden = !Number(upload);
$("file").accept = ACCEPTED;
try { field.value = sessionStorage.getItem("segue.draft." + channel) || ""; } catch { /* not allowed */ }
grow();
showWho({ mode: null });
for (const one of outbox.all) thread.unstored(one, "pending");
if (outbox.all.length) $("empty").hidden = true;
wire.wake();
doze();
if (outside) outside.ready();
else field.focus();
