// One thread as it is shown: entries of the trail become days, turns, notes and events. What only explains an answer
// (question, tools, chunks, rules) is folded under it. Whatever anybody wrote is text.
import { get, path } from "./api.js";
import { at, day, fill, h, name, said, time, took, when } from "./dom.js";
import { caption, list } from "./files.js";
import { t } from "./words.js";

// ---- what is gathered from entries, whatever is in sight

export class Facts {
  constructor() {
    this.standing = new Map(); // message → {state, code, cause, attempts, n}
    this.files = new Map(); // message → the files it carries
    this.asks = new Map(); // ask → {asked, answered, failed, cancelled}
    this.episodes = []; // {n, at, number, outcome}
    this.lastCustomer = -1;
    this.lastSpoken = null;
    this.draft = null; // the AI's withdrawn answer, while nobody has written since
  }

  learn(entry) {
    const ask = (id) => this.asks.get(id) || this.asks.set(id, {}).get(id);
    switch (entry.kind) {
      case "files_added": this.files.set(entry.message, entry.attachments); break;
      case "settled": this.stand(entry.message, entry.state, entry.code, entry.cause, entry.n); break;
      case "ai_wrote": case "human_wrote": case "system_wrote":
        if (entry.state) this.stand(entry.message, entry.state, entry.code, null, entry.n);
        this.lastSpoken = entry;
        if (entry.kind !== "system_wrote") this.draft = null;
        break;
      case "customer_wrote": this.lastCustomer = Math.max(this.lastCustomer, entry.n); this.lastSpoken = entry; break;
      case "model_asked": ask(entry.ask).asked = entry; break;
      case "model_answered": ask(entry.ask).answered = entry; break;
      case "model_failed": ask(entry.ask).failed = entry; break;
      case "ask_cancelled": ask(entry.ask).cancelled = entry; break;
      case "draft_kept": this.draft = entry; break;
      case "opened": this.episodes.push({ n: entry.n, at: entry.at, number: entry.episode, outcome: null }); break;
      case "closed": { const last = this.episodes[this.episodes.length - 1]; if (last) last.outcome = entry.outcome; break; }
      default:
    }
  }

  // The later word counts.
  stand(message, state, code, cause, n) {
    const old = this.standing.get(message);
    if (!old || n >= old.n) this.standing.set(message, { state, code, cause, n });
  }
}

// ---- which entries are shown, and as what

const EVENTS = new Set(["opened", "handoff_requested", "claimed", "transferred", "handed_back", "asked_if_done", "kept",
  "lease_lapsed", "ladder_stepped", "ghost_declared", "closed", "reviewed", "edited", "event_parked", "customer_changed",
  "offer_made", "offer_answered", "approval_asked", "approval_decided", "model_failed", "ask_cancelled"]);
const TURNS = new Set(["customer_wrote", "ai_wrote", "human_wrote", "system_wrote"]);

// Items in order: {key, kind: day | turn | note | event | draft, entry, why}. `why`: rules that fired just before.
export function describe(entries) {
  const items = [];
  let today = "", rules = [];
  for (const entry of entries) {
    const shown = TURNS.has(entry.kind) ? "turn" : entry.kind === "note_written" ? "note"
      : entry.kind === "draft_kept" ? "draft" : EVENTS.has(entry.kind) ? "event" : null;
    if (entry.kind === "rule_fired") rules.push(entry);
    if (!shown) continue;
    const date = new Date(entry.at).toDateString();
    if (date !== today) {
      today = date;
      items.push({ key: "d" + entry.n, kind: "day", entry });
    }
    const before = items[items.length - 1];
    const follows = shown === "turn" && before.kind === "turn" && speaker(before.entry) === speaker(entry)
      && Date.parse(entry.at) - Date.parse(before.entry.at) < 180000;
    items.push({ key: entry.n, kind: shown, entry, follows, why: shown === "turn" && entry.kind === "customer_wrote" ? [] : rules });
    if (!(shown === "turn" && entry.kind === "customer_wrote")) rules = [];
  }
  return items;
}

const speaker = (entry) => entry.kind + " " + (entry.agent || "");

