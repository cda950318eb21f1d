// What stands beside the thread: the customer, the tags, who is here, earlier episodes and conversations, the review.
import { button, exactly, fill, h, name, onFrame, said, when } from "./dom.js";
import { addTag, edit, review, snooze, whisper } from "./acts.js";
import { ask } from "./dialogs.js";
import { can, marked, ordinary, snoozed, state } from "./store.js";
import { goTo, open, view } from "./thread.js";
import { t } from "./words.js";

let box;

export function makeSide(onClose, onOpen) {
  box = h("div", { class: "side-inner" });
  openOther = onOpen;
  return [h("button", { type: "button", class: "icon close-side", "aria-label": t("back.to.thread"), onclick: onClose }, "‹"), box];
}
let openOther = () => {};

const section = (title, ...content) => h("section", {}, h("h3", {}, title), ...content);
const facts = (...rows) => h("dl", { class: "facts" }, rows.filter(Boolean).map(([term, what]) => [h("dt", {}, term), h("dd", {}, what)]));

let shown = "";
export const showSide = onFrame(() => {
  const it = view();
  if (!it || it.id !== open.id) { fill(box); shown = ""; return; }
  const face = [it.id, it.rev, open.facts.episodes.length, marked(it.id, "viewing").join(), open.complete, snoozed(it)].join(" ");
  if (face === shown) return;
  shown = face;
  const kept = box.parentElement.scrollTop;
  fill(box, customer(it), brief(it), tags(it), attributes(it), people(it), episodes(it), others(it), judge());
  box.parentElement.scrollTop = kept;
});

function customer(it) {
  const { address, language } = it.customer;
  return section(t("customer"),
    facts(
      [t("name"), [it.customer.name ? said(it.customer.name) : h("span", { class: "faint" }, "–"), can("agent") && small(t("edit"), rename)]],
      [t("address"), h("span", { class: "said long", dir: "ltr" }, address)],
      [t("language"), language || "–"],
      [t("channel"), it.channel + " (" + t("medium." + it.medium) + ")"],
      it.opened_at && [t("since"), h("time", { datetime: it.opened_at, title: exactly(it.opened_at) }, when(it.opened_at))],
      it.priority > 0 && [t("priority"), String(it.priority)],
      it.window.closes_at && [t("window"), h("time", { datetime: it.window.closes_at, title: exactly(it.window.closes_at) }, when(it.window.closes_at))],
      it.unreachable && [t("delivery"), h("span", { class: "warn" }, t("unreachable"))],
    ));
}

const small = (text, run) => button(text, run, { class: "link" });

async function rename() {
  const it = view();
  const answer = await ask({
    title: t("customer"),
    fields: [
      { name: "name", label: t("name"), value: it.customer.name || "" },
      { name: "language", label: t("language"), value: it.customer.language || "", max: "16" },
      { name: "priority", label: t("priority"), value: String(it.priority), max: "3", hint: ordinary(it) !== undefined && t("priority.hint", { n: ordinary(it) }) },
    ],
    buttons: [{ text: t("save"), value: "ok", class: "primary" }],
  });
  if (!answer) return;
  const change = {};
  const { name: called, language, priority } = answer.values;
  if (called.trim() && called !== it.customer.name) change.name = called.trim();
  if (language.trim() && language !== it.customer.language) change.language = language.trim();
  const number = Number.parseInt(priority, 10);
  if (number >= 0 && number <= 255 && number !== it.priority) change.priority = number;
  if (Object.keys(change).length) edit(change);
}

function brief(it) {
  const { handoff } = it;
  if (!handoff) return null;
  return section(t("handoff"), facts(
    [t("reason"), t("reason." + handoff.reason)],
    [t("rule"), h("code", {}, handoff.rule)],
    handoff.matched && [t("words"), said(handoff.matched)],
    [t("asked"), h("time", { datetime: handoff.requested_at, title: exactly(handoff.requested_at) }, when(handoff.requested_at))],
    it.offered_to && [t("offered"), name(it.offered_to)],
  ));
}

function tags(it) {
  const list = [...it.tags];
  const remove = (tag) => edit({ tags: list.filter((one) => one !== tag) });
  return section(t("tags"), h("ul", { class: "taglist" },
    list.map((tag) => h("li", { class: "chip tag" }, name(tag),
      can("agent") && h("button", { type: "button", class: "icon", "aria-label": t("remove.tag", { tag }), onclick: () => remove(tag) }, "×"))),
    can("agent") && h("li", {}, small("+ " + t("add.tag"), addTag))));
}

// What we note for ourselves, and show elsewhere.
const OURS = ["snoozed_until", "open_approvals"];

function attributes(it) {
  const rows = Object.entries(it.attributes).filter(([key]) => !OURS.includes(key));
  if (!rows.length) return null;
  return section(t("attributes"), facts(...rows.map(([key, value]) => [name(key), said(value)])));
}

function people(it) {
  const viewing = marked(it.id, "viewing");
  const rows = [];
  if (it.assignee) rows.push([t("has.it.short"), [name(it.assignee), it.assignee_since ? " · " + when(it.assignee_since) : ""]]);
  if (viewing.length) rows.push([t("looking"), viewing.map((who, at) => [at > 0 && ", ", name(who)])]);
  if (snoozed(it)) rows.push([t("snoozed"), [when(it.attributes.snoozed_until), " ", it.assignee === state.me.name && small(t("wake"), snooze)]]);
  if (!rows.length) return null;
  return section(t("people"), facts(...rows), it.assignee && it.assignee !== state.me.name && can("lead") && small(t("whisper"), whisper));
}

// A customer has one thread on a channel; its episodes are their earlier conversations.
function episodes() {
  const list = open.facts.episodes;
  if (list.length < 2 && open.complete) return null;
  return section(t("earlier"), h("ol", { class: "episodes", reversed: true }, [...list].reverse().map((one) => h("li", {},
    button([when(one.at), one.outcome ? " · " + t("outcome." + one.outcome) : " · " + t("goes.on")], () => goTo(one.n), { class: "link" })))),
    !open.complete && h("p", { class: "faint" }, t("loading")));
}

// The same customer on other channels, where the API tells of them.
function others(it) {
  if (!Array.isArray(it.others) || !it.others.length) return null;
  return section(t("also.on"), h("ul", { class: "episodes" }, it.others.map((one) => {
    const id = typeof one === "string" ? one : one.id || one.conversation;
    return h("li", {}, button([one.channel || id, one.mode ? " · " + t("mode." + one.mode) : ""], () => openOther(id), { class: "link" }));
  })));
}

// The word of a lead on the last handoff, or on a conversation that should have had one.
function judge() {
  if (!can("lead")) return null;
  const asked = open.entries.filter((entry) => entry.kind === "handoff_requested");
  const last = asked[asked.length - 1];
  const given = open.entries.filter((entry) => entry.kind === "reviewed").pop();
  const words = last ? ["justified", "unnecessary"] : ["missed"];
  return section(t("review"),
    h("p", { class: "faint" }, last ? t("review.handoff", { reason: t("reason." + last.reason), at: when(last.at) }) : t("review.none")),
    h("div", { class: "buttons start" }, words.map((word) => button(t("verdict." + word), () => review(last ? last.handoff : null, word), {
      "aria-pressed": String(Boolean(given) && given.verdict === word) }))));
}
