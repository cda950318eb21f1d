// What people do with the open conversation. Each act is one call; what the API refuses becomes words and a way on.
import { del, patch, path, post, sign } from "./api.js";
import { button, h, lasting, now, when } from "./dom.js";
import { ask, menu, toast } from "./dialogs.js";
import { agents, can, one, queues, refresh, snoozed, state } from "./store.js";
import { focusSoon, sendReply, settled, shut, undoLast, useText } from "./compose.js";
import { approvalBanners } from "./approvals.js";
import { takeAll } from "./files.js";
import { lastEntry, open, view } from "./thread.js";
import { t } from "./words.js";

let go = { back() {}, side() {}, next() {} };
export const wire = (ways) => { go = ways; };

let under = 0, next = null;

// Runs at once, or when what is being done is over: only the last that was asked for, and not long after.
export function afterwards(run) {
  if (!under) { run(); return; }
  const asked = Date.now();
  next = () => { if (Date.now() - asked < 3000) run(); };
}

// Does something and says what came of it; answers whether it was done.
async function act(id, rest, body, told, options) {
  under += 1;
  try {
    const done = await post(path(id, rest), body, options);
    if (told && done.result !== "ignored") toast(told);
    refresh(id).catch(() => {});
    return done;
  } catch (problem) {
    refused(problem, null, id);
    return null;
  } finally {
    under -= 1;
    if (!under && next) { setTimeout(next); next = null; }
  }
}

// ---- what was refused

export async function refused(problem, text, id = open.id, files = []) {
  const told = { offline: t("no.connection"), not_allowed: t("not.allowed"), too_long: t("too.long.plain"), unreachable: t("unreachable"),
    outbox_full: t("outbox.full"), note_required: t("note.required"), stays_with_people: t("stays.with.people"), ai_off: t("ai.off"),
    not_found: t("not.yours"), already_closed: t("is.closed"), not_pending: t("has.left"), not_waiting: t("not.waiting"), too_much: t("too.much"), too_far: t("too.much"),
    window_shut: t("window.shut"), held_by_ai: t("ai.has.it"), not_claimed: t("claim.to.reply"), nobody: t("nobody.has.it"),
    unknown_template: t("template.unknown"), unknown_file: t("file.failed"), too_many_files: t("file.enough") };
  refresh(id).catch(() => {});
  if (problem.code === "taken" || problem.code === "stale_epoch") {
    const it = await refresh(id).catch(() => one(id));
    const who = problem.taken_by || (it && it.assignee);
    const since = problem.since || (it && (it.assignee_since || it.mode_since));
    if (text && who && who !== state.me.name) { await lateWriter(id, who, since, text, files); return; }
    if (text && who === state.me.name && it) { toast(t("changed.hands.yours"), "warn"); return; }
    toast(who ? t("taken.by", { who, since: since ? when(since) : "" }) : t("changed.hands"), "warn");
    return;
  }
  if (problem.code === "customer_wrote_meanwhile") { toast(t("wrote.meanwhile"), "warn"); return; }
  toast(told[problem.code] || problem.detail || problem.title || t("failed"), "warn");
}

// "Bob has it since 14:02: send anyway, or leave a note?"
async function lateWriter(id, who, since, text, files) {
  const lead = can("lead");
  const answer = await ask({
    title: t("late.title", { who, since: since ? when(since) : "" }),
    text: lead ? t("late.text") : t("late.text.agent"),
    note: h("blockquote", { class: "said", dir: "auto" }, text),
    buttons: [
      { text: t("leave.note"), value: "note", class: lead ? "" : "primary" },
      { text: t("send.anyway"), value: "send", class: lead ? "danger" : "", disabled: !lead, title: lead ? "" : t("leads.only") },
    ],
  });
  if (!answer) return; // the text stands in the field again
  if (answer.button === "note") { if (await act(id, "note", { text }, t("noted"))) settled(id, text); return; }
  const done = await act(id, "takeover", { force: true });
  if (!done) return;
  settled(id, text);
  const it = await refresh(id);
  sendReply(it, text, done.owner_epoch, files.length ? takeAll(id) : []);
}

