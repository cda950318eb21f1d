// What this page knows: the conversations, by id, and who looks at and writes in them. The lists are made of it.
//
// What waits for people and what has one is complete and live. What is with the AI or closed is read in pages, newest
// first, and is live only in so far as it was with people before, or stands open.
import { get, pages, path } from "./api.js";
import { memory, now } from "./dom.js";

export const state = {
  me: null, // {name, role, queues, presence}
  online: false,
  loaded: false,
  list: "waiting",
  queue: "",
  query: "",
  selected: null, // the id of the open conversation
};
const all = new Map(); // id → conversation
const marks = new Map(); // id → Map(agent or "" → {doing, until})
let found = null; // Set of ids, while something is searched for
let seen = memory.get("seen", {}); // id → when its last words were read here
const listeners = new Set();

export const agents = new Map(); // name → agent
export let queues = [];
// How urgent everything in its queue is; undefined: the queue is not known.
export const ordinary = (it) => queues.find((queue) => queue.name === it.queue)?.priority;
const older = { ai: null, closed: null }; // {cursor, done, busy}

// Nobody may do anything: what comes late finds nobody signed in.
export const can = (role) => Boolean(state.me) && RANK[state.me.role] >= RANK[role];
const RANK = { observer: 0, agent: 1, lead: 2, admin: 3 };

// what: "lists" | "presence" | "people", id: the conversation it is about, entries: what is new on its trail
export const subscribe = (work) => { listeners.add(work); };
const tell = (what, id, entries) => { for (const work of listeners) work(what, id, entries); };

export const one = (id) => all.get(id);
export const size = () => all.size;
export const withApprovals = () => [...all.values()].filter(LISTS.approvals.has);
export const myTurn = (it) => it.assignee === state.me.name || it.offered_to === state.me.name;

// A newer state of a conversation; an older one changes nothing.
export function put(view, entries) {
  const before = all.get(view.id);
  if (before && before.rev > view.rev) return before;
  if (before && !view.last_message) view.last_message = before.last_message;
  all.set(view.id, view);
  for (const who of view.viewing) mark(view.id, who, "viewing", 30000);
  for (const who of view.typing) mark(view.id, who, "typing", 8000);
  if (entries) tell("entries", view.id, entries);
  tell("lists", view.id);
  return view;
}

export function gone(id) {
  if (all.delete(id)) tell("lists", id);
}

export function clear() {
  all.clear();
  marks.clear();
  agents.clear();
  found = null;
  asleep = new Set();
  older.ai = older.closed = null;
  Object.assign(state, { loaded: false, selected: null, query: "", queue: "" });
}

// ---- who looks and who writes; both are leases

export function mark(id, agent, doing, ms) {
  if (agent === state.me.name) return;
  const of = marks.get(id) || marks.set(id, new Map()).get(id);
  const key = (agent || "") + " " + doing;
  of.set(key, { agent, doing, until: Date.now() + ms });
  tell("presence", id);
}

export function marked(id, doing) {
  const of = marks.get(id);
  if (!of) return [];
  const names = [];
  for (const [key, it] of of) {
    if (it.until < Date.now()) of.delete(key);
    else if (it.doing === doing) names.push(it.agent);
  }
  return names;
}

// A message ends the writing of whoever wrote it.
export function wroteNow(id, agent) {
  const of = marks.get(id);
  if (of && of.delete((agent || "") + " typing")) tell("presence", id);
}

// ---- unread: what the customer said last and nobody has looked at here

export function unread(it) {
  const last = it.last_message;
  if (!last || last.by !== "customer") return false;
  return it.mode !== "closed" && !(seen[it.id] >= last.at);
}

export function forgetSeen() {
  seen = {};
  memory.forget("seen");
}

export function look(it) {
  const last = it.last_message;
  if (!last || seen[it.id] >= last.at) return;
  seen[it.id] = last.at;
  const ids = Object.keys(seen);
  if (ids.length > 3000) for (const id of ids.slice(0, 1000)) delete seen[id];
  memory.set("seen", seen);
  tell("lists", it.id);
}

// ---- the lists

export const snoozed = (it) => Date.parse(it.attributes.snoozed_until || "") > now();
let asleep = new Set();
// Those whose snooze has ended since this was asked last, by its time or by what happened.
export function wokenUp() {
  const now = new Set();
  for (const it of all.values()) if (it.attributes.snoozed_until && snoozed(it)) now.add(it.id);
  const woken = [...asleep].filter((id) => !now.has(id));
  asleep = now;
  return woken;
}
// Read once for each state of a conversation: sorting thousands asks for it a hundred thousand times.
export const since = (it) => (it.sinceAt ??= Date.parse(it.waiting_since || it.mode_since));
const updated = (it) => (it.updatedAt ??= Date.parse(it.updated_at));
const byWaiting = (a, b) => since(a) - since(b) || (a.id < b.id ? -1 : 1);
const byUpdate = (a, b) => updated(b) - updated(a) || (a.id < b.id ? -1 : 1);

