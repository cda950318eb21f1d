// Writing: a reply, or a private note. Drafts stay with their conversation; `/` finds canned replies; Enter sends, and
// who wants it has some seconds to take it back. What could not be sent stays and is never lost.
import { get, newKey, path, post, sign } from "./api.js";
import { canned, freshTexts, loadTexts, templates } from "./canned.js";
import { button, fill, h, memory, now, said, soon } from "./dom.js";
import { agents, can, state } from "./store.js";
import { lastEntry, open, sendingOf, showSending, toEnd, view } from "./thread.js";
import { announce, toast } from "./dialogs.js";
import { ACCEPTED, give, hold, holds, onHeld, row, takeAll, uploading } from "./files.js";
import { t } from "./words.js";

const TEXT_BYTES_MAX = 8192;
const TYPING_EVERY = 4000;

let form, field, popup, picker, attachButton, heldRow, state_, sendButton, tabs, hint;
let writing = "reply", meant = "reply", choices = [], choice = 0, typedAt = 0, actions = {}, shownFor = null, shownAs = "";
export const preferences = { undo: memory.get("undo", 0) };

export function makeComposer(acts) {
  actions = acts;
  tabs = h("div", { class: "tabs", role: "group", "aria-label": t("write.what") },
    button(t("reply"), () => setWriting("reply"), { id: "tab-reply" }),
    button(t("note"), () => setWriting("note"), { id: "tab-note" }));
  field = h("textarea", {
    id: "text", rows: "1", dir: "auto", "aria-label": t("write"), "aria-describedby": "hint", autocomplete: "off", spellcheck: "true",
    "aria-autocomplete": "list", "aria-controls": "choices",
    onkeydown: keys, oninput: typed, onblur: () => setTimeout(() => { if (document.activeElement !== field) hideChoices(); }, 150),
  });
  popup = h("ul", { id: "choices", class: "popup", role: "listbox", "aria-label": t("canned"), hidden: true });
  sendButton = h("button", { type: "submit", class: "primary" }, t("send"));
  hint = h("p", { id: "hint", class: "hint" }, t("hint.reply"));
  picker = h("input", { type: "file", multiple: true, hidden: true, accept: ACCEPTED, tabindex: "-1", "aria-hidden": "true", onchange: () => { attach(picker.files); picker.value = ""; field.focus(); } });
  attachButton = h("button", { id: "attach", type: "button", class: "icon", "aria-label": t("attach"), title: t("attach"), onclick: () => picker.click() }, "+");
  heldRow = h("ul", { class: "held-files", "aria-label": t("attachments"), hidden: true });
  onHeld((id) => { if (id === shownFor) showHeld(); });
  state_ = h("div", { class: "state", hidden: true });
  form = h("form", { class: "composer", "aria-label": t("write"), hidden: true, onsubmit: (event) => { event.preventDefault(); submit(); } },
    state_, h("div", { class: "writing" }, tabs, h("div", { class: "field" }, field, popup), heldRow, h("div", { class: "below" }, picker, attachButton, hint, sendButton)));
  field.addEventListener("paste", (event) => { const { files } = event.clipboardData; if (files.length && mayAttach()) { event.preventDefault(); attach(files); } });
  form.addEventListener("dragover", (event) => { if (event.dataTransfer.types.includes("Files")) event.preventDefault(); });
  form.addEventListener("drop", (event) => { if (event.dataTransfer.files.length) { event.preventDefault(); if (mayAttach()) attach(event.dataTransfer.files); } });
  return form;
}

// ---- files

const mayAttach = () => !attachButton.hidden && writing === "reply";

function attach(files) {
  const id = shownFor;
  hold(id, files, (problem, file) => {
    if (problem.text || !problem.code) toast(file.name + ": " + (problem.text || t("file.failed")), "warn");
    else actions.refused(problem, null);
  });
}

function showHeld() {
  fill(heldRow, writing === "reply" ? row(shownFor) : []);
  heldRow.hidden = !heldRow.children.length;
}