// ---- acts

export async function claim() {
  const it = view();
  if (!it || !can("agent")) return;
  const done = await act(it.id, it.mode === "waiting" ? "claim" : "takeover", {});
  if (!done) return;
  if (done.in_flight && done.in_flight.length) toast(t("in.flight.told", { text: done.in_flight.map((one) => one.text).join(" / ").slice(0, 160) }), "warn");
  focusSoon();
}

export async function takeOver() {
  const it = view();
  if (!it || !can("agent")) return;
  if (it.mode === "waiting") { await claim(); return; }
  const force = it.mode === "human" && it.assignee !== state.me.name;
  if (force) {
    if (!can("lead")) { toast(t("leads.only"), "warn"); return; }
    const sure = await ask({ title: t("take.from.sure", { who: it.assignee }), text: t("take.from.text", { who: it.assignee }), buttons: [{ text: t("take.over"), value: "yes", class: "danger" }] });
    if (!sure) return;
  }
  const done = await act(it.id, "takeover", { force });
  if (done && done.in_flight && done.in_flight.length) toast(t("in.flight.told", { text: done.in_flight.map((one) => one.text).join(" / ").slice(0, 160) }), "warn");
  if (done) focusSoon();
}

export async function handBack() {
  const it = view();
  if (!it || !can("agent") || (it.mode !== "human" && it.mode !== "waiting")) return;
  const answer = await ask({
    title: t("hand.back.title"), text: t("hand.back.text"),
    fields: [{ name: "note", label: t("hand.back.note"), kind: "area", required: true }],
    buttons: [{ text: t("resume.ai"), value: "ok", class: "primary" }],
  });
  if (!answer) return;
  const { note } = answer.values;
  try {
    await post(path(it.id, "handback"), { note, seen: lastEntry() });
    toast(t("handed.back"));
    refresh(it.id).catch(() => {});
  } catch (problem) {
    if (problem.code !== "customer_wrote_meanwhile") { refused(problem, null, it.id); return; }
    const sure = await ask({ title: t("wrote.meanwhile"), text: t("wrote.meanwhile.text"), buttons: [{ text: t("hand.back.anyway"), value: "ok" }] });
    if (sure) await act(it.id, "handback", { note }, t("handed.back"));
  }
}

const OUTCOMES = ["human_resolved", "ai_resolved", "abandoned_queue", "expired", "failed"];

export async function resolve() {
  const it = view();
  if (!it || !can("agent") || it.mode === "closed") return;
  const answer = await ask({
    title: t("resolve.title"),
    fields: [
      { name: "outcome", label: t("outcome"), kind: "select", options: OUTCOMES.map((word) => [word, t("outcome." + word)]), value: it.mode === "ai" ? "ai_resolved" : "human_resolved" },
      { name: "note", label: t("note.optional"), kind: "area" },
    ],
    buttons: [{ text: t("resolve"), value: "ok", class: "primary" }],
  });
  if (answer) await act(it.id, "resolve", { outcome: answer.values.outcome, note: answer.values.note }, t("resolved"));
}

export async function transfer() {
  const it = view();
  if (!it || !can("agent") || (it.mode !== "human" && it.mode !== "waiting")) return;
  const people = [...agents.values()].filter((agent) => agent.role !== "observer");
  const answer = await ask({
    title: t("transfer.title"),
    fields: [
      { name: "queue", label: t("queue"), kind: "select", options: queues.map((queue) => [queue.name, queue.name + " · " + t("n.waiting", { n: queue.waiting })]), value: it.queue },
      { name: "agent", label: t("person"), kind: "select", value: "", options: [["", t("anybody")],
        ...people.map((agent) => [agent.name, agent.name + " · " + t("presence." + agent.presence) + " · " + agent.holding])] },
      { name: "note", label: t("note.optional"), kind: "area" },
    ],
    buttons: [{ text: t("transfer"), value: "ok", class: "primary" }],
  });
  if (!answer) return;
  const { queue, agent, note } = answer.values;
  if (note.trim() && !(await act(it.id, "note", { text: (agent ? "@" + agent + " " : "") + note }))) return;
  await act(it.id, "transfer", agent ? { queue, agent } : { queue }, t("transferred"));
}

