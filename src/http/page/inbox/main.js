// The page: signing in, what stands where, which view is open, the keyboard, the second hand.
import * as acts from "./acts.js";
import { begin, end, makeAlerts, noticed, showPreferences, snoozeOver, title } from "./alert.js";
import { forgetApprovals, learnApprovals, loadApprovals, onApprovals } from "./approvals.js";
import { del, get, onSignedOut, post, put as send, setCsrf } from "./api.js";
import { forgetTexts, loadTexts } from "./canned.js";
import { closeComposer, focusField, focusSoon, keepNoDraft, makeComposer, presses, sendNow, setWriting, showComposer, useText } from "./compose.js";
import { help, menu, toast } from "./dialogs.js";
import { $, button, fill, h, memory, name, soon } from "./dom.js";
import { forgetHeld } from "./files.js";
import { makeLead, refreshLead, showLead } from "./lead.js";
import { choose, focusList, makeList, move, order, showList, tick as tickList, top } from "./list.js";
import { listen } from "./live.js";
import { makeSide, showSide } from "./side.js";
import { agents, can, clear, counts, forgetSeen, gone, loadOlder, loadOpen, loadPeople, look, mark, olderModes, put, queues, search, state, subscribe, wokenUp } from "./store.js";
import { catchUp, closeThread, makeThread, open, openThread, rest, showHead, tick as tickThread, toEnd, toStart, view } from "./thread.js";
import { language, LANGUAGES, setLanguage, t } from "./words.js";

const LISTS = ["waiting", "mine", "all", "closed", "approvals"];
let stream = null, activeAt = Date.now(), viewedAt = 0, seconds = 0, searching = null, built = false;
let presence, tabs, offline, queueFilter, searchField, composer, sideBox, leadButton, waitingForYou;

// ---- signing in and out

async function boot() {
  document.documentElement.lang = language;
  makeAlerts(openOne);
  onApprovals(() => { if (state.me) { showList(); showHead(); later(); } });
  onSignedOut(() => { if (state.me) showSignIn(t("session.over")); });
  try {
    await enter(await get("/agents/me"));
  } catch (problem) {
    showSignIn(problem.status === 401 ? "" : t("no.connection"));
  }
}

function showSignIn(text) {
  leave();
  const field = h("input", { id: "token", type: "password", autocomplete: "current-password", required: true, placeholder: "sgt_…", spellcheck: "false", autocapitalize: "off", "aria-describedby": "signin-said" });
  const told = h("p", { id: "signin-said", role: "alert", class: "warn" }, text || "");
  const go = h("button", { type: "submit", class: "primary" }, t("sign.in"));
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    clearTimeout(counting);
    field.oninput = null;
    go.disabled = true;
    go.textContent = t("sign.in");
    told.textContent = "";
    try {
      const session = await post("/session", { token: field.value.trim() }, { key: null, patience: 0 });
      setCsrf(session.csrf);
      field.value = "";
      await enter(await get("/agents/me"));
    } catch (problem) {
      if (problem.status === 429) { barred(go, told, field, problem.retry_after || 60); return; }
      told.textContent = problem.status === 401 ? t("token.unknown") : t("no.connection");
      field.select();
    }
    go.disabled = false;
  } }, h("h1", {}, h("span", { class: "logo", "aria-hidden": "true" }, "◗"), " Segue"), h("p", { class: "faint" }, t("sign.in.hint")),
    h("label", { for: "token" }, t("token")), field, told, go);
  fill($("signin"), h("main", {}, form));
  $("signin").hidden = false;
  $("app").hidden = true;
  field.focus();
}

// Too many sign-ins failed from here: says once when the next one may be tried, counts down on the button, and says when
// that time has come. Another token may be tried at once: the house lets a good one in all the same.
let counting = null;
function barred(go, told, field, seconds) {
  told.textContent = t("too.many.tries", { n: seconds });
  const until = Date.now() + seconds * 1000, refused = field.value;
  const count = () => {
    clearTimeout(counting);
    const left = Math.ceil((until - Date.now()) / 1000), waits = left > 0 && field.value === refused;
    go.disabled = waits;
    go.textContent = waits ? t("sign.in.in", { n: left }) : t("sign.in");
    if (left > 0) counting = setTimeout(count, Math.min(1000, until - Date.now()));
    else told.textContent = t("try.now");
  };
  field.oninput = count;
  count();
}