export const LISTS = {
  waiting: { has: (it) => it.mode === "waiting", order: byWaiting },
  mine: { has: myTurn, order: (a, b) => snoozed(a) - snoozed(b) || unreadFirst(a, b) || byWaiting(a, b) },
  all: { has: (it) => it.mode !== "closed", order: (a, b) => MODES.indexOf(a.mode) - MODES.indexOf(b.mode) || (a.mode === "ai" ? byUpdate(a, b) : byWaiting(a, b)) },
  closed: { has: (it) => it.mode === "closed", order: byUpdate },
  approvals: { has: (it) => it.approvals.length > 0, order: (a, b) => updated(a) - updated(b) || (a.id < b.id ? -1 : 1) },
};
const MODES = ["waiting", "human", "ai", "closed"];
const unreadFirst = (a, b) => (b.unread > 0) - (a.unread > 0);

const has = (text, part) => Boolean(text) && text.toLowerCase().includes(part);

function matches(it) {
  if (state.queue && it.queue !== state.queue) return false;
  if (!state.query) return true;
  const part = state.query.toLowerCase();
  return (found && found.has(it.id)) || has(it.customer.name, part) || has(it.customer.address, part)
    || [...it.tags].some((tag) => has(tag, part)) || has(it.summary, part) || has(it.assignee, part)
    || has(it.last_message && it.last_message.text, part);
}

export function listed(list = state.list) {
  const { has: belongs, order } = LISTS[list];
  const items = [];
  for (const it of all.values()) if (belongs(it) && matches(it)) items.push(it);
  return items.sort(order);
}

export function counts() {
  const told = { waiting: 0, mine: 0, unread: 0, approvals: 0 };
  for (const it of all.values()) {
    told.approvals += it.approvals.length;
    if (it.mode === "waiting") told.waiting += 1;
    if (myTurn(it)) { told.mine += 1; if (it.mode === "human" && unread(it)) told.unread += 1; }
  }
  return told;
}

// ---- reading

// Everything that waits or is with people: what is urgent first, the rest behind it.
export async function loadOpen() {
  const known = new Set();
  const take = (items) => {
    for (const view of items) { known.add(view.id); put(view); }
    state.loaded = true;
    tell("lists");
  };
  await Promise.all([
    pages("/conversations?mode=waiting&limit=200", take),
    pages("/conversations?mode=human&limit=200", take),
  ]);
  // What left while nobody listened.
  for (const it of [...all.values()]) {
    if ((it.mode === "waiting" || it.mode === "human") && !known.has(it.id)) refresh(it.id).catch(() => gone(it.id));
  }
}

export async function refresh(id, entries) {
  return put(await get(path(id)), entries);
}

export async function loadPeople() {
  const [people, rooms] = await Promise.all([get("/agents"), get("/queues")]);
  agents.clear();
  for (const agent of people.items) agents.set(agent.name, agent);
  queues = rooms.items;
  tell("people");
}

// The next page of what is with the AI or closed.
export async function loadOlder(mode, again) {
  const at = (!again && older[mode]) || (older[mode] = { cursor: null, done: false, busy: false });
  if (at.done || at.busy) return;
  at.busy = true;
  try {
    const page = await get("/conversations?mode=" + mode + "&order=newest&limit=100" + (at.cursor ? "&cursor=" + encodeURIComponent(at.cursor) : ""));
    for (const view of page.items) put(view);
    at.cursor = page.next;
    at.done = !page.next;
  } finally {
    at.busy = false;
  }
}

export const olderModes = (list) => ({ waiting: [], mine: [], all: ["ai"], closed: ["closed"], approvals: [] })[list];

// Searches on the server too: it reads what was said. `aborter` ends it.
export async function search(text, aborter) {
  if (!text) { found = null; tell("lists"); return; }
  const ids = new Set();
  const q = "&q=" + encodeURIComponent(text);
  const take = (items) => {
    for (const view of items) { ids.add(view.id); put(view); }
    if (aborter.signal.aborted) return false;
    found = ids;
    tell("lists");
    return ids.size < 400;
  };
  const lists = { waiting: ["waiting"], mine: ["waiting", "human"], all: ["waiting", "human", "ai"], closed: ["closed"], approvals: ["waiting", "human", "ai"] }[state.list];
  for (const mode of lists) {
    const newest = mode === "ai" || mode === "closed" ? "&order=newest" : "";
    await pages("/conversations?mode=" + mode + "&limit=100" + newest + q, take, 10);
    if (aborter.signal.aborted) return;
  }
}