export const focusField = () => { if (!form.hidden && !field.disabled) field.focus(); };
// The same, once a reply may be written. Whoever presses a key before has gone on: a field that takes the focus under
// somebody's hands would send to the customer what was meant for a shortcut.
let wanted = 0, pressed = 0;
export const focusSoon = (since = pressed) => { if (since === pressed) wanted = Date.now(); };
export const presses = () => pressed;
document.addEventListener("keydown", () => { wanted = 0; pressed += 1; }, true);
document.addEventListener("pointerdown", () => { wanted = 0; pressed += 1; }, true);

// ---- which conversation it is for, and what may be written

export function showComposer(it) {
  const holder = it.mode === "human" ? it.assignee : null;
  const mayReply = holder === state.me.name && !it.unreachable;
  const face = [it.id, it.mode, holder, mayReply, it.unreachable, shut(it), state.me.role].join();
  if (shownFor !== it.id) { keepDraft.flush(); load(it.id); }
  if (face !== shownAs) { shownAs = face; become(it, holder, mayReply); }
  if (mayReply && Date.now() - wanted < 4000) { wanted = 0; if (!begunNote()) setWriting("reply"); focusField(); }
}

// What somebody began for their own side stays there until they say otherwise: a conversation that becomes theirs, or
// is opened again, must not turn it into a reply under their hands.
const begunNote = () => meant === "note" && field.value.trim() !== "";

function become(it, holder, mayReply) {
  form.hidden = !can("agent");
  tabs.querySelector("#tab-reply").disabled = !mayReply;
  // Only a channel that can show files takes them.
  attachButton.hidden = !mayReply || it.medium !== "webchat";
  writeAs(mayReply && !begunNote() ? "reply" : "note");
  const line = why(it, holder);
  state_.hidden = !line;
  fill(state_, line || "");
}

// What is about to be kept was written by whoever was signed in, and by nobody who comes next.
export const keepNoDraft = () => sendDraft.cancel();

export function closeComposer() {
  keepDraft.flush();
  shownFor = null; shownAs = "";
  form.hidden = true;
}

export const shut = (it) => Boolean(it.window.closes_at) && Date.parse(it.window.closes_at) <= now();

// Why no reply can be written just now, and what would make it possible.
function why(it, holder) {
  if (it.mode === "waiting") return [h("span", {}, t("claim.to.reply")), button(t("claim"), actions.claim, { class: "primary" })];
  if (it.mode === "ai") return [h("span", {}, t("ai.has.it")), button(t("take.over"), actions.takeOver)];
  if (it.mode === "closed") return [h("span", {}, t("is.closed")), button(t("reopen"), actions.takeOver)];
  if (holder !== state.me.name) {
    return [h("span", {}, t("somebody.has.it", { who: holder })), can("lead") && button(t("take.from", { who: holder }), actions.takeOver)];
  }
  if (it.unreachable) return h("span", { class: "warn" }, t("unreachable"));
  if (shut(it)) return templatePicker(it);
  return null;
}

// After the window has shut a reply is kept until the customer writes; what the provider has approved may be sent.
function templatePicker(it) {
  const fitting = templates.filter((one) => one.channel === it.channel);
  if (!fitting.length) return [h("span", { class: "warn" }, t("window.shut.none"))];
  const select = h("select", { "aria-label": t("template") }, fitting.map((one) => h("option", { value: one.name }, one.name + " (" + one.language + ")")));
  const shown = h("p", { class: "said", dir: "auto" });
  const show = () => fill(shown, fitting.find((one) => one.name === select.value).text);
  select.addEventListener("change", show);
  show();
  const send = async () => {
    try {
      await post(path(it.id, "reply"), { template: select.value, owner_epoch: it.owner_epoch });
      toast(t("sent"));
    } catch (problem) {
      // A text that only the provider's approval lets through is no draft of a person.
      actions.refused(problem, null);
      if (problem.code === "unknown_template") loadTexts();
    }
  };
  return [h("span", { class: "warn" }, t("window.shut")), select, shown, button(t("send.template"), send, { class: "primary" })];
}

export function setWriting(as) {
  if (as === "reply" && tabs.querySelector("#tab-reply").disabled) return;
  meant = as;
  writeAs(as);
  if (shownFor && field.value.trim()) keepDraft(shownFor, field.value);
}

