// The conversation that is open: every entry from the first one, drawn in blocks of which only those near what is in
// sight exist. The newest page is read first; the older ones follow by themselves.
import { get, path } from "./api.js";
import { learnApprovals } from "./approvals.js";
import { called, lasting, fill, h, name, now, onFrame, said, when } from "./dom.js";
import { listen } from "./live.js";
import { agents, can, look, mark, marked, one, put, refresh, state, subscribe, wroteNow } from "./store.js";
import { describe, draw, estimate, Facts } from "./turns.js";
import { announce } from "./dialogs.js";
import { list } from "./files.js";
import { t } from "./words.js";

const BLOCK = 40; // items in a block
const FIRST = 48; // entries read before anything is shown: more than a screen, and no more than is drawn at once
const NEAR_END = 90; // pixels from the end that still count as the end

export const open = { id: null, entries: [], facts: new Facts(), complete: false, acts: {}, sending: [] };
// What leaves each conversation, also while another one is open.
const leaving = new Map();
export const sendingOf = (id) => leaving.get(id) || leaving.set(id, []).get(id);
let box, inner, head, presence, more, banner, observer;
let items = [], blocks = [], byKey = new Map(), stuck = true, unseen = 0, stream = null, turnOf = 0, toFirst = false, reading = new AbortController();

export function makeThread(actions) {
  open.acts = actions;
  head = h("header", { class: "thread-head" });
  banner = h("div", { class: "banner", hidden: true });
  inner = h("div", { class: "turns" });
  // A picture that arrives later makes the thread longer: who reads its end goes on reading its end.
  inner.addEventListener("load", () => { if (stuck) toEnd(); }, true);
  more = h("button", { type: "button", class: "more", hidden: true, onclick: toEnd });
  presence = h("p", { class: "presence", "aria-live": "polite" });
  box = h("div", { id: "thread", class: "thread", role: "log", tabindex: "0", "aria-label": t("thread"), "aria-live": "off", onscroll: scrolled }, inner);
  observer = new IntersectionObserver(inSight, { root: box, rootMargin: "1500px 0px" });
  // Whoever reads the end goes on reading the end when the composer grows or the window changes.
  new ResizeObserver(() => { if (stuck) toEnd(); }).observe(box);
  let people = "";
  subscribe((what, id, entries) => {
    // Who is mentioned is known only when the people are.
    const names = what === "people" ? [...agents.keys()].join("\n") : people;
    if (names !== people) { people = names; if (open.id) rebuild(); }
    if (id !== open.id || !open.id) return;
    if (what === "entries") add(entries);
    if (what === "lists") showHead();
    if (what === "presence") showPresence();
  });
  return [head, banner, box, presence, more];
}

export const view = () => one(open.id);
export const lastEntry = () => (open.entries.length ? open.entries[open.entries.length - 1].n : -1);

// ---- opening

export async function openThread(id) {
  closeThread();
  open.id = id;
  Object.assign(open, { entries: [], facts: new Facts(), complete: false, sending: sendingOf(id), failed: false });
  const turn = (turnOf += 1);
  stuck = true; unseen = 0; toFirst = false;
  rebuild();
  showHead();
  fill(inner, h("p", { class: "nothing" }, t("loading")));
  try {
    // What the list knows of it is enough to begin with; what it is now comes beside.
    const asked = refresh(id);
    asked.then(() => { if (turn === turnOf && items.length) follow(); }, () => {});
    const page = await get(path(id, "trail?limit=" + FIRST + "&before=9007199254740991"), { signal: reading.signal });
    if (!view()) await asked;
    if (turn !== turnOf) return;
    take(page.items);
    open.complete = page.earlier === null;
    rebuild();
    toEnd();
    showHead();
    follow();
    look(view());
    // What is in sight is drawn before more is asked for.
    if (!open.complete) setTimeout(() => { if (turn === turnOf) older(page.earlier, turn); }, 50);
  } catch (problem) {
    if (turn !== turnOf) return;
    open.failed = true;
    fill(inner, h("p", { class: "nothing" }, problem.status === 404 ? t("not.yours") : t("unreadable")));
    throw problem;
  }
}

