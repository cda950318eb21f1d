// The chat page: one thread, live. The words it speaks are described in src/http/chat/protocol.rs.
// Everything anybody wrote is set as text, never as HTML. What was not stored yet is kept and sent again
// under the same id, so that nothing is lost and nothing doubled.
"use strict";

const WORDS = {
  en: {
    label: "Your message", send: "Send", person: "Talk to a person", ask: "I would like to talk to a person", back: "Back to the assistant", end: "/end",
    empty: "Write a message to begin.", you: "You", ai: "Assistant", agent: "Agent", system: "Notice",
    who: { ai: "The assistant answers", waiting: "Waiting for a person", human: "%s answers", closed: "Ended. Write to begin again", none: "" },
    typing: "%s is writing", offline: "Not connected. Trying again…", idle: "Paused. Write to go on.",
    rules: "Paused: too much came from this page at once. Write to go on.", tabs: "This chat is open in too many tabs. Close one and write to go on.",
    large: "This message is too long to be sent.",
    unsent: "Not sent yet", cut: "Interrupted", blocked: "This page may not open this chat.",
  },
  es: {
    label: "Tu mensaje", send: "Enviar", person: "Hablar con una persona", ask: "Quiero hablar con una persona", back: "Volver al asistente", end: "/fin",
    empty: "Escribe un mensaje para empezar.", you: "Tú", ai: "Asistente", agent: "Agente", system: "Aviso",
    who: { ai: "Responde el asistente", waiting: "Esperando a una persona", human: "Responde %s", closed: "Terminado. Escribe para empezar de nuevo", none: "" },
    typing: "%s está escribiendo", offline: "Sin conexión. Reintentando…", idle: "En pausa. Escribe para seguir.",
    rules: "En pausa: esta página ha enviado demasiado a la vez. Escribe para seguir.", tabs: "Este chat está abierto en demasiadas pestañas. Cierra una y escribe para seguir.",
    large: "Este mensaje es demasiado largo para enviarlo.",
    unsent: "Aún no enviado", cut: "Interrumpido", blocked: "Esta página no puede abrir este chat.",
  },
};

const language = (new URLSearchParams(location.search).get("lang") || navigator.language || "en").toLowerCase();
const words = WORDS[language.split("-")[0]] || WORDS.en;
const channel = document.body.dataset.channel;
const base = "/chat/" + encodeURIComponent(channel);
const $ = (id) => document.getElementById(id);
const log = $("log"), field = $("text"), form = $("form");

// ---- what is remembered

const KEY = "segue.chat." + channel;
const memory = {
  get(name, otherwise) {
    try { return JSON.parse(localStorage.getItem(KEY + name)) ?? otherwise; } catch { return otherwise; }
  },
  set(name, value) {
    try { localStorage.setItem(KEY + name, JSON.stringify(value)); } catch { /* private mode: this tab only */ }
  },
};
let visitor = memory.get("", null);
let unsent = memory.get(".unsent", []); // {id, type, text | choice, title}, oldest first
let last = null; // the highest entry shown in this page
const keepUnsent = () => memory.set(".unsent", unsent);

// ---- what is shown

const streams = new Map(); // effect → element
const own = new Map(); // id → element
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });

function bubble(from, by) {
  const message = document.createElement("article");
  message.className = "message " + from;
  if (by) {
    const name = message.appendChild(document.createElement("span"));
    name.className = "by";
    name.textContent = by;
  }
  const text = message.appendChild(document.createElement("p"));
  text.className = "text";
  return message;
}

const textOf = (message) => message.querySelector(".text");

function note(message, text) {
  const found = message.querySelector(".note") || message.appendChild(document.createElement("span"));
  found.className = "note";
  found.textContent = text;
  found.hidden = !text;
}

// Puts a message where it belongs in the thread: unstored and unfinished ones stay at the end.
function place(message, entry) {
  $("empty").hidden = true;
  if (entry === undefined) {
    log.appendChild(message);
  } else {
    message.dataset.entry = entry;
    let before = log.lastElementChild;
    while (before && before !== message && !(Number(before.dataset.entry) <= entry) && before.id !== "empty") {
      before = before.previousElementSibling;
    }
    if (before !== message && before !== message.previousElementSibling) before.after(message);
  }
  if (atEnd || message.classList.contains("you")) toEnd();
}

// Whoever reads at the end stays there when lines come or the window shrinks; whoever reads further up is left alone.
let atEnd = true;
function toEnd() {
  atEnd = true;
  log.scrollTop = log.scrollHeight;
}
log.addEventListener("scroll", () => { atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80; });
new ResizeObserver(() => atEnd && toEnd()).observe(log);