function writeAs(as) {
  writing = as;
  for (const tab of tabs.children) tab.setAttribute("aria-pressed", tab.id === "tab-" + as);
  form.classList.toggle("as-note", as === "note");
  field.placeholder = t(as === "note" ? "placeholder.note" : "placeholder.reply");
  hint.textContent = t(as === "note" ? "hint.note" : "hint.reply");
  sendButton.textContent = t(as === "note" ? "save.note" : "send");
  attachButton.disabled = as === "note";
  showHeld();
}

// ---- drafts

const draftKey = (id) => "draft." + id, noteKey = (id) => "draft.note." + id;
const sendDraft = soon((id, text) => { if (can("agent")) sign(path(id, "draft"), { text: text.slice(0, 6000) }).catch(() => {}); }, 1500);
const remember = (id, text, note) => { memory.set(draftKey(id), text); memory.set(noteKey(id), text && note ? true : null); };
// Another desk would find it as a reply: a note that is being written stays here.
const keepDraft = (id, text) => { remember(id, text, meant === "note"); sendDraft(id, meant === "note" ? "" : text); };
keepDraft.flush = () => { if (shownFor) remember(shownFor, field.value, meant === "note"); };

async function load(id) {
  shownFor = id;
  hideChoices();
  setText(memory.get(draftKey(id), ""));
  meant = memory.get(noteKey(id), false) ? "note" : "reply";
  if (field.value || !can("agent")) return;
  try {
    // Begun at another desk.
    const kept = await get(path(id, "draft"));
    if (shownFor === id && !field.value && kept.text) { setText(kept.text); announce(t("draft.found")); }
  } catch { /* then there is none */ }
}

export function setText(text) {
  field.value = text;
  grow();
}

// Offered, not sent: behind what is there already.
export function useText(text) {
  setWriting("reply");
  setText(field.value.trim() ? field.value.trimEnd() + "\n" + text : text);
  keepDraft(shownFor, field.value);
  focusField();
}

function grow() {
  field.style.height = "auto";
  field.style.height = Math.min(field.scrollHeight + 2, Math.round(innerHeight * 0.35)) + "px";
}

// ---- typing

function typed() {
  grow();
  meant = writing;
  keepDraft(shownFor, field.value);
  suggest();
  const it = view();
  if (!it || !field.value.trim() || Date.now() - typedAt < TYPING_EVERY) return;
  if (writing === "note" && it.assignee === state.me.name) return; // the customer must not see notes being written
  typedAt = Date.now();
  sign(path(it.id, "typing")).catch(() => {});
}

function keys(event) {
  if (event.isComposing) return;
  if (!popup.hidden) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choice = choice < 0 ? 0 : (choice + (event.key === "ArrowDown" ? 1 : -1) + choices.length) % choices.length;
      markChoice();
      return;
    }
    if ((event.key === "Enter" || event.key === "Tab") && choices[choice]) { event.preventDefault(); takeChoice(choices[choice]); return; }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); hideChoices(); return; }
  }
  if (event.key === "Enter" && !event.shiftKey && !event.altKey) { event.preventDefault(); submit(); }
  else if (event.key === "Escape") { event.stopPropagation(); field.blur(); document.getElementById("thread").focus(); }
}

// `/` at the beginning finds canned replies, `@` anywhere in a note finds people.
function suggest() {
  const it = view();
  if (!it) return;
  const upto = field.value.slice(0, field.selectionStart);
  const slash = /^\/(\S*)$/.exec(upto), mention = writing === "note" && /(?:^|\s)@(\S*)$/.exec(upto);
  if (slash) {
    const coming = freshTexts();
    if (coming) coming.then((read) => { if (read && document.activeElement === field && field.value.startsWith(upto)) suggest(); });
    choices = replies(slash[1].toLowerCase(), it);
    if (!choices.length && slash[1] && writing === "reply") { offerAsItStands(slash[0], coming ? t("loading") : t("canned.unknown", { word: slash[0] })); return; }
  } else if (mention) {
    const part = mention[1].toLowerCase();
    // A name that stands there whole needs no help: Enter sends.
    const names = [...agents.keys()].filter((who) => who.toLowerCase().startsWith(part));
    choices = (names.some((who) => who.toLowerCase() === part) ? [] : names).slice(0, 8)
      .map((who) => ({ label: "@" + who, text: "@" + who + " ", from: upto.length - mention[1].length - 1 }));
  } else choices = [];
  if (!choices.length) { hideChoices(); return; }
  choice = 0;
  showChoices();
}