// A browser opens few connections to one host. Of all tabs that nobody sees one goes on listening, to call for attention.
let calls = false, hush = () => {}, resting = null;
function takeTurns() {
  if (!navigator.locks) { calls = true; return; }
  navigator.locks.request("segue-inbox", () => { if (!state.me) return null; calls = true; return new Promise((done) => { hush = () => { calls = false; done(); }; }); }).catch(() => {});
}
function seenOrNot() {
  clearTimeout(resting);
  if (!document.hidden) {
    if (stream) stream.rest(false);
    rest(false);
    if (view()) { look(view()); seen(true); }
    return;
  }
  resting = setTimeout(() => { rest(true); if (stream && !calls) stream.rest(true); }, 20000);
}

function leave() {
  hush();
  if (stream) { stream.stop(); stream = null; }
  if (built) { closeComposer(); keepNoDraft(); closeThread(); }
  end();
  clear();
  forgetApprovals();
  forgetTexts();
  if (searchField) searchField.value = "";
  state.me = null;
  state.online = false;
  setCsrf(null);
  title();
}

// Drafts, chosen files, what was read: of the person who was here before.
function forgetBegun() {
  memory.forget("draft.");
  forgetSeen();
  forgetHeld();
}

async function signOut() {
  await sendNow();
  try { await del("/session"); } catch { /* then it is over anyway */ }
  // What was begun belongs to whoever signed out, and this may be everybody's machine.
  closeComposer();
  forgetBegun();
  location.hash = "";
  showSignIn(t("signed.out"));
}

async function enter(me) {
  setCsrf(me.csrf);
  if (memory.get("who", me.name) !== me.name) forgetBegun();
  memory.set("who", me.name);
  state.me = me;
  if (!built) build();
  $("signin").hidden = true;
  fill($("signin"));
  $("app").hidden = false;
  leadButton.hidden = !can("lead");
  showPresence();
  showTabs();
  loadTexts();
  loadPeople().catch(() => {});
  route();
  takeTurns();
  stream = listen("/api/v1/events", { state: connected, event: happened, signedOut: () => showSignIn(t("session.over")) });
}

// ---- what happens

let everOpen = false;
async function connected(is) {
  state.online = is;
  offline.hidden = is || !everOpen;
  if (is && !state.loaded) { everOpen = true; await reload(); }
  title();
}

// The stream is open before this reads, so nothing can fall between the two.
async function reload() {
  for (;;) {
    try {
      await Promise.all([loadOpen(), loadApprovals()]);
      break;
    } catch (problem) {
      if (problem.status === 401 || !state.me) return;
      await new Promise((wake) => setTimeout(wake, 1500));
    }
  }
  begin();
  showTabs();
}

function happened(kind, data) {
  if (!state.me) return;
  if (kind === "conversation") { learnApprovals(data.conversation.id, data.entries); put(data.conversation, data.entries); }
  else if (kind === "gone") gone(data.id);
  else if (kind === "mark") mark(data.conversation, data.agent, data.doing, data.doing === "typing" ? 8000 : 30000);
  else if (kind === "presence") {
    const agent = agents.get(data.agent);
    if (agent) agent.presence = data.presence; else refreshPeople();
    if (data.agent === state.me.name) { state.me.presence = data.presence; showPresence(); }
  } else if (kind === "reset") {
    reload();
    catchUp().catch(() => {});
    refreshPeople();
  }
}
const refreshPeople = soon(() => loadPeople().catch(() => {}), 1000);

subscribe((what, id, entries) => {
  if (!built || !state.me) return;
  if (what === "entries") noticed(id, entries);
  if (what === "lists" && id && !entries) noticed(id, []);
  showList();
  showSide();
  later();
});
const later = soon(() => { if (state.me) { showTabs(); title(); } }, 60);