// About how high an item will be, before it is drawn.
export function estimate(item) {
  if (item.kind === "day") return 48;
  if (item.kind === "event") return 30;
  const text = item.entry.text || "";
  return (item.follows ? 40 : 62) + Math.floor(text.length / 62) * 21;
}

// ---- drawing

export function draw(item, of) {
  const element = { day: dayBreak, turn, note, event, draft }[item.kind](item, of);
  element.dataset.key = item.key;
  return element;
}

const dayBreak = ({ entry }) => h("div", { class: "day", role: "separator" }, h("span", {}, day(entry.at)));

function turn(item, of) {
  const { entry } = item;
  const side = entry.kind === "customer_wrote" ? "theirs" : "ours";
  const kind = { customer_wrote: "customer", ai_wrote: "ai", human_wrote: "human", system_wrote: "auto" }[entry.kind];
  const by = { customer: of.customer, ai: t("ai"), human: entry.agent, auto: t("class." + (entry.class || "system")) }[kind];
  const files = of.facts.files.get(entry.message) || (entry.body && entry.body.kind === "media" ? entry.body.attachments : []);
  const wordless = files.length > 0 && entry.text === caption(files);
  return h("article", { class: "turn " + side + " " + kind + (item.follows ? " follows" : ""), "aria-label": t("says", { who: by, at: when(entry.at) }) },
    !item.follows && h("header", {}, h("span", { class: "badge", "aria-hidden": "true" }, initial(by, kind)), h("b", {}, name(by)), " ", time(entry.at)),
    h("div", { class: "bubble" },
      entry.text && !wordless && said(entry.text, "p", "text"),
      entry.body && body(entry.body),
      files.length > 0 && list(files),
      entry.partial && h("p", { class: "faint" }, t("cut.off")),
      entry.choices && entry.choices.length > 0 && h("ul", { class: "choices", "aria-label": t("buttons") }, entry.choices.map((one) => h("li", {}, name(one.title)))),
    ),
    side === "ours" && standing(entry, of),
    kind === "ai" && explanation(item, of),
  );
}

const initial = (by, kind) => (kind === "ai" ? "✦" : kind === "auto" ? "↻" : (Array.from(by || "?")[0] || "?").toUpperCase());

function body(of) {
  if (of.kind === "choice") return h("p", { class: "faint" }, t("pressed"));
  if (of.kind === "location") {
    return h("p", { class: "file" }, "◎ ", of.label ? said(of.label) : "", " ", Number(of.latitude).toFixed(5) + ", " + Number(of.longitude).toFixed(5));
  }
  if (of.kind === "unknown") return h("p", { class: "faint" }, t("unknown.kind", { kind: of.of }));
  return null;
}

const MARKS = { pending: "○", in_flight: "◔", sent: "✓", delivered: "✓✓", read: "✓✓", failed: "✕", suppressed: "⊘", in_doubt: "?", parked: "⏸" };

// Where a message stands, and what can be done about it.
function standing(entry, of) {
  const known = of.facts.standing.get(entry.message);
  const owed = of.view.outbox.find((one) => one.message === entry.message);
  let state = owed ? owed.state : known ? known.state : null;
  if (!state) return null;
  if (owed && owed.in_doubt) state = "in_doubt";
  const parked = state === "parked";
  const why = state === "failed" || state === "suppressed"
    ? [known && known.cause && t("cause." + known.cause), known && known.code && "(" + known.code + ")"].filter(Boolean).join(" ") : "";
  return h("p", { class: "standing " + state },
    h("span", { "aria-hidden": "true" }, MARKS[state] || "", " "),
    t("state." + state), parked && owed && owed.until && [" ", t("parked.until", { at: when(owed.until) })], why && ": ", why && name(why),
    entry.kind === "human_wrote" && (state === "pending" || parked) && of.canAct && h("button", { type: "button", class: "link", onclick: () => of.takeBack(entry) }, t("take.back")),
  );
}