function speaker(told) {
  if (told.from === "you") return words.you;
  if (told.from === "ai") return words.ai;
  return told.from === "human" ? told.name || words.agent : "";
}

function showMessage(told) {
  if (last !== null && told.entry <= last) return;
  last = told.entry;
  hideTyping();
  let message = (told.id && own.get(told.id)) || streams.get(told.effect);
  const by = speaker(told) && speaker(told) + " · " + clock.format(new Date(told.at));
  if (!message) message = bubble(told.from, by);
  else message.querySelector(".by").textContent = by;
  streams.delete(told.effect);
  message.classList.remove("writing", "unsent");
  message.removeAttribute("aria-busy");
  textOf(message).textContent = told.text;
  note(message, told.partial ? words.cut : "");
  if (told.from === "you") stored(told.id);
  for (const old of log.querySelectorAll(".choices")) old.remove();
  if (told.choices) message.appendChild(choices(told.choices));
  place(message, told.entry);
  if (document.hidden && told.from !== "you") document.title = "● " + words.label;
}

function choices(list) {
  const row = document.createElement("div");
  row.className = "choices";
  for (const choice of list) {
    const button = row.appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = choice.title;
    button.addEventListener("click", () => {
      row.remove();
      write({ type: "choose", choice: choice.id, title: choice.title });
      field.focus();
    });
  }
  return row;
}

function showPiece(told) {
  hideTyping();
  let message = streams.get(told.effect);
  if (!message) {
    message = bubble("ai", words.ai + " · " + clock.format(new Date()));
    message.classList.add("writing");
    message.setAttribute("aria-busy", "true"); // read out once it is whole
    streams.set(told.effect, message);
  }
  textOf(message).textContent += told.text;
  place(message);
}

function cutStream(effect) {
  streams.get(effect)?.remove();
  streams.delete(effect);
}

let typingUntil;
function showTyping(name, seconds) {
  clearTimeout(typingUntil);
  $("typing").firstElementChild.textContent = words.typing.replace("%s", name || words.ai);
  $("typing").hidden = false;
  typingUntil = setTimeout(hideTyping, seconds * 1000);
}
function hideTyping() {
  $("typing").hidden = true;
}

function showWho({ mode, name, may_end: mayEnd }) {
  $("who").textContent = words.who[mode || "none"].replace("%s", name || words.agent);
  // One button, for whoever does not answer now: a person, or the assistant again.
  $("person").hidden = mode === "waiting" || (mode === "human" && !mayEnd);
  $("person").dataset.say = mode === "human" ? words.end : words.ask;
  $("person").textContent = mode === "human" ? words.back : words.person;
  if (mode !== "human" && mode !== "ai") hideTyping();
}

function showState(text) {
  $("state").textContent = text;
  $("state").hidden = !text;
}

function clearLog() {
  for (const message of log.querySelectorAll(".message")) message.remove();
  streams.clear();
  own.clear();
  last = null;
  for (const message of unsent) showOwn(message);
}

// ---- what the customer writes

function showOwn(message) {
  const shown = bubble("you unsent", words.you);
  textOf(shown).textContent = message.text || message.title;
  if (!transport) note(shown, words.unsent);
  own.set(message.id, shown);
  place(shown);
}

function write(message) {
  message.id = crypto.randomUUID ? crypto.randomUUID() : Date.now().toString(36) + Math.random().toString(36).slice(2);
  unsent.push(message);
  keepUnsent();
  showOwn(message);
  if (transport) sendNext();
  else connectNow();
}

// One at a time, oldest first: what the customer wrote arrives in that order, and reconnecting sends no burst.
let underWay = null;
function sendNext() {
  if (!transport || underWay || !unsent.length) return;
  underWay = unsent[0].id;
  transport.send(unsent[0]);
}

function stored(id) {
  own.get(id)?.classList.remove("unsent");
  if (own.has(id)) note(own.get(id), "");
  unsent = unsent.filter((message) => message.id !== id);
  keepUnsent();
  if (underWay === id) underWay = null;
  sendNext();
}

function refused(told) {
  const message = unsent.find((message) => message.id === told.id);
  if (!message) return;
  if (told.retry_after) {
    if (own.has(told.id)) note(own.get(told.id), words.unsent);
    setTimeout(() => {
      underWay = null;
      sendNext();
    }, told.retry_after * 1000);
    return;
  }
  stored(told.id);
  const shown = own.get(told.id);
  if (shown) {
    shown.classList.add("refused");
    note(shown, told.why);
  }
}

