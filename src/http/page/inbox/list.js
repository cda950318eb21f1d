// The list of conversations. Only the rows in sight exist, so ten rows or ten thousand cost the same. It is one listbox:
// one stop of the tab key, arrows within.
import { listed, loadOlder, marked, olderModes, ordinary, queues, since, snoozed, state, unread } from "./store.js";
import { questionOf } from "./approvals.js";
import { brief, called, fill, h, lasting, name, now, onFrame, said } from "./dom.js";
import { t } from "./words.js";

const ROW = 90; // the height of a row in CSS pixels; .row in the style has the same
const BEYOND = 6; // rows drawn above and below what is in sight

let box, inner, items = [], cursor = null, open = () => {};
const drawn = new Map(); // id → {row, face, it}

export function makeList(onOpen) {
  open = onOpen;
  // A row may be drawn anew under the pointer: where it was released counts then, and no click is lost.
  inner = h("div", { class: "rows", onclick: (event) => {
    const row = event.target.closest(".row") || document.elementFromPoint(event.clientX, event.clientY)?.closest(".row");
    if (row) choose(row.id.slice("row-".length));
  } });
  box = h("div", {
    id: "list", class: "list", role: "listbox", tabindex: "0", "aria-label": t("conversations"),
    onscroll: drawSoon, onkeydown: keys, onfocus: drawSoon,
  }, inner);
  new ResizeObserver(drawSoon).observe(box);
  return box;
}

export const order = () => items;

export const showList = onFrame(() => {
  if (!state.me) return;
  items = listed();
  draw();
});
const drawSoon = onFrame(draw);

function draw() {
  if (!box || !state.me) return;
  if (!items.length) {
    drawn.clear();
    inner.style.height = "auto";
    fill(inner, nothing());
    box.removeAttribute("aria-activedescendant");
    return;
  }
  inner.querySelector(".nothing")?.remove();
  inner.style.height = items.length * ROW + "px";
  const first = Math.max(0, Math.floor(box.scrollTop / ROW) - BEYOND);
  const last = Math.min(items.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + BEYOND);
  const wanted = new Set();
  for (let at = first; at < last; at += 1) {
    const it = items[at];
    wanted.add(it.id);
    const old = drawn.get(it.id);
    const face = faceOf(it);
    if (!old || old.face !== face) {
      const row = rowOf(it);
      if (old) old.row.replaceWith(row); else inner.append(row);
      drawn.set(it.id, { row, face, it });
    }
    const one = drawn.get(it.id);
    const row = one.row;
    one.it = it;
    row.style.transform = "translateY(" + at * ROW + "px)";
    row.setAttribute("aria-posinset", at + 1);
    row.setAttribute("aria-setsize", items.length);
    const chosen = it.id === state.selected;
    row.setAttribute("aria-selected", chosen);
    row.classList.toggle("cursor", it.id === cursor);
  }
  for (const [id, { row }] of drawn) {
    if (!wanted.has(id)) { row.remove(); drawn.delete(id); }
  }
  const active = cursor && drawn.has(cursor) ? "row-" + cursor : null;
  if (active) box.setAttribute("aria-activedescendant", active); else box.removeAttribute("aria-activedescendant");
  tick();
  if (last > items.length - 20) for (const mode of olderModes(state.list)) loadOlder(mode).catch(() => {});
}

function nothing() {
  if (!state.loaded) return h("p", { class: "nothing" }, t("loading"));
  const text = state.query || state.queue ? t("nothing.found") : t("nothing." + state.list);
  for (const mode of olderModes(state.list)) loadOlder(mode).catch(() => {});
  return h("p", { class: "nothing" }, text);
}

// What a row shows, in one text: a row is drawn anew only when this changes.
const faceOf = (it) => it.rev + " " + ordinary(it) + " " + (it.last_message ? it.last_message.at : "") + " " + unread(it) + " " + snoozed(it)
  + " " + marked(it.id, "typing").join() + " " + state.list + (state.list === "approvals" ? questionOf(it) : "");

