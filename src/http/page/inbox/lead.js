// What leads see and do: the queues as they are now, the people and their day, handoffs to be judged, canned replies, the
// switches of the AI, and what could not be handled.
import { del, get, pages, post, put } from "./api.js";
import { button, fill, h, lasting, name, now, said, took, when } from "./dom.js";
import { ask, toast } from "./dialogs.js";
import { agents, loadPeople, queues } from "./store.js";
import { loadTexts } from "./canned.js";
import { t } from "./words.js";

const TABS = ["now", "review", "canned", "house"];
let box, tab = "now", openIt = () => {}, showAgent = () => {}, shownAt = 0, working = false, turn = 0;

export function makeLead(onOpen, onAgent) {
  openIt = onOpen;
  showAgent = onAgent;
  box = h("div", { class: "lead-inner" });
  return box;
}

export function showLead() {
  const place = h("div", { class: "lead-body", "aria-live": "off" });
  fill(box,
    h("div", { class: "tabs", role: "group", "aria-label": t("lead") }, TABS.map((one) => button(t("lead." + one), () => { tab = one; showLead(); }, { "aria-pressed": String(one === tab) }))),
    place);
  draw(place);
}

// Called every few seconds while it is in sight.
export function refreshLead() {
  const place = box.querySelector(".lead-body");
  if (tab === "now" && place && !working && Date.now() - shownAt > 10000) draw(place);
}

// The last one that was asked for is shown, however long those before it take.
async function draw(place) {
  const mine = (turn += 1);
  shownAt = Date.now();
  working = true;
  if (!place.firstChild) fill(place, h("p", { class: "nothing" }, t("loading")));
  let content;
  try {
    content = await { now: nowTab, review: reviewTab, canned: cannedTab, house: houseTab }[tab]();
  } catch (problem) {
    content = h("p", { class: "nothing warn" }, problem.detail || t("unreadable"));
  }
  if (mine !== turn) return;
  working = false;
  fill(place, content);
}

const table = (caption, head, rows, empty) => h("div", { class: "scroll" }, h("table", {}, h("caption", {}, caption),
  h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
  h("tbody", {}, rows.length ? rows : h("tr", {}, h("td", { colspan: head.length, class: "faint" }, empty)))));
const cells = (first, ...rest) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((what) => h("td", {}, what)));

// ---- now

async function today() {
  const midnight = new Date(now());
  midnight.setHours(0, 0, 0, 0);
  const list = [];
  await pages("/handoffs?limit=200&since=" + encodeURIComponent(midnight.toISOString()), (items) => { list.push(...items); return list.length < 5000; }, 50);
  return list;
}

const middle = (numbers) => { const sorted = numbers.filter((n) => n !== null && n !== undefined).sort((a, b) => a - b); return sorted.length ? sorted[Math.floor((sorted.length - 1) / 2)] : null; };
const share = (part, whole) => (whole ? Math.round((100 * part) / whole) + " %" : "–");

async function nowTab() {
  const [, handoffs] = await Promise.all([loadPeople(), today()]);
  const of = (queue) => handoffs.filter((one) => one.queue === queue);
  const inTime = (list) => { const settled = list.filter((one) => one.settlement); return share(settled.filter((one) => one.settlement === "claimed" && !one.late).length, settled.length); };
  const people = [...agents.values()].filter((agent) => agent.role !== "observer");
  const rooms = queues.map((queue) => cells(name(queue.name), String(queue.waiting),
    queue.oldest_waiting_since ? lasting(now() - Date.parse(queue.oldest_waiting_since)) : "–", String(queue.human),
    String(people.filter((agent) => agent.presence === "available" && (!agent.queues.length || agent.queues.includes(queue.name))).length),
    String(of(queue.name).length), inTime(of(queue.name)), took(middle(of(queue.name).map((one) => one.claimed_after_ms))),
    queue.ai ? t("on") : h("b", { class: "warn" }, t("off"))));
  const rows = people.map((agent) => {
    const theirs = handoffs.filter((one) => one.claimed_by === agent.name);
    return cells([h("span", { class: "dot " + agent.presence, "aria-hidden": "true" }), name(agent.name)], t("presence." + agent.presence), t("role." + agent.role),
      agent.holding ? button(String(agent.holding), () => showAgent(agent.name), { class: "link", "aria-label": t("show.of", { who: agent.name }) }) : "0",
      String(theirs.length), took(middle(theirs.map((one) => one.replied_after_ms))), took(middle(theirs.map((one) => one.held_ms))),
      String(theirs.filter((one) => one.ended === "handed_back").length));
  });
  return [
    table(t("queues.now"), [t("queue"), t("waiting"), t("oldest"), t("with.people"), t("available"), t("today.handoffs"), t("in.time"), t("median.claim"), t("ai")], rooms, t("none")),
    table(t("people.today"), [t("person"), t("presence"), t("role"), t("holding"), t("claimed"), t("median.first"), t("median.held"), t("given.back")], rows, t("none")),
    h("p", { class: "faint" }, t("figures.note")),
  ];
}