export function closeThread() {
  turnOf += 1;
  // What nobody will look at any more must not keep the next one waiting.
  reading.abort();
  reading = new AbortController();
  if (stream) { stream.stop(); stream = null; }
  open.id = null;
}

async function older(before, turn) {
  for (let at = before; at !== null && turn === turnOf;) {
    let page;
    try {
      page = await get(path(open.id, "trail?limit=500&before=" + at), { signal: reading.signal });
    } catch {
      if (turn !== turnOf) return;
      await new Promise((wake) => setTimeout(wake, 2000));
      continue;
    }
    if (turn !== turnOf) return;
    take(page.items);
    at = page.earlier;
    open.complete = at === null;
    prepend();
    // A key that is pressed meanwhile goes before the next page.
    await new Promise((wake) => setTimeout(wake));
  }
  if (toFirst) toStart();
  showHead();
}

// What is missing after a cut: everything above the last entry that is known.
export async function catchUp() {
  const { id } = open, turn = turnOf;
  if (!id || open.failed) return;
  for (let after = lastEntry(); turn === turnOf;) {
    const page = await get(path(id, "trail?limit=500" + (after >= 0 ? "&after=" + after : "")));
    if (turn !== turnOf) return;
    add(page.items);
    if (page.next === null) break;
    after = page.next;
  }
  if (turn === turnOf) await refresh(id);
}

// The desk's stream brings what concerns people. What the AI has, or is closed, is followed by a stream of its own.
function follow() {
  const it = view();
  const own = Boolean(it) && (it.mode === "ai" || it.mode === "closed");
  if (own && !stream) {
    const { id } = open;
    stream = listen("/api/v1/events?conversation=" + encodeURIComponent(id), {
      state(is) { if (is && id === open.id) catchUp().catch(() => {}); },
      event(kind, data) {
        if (kind === "conversation") { learnApprovals(data.conversation.id, data.entries); put(data.conversation, data.entries); }
        else if (kind === "mark") mark(data.conversation, data.agent, data.doing, data.doing === "typing" ? 8000 : 30000);
        else if (kind === "reset") catchUp().catch(() => {});
      },
      signedOut() {},
    });
  } else if (!own && stream) {
    stream.stop();
    stream = null;
  }
}

export const rest = (is) => { if (stream) stream.rest(is); };

// ---- entries

// Adds what is not known yet, in order; says which are new.
function take(entries) {
  const known = new Set(open.entries.map((entry) => entry.n));
  const fresh = entries.filter((entry) => !known.has(entry.n));
  if (!fresh.length) return fresh;
  const joined = open.entries.concat(fresh).sort((a, b) => a.n - b.n);
  const atEnd = !open.entries.length || fresh.every((entry) => entry.n > open.entries[open.entries.length - 1].n);
  open.entries = joined;
  if (atEnd) for (const entry of fresh) open.facts.learn(entry);
  else { open.facts = new Facts(); for (const entry of joined) open.facts.learn(entry); }
  return fresh;
}

function add(entries) {
  const last = lastEntry();
  // A hole means that something was missed: it is read before anything is shown after it.
  if (entries.length && last >= 0 && entries[0].n > last + 1) { catchUp().catch(() => {}); return; }
  const fresh = take(entries);
  if (!fresh.length) { redrawStanding(entries); return; }
  const old = items.length;
  const anew = describe(open.entries);
  const sameStart = anew.slice(0, old).every((item, at) => item.key === items[at].key);
  if (!sameStart) rebuild();
  else append(anew, old);
  for (const entry of fresh) {
    const mine = entry.message && open.sending.find((one) => one.message === entry.message);
    if (mine) open.sending.splice(open.sending.indexOf(mine), 1);
    if (entry.kind === "customer_wrote") wroteNow(open.id, null);
    if (entry.kind === "human_wrote") wroteNow(open.id, entry.agent);
  }
  showSending();
  redrawStanding(fresh);
  const told = fresh.filter((entry) => entry.kind === "customer_wrote" || entry.kind === "note_written");
  if (told.length && document.hasFocus()) {
    const last = told[told.length - 1];
    announce(t("says", { who: last.agent || customer(), at: when(last.at) }) + ": " + (last.text || ""));
  }
  const spoken = fresh.filter((entry) => entry.text).length;
  if (stuck) { toEnd(); if (!document.hidden) look(view()); }
  else if (spoken) { unseen += spoken; showMore(); }
  follow();
}