function rowOf(it) {
  const isUnread = unread(it);
  const last = it.last_message;
  const typing = marked(it.id, "typing");
  const who = called(it);
  const asks = state.list === "approvals";
  const words = typing.length
    ? h("span", { class: "typing" }, typing[0] ? t("is.writing", { who: typing[0] }) : t("customer.writes"))
    : said(asks ? questionOf(it) : last ? last.text : it.summary || "", "span", "snippet");
  return h("div", {
    id: "row-" + it.id, role: "option", class: "row" + (isUnread ? " unread" : "") + (snoozed(it) ? " snoozed" : ""),
  },
    h("span", { class: "lamp", "aria-hidden": "true" }),
    h("span", { class: "head" },
      h("span", { class: "who", dir: "auto" }, who),
      h("span", { class: "clock", "data-since": since(it), "data-deadline": it.deadline || "" }),
    ),
    h("span", { class: "last" },
      last && !asks && last.by !== "customer" && !typing.length && h("span", { class: "by" }, t("by." + last.by) + ": "),
      words,
      isUnread && h("span", { class: it.unread > 1 ? "count many" : "count" }, it.unread > 1 ? String(Math.min(it.unread, 99)) : "", h("span", { class: "unseen" }, t("unread"))),
    ),
    h("span", { class: "tags" },
      state.list !== "waiting" && state.list !== "closed" && !(state.list === "mine" && it.mode === "human") && h("span", { class: "chip mode " + it.mode }, it.mode === "human" ? (it.assignee === state.me.name ? t("list.mine") : name(it.assignee)) : t("mode." + it.mode)),
      it.offered_to && h("span", { class: "chip offer" }, it.offered_to === state.me.name ? t("offered.you") : t("offered.to", { who: it.offered_to })),
      it.reason && it.mode === "waiting" && h("span", { class: "chip" }, t("reason." + it.reason)),
      it.priority !== (ordinary(it) ?? it.priority) && h("span", { class: "chip priority" }, t("priority.n", { n: it.priority })),
      it.approvals.length > 0 && h("span", { class: "chip approval" }, it.approvals.length > 1 ? t("n.approvals", { n: it.approvals.length }) : t("approval")),
      snoozed(it) && h("span", { class: "chip" }, t("snoozed.until", { at: brief(it.attributes.snoozed_until) })),
      queues.length > 1 && h("span", { class: "chip plain" }, it.queue),
      h("span", { class: "chip plain" }, t("medium." + it.medium)),
      ...[...it.tags].slice(0, 3).map((tag) => h("span", { class: "chip tag" }, name(tag))),
    ),
  );
}

// Moves the clocks of the rows in sight.
export function tick() {
  for (const { row, it } of drawn.values()) {
    const clock = row.querySelector(".clock");
    const waits = it.mode === "waiting" || (it.mode === "human" && it.waiting_since);
    const text = waits ? lasting(now() - Number(clock.dataset.since)) : brief(it.updated_at);
    if (clock.textContent !== text) clock.textContent = text;
    clock.classList.toggle("running", Boolean(waits));
    const level = urgency(it);
    if (row.dataset.level !== level) row.dataset.level = level;
  }
}

// How near the deadline is: the lamp at the edge of the row.
export function urgency(it) {
  if (it.mode !== "waiting" || !it.deadline) return it.deadline && it.assignee === state.me.name ? "asked" : "none";
  const left = Date.parse(it.deadline) - now();
  const whole = Math.max(1, Date.parse(it.deadline) - since(it));
  if (left <= 0) return "late";
  return left / whole < 0.34 ? "soon" : "fine";
}

// ---- moving about

export function choose(id) {
  cursor = id;
  open(id);
  drawSoon();
}

export function move(by) {
  if (!items.length) return null;
  const from = items.findIndex((it) => it.id === (cursor || state.selected));
  const at = Math.min(items.length - 1, Math.max(0, from < 0 ? (by > 0 ? 0 : items.length - 1) : from + by));
  cursor = items[at].id;
  reveal(at);
  drawSoon();
  return cursor;
}

function reveal(at) {
  const top = at * ROW;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW - box.clientHeight;
}

export const top = () => { if (box) box.scrollTop = 0; };
export const focusList = () => box && box.focus();

function keys(event) {
  const page = Math.max(1, Math.floor(box.clientHeight / ROW) - 1);
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -items.length, End: items.length };
  if (event.key in steps && !event.altKey && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    move(steps[event.key]);
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    if (cursor) choose(cursor);
  }
}