// ---- how it travels

let transport = null; // {send(message), close()}
let attempt = 0, plain = false, waiting, idle = false;

function hear(told) {
  switch (told.type) {
    case "welcome":
      visitor = told.visitor;
      memory.set("", visitor);
      attempt = 0;
      if (told.after !== last) clearLog();
      showState("");
      showWho(told);
      underWay = null;
      sendNext();
      break;
    case "message": showMessage(told); break;
    case "streamed": showPiece(told); break;
    case "stream_cut": cutStream(told.effect); break;
    case "typing": showTyping(told.name, told.seconds); break;
    case "stored": stored(told.id); break;
    case "refused": refused(told); break;
    case "who": showWho(told); break;
    default: console.warn(told.why || told.type);
  }
}

function openSocket() {
  const url = new URL(base + "/socket", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  const mine = {
    send(message) { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)); },
    close() { socket.close(); },
  };
  let opened = false;
  socket.onopen = () => {
    opened = true;
    mine.send({ type: "hello", visitor, last, language });
  };
  socket.onmessage = (event) => transport === mine && hear(JSON.parse(event.data));
  socket.onclose = (event) => {
    if (!opened) plain = attempt > 0 && !plain; // twice in vain: some networks let no WebSocket through
    lost(mine, event.code, event.reason);
  };
  return mine;
}

// Without WebSocket: events by fetch, so that the secret stands in a header and in no log.
function openPlain() {
  const stop = new AbortController();
  const headers = () => (visitor ? { authorization: "Bearer " + visitor } : {});
  let sending = Promise.resolve();
  const mine = {
    send(message) { sending = sending.then(() => post(message)).catch(() => stop.abort()); },
    close() { stop.abort(); },
  };
  async function post(message) {
    const body = JSON.stringify({ ...message, language });
    const request = { method: "POST", body, headers: { ...headers(), "content-type": "application/json" } };
    const told = await (await fetch(base + "/messages", request)).json();
    if (told) hear(told);
  }
  async function read() {
    const resume = last === null ? {} : { "last-event-id": String(last) };
    const answer = await fetch(base + "/events", { headers: { ...headers(), ...resume }, signal: stop.signal });
    if (!answer.ok) throw new Error(answer.status);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const data = event.split("\n").find((line) => line.startsWith("data:"));
        if (data && transport === mine) hear(JSON.parse(data.slice(5)));
      }
    }
  }
  read().catch(() => { plain = false; }).finally(() => lost(mine));
  return mine;
}

function lost(which, code, reason) {
  if (transport !== which) return;
  transport = null;
  for (const effect of [...streams.keys()]) cutStream(effect);
  hideTyping();
  // The same again would close it again: what was too long is not sent any more.
  if (code === 1009 && underWay) refused({ id: underWay, why: words.large });
  for (const message of unsent) if (own.has(message.id)) note(own.get(message.id), words.unsent);
  idle = code === 4000 || code === 1008;
  const rules = reason === "too many tabs" ? words.tabs : words.rules;
  showState(code === 1008 ? rules : idle ? words.idle : words.offline);
  if (idle) return;
  const longest = Math.min(30000, 500 * 2 ** attempt++);
  waiting = setTimeout(connectNow, longest / 2 + (Math.random() * longest) / 2);
}

function connectNow() {
  clearTimeout(waiting);
  if (transport) return;
  transport = plain ? openPlain() : openSocket();
}

// ---- what the customer does

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  field.style.height = "";
  write({ type: "say", text });
  field.focus();
});
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
let typedAt = 0;
field.addEventListener("input", () => {
  if (transport && field.value && Date.now() - typedAt > 3000) {
    typedAt = Date.now();
    transport.send({ type: "typing" });
  }
  field.style.height = "";
  field.style.height = Math.min(field.scrollHeight + 2, 144) + "px";
});
$("person").addEventListener("click", () => write({ type: "say", text: $("person").dataset.say || words.ask }));
addEventListener("online", connectNow);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  document.title = $("title").textContent;
  connectNow();
});

document.documentElement.lang = words === WORDS.es ? "es" : "en";
$("label").textContent = field.placeholder = words.label;
$("send").textContent = words.send;
$("person").textContent = words.person;
$("empty").textContent = words.empty;
showWho({});
for (const message of unsent) showOwn(message);
connectNow();
field.focus();