// What became of messages that are drawn already.
function redrawStanding(entries) {
  const messages = new Set(entries.filter((entry) => entry.kind === "settled").map((entry) => entry.message));
  for (const owed of view() ? view().outbox : []) messages.add(owed.message);
  if (!messages.size) return;
  for (const item of items) {
    if (item.entry.message && messages.has(item.entry.message)) redraw(item);
  }
}

function redraw(item) {
  const old = byKey.get(item.key);
  if (!old || !old.isConnected) return;
  const fresh = draw(item, context());
  const was = old.querySelector("details.explain");
  if (was && was.open) { const now = fresh.querySelector("details.explain"); if (now) now.replaceWith(was); }
  old.replaceWith(fresh);
  byKey.set(item.key, fresh);
}

// ---- blocks

function context() {
  const it = view();
  return {
    view: it, facts: open.facts, me: state.me.name, people: [...agents.keys()], customer: customer(), canAct: can("agent"),
    useDraft: open.acts.useDraft, takeBack: open.acts.takeBack,
  };
}
const customer = () => { const it = view(); return it ? called(it) : ""; };

function newBlock() {
  const block = makeBlock([]);
  blocks.push(block);
  inner.append(block.element);
  return block;
}

function rebuild() {
  const anchor = stuck ? null : topItem();
  observer.disconnect();
  blocks = []; byKey = new Map();
  items = describe(open.entries);
  inner.replaceChildren();
  if (!view()) return;
  for (let at = 0; at < items.length; at += BLOCK) {
    const block = newBlock();
    block.items = items.slice(at, at + BLOCK);
    block.height = block.items.reduce((sum, item) => sum + estimate(item), 0);
    block.element.style.height = block.height + "px";
  }
  // What will be in sight at once is drawn at once.
  for (const block of blocks.slice(-2)) fillBlock(block);
  showSending();
  if (anchor) {
    const block = blocks.find((one) => one.items.some((item) => item.key === anchor.key));
    if (block) {
      fillBlock(block);
      const element = byKey.get(anchor.key);
      box.scrollTop += element.getBoundingClientRect().top - anchor.top;
    }
  } else if (stuck) toEnd();
}

// Older entries have come: blocks are put before those that stand, and only the first of these is drawn anew (its day
// may have begun earlier).
function prepend() {
  const anew = describe(open.entries);
  const begins = items.findIndex((item) => item.kind !== "day");
  const from = begins < 0 ? -1 : anew.findIndex((item) => item.key === items[begins].key);
  if (from < 0 || anew.length - from !== items.length - begins) { rebuild(); return; }
  const anchor = stuck ? null : topItem();
  const first = blocks[0];
  for (const item of first.items) byKey.delete(item.key);
  items = anew;
  let at = from;
  for (const block of blocks) {
    const many = block.items.length - (block === first ? begins : 0);
    block.items = items.slice(at, at + many);
    at += many;
  }
  if (first.filled) { first.filled = false; fillBlock(first); }
  const before = [];
  for (let end = from; end > 0; end -= BLOCK) {
    const block = makeBlock(items.slice(Math.max(0, end - BLOCK), end));
    first.element.parentNode.insertBefore(block.element, (before[0] || first).element);
    before.unshift(block);
  }
  blocks = before.concat(blocks);
  if (anchor && byKey.has(anchor.key)) box.scrollTop += byKey.get(anchor.key).getBoundingClientRect().top - anchor.top;
  else if (stuck) toEnd();
}