function replies(part, it) {
  const language = (it.customer.language || "").slice(0, 2);
  const rank = (one) => (one.language && language && !one.language.startsWith(language) ? 1 : 0);
  return canned.filter((one) => one.name.toLowerCase().includes(part) || one.text.toLowerCase().includes(part))
    .sort((a, b) => rank(a) - rank(b)).slice(0, 8)
    .map((one) => ({ label: "/" + one.name + (one.language ? " · " + one.language : ""), text: filled(one.text), from: 0 }));
}

function showChoices(told) {
  fill(popup, told && h("li", { class: "told", role: "option", "aria-disabled": "true" }, told),
    choices.map((one, at) => h("li", { id: "choice-" + at, role: "option", onmousedown: (event) => { event.preventDefault(); takeChoice(one); } },
      h("b", {}, one.label), " ", one.label.startsWith("/") && said(one.text.slice(0, 140), "span", "faint"))));
  popup.hidden = false;
  markChoice();
}

// What looks like the name of a canned reply does not go to the customer by Enter: the writer is told, and sends it as it
// stands by choosing just that.
const slashed = (text) => (writing === "reply" ? (/^\/\S*$/.exec(text) || /^\/[\p{L}\p{N}_-]+(?=\s)/u.exec(text) || [null])[0] : null);

function offerAsItStands(word, told) {
  choices = [{ asItStands: true, label: t("canned.insist", { word }) }];
  choice = -1;
  showChoices(told);
}

async function holdBack(word) {
  focusField();
  const text = field.value, id = shownFor, coming = freshTexts();
  const read = !coming || await coming;
  if (shownFor !== id || field.value !== text || !view()) return;
  const known = canned.some((one) => "/" + one.name === word), found = text.trim() === word ? replies(word.slice(1).toLowerCase(), view()) : [];
  const told = t(found.length ? "canned.choose" : known ? "canned.alone" : read ? "canned.unknown" : "canned.unread", { word });
  offerAsItStands(word, told);
  if (found.length) { choices = [...found, ...choices]; showChoices(told); }
  announce(told + " " + t("canned.how"));
}

function markChoice() {
  for (const row of popup.children) row.setAttribute("aria-selected", row.id === "choice-" + choice);
  if (choice < 0) { field.removeAttribute("aria-activedescendant"); return; }
  field.setAttribute("aria-activedescendant", "choice-" + choice);
  document.getElementById("choice-" + choice).scrollIntoView({ block: "nearest" });
}

function hideChoices() {
  popup.hidden = true;
  choices = [];
  field.removeAttribute("aria-activedescendant");
}