// What the AI saw and did, folded; why it was decided is asked for only when somebody unfolds it.
function explanation({ entry, why }, of) {
  const ask = of.facts.asks.get(entry.ask) || {};
  const { answered, asked } = ask;
  const bits = [];
  if (answered && answered.model) bits.push(answered.model);
  if (answered && answered.took_ms !== undefined) bits.push(took(answered.took_ms));
  if (entry.sources.length) bits.push(t("n.sources", { n: entry.sources.length }));
  if (answered && answered.tools.length) bits.push(t("n.tools", { n: answered.tools.length }));
  const details = h("details", { class: "explain" },
    h("summary", {}, t("why"), bits.length > 0 && h("span", { class: "faint" }, " · ", bits.join(" · "))));
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("dl")) return;
    details.append(explained(entry, answered, asked, why));
    const place = details.appendChild(h("ol", { class: "decisions" }));
    decisions(of.view.id, asked ? asked.n : entry.n, entry.n, place);
  });
  return details;
}

function explained(entry, answered, asked, why) {
  const rows = [];
  const row = (term, ...what) => rows.push(h("dt", {}, term), h("dd", {}, ...what));
  if (asked) row(t("asked"), at(asked.at), " · ", t("n.messages", { n: asked.messages }));
  if (answered) {
    row(t("model"), answered.model, " · ", took(answered.took_ms), " · ", t("tokens", { input: answered.usage.input, output: answered.usage.output }));
    if (answered.confidence !== null) row(t("confidence"), answered.confidence + " %");
    for (const tool of answered.tools) row(t("tool"), h("code", {}, tool.name), " ", said(tool.arguments, "code"));
  }
  for (const source of entry.sources) row(t("source"), h("code", { class: "chunk" }, String(source.chunk)), " ", meter(source.score));
  if (!entry.sources.length) row(t("source"), t("none"));
  for (const rule of why) row(t("rule"), h("code", {}, rule.rule), " ", t("reason." + rule.reason), rule.matched && [" “", said(rule.matched), "”"], rule.observed && " " + t("observed"));
  return h("dl", {}, rows);
}

const meter = (score) => h("span", { class: "faint" }, t("score"), " ", score.toFixed(2));

async function decisions(id, from, upto, place) {
  fill(place, h("li", { class: "faint" }, t("loading")));
  try {
    const told = await get(path(id, "explain?limit=60" + (from > 0 ? "&after=" + (from - 1) : "")));
    const near = told.items.filter((one) => one.entries[0] <= upto).slice(0, 6);
    fill(place, near.map((one) => h("li", {}, time(one.at), " ", h("code", {}, one.came_in), " → ", said(one.because))));
  } catch {
    fill(place, h("li", { class: "faint" }, t("unreadable")));
  }
}

function note({ entry }, of) {
  const mine = mentions(entry.text, of.me);
  return h("article", { class: "note" + (mine ? " mine" : ""), "aria-label": t("note.by", { who: entry.agent, at: when(entry.at) }) },
    h("header", {}, h("span", { "aria-hidden": "true" }, "✎ "), h("b", {}, name(entry.agent)), " ", h("span", { class: "faint" }, t("private")), " ", time(entry.at)),
    h("p", { class: "said text", dir: "auto" }, withMentions(entry.text, of.people)),
  );
}

export const mentions = (text, who) => (" " + text).toLowerCase().includes("@" + who.toLowerCase());

function withMentions(text, people) {
  const names = people.filter((who) => text.includes("@" + who)).sort((a, b) => b.length - a.length);
  if (!names.length) return [text];
  const parts = [];
  let rest = text;
  while (rest) {
    const next = names.map((who) => ({ who, i: rest.indexOf("@" + who) })).filter(({ i }) => i >= 0).sort((a, b) => a.i - b.i)[0];
    if (!next) break;
    parts.push(rest.slice(0, next.i), h("mark", {}, "@" + next.who));
    rest = rest.slice(next.i + next.who.length + 1);
  }
  return [...parts, rest];
}

// The AI's answer that was withdrawn because a person came: offered, never sent by itself.
function draft({ entry }, of) {
  return h("article", { class: "note draft", "aria-label": t("draft.of.ai") },
    h("header", {}, h("span", { "aria-hidden": "true" }, "✦ "), h("b", {}, t("draft.of.ai")), " ", h("span", { class: "faint" }, t("draft.unsent")), " ", time(entry.at)),
    said(entry.text, "p", "text"),
    of.canAct && h("button", { type: "button", class: "small", onclick: () => of.useDraft(entry.text) }, t("draft.use")),
  );
}