// A block of items that are drawn when they come near.
function makeBlock(list) {
  const element = h("div", { class: "block" });
  const block = { element, items: list, filled: false, height: list.reduce((sum, item) => sum + estimate(item), 0) };
  element.block = block;
  if (list.length) element.style.height = block.height + "px";
  observer.observe(element);
  return block;
}

function append(anew, from) {
  items = anew;
  let at = from;
  while (at < items.length) {
    let block = blocks[blocks.length - 1];
    if (!block || block.items.length >= BLOCK) block = newBlock();
    const room = BLOCK - block.items.length;
    const fresh = items.slice(at, at + room);
    block.items.push(...fresh);
    at += fresh.length;
    if (block.filled) for (const item of fresh) drawInto(block, item);
    else fillBlock(block);
  }
}

function drawInto(block, item) {
  const element = draw(item, context());
  byKey.set(item.key, element);
  block.element.append(element);
}

function fillBlock(block) {
  if (block.filled) return;
  block.filled = true;
  block.element.style.height = "";
  block.element.replaceChildren();
  for (const item of block.items) drawInto(block, item);
}

function emptyBlock(block) {
  if (!block.filled || block === blocks[blocks.length - 1]) return;
  // What somebody unfolded or selected stays.
  if (block.element.querySelector("details[open]") || block.element.contains(document.getSelection().anchorNode)) return;
  block.height = block.element.offsetHeight;
  block.filled = false;
  block.element.style.height = block.height + "px";
  block.element.replaceChildren();
  for (const item of block.items) byKey.delete(item.key);
}

function inSight(changes) {
  for (const change of changes) {
    const { block } = change.target;
    if (change.isIntersecting) fillBlock(block); else emptyBlock(block);
  }
  if (stuck) toEnd();
}

function topItem() {
  const top = box.getBoundingClientRect().top;
  for (const [key, element] of byKey) {
    const place = element.getBoundingClientRect();
    if (place.bottom > top) return { key, top: place.top };
  }
  return null;
}

function scrolled() {
  stuck = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
  if (stuck && unseen) { unseen = 0; showMore(); if (view()) look(view()); }
}

export function toEnd() {
  stuck = true; unseen = 0; toFirst = false;
  if (!box) return;
  if (blocks.length) fillBlock(blocks[blocks.length - 1]);
  box.scrollTop = box.scrollHeight;
  showMore();
}

// Shows the entry, wherever it is; the keyboard and the list of episodes come here.
export function goTo(n) {
  const block = blocks.find((one) => one.items.some((item) => item.entry.n >= n));
  if (!block) return;
  stuck = false;
  fillBlock(block);
  const item = block.items.find((one) => one.entry.n >= n);
  byKey.get(item.key).scrollIntoView({ block: "start" });
}

// The first message; as soon as it is read.
export function toStart() {
  if (!items.length) return;
  toFirst = !open.complete;
  goTo(items[0].entry.n);
}

function showMore() {
  more.hidden = !unseen;
  more.textContent = t("new.messages", { n: unseen }) + " ↓";
}

// ---- what is being sent and has no entry yet

let sendingBox = null;
export function showSending() {
  if (sendingBox) sendingBox.remove();
  sendingBox = null;
  if (!open.sending.length) return;
  sendingBox = h("div", { class: "sending" }, open.sending.map((one) => h("article", { class: "turn ours human unsent" },
    h("div", { class: "bubble" }, one.text && said(one.text, "p", "text"), one.files.length > 0 && list(one.files.map((it) => it.kept))),
    h("p", { class: "standing" }, one.left ? t("leaves.in", { n: one.left }) : one.stalled ? t("not.sent.yet") : t("sending"), " ",
      one.undo && h("button", { type: "button", class: "link", onclick: one.undo }, t("undo"))))));
  inner.append(sendingBox);
  if (stuck) box.scrollTop = box.scrollHeight;
}