export async function keep() {
  const it = view();
  if (it && can("agent")) await act(it.id, "keep", {}, t("kept"));
}

export async function escalate() {
  const it = view();
  if (it && can("agent") && it.mode === "ai") await act(it.id, "escalate", {}, t("escalated"));
}

export async function snooze() {
  const it = view();
  if (!it || !can("agent") || it.mode !== "human") return;
  if (snoozed(it)) { await act(it.id, "snooze", {}, t("woken")); return; }
  const pad = (date) => new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
  const hour = new Date(now() + 3600000), tomorrow = new Date(now() + 86400000);
  tomorrow.setHours(9, 0, 0, 0);
  const monday = new Date(tomorrow);
  while (monday.getDay() !== 1) monday.setDate(monday.getDate() + 1);
  const answer = await ask({
    title: t("snooze.title"), text: t("snooze.text"),
    fields: [{ name: "until", label: t("until"), kind: "time", value: pad(tomorrow), required: true }],
    buttons: [{ text: t("in.an.hour"), value: "hour" }, { text: t("next.monday"), value: "monday" }, { text: t("snooze"), value: "ok", class: "primary" }],
  });
  if (!answer) return;
  const until = { hour, monday }[answer.button] || new Date(answer.values.until);
  await act(it.id, "snooze", { until: until.toISOString() }, t("snoozed.until", { at: when(until.toISOString()) }));
}

export async function whisper() {
  const it = view();
  if (!it || !can("agent")) return;
  if (!can("lead") || !it.assignee) { toast(t(can("lead") ? "nobody.has.it" : "leads.only"), "warn"); return; }
  const answer = await ask({
    title: t("whisper.title", { who: it.assignee }), text: t("whisper.text"),
    fields: [{ name: "text", label: t("note"), kind: "area", required: true }],
    buttons: [{ text: t("whisper"), value: "ok", class: "primary" }],
  });
  if (answer) await act(it.id, "whisper", { text: answer.values.text }, t("whispered"));
}

export async function edit(change) {
  const it = view();
  try {
    await patch(path(it.id), change);
    await refresh(it.id);
    return true;
  } catch (problem) {
    refused(problem, null);
    return false;
  }
}

export async function addTag() {
  const it = view();
  if (!it || !can("agent")) return;
  const known = new Set(it.tags);
  const answer = await ask({ title: t("add.tag"), fields: [{ name: "tag", label: t("tag"), required: true, max: "60" }], buttons: [{ text: t("add"), value: "ok", class: "primary" }] });
  if (answer) { known.add(answer.values.tag.trim()); await edit({ tags: [...known] }); }
}

export async function review(handoff, verdict) {
  const it = view();
  await act(it.id, "review", handoff ? { handoff, verdict } : { verdict }, t("judged", { verdict: t("verdict." + verdict) }));
}

export async function takeBack(entry) {
  const it = view();
  try {
    await del(path(it.id, "pending/" + entry.message));
    useText(entry.text);
    refresh(it.id).catch(() => {});
  } catch (problem) { refused(problem, null); }
}

export function undo() {
  const it = view();
  if (undoLast() || !it || !can("agent")) return;
  const last = [...open.entries].reverse().find((entry) => entry.kind === "human_wrote" && entry.agent === state.me.name);
  const owed = last && it.outbox.find((one) => one.message === last.message && one.state === "pending");
  if (owed) takeBack(last); else toast(t("has.left"), "warn");
}

// ---- what stands over the thread