function event(item, of) {
  const { entry } = item;
  const strong = ["handoff_requested", "claimed", "handed_back", "closed", "ghost_declared", "transferred", "lease_lapsed", "event_parked", "approval_asked", "approval_decided"].includes(entry.kind);
  return h("div", { class: "event" + (strong ? " strong" : "") },
    h("span", { class: "what" }, eventWords(entry, item.why, of)), " ", time(entry.at),
    entry.note && h("blockquote", { class: "said", dir: "auto" }, entry.note),
  );
}

function eventWords(entry, why) {
  const who = name(entry.agent || t("by." + (entry.by || "policy")));
  const rule = (one) => h("code", {}, one);
  const quoted = (words) => words && [" “", said(words), "”"];
  switch (entry.kind) {
    case "opened": return [t(entry.reopened ? "ev.reopened" : "ev.opened", { n: entry.episode, by: t("by." + entry.by) })];
    case "handoff_requested": return [t("ev.handoff", { reason: t("reason." + entry.reason), queue: entry.queue }), " ", rule(entry.rule), quoted(entry.matched),
      why.filter((one) => one.rule !== entry.rule).map((one) => [" ", rule(one.rule)])];
    case "claimed": return [who, " ", entry.from ? t("ev.took.from", { from: entry.from }) : entry.handoff ? t("ev.claimed") : t("ev.took"),
      entry.in_flight.length > 0 && " · " + t("ev.in.flight", { n: entry.in_flight.length })];
    case "transferred": return [who, " ", t("ev.transferred", { to: entry.to || entry.queue })];
    case "handed_back": return entry.by === "agent" ? [who, " ", t("ev.handed.back")] : [t("ev.back.by", { by: t("by." + entry.by) })];
    case "asked_if_done": return [who, " ", t("ev.asked.done", { at: at(entry.answer_by) })];
    case "kept": return [who, " ", t("ev.kept")];
    case "lease_lapsed": return [who, " ", t("ev.lapsed", { held: took(entry.held_ms) })];
    case "ladder_stepped": return [t("ev.ladder", { step: entry.step, action: entry.action })];
    case "ghost_declared": return [t("ev.ghost." + entry.cause)];
    case "closed": return [t("ev.closed", { outcome: t("outcome." + entry.outcome), by: t("by." + entry.by) })];
    case "reviewed": return [who, " ", t("ev.reviewed", { verdict: t("verdict." + entry.verdict) })];
    case "edited": return [who, " ", t("ev.edited"), " ", said(editWords(entry.change))];
    case "event_parked": return [t("ev.parked"), " ", rule(entry.event)];
    case "customer_changed": return [t("ev.customer.changed"), " ", said([entry.name, entry.address, entry.language].filter(Boolean).join(" · "))];
    case "offer_made": return [t("ev.offer"), " ", rule(entry.rule), quoted(entry.matched)];
    case "offer_answered": return [t(entry.accepted ? "ev.offer.yes" : "ev.offer.no"), quoted(entry.matched)];
    case "approval_asked": return [who, " ", t("ev.approval.asked"), entry.amount && [" ", name(entry.amount)], quoted(entry.question)];
    case "approval_decided": return [who, " ", t(entry.approved ? "ev.approval.yes" : "ev.approval.no"), quoted(entry.question)];
    case "model_failed": return [t("ev.model.failed"), " ", rule(entry.fault)];
    case "ask_cancelled": return [t("ev.cancelled." + entry.cause)];
    default: return [entry.kind];
  }
}

function editWords(change) {
  if (!change || typeof change !== "object") return String(change);
  const parts = [];
  if (change.tags) parts.push(change.tags.map((tag) => "#" + tag).join(" ") || "–");
  for (const [key, value] of change.attributes || []) parts.push(key + " = " + (value ?? "–"));
  for (const key of ["priority", "language", "name"]) if (change[key] !== null && change[key] !== undefined) parts.push(key + ": " + change[key]);
  return parts.join(", ");
}