// ---- review

async function reviewTab() {
  const list = [];
  const since = new Date(now() - 14 * 86400000).toISOString();
  await pages("/handoffs?verdict=none&limit=100&since=" + encodeURIComponent(since), (items) => { list.push(...items); return list.length < 300; }, 20);
  list.sort((a, b) => Date.parse(b.requested_at) - Date.parse(a.requested_at));
  return list.length ? h("ul", { class: "cards" }, list.slice(0, 200).map(card)) : h("p", { class: "nothing" }, t("review.done"));
}

function card(one) {
  const judge = async (verdict) => {
    try {
      await post("/handoffs/" + encodeURIComponent(one.id) + "/review", { verdict });
      element.remove();
      toast(t("judged", { verdict: t("verdict." + verdict) }));
    } catch (problem) { toast(problem.detail || t("failed"), "warn"); }
  };
  const told = [when(one.requested_at), one.queue, one.claimed_by ? t("claimed.by", { who: one.claimed_by, after: took(one.claimed_after_ms) }) : one.ghost ? t("nobody.came") : t("not.claimed"), one.ended && (t("ended." + one.ended))].filter(Boolean);
  const element = h("li", { class: "card" },
    h("div", {}, h("b", {}, t("reason." + one.reason)), " ", h("code", {}, one.rule)),
    one.matched && h("p", { class: "summary" }, "“", said(one.matched), "”"),
    h("p", { class: "faint" }, told.join(" · ")),
    one.note && h("blockquote", { class: "said", dir: "auto" }, one.note),
    h("div", { class: "buttons start" },
      button(t("verdict.justified"), () => judge("justified")), button(t("verdict.unnecessary"), () => judge("unnecessary")),
      button(t("open"), () => openIt(one.conversation), { class: "link" })));
  return element;
}

// ---- canned replies