// ---- what stands where

function build() {
  built = true;
  searchField = h("input", { id: "search", type: "search", placeholder: t("search"), "aria-label": t("search"), oninput: searched, onkeydown: (event) => {
    if (event.key === "Escape") { searchField.value = ""; searched(); focusList(); event.stopPropagation(); }
    if (event.key === "ArrowDown" || event.key === "Enter") { event.preventDefault(); focusList(); move(1); }
  } });
  queueFilter = h("select", { "aria-label": t("queue"), onchange: () => { state.queue = queueFilter.value; top(); showList(); } });
  presence = h("button", { type: "button", class: "presence-button", "aria-haspopup": "menu", "aria-expanded": "false", onclick: presenceMenu });
  tabs = h("div", { class: "tabs lists", role: "group", "aria-label": t("lists") });
  offline = h("p", { class: "offline", role: "alert", hidden: true }, t("offline.long"));
  leadButton = button(t("lead"), () => go("lead"), { class: "plain", title: "g l" });
  const settings = h("button", { type: "button", class: "icon", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": t("menu"), title: t("menu"), onclick: () => mainMenu(settings) }, "☰");
  composer = makeComposer({ claim: acts.claim, takeOver: acts.takeOver, refused: acts.refused });
  acts.wire({ back: () => go(""), side: toggleSide });
  const actions = {
    useDraft: useText, takeBack: acts.takeBack, buttons: acts.buttons, banners: acts.banners, back: acts.back, side: acts.side,
    changed: (it) => { showComposer(it); showSide(); },
  };
  sideBox = h("aside", { class: "side", "aria-label": t("details") });
  const thread = h("main", { id: "main", class: "main", tabindex: "-1", "aria-label": t("conversation") });
  waitingForYou = h("div", { class: "blank" }, h("span", { class: "logo", "aria-hidden": "true" }, "◗"), h("p", {}, t("choose.one")), h("p", { class: "faint" }, t("press.help"), " ", h("kbd", {}, "?")));
  fill(thread, waitingForYou, h("div", { class: "thread-column" }, makeThread(actions), composer));
  fill(sideBox, makeSide(() => show("thread"), openOne));
  fill($("app"),
    h("a", { class: "skip", href: "#main", onclick: (event) => { event.preventDefault(); focusField(); if (document.activeElement === document.body || document.activeElement.className === "skip") thread.focus(); } }, t("skip")),
    h("header", { class: "top" }, h("h1", {}, h("span", { class: "logo", "aria-hidden": "true" }, "◗"), " ", t("inbox")), h("div", { class: "grow" }), leadButton, presence, settings),
    offline,
    h("nav", { class: "lists-column", "aria-label": t("conversations") }, tabs, h("div", { class: "filters" }, searchField, queueFilter), makeList((id) => openOne(id))),
    thread, sideBox,
    h("section", { class: "lead", "aria-label": t("lead") }, button("‹ " + t("inbox"), () => go(""), { class: "link" }), makeLead(openOne, showOf)));
  window.addEventListener("hashchange", route);
  document.addEventListener("keydown", keys);
  for (const kind of ["pointermove", "pointerdown", "keydown", "wheel"]) document.addEventListener(kind, () => { activeAt = Date.now(); }, { passive: true });
  document.addEventListener("visibilitychange", seenOrNot);
  setInterval(second, 1000);
}

const show = (what) => { document.body.dataset.view = what; };

// The address names what is open, so that a link or the back button leads there: #/c/ID, #/lead, #/mine.
function go(where) {
  const hash = where ? "#/" + where : "#/" + state.list;
  if (location.hash === hash) route(); else location.hash = hash;
}
// Opened before the address says so: a key that is pressed right behind is meant for it.
function openOne(id) {
  $("app").classList.remove("leading");
  if (open.id !== id || state.selected !== id) opened(id);
  go("c/" + encodeURIComponent(id));
}

async function route() {
  if (!state.me) return;
  const [, what, rest] = location.hash.split("/");
  $("app").classList.toggle("leading", what === "lead" && can("lead"));
  if (what === "lead" && can("lead")) { show("lead"); showLead(); return; }
  if (what === "c" && rest) {
    const id = decodeURIComponent(rest);
    if (open.id === id && state.selected === id) { show("thread"); return; }
    await opened(id);
    return;
  }
  if (LISTS.includes(what)) setList(what);
  closed();
  show("list");
}

async function opened(id) {
  const since = presses();
  state.selected = id;
  show("thread");
  $("app").classList.add("has-thread");
  waitingForYou.hidden = true;
  showList();
  try {
    await openThread(id);
    seen(true);
    if (view() && view().assignee === state.me.name && matchMedia("(min-width: 800px)").matches) { focusSoon(since); showHead(); }
  } catch (problem) {
    if (state.selected === id && problem.status !== 404) toast(t("unreadable"), "warn", { text: t("try.again"), run: () => opened(id) });
  }
}

function closed() {
  state.selected = null;
  closeThread();
  closeComposer();
  $("app").classList.remove("has-thread");
  waitingForYou.hidden = false;
  showList();
  showSide();
}

function toggleSide() {
  if (matchMedia("(min-width: 1100px)").matches) $("app").classList.toggle("without-side");
  else if (document.body.dataset.view === "side") show("thread");
  else { show("side"); sideBox.querySelector("button").focus(); }
}

function setList(list) {
  if (state.list !== list) {
    state.list = list;
    top();
    for (const mode of olderModes(list)) loadOlder(mode, true).then(showList).catch(() => {});
    if (state.query) searched();
  }
  showTabs();
  showList();
}

function showOf(who) {
  searchField.value = who;
  state.list = "all";
  searched();
  go("all");
}

function showTabs() {
  if (!built || !state.me) return;
  const told = counts();
  const number = { waiting: told.waiting, mine: told.mine, approvals: told.approvals };
  // What nobody waits for takes no room while there is none.
  fill(tabs, LISTS.filter((list) => list !== "approvals" || told.approvals > 0 || state.list === list).map((list) => button([t("list." + list), number[list] > 0 && h("span", { class: "number" + (list === "waiting" ? " hot" : "") }, String(number[list]))],
    () => { setList(list); if (!state.selected || !matchMedia("(min-width: 800px)").matches) go(list); }, { "aria-pressed": String(state.list === list) })));
  const names = queues.map((queue) => queue.name);
  if (queueFilter.dataset.names !== names.join("\n")) {
    queueFilter.dataset.names = names.join("\n");
    fill(queueFilter, h("option", { value: "" }, t("all.queues")), names.map((one) => h("option", { value: one, selected: one === state.queue }, one)));
    queueFilter.hidden = names.length < 2;
  }
}

function searched() {
  state.query = searchField.value.trim();
  top();
  showList();
  if (searching) searching.abort();
  searching = new AbortController();
  askServer(state.query, searching);
}
const askServer = soon((text, aborter) => { if (!aborter.signal.aborted) search(text, aborter).catch(() => {}); }, 220);

// ---- presence and menus

const PRESENCE = ["available", "busy", "away"];

function showPresence() {
  fill(presence, h("span", { class: "dot " + state.me.presence, "aria-hidden": "true" }), h("span", { class: "me" }, name(state.me.name)), h("span", { class: "unseen" }, ": " + t("presence." + state.me.presence)));
  presence.title = t("presence." + state.me.presence);
}

function presenceMenu() {
  menu(presence, PRESENCE.map((word) => ({ icon: h("span", { class: "dot " + word, "aria-hidden": "true" }), text: t("presence." + word), checked: state.me.presence === word, run: () => setPresence(word) })));
}

async function setPresence(word) {
  try {
    const told = await send("/agents/me/presence", { presence: word });
    state.me.presence = told.presence;
    showPresence();
  } catch (problem) { toast(problem.detail || t("no.connection"), "warn"); }
}

function mainMenu(anchor) {
  menu(anchor, [
    { text: t("preferences"), run: () => showPreferences(LANGUAGES, language, setLanguage) },
    { text: t("keys"), key: "?", run: showKeys },
    can("lead") && { text: t("lead"), key: "g l", run: () => go("lead") },
    { text: t("sign.out"), run: signOut },
  ]);
}

// ---- the second hand

function second() {
  if (!state.me) return;
  seconds += 1;
  tickList();
  tickThread();
  for (const id of wokenUp()) {
    snoozeOver(id);
    showList();
    if (id === open.id) { showHead(); showSide(); }
  }
  if (seconds % 5 === 0) { seen(false); refreshLead(); showList(); }
  // What is with the AI or closed comes by no stream.
  if (seconds % 15 === 0 && !document.hidden && !state.query && olderModes(state.list).length && order().length < 200) for (const mode of olderModes(state.list)) loadOlder(mode, true).catch(() => {});
}

// Tells that the open conversation is looked at: by somebody who moves, not by a screen that was left on.
function seen(atOnce) {
  if (!view() || document.hidden || Date.now() - activeAt > 60000) return;
  if (!atOnce && Date.now() - viewedAt < 20000) return;
  viewedAt = Date.now();
  acts.lookedAt();
}

// ---- the keyboard

const KEYS = {
  j: ["key.next", () => step(1)], k: ["key.before", () => step(-1)], o: ["key.open", () => { const id = move(0); if (id) choose(id); }],
  c: ["key.claim", acts.claim], r: ["key.reply", () => { setWriting("reply"); focusField(); }], n: ["key.note", () => { setWriting("note"); focusField(); }],
  b: ["key.back", acts.handBack], e: ["key.resolve", acts.resolve], t: ["key.transfer", acts.transfer], z: ["key.snooze", acts.snooze],
  y: ["key.keep", acts.keep], w: ["key.whisper", acts.whisper], l: ["key.tag", acts.addTag], a: ["key.draft", acts.useAiDraft], u: ["key.undo", acts.undo],
  x: ["key.explain", unfold], i: ["key.side", toggleSide], "/": ["key.search", () => searchField.focus()], "[": ["key.start", toStart], "]": ["key.end", toEnd],
  p: ["key.presence", () => { presence.focus(); presenceMenu(); }], "?": ["key.help", showKeys],
};
const AFTER_G = { w: () => go("waiting"), m: () => go("mine"), a: () => go("all"), c: () => go("closed"), d: () => go("approvals"), l: () => can("lead") && go("lead") };
let afterG = 0;

function keys(event) {
  if (!state.me || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
  const within = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape") {
    if (document.body.dataset.view === "side") show("thread");
    else if (document.body.dataset.view === "lead") go("");
    else if (!within) { if (!matchMedia("(min-width: 800px)").matches) go(""); focusList(); }
    return;
  }
  if (within) return;
  if (Date.now() - afterG < 1200) {
    afterG = 0;
    const run = AFTER_G[event.key];
    if (run) { event.preventDefault(); run(); }
    return;
  }
  if (event.key === "g") { afterG = Date.now(); return; }
  const [, run] = KEYS[event.key] || [];
  if (!run) return;
  event.preventDefault();
  // While something is being done a key would mean what it is not meant for: it waits, and only where it was pressed.
  const here = open.id;
  acts.afterwards(() => { if (open.id === here && !document.querySelector("dialog[open]")) run(); });
}

// The next conversation is opened where there is room for both, else only pointed at.
function step(by) {
  const id = move(by);
  if (id && matchMedia("(min-width: 800px)").matches) { choose(id); focusList(); }
}

function unfold() {
  const all = [...document.querySelectorAll("#thread details.explain")];
  const last = all[all.length - 1];
  if (last) { last.open = !last.open; last.scrollIntoView({ block: "nearest" }); }
}

function showKeys() {
  help([...Object.entries(KEYS).map(([key, [text]]) => [key, t(text)]), ["g w", t("list.waiting")], ["g m", t("list.mine")], ["g a", t("list.all")], ["g c", t("list.closed")], ["g d", t("list.approvals")],
    ["g l", t("lead")], ["Enter", t("key.send")], ["Shift Enter", t("key.line")], ["Esc", t("key.escape")]]);
}

boot();