// ---- head, banner, who is here

export const showHead = onFrame(() => {
  const it = view();
  if (!it || it.id !== open.id) { fill(head); banner.hidden = true; return; }
  fill(head,
    h("button", { type: "button", class: "icon back", "aria-label": t("back.to.list"), onclick: open.acts.back }, "‹"),
    h("div", { class: "title" },
      h("h2", { id: "customer", dir: "auto" }, customer()),
      h("p", { class: "faint" }, status(it))),
    h("div", { class: "acts" }, open.acts.buttons(it)),
    h("button", { type: "button", class: "icon info", "aria-label": t("details"), title: t("details") + " (i)", onclick: open.acts.side }, h("span", { class: "round" }, "i")),
  );
  showBanner(it);
  showPresence();
  open.acts.changed(it);
  if (stuck && !document.hidden && document.hasFocus()) look(it);
});

function status(it) {
  const medium = t("medium." + it.medium);
  if (it.mode === "human") return [t(it.assignee === state.me.name ? "you.have.it" : "has.it", { who: it.assignee, since: when(it.assignee_since || it.mode_since) }), " · ", medium, " · ", it.queue];
  if (it.mode === "waiting") return [t("mode.waiting"), " ", h("b", { class: "ticking", "data-since": it.waiting_since }, lasting(now() - Date.parse(it.waiting_since))), " · ", medium, " · ", it.queue];
  if (it.mode === "closed") return [t("mode.closed"), it.outcome ? " · " + t("outcome." + it.outcome) : "", " · ", medium];
  return [t("mode.ai"), " · ", medium, " · ", it.queue];
}

// The handoff brief: who, why, in which words, since when. And whatever else must be seen before writing.
function showBanner(it) {
  const lines = [];
  const { handoff } = it;
  if (handoff && (it.mode === "waiting" || it.mode === "human")) {
    lines.push(h("div", { class: "brief" },
      h("b", {}, t("reason." + handoff.reason)), " · ", h("span", {}, t("asked.at", { at: when(handoff.requested_at) })),
      handoff.rule && [" · ", h("code", {}, handoff.rule)],
      it.summary && h("p", { class: "summary" }, "“", said(it.summary), "”")));
  }
  lines.push(...open.acts.banners(it));
  banner.hidden = !lines.length;
  fill(banner, lines);
}

function showPresence() {
  if (!open.id) return;
  const typing = marked(open.id, "typing"), viewing = marked(open.id, "viewing").filter((who) => !typing.includes(who));
  const told = [];
  if (typing.includes(null)) told.push(h("span", { class: "typing" }, t("customer.writes"), h("i", {}), h("i", {}), h("i", {})));
  const writers = typing.filter(Boolean);
  if (writers.length) told.push(h("span", { class: "warn" }, t("is.writing", { who: writers.join(", ") })));
  if (viewing.length) told.push(h("span", {}, t("also.here", { who: viewing.join(", ") })));
  // Set only when it changed: a screen reader would say it again and again.
  const words = JSON.stringify([typing, viewing]);
  if (presence.dataset.words === words) return;
  presence.dataset.words = words;
  fill(presence, told.map((one, at) => [at > 0 && " · ", one]));
}

// How the channel's law stands: it changes by time alone, and nobody tells.
function law(it) {
  if (!it || !it.window.closes_at) return "";
  const left = Date.parse(it.window.closes_at) - now();
  return left <= 0 ? "shut" : left < 3600000 ? "soon" : "open";
}
let lawThen = "";

// Once a second: clocks, leases.
export function tick() {
  if (!open.id) return;
  const lawNow = open.id + law(view());
  if (lawNow !== lawThen) { lawThen = lawNow; showHead(); }
  for (const clock of head.querySelectorAll(".ticking")) clock.textContent = lasting(now() - Date.parse(clock.dataset.since));
  for (const clock of document.querySelectorAll("[data-until]")) clock.textContent = lasting(Date.parse(clock.dataset.until) - now());
  showPresence();
}