async function cannedTab() {
  const { items } = await get("/canned");
  const again = async () => { await loadTexts(); showLead(); };
  const change = async (one) => {
    const answer = await ask({
      title: one ? t("canned.edit") : t("canned.add"),
      fields: [
        { name: "name", label: t("canned.name"), value: one ? one.name : "", required: true, max: "40", hint: t("canned.name.hint") },
        { name: "text", label: t("text"), kind: "area", value: one ? one.text : "", required: true, hint: t("canned.text.hint") },
        { name: "language", label: t("language"), value: (one && one.language) || "", max: "16" },
      ],
      buttons: [{ text: t("save"), value: "ok", class: "primary" }],
    });
    if (!answer) return;
    const { name: called, text, language } = answer.values;
    const body = { name: called.trim().replace(/^\//, ""), text, language: language.trim() || null };
    try {
      if (one) await put("/canned/" + one.id, body); else await post("/canned", body);
      toast(t("saved"));
      await again();
    } catch (problem) { toast(problem.detail || t("failed"), "warn"); }
  };
  const remove = async (one) => {
    const sure = await ask({ title: t("canned.remove", { name: one.name }), buttons: [{ text: t("remove"), value: "ok", class: "danger" }] });
    if (!sure) return;
    try { await del("/canned/" + one.id); await again(); } catch (problem) { toast(problem.detail || t("failed"), "warn"); }
  };
  return [
    h("div", { class: "buttons start" }, button(t("canned.add"), () => change(null), { class: "primary" })),
    h("ul", { class: "cards" }, items.map((one) => h("li", { class: "card" },
      h("div", {}, h("b", {}, "/", name(one.name)), one.language && h("span", { class: "chip" }, one.language)),
      said(one.text, "p", "text"),
      h("div", { class: "buttons start" }, button(t("edit"), () => change(one), { class: "link" }), button(t("remove"), () => remove(one), { class: "link" }))))),
    !items.length && h("p", { class: "nothing" }, t("canned.none")),
  ];
}

// ---- the house: switches of the AI, what was parked, the modes

async function houseTab() {
  const quiet = (work) => work.catch(() => null);
  const [ai, parked, stats, door] = await Promise.all([get("/ai"), quiet(get("/parked")), quiet(get("/stats")), quiet(get("/sign-ins"))]);
  const turn = async (body, on, text) => {
    const sure = on || await ask({ title: t("ai.off.sure", { where: text }), text: t("ai.off.text"), buttons: [{ text: t("turn.off"), value: "ok", class: "danger" }] });
    if (!sure) return;
    try { await put("/ai", { ...body, on }); await loadPeople(); showLead(); } catch (problem) { toast(problem.detail || t("failed"), "warn"); }
  };
  const line = (text, on, body) => h("li", {}, h("span", {}, name(text)), h("b", { class: on ? "" : "warn" }, on ? t("on") : t("off")),
    button(on ? t("turn.off") : t("turn.on"), () => turn(body, !on, text), { class: on ? "" : "primary" }));
  const last = ai.changes[0];
  return [
    stats && h("p", { class: "figures" }, ["waiting", "human", "ai", "closed"].map((mode) => h("span", {}, h("b", {}, count(stats.conversations, mode)), " ", t("mode." + mode)))),
    h("section", {}, h("h3", {}, t("ai.switches")), h("ul", { class: "switches" },
      line(t("everywhere"), ai.all, { all: true }), queues.map((queue) => line(queue.name, !ai.queues_off.includes(queue.name), { queue: queue.name })),
      ai.channels_off.map((channel) => line(channel, false, { channel }))),
      last && h("p", { class: "faint" }, t("last.turned", { who: last.by, at: when(last.at) }))),
    parked && h("section", {}, h("h3", {}, t("parked.things")), parked.items.length
      ? h("ul", { class: "cards" }, parked.items.map(parkedCard)) : h("p", { class: "faint" }, t("nothing.parked"))),
    door && signIns(door),
  ];
}

// Who came in, went, or tried to; the older lines when somebody asks for them.
function signIns(first) {
  const rows = h("div");
  let items = [];
  const show = (page) => {
    items = items.concat(page.items);
    fill(rows, table(t("sign.ins"), [t("time"), t("person"), t("what"), t("from")], items.map((one) => cells(
      one.times > 1 ? when(one.at) + " – " + when(one.last_at) : when(one.at), one.agent ? name(one.agent) : "–",
      t("sign.ins." + one.kind) + (one.times > 1 ? " × " + one.times : ""), one.from || "–")), t("none")),
      page.next && button(t("older"), () => get("/sign-ins?cursor=" + page.next).then(show, (problem) => toast(problem.detail || t("failed"), "warn")), { class: "link" }));
  };
  show(first);
  return rows;
}

const count = (of, mode) => ((mode === "ai" || mode === "closed") && of[mode] >= of.counted_up_to ? "≥ " : "") + of[mode];

function parkedCard(one) {
  const settle = async (how) => {
    if (how === "discard" && !(await ask({ title: t("discard.sure"), buttons: [{ text: t("discard"), value: "ok", class: "danger" }] }))) return;
    try { await post("/parked/" + one.id + "/" + how); element.remove(); } catch (problem) { toast(problem.detail || t("failed"), "warn"); }
  };
  const element = h("li", { class: "card" }, h("div", {}, h("b", {}, one.kind), " ", name(one.origin), " · ", when(one.at)), h("p", {}, one.why),
    h("details", {}, h("summary", {}, t("show")), h("pre", {}, one.raw)),
    h("div", { class: "buttons start" }, button(t("try.again"), () => settle("retry")), button(t("discard"), () => settle("discard"), { class: "link" })));
  return element;
}