// Without a name there is no gap where it would have stood, nor the comma that set it off.
const nameless = (text) => text.replace(/(^|[\n¿¡(“"«])[ \t]*\{name\}[,،]?[ \t]*/g, "$1").replace(/[,،]?[ \t]*\{name\}/g, "");

function filled(text) {
  const it = view();
  return (it.customer.name ? text.replaceAll("{name}", it.customer.name) : nameless(text)).replaceAll("{agent}", state.me.name);
}

function takeChoice(one) {
  if (one.asItStands) { submit(true); return; }
  const after = field.value.slice(field.selectionStart);
  field.value = field.value.slice(0, one.from) + one.text + after;
  field.selectionStart = field.selectionEnd = one.from + one.text.length;
  hideChoices();
  grow();
  keepDraft(shownFor, field.value);
}

// ---- sending

const bytes = (text) => new TextEncoder().encode(text).length;

export function submit(asItStands = false) {
  const text = field.value.trim(), it = view(), word = slashed(text);
  const withFiles = writing === "reply" && it && holds(it.id).length > 0;
  if (!it || (!text && !withFiles)) return;
  if (withFiles && uploading(it.id)) { toast(t("file.wait"), "warn"); return; }
  if (bytes(text) > TEXT_BYTES_MAX) { toast(t("too.long", { n: bytes(text), max: TEXT_BYTES_MAX }), "warn"); return; }
  if (word && asItStands !== true) { holdBack(word); return; }
  setText("");
  keepDraft(it.id, "");
  hideChoices();
  if (writing === "note") { sendNote(it.id, text); return; }
  sendReply(it, text, it.owner_epoch, withFiles ? takeAll(it.id) : []);
}

async function sendNote(id, text) {
  try {
    await post(path(id, "note"), { text });
    toEnd();
  } catch (problem) {
    giveBack(id, text, [], true);
    actions.refused(problem, null);
  }
}

const queues = new Map(); // conversation → the last send: one after the other, in the order in which they were written

export function sendReply(it, text, epoch = it.owner_epoch, files = []) {
  const one = { id: it.id, text, files, key: newKey(), epoch, left: Number(preferences.undo) || 0, message: null };
  const list = sendingOf(it.id);
  list.push(one);
  const away = () => { const at = list.indexOf(one); if (at >= 0) list.splice(at, 1); showSending(); };
  const leave = async () => {
    one.undo = null; one.left = 0;
    showSending();
    try {
      for (;;) {
        try {
          const done = await post(path(one.id, "reply"), { text, owner_epoch: one.epoch, attachments: files.length ? files.map((file) => file.kept.url) : undefined }, { key: one.key, patience: 20000, options: { keepalive: true } });
          one.message = done.message;
          // The stream may have brought it before the answer came.
          if (open.id !== one.id || lastEntry() >= done.entry) away();
          return;
        } catch (problem) {
          if (!problem.passing) throw problem;
          one.stalled = true;
          showSending();
          await new Promise((wake) => setTimeout(wake, 3000));
        }
      }
    } catch (problem) {
      away();
      giveBack(one.id, text, files);
      actions.refused(problem, text, one.id, files);
    }
  };
  const next = (queues.get(it.id) || Promise.resolve()).then(() => (one.left ? countDown(one, away) : true)).then((go) => go && leave());
  queues.set(it.id, next);
  showSending();
  toEnd();
}

// The seconds in which it can be taken back. A page that is left sends at once: nothing that was sent is lost.
const counting = new Set();
function countDown(one, away) {
  return new Promise((decide) => {
    const done = (go) => { clearInterval(timer); counting.delete(at); window.removeEventListener("pagehide", at); decide(go); };
    const at = () => done(true);
    counting.add(at);
    const timer = setInterval(() => { one.left -= 1; if (one.left <= 0) done(true); else showSending(); }, 1000);
    window.addEventListener("pagehide", at);
    one.undo = () => { done(false); away(); giveBack(one.id, one.text, one.files); focusField(); };
    showSending();
  });
}

// Whoever signs out has sent it: it leaves while it still may.
export function sendNow() {
  for (const go of [...counting]) go();
  return Promise.race([Promise.all(queues.values()), new Promise((wake) => setTimeout(wake, 3000))]);
}

export const undoLast = () => { const one = [...open.sending].reverse().find((it) => it.undo); if (one) { one.undo(); return true; } return false; };

// What was not sent stands in the field again, or in the draft of its conversation.
function giveBack(id, text, files = [], note = false) {
  give(id, files);
  if (!text) return;
  if (shownFor === id) {
    setText(before(id, text, field.value));
    keepDraft.flush();
  } else {
    const kept = memory.get(draftKey(id), "");
    remember(id, before(id, text, kept), kept ? memory.get(noteKey(id), false) : note);
  }
}

// Before what was begun since, and behind what was given back just now: two that come back stand in their order.
let given = { id: null, text: "" };
function before(id, text, begun) {
  const same = given.id === id && given.text && begun.startsWith(given.text);
  const back = same ? given.text + "\n" + text : text, rest = same ? begun.slice(given.text.length).replace(/^\n/, "") : begun;
  given = { id, text: back };
  return rest.trim() ? back + "\n" + rest : back;
}

// What was written too late has found another place; what was begun behind it stays.
export function settled(id, text) {
  const mine = shownFor === id, left = (mine ? field.value : memory.get(draftKey(id), "")).replace(text, () => "").trim();
  if (mine) { setText(left); keepDraft(id, left); } else remember(id, left, memory.get(noteKey(id), false));
}
