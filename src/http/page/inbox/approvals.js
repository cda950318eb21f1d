// Approvals: one decision of a person, and nobody waits for it. They stand in a list of their own and over their
// conversation; who decides second is told who decided what, and when.
import { pages, path, post } from "./api.js";
import { ask, toast } from "./dialogs.js";
import { button, h, name, said, when } from "./dom.js";
import { can, put, refresh, state, withApprovals } from "./store.js";
import { t } from "./words.js";

const known = new Map(); // conversation id + " " + approval → {question, amount, asked_by, asked_at}
const key = (id, approval) => id + " " + approval;
let changed = () => {}, readAt = 0;
export const onApprovals = (work) => { changed = work; };
export const forgetApprovals = () => { known.clear(); readAt = 0; };

// Everything that waits for a decision. What left while nobody listened is looked at once more.
export async function loadApprovals() {
  readAt = Date.now();
  const there = new Set();
  await pages("/approvals?limit=100", (items) => {
    for (const { conversation, ...one } of items) {
      there.add(conversation.id);
      known.set(key(conversation.id, one.id), one);
      put(conversation);
    }
  });
  for (const it of withApprovals()) if (!there.has(it.id)) refresh(it.id).catch(() => {});
  changed();
}

export function learnApprovals(id, entries) {
  for (const entry of entries) {
    if (entry.kind === "approval_asked") known.set(key(id, entry.n), { id: String(entry.n), question: entry.question, amount: entry.amount, asked_by: entry.agent, asked_at: entry.at });
    if (entry.kind === "approval_decided") known.delete(key(id, entry.approval));
  }
}

// What a row says: the oldest question.
export function questionOf(it) {
  const one = known.get(key(it.id, it.approvals[0]));
  return one ? (one.amount ? one.amount + " · " : "") + one.question : "";
}

export function approvalBanners(it) {
  const cards = [];
  for (const id of it.approvals) {
    const one = known.get(key(it.id, id));
    if (one) cards.push(card(it, one));
    else if (Date.now() - readAt > 5000) loadApprovals().catch(() => {});
  }
  return cards;
}

function card(it, one) {
  const mine = one.asked_by === state.me.name;
  return h("section", { class: "approval", "aria-label": t("approval") },
    h("div", { class: "brief" }, h("b", {}, t("approval")), one.amount && [" · ", h("b", {}, name(one.amount))], " · ", t("approval.asked", { who: one.asked_by, at: when(one.asked_at) }),
      h("p", { class: "summary" }, said(one.question))),
    can("agent") && (mine ? h("p", { class: "faint" }, t("approval.own")) : [
      button(t("approve"), () => decide(it.id, one, true), { class: "primary approve" }),
      button(t("decline"), () => decide(it.id, one, false), { class: "decline" })]));
}

async function decide(id, one, approved) {
  const answer = await ask({
    title: t(approved ? "approve.title" : "decline.title"), text: t("approval.told"),
    note: h("blockquote", { class: "said", dir: "auto" }, one.amount ? one.amount + " · " : "", one.question),
    fields: [{ name: "note", label: t("note.optional"), kind: "area" }],
    buttons: [{ text: t(approved ? "approve" : "decline"), value: "ok", class: approved ? "primary" : "danger" }],
  });
  if (!answer) return;
  try {
    await post(path(id, "approvals/" + one.id + "/decide"), { approved, note: answer.values.note });
    toast(t(approved ? "approved" : "declined"));
  } catch (problem) {
    if (problem.code === "already_decided") toast(t(problem.approved ? "approval.already.yes" : "approval.already.no", { who: problem.decided_by, at: when(problem.at) }), "warn");
    else toast(problem.detail || t("failed"), "warn");
  }
  refresh(id).catch(() => {});
}