export function buttons(it) {
  if (!can("agent")) return h("span", { class: "chip" }, t("you.watch"));
  const mine = it.mode === "human" && it.assignee === state.me.name;
  const shown = [];
  if (it.mode === "waiting") shown.push(button(t("claim"), claim, { class: "primary", title: "c" }));
  if (mine) {
    shown.push(button([t("resume.ai")], handBack, { title: "b" }), button(t("resolve"), resolve, { title: "e" }));
  }
  if (it.mode === "ai") shown.push(button(t("take.over"), takeOver, { title: "c" }));
  const toggle = h("button", { type: "button", class: "icon", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": t("more"), title: t("more"), onclick: () => menu(toggle, more(it)) }, "⋯");
  shown.push(toggle);
  return shown;
}

function more(it) {
  const withPeople = it.mode === "human" || it.mode === "waiting";
  const mine = it.assignee === state.me.name;
  return [
    withPeople && { text: t("transfer"), key: "t", run: transfer },
    it.mode === "waiting" && { text: t("resume.ai"), key: "b", run: handBack },
    it.mode === "human" && !mine && can("lead") && { text: t("take.from", { who: it.assignee }), run: takeOver },
    it.mode === "human" && (mine || can("lead")) && { text: snoozed(it) ? t("wake") : t("snooze"), key: "z", run: snooze },
    it.mode === "human" && !mine && can("lead") && { text: t("resume.ai"), key: "b", run: handBack },
    it.mode === "human" && !mine && can("lead") && { text: t("whisper"), key: "w", run: whisper },
    it.mode === "ai" && { text: t("escalate"), run: escalate },
    { text: t("add.tag"), key: "l", run: addTag },
    it.mode !== "closed" && { text: t("resolve"), key: "e", run: resolve },
    it.mode === "closed" && { text: t("reopen"), key: "c", run: takeOver },
  ];
}

export function banners(it) {
  const lines = [];
  const mine = it.assignee === state.me.name;
  if (mine && it.mode === "human" && it.deadline) {
    lines.push(h("div", { class: "asking", role: "alertdialog", "aria-label": t("are.you.done") },
      h("b", {}, t("are.you.done")), " ", h("span", {}, t("or.it.goes"), " ", h("span", { class: "clockish", "data-until": it.deadline }, lasting(Date.parse(it.deadline) - now()))),
      button(t("keep"), keep, { title: "y" }), button(t("resume.ai"), handBack, { class: "primary", title: "b" })));
  }
  lines.push(...approvalBanners(it));
  if (snoozed(it)) lines.push(h("div", {}, t("snoozed.until", { at: when(it.attributes.snoozed_until) }), " ", mine && button(t("wake"), snooze, { class: "link" })));
  if (it.window.closes_at && it.mode !== "closed") {
    const left = Date.parse(it.window.closes_at) - now();
    if (shut(it)) lines.push(h("div", { class: "warn" }, t("window.shut")));
    else if (left < 3600000) lines.push(h("div", { class: "warn" }, t("window.closes"), " ", h("span", { class: "clockish", "data-until": it.window.closes_at }, lasting(left))));
  }
  if (it.unreachable) lines.push(h("div", { class: "warn" }, t("unreachable")));
  const parked = it.outbox.filter((owed) => owed.state === "parked");
  if (parked.length) lines.push(h("div", {}, t("n.parked", { n: parked.length })));
  const doubt = it.outbox.filter((owed) => owed.in_doubt);
  if (doubt.length) lines.push(h("div", { class: "warn" }, t("n.in.doubt", { n: doubt.length })));
  const { draft } = open.facts;
  if (draft && mine) lines.push(h("div", { class: "draft-offer" }, "✦ ", t("draft.offer"), " ", button(t("draft.use"), () => { useText(draft.text); open.facts.draft = null; }, { class: "link", title: "a" })));
  return lines;
}

export function useAiDraft() {
  const { draft } = open.facts;
  if (draft && view().assignee === state.me.name) useText(draft.text);
}

export const back = () => go.back();
export const side = () => go.side();

// Says that the conversation is being looked at, while somebody really looks. "Are you done?" must be answered, not
// scrolled away: while it stands, looking alone says nothing.
export function lookedAt() {
  const it = view();
  if (!it || !can("agent") || document.hidden) return;
  if (it.assignee === state.me.name && it.deadline) return;
  sign(path(it.id, "viewing")).catch(() => {});
}

