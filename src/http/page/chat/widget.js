// The widget: one tag on any page. It puts a button and a frame of Segue's own origin there, and nothing of the
// conversation ever comes out of that frame: this script and the page hear "ready", "close" and a number, no more.
// It keeps to the page's policies: no inline style, no evaluated text, one element with a closed shadow.
(() => {
  "use strict";
  const tag = document.currentScript;
  if (!tag || window.segueChat) return;

  const asked = tag.dataset, house = new URL(tag.src).origin, base = new URL(tag.src).pathname.replace(/\/widget\.js$/, "");
  const channel = asked.channel || "", left = asked.position === "left";
  const TEXTS = {
    en: ["Open the chat", "Close the chat", "%n new", "Chat", "The chat cannot be shown here.", "Open it in a window of its own"],
    es: ["Abrir el chat", "Cerrar el chat", "%n nuevos", "Chat", "El chat no se puede mostrar aquí.", "Abrirlo en su propia ventana"],
    pt: ["Abrir o chat", "Fechar o chat", "%n novas", "Chat", "O chat não pode ser mostrado aqui.", "Abrir em uma janela própria"],
    fr: ["Ouvrir le chat", "Fermer le chat", "%n nouveaux", "Chat", "Le chat ne peut pas être affiché ici.", "L’ouvrir dans sa propre fenêtre"],
    de: ["Chat öffnen", "Chat schließen", "%n neu", "Chat", "Der Chat kann hier nicht gezeigt werden.", "In einem eigenen Fenster öffnen"],
    it: ["Apri la chat", "Chiudi la chat", "%n nuovi", "Chat", "La chat non può essere mostrata qui.", "Aprila in una finestra propria"],
    nl: ["Chat openen", "Chat sluiten", "%n nieuw", "Chat", "De chat kan hier niet worden getoond.", "In een eigen venster openen"],
    af: ["Maak die klets oop", "Maak die klets toe", "%n nuut", "Klets", "Die klets kan nie hier gewys word nie.", "Maak dit in sy eie venster oop"],
  };
  const language = asked.language || navigator.language || "en";
  const [OPEN, CLOSE, NEW, TITLE, BARRED, ALONE] = TEXTS[language.toLowerCase().split("-")[0]] || TEXTS.en;
  const colour = /^#?[0-9a-f]{6}$/i.test(asked.color || "") ? "#" + asked.color.replace("#", "") : "#0b5cad";
  const READY_WITHIN = 30000, READY_AFTER_LOAD = 3000; // its scripts run before a page is loaded; a refused page is loaded at once

  // Only whether the panel was open and whether there ever was a chat: nothing that opens anything.
  const remember = (store, name, value) => {
    try {
      const key = `segue.chat.${name}.${channel}`;
      if (value === undefined) return window[store].getItem(key);
      if (value === null) window[store].removeItem(key);
      else window[store].setItem(key, value);
    } catch { /* not allowed */ }
    return null;
  };

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "closed" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; }
    * { box-sizing: border-box; }
    button, .panel { position: fixed; z-index: 2147483000; ${left ? "left" : "right"}: max(1.25rem, env(safe-area-inset-${left ? "left" : "right"})); }
    button {
      bottom: max(1.25rem, env(safe-area-inset-bottom)); width: 3.5rem; height: 3.5rem; padding: 0; border: 0; border-radius: 50%;
      background: ${colour}; color: ${ink(colour)}; box-shadow: 0 4px 16px #0005; cursor: pointer; display: grid; place-items: center;
    }
    button:focus-visible { outline: 3px solid ${colour}; outline-offset: 3px; box-shadow: 0 0 0 3px #fff, 0 4px 16px #0005; }
    svg { width: 1.6rem; height: 1.6rem; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    .count { position: absolute; top: -.2rem; right: -.2rem; min-width: 1.4rem; padding: 0 .35rem; border-radius: .7rem; background: #b3261e; color: #fff; font: 700 .8rem/1.4rem system-ui, sans-serif; text-align: center; }
    .panel {
      bottom: 5.75rem; width: min(24rem, calc(100vw - 2.5rem)); height: min(40rem, calc(100vh - 7.25rem)); border-radius: 1rem; overflow: hidden;
      background: Canvas; color: CanvasText; color-scheme: light dark; box-shadow: 0 8px 40px #0006; transition: opacity .15s, transform .15s; font: 1rem/1.5 system-ui, sans-serif;
    }
    .panel:not(.open) { visibility: hidden; opacity: 0; transform: translateY(.5rem); pointer-events: none; }
    .panel.barred { padding: 1.5rem; height: auto; }
    iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: normal; }
    [hidden] { display: none; }
    @media (max-width: 30rem), (max-height: 26rem) {
      .panel { left: 0; right: 0; top: var(--top, 0); bottom: auto; width: 100%; height: var(--height, 100dvh); border-radius: 0; }
      .panel.open ~ button { display: none; }
    }
    @media (prefers-reduced-motion: reduce) { .panel { transition: none; } }
    @media print { button, .panel { display: none; } }
  `);
  root.adoptedStyleSheets = [sheet];

  const panel = document.createElement("div");
  panel.className = "panel";
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-haspopup", "dialog");
  const icon = button.appendChild(drawing("M21 12a8 8 0 0 1-8 8H4l2-3.5A8 8 0 1 1 21 12z"));
  const cross = button.appendChild(drawing("M6 6l12 12M18 6L6 18"));
  const count = button.appendChild(document.createElement("span"));
  count.className = "count";
  button.hidden = asked.launcher === "none";
  root.append(panel, button);

  let frame = null, open = false, unread = 0, ready = false, before = null, invited = false;

  function drawing(d) {
    const name = "http://www.w3.org/2000/svg", svg = document.createElementNS(name, "svg"), path = document.createElementNS(name, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", d);
    svg.append(path);
    return svg;
  }

  // White or black, whichever can be read on it.
  function ink(hex) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 4.5 ? "#fff" : "#000";
  }

  const address = (page) => {
    const url = new URL(house + base + page);
    const said = { channel, lang: asked.language, color: asked.color && colour, theme: asked.theme, title: asked.title };
    for (const [name, value] of Object.entries(said)) if (value) url.searchParams.set(name, value);
    return url;
  };

  function load() {
    if (frame) return;
    const url = address("/embed");
    url.searchParams.set("origin", location.origin);
    frame = document.createElement("iframe");
    frame.title = asked.title || TITLE;
    frame.src = url.href;
    frame.allow = "";
    frame.addEventListener("load", () => setTimeout(() => ready || bar(), READY_AFTER_LOAD));
    panel.append(frame);
    setTimeout(() => ready || bar(), READY_WITHIN);
  }

  // Our page may not be framed here, or does not come: then it has a window of its own.
  function bar() {
    if (panel.classList.contains("barred")) return;
    console.warn(`Segue: the chat was not shown. Is ${location.origin} in allowed_origins of the channel, and ${house} in this page's frame-src?`);
    const text = document.createElement("p"), link = document.createElement("a");
    text.textContent = BARRED;
    link.textContent = ALONE;
    link.href = address("").href;
    link.target = "_blank";
    link.rel = "noopener";
    panel.classList.add("barred");
    panel.replaceChildren(text, link);
  }

  const tell = (word) => ready && frame.contentWindow?.postMessage({ segue: word }, house);

  function show(to, byHand) {
    if (open === to) return;
    open = to;
    if (open) {
      load();
      remember("localStorage", "used", "1");
      if (byHand) before = document.activeElement;
    }
    remember("sessionStorage", "open", open ? "1" : null);
    panel.classList.toggle("open", open);
    label();
    invited = byHand;
    tell(open ? (byHand ? "opened" : "shown") : "closed");
    focused();
    if (open && byHand) frame?.focus();
    if (!open && byHand) (button.hidden ? before : button)?.focus?.();
  }

  function label() {
    const text = (open ? CLOSE : OPEN) + (unread && !open ? ` (${NEW.replace("%n", unread)})` : "");
    button.setAttribute("aria-label", text);
    button.setAttribute("aria-expanded", String(open));
    icon.style.display = open ? "none" : "";
    cross.style.display = open ? "" : "none";
    count.textContent = unread > 9 ? "9+" : unread;
    count.hidden = open || !unread;
  }

  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== house) return;
    if (event.data?.segue === "ready") {
      ready = true;
      if (open) {
        focused();
        tell(invited ? "opened" : "shown"); // a page that opens it again by itself does not take the keyboard away
        if (invited) frame.focus();
      }
    }
    if (event.data?.segue === "close") show(false, true);
    if (event.data?.segue === "unread") {
      unread = Math.max(0, Math.floor(Number(event.data.count)) || 0);
      label();
    }
  });
  button.addEventListener("click", () => show(!open, true));

  // Whether somebody is before the page: an answer in an open panel is read then, also while the keyboard is out here.
  const focused = () => tell(document.hasFocus() ? "focused" : "blurred");
  addEventListener("focus", focused);
  addEventListener("blur", () => setTimeout(focused));

  // On a phone the panel is what the keyboard leaves of the screen.
  const seen = window.visualViewport;
  const fit = () => {
    panel.style.setProperty("--height", `${seen.height}px`);
    panel.style.setProperty("--top", `${seen.offsetTop}px`);
  };
  if (seen) {
    seen.addEventListener("resize", fit);
    seen.addEventListener("scroll", fit);
    fit();
  }

  window.segueChat = Object.freeze({ open: () => show(true, true), close: () => show(false, true), toggle: () => show(!open, true) });
  label();
  const begin = () => {
    document.body.append(host);
    if (remember("sessionStorage", "open") && !matchMedia("(max-width: 30rem)").matches) show(true, false);
    // Whoever has talked to us before hears of answers also while the panel is shut.
    else if (remember("localStorage", "used")) (window.requestIdleCallback || setTimeout)(load);
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
})();
