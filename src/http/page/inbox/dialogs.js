// Small windows and short messages: a question with fields, the sheet of keys, toasts, words for screen readers.
import { $, button, fill, h } from "./dom.js";
import { t } from "./words.js";

let said = "";
export function announce(text) {
  // The same words twice are said twice.
  said = said === text ? text + "\u00a0" : text;
  $("announce").textContent = said;
}

export function toast(text, kind = "", act = null) {
  const box = h("div", { class: "toast " + kind }, h("span", {}, text),
    act && button(act.text, () => { box.remove(); act.run(); }, { class: "link" }),
    button("×", () => box.remove(), { class: "icon", "aria-label": t("close") }));
  $("toasts").append(box);
  while ($("toasts").children.length > 4) $("toasts").firstChild.remove();
  setTimeout(() => box.remove(), kind === "warn" ? 9000 : 4500);
}

// Asks. fields: [{name, label, kind: text | area | select | time, options, value, required, hint}]
// buttons: [{text, value, class, disabled}]. Answers {button, values}, or null when it was closed.
export function ask({ title, text, fields = [], buttons, note }) {
  return new Promise((answer) => {
    const inputs = new Map();
    const rows = fields.map((field) => {
      const id = "ask-" + field.name;
      const input = field.kind === "area" ? h("textarea", { id, rows: "3", dir: "auto", maxlength: "4000" })
        : field.kind === "select" ? h("select", { id }, field.options.map(([value, label]) => h("option", { value, selected: value === field.value }, label)))
          : h("input", { id, type: field.kind === "time" ? "datetime-local" : "text", dir: "auto", maxlength: field.max || "300", list: field.list ? id + "-list" : null });
      if (field.value !== undefined && field.kind !== "select") input.value = field.value;
      input.required = Boolean(field.required);
      inputs.set(field.name, input);
      return h("div", { class: "row-field" }, h("label", { for: id }, field.label, field.required && h("span", { class: "faint" }, " · ", t("required"))), input,
        field.list && h("datalist", { id: id + "-list" }, field.list.map((value) => h("option", { value }))),
        field.hint && h("p", { class: "faint" }, field.hint));
    });
    const list = buttons || [{ text: t("ok"), value: "ok", class: "primary" }];
    let chosen = null;
    const form = h("form", { method: "dialog", novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      const pressed = event.submitter ? event.submitter.value : list.find((one) => one.class === "primary")?.value || list[0].value;
      const missing = [...inputs.values()].find((input) => input.required && !input.value.trim());
      if (missing && pressed !== "cancel") { missing.setAttribute("aria-invalid", "true"); missing.focus(); return; }
      chosen = pressed;
      dialog.close();
    } },
      h("h2", { id: "ask-title" }, title), text && h("p", {}, text), rows, note,
      h("div", { class: "buttons" },
        button(t("cancel"), () => dialog.close()),
        list.map((one) => h("button", { type: "submit", value: one.value, class: one.class || "", disabled: Boolean(one.disabled), title: one.title || null }, one.text))));
    const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-title", onclose: () => {
      dialog.remove();
      if (back && back.isConnected) back.focus();
      answer(chosen === null || chosen === "cancel" ? null
        : { button: chosen, values: Object.fromEntries([...inputs].map(([key, input]) => [key, input.value])) });
    } }, form);
    // Enter in a longer text makes a new line; with Control it decides.
    dialog.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key !== "Enter" || event.target.tagName === "BUTTON") return;
      if (event.target.tagName !== "TEXTAREA" || event.ctrlKey || event.metaKey) { event.preventDefault(); form.requestSubmit(form.querySelector("button.primary")); }
    });
    const back = document.activeElement;
    document.body.append(dialog);
    dialog.showModal();
    const first = inputs.values().next().value || dialog.querySelector(".buttons .primary") || dialog.querySelector("button");
    first.focus();
  });
}

export function sheet(title, content) {
  const back = document.activeElement;
  const dialog = h("dialog", { class: "ask sheet", "aria-labelledby": "sheet-title", onclose: () => { dialog.remove(); if (back && back.isConnected) back.focus(); },
    onkeydown: (event) => { event.stopPropagation(); if (event.key === "?" || event.key === "q") dialog.close(); } },
    h("h2", { id: "sheet-title" }, title), content,
    h("div", { class: "buttons" }, button(t("close"), () => dialog.close(), { class: "primary" })));
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector(".buttons button").focus({ preventScroll: true });
  return dialog;
}

export function help(keys) {
  sheet(t("keys"), h("dl", { class: "keys" }, keys.map(([key, text]) => h("div", {}, h("dt", {}, key.split(" ").map((one, at) => [at > 0 && " ", h("kbd", {}, one)])), h("dd", {}, text)))));
}

// A menu under a button.
export function menu(anchor, items) {
  const old = document.querySelector(".menu");
  if (old) { old.remove(); if (old.anchor === anchor) return; }
  const close = () => { box.remove(); document.removeEventListener("pointerdown", outside, true); anchor.setAttribute("aria-expanded", "false"); };
  const outside = (event) => { if (!box.contains(event.target) && !anchor.contains(event.target)) close(); };
  const box = h("div", { class: "menu", role: "menu", onkeydown: (event) => {
    const all = [...box.querySelectorAll("[role^=menuitem]")], at = all.indexOf(document.activeElement);
    if (event.key === "ArrowDown") all[(at + 1) % all.length].focus();
    else if (event.key === "ArrowUp") all[(at - 1 + all.length) % all.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") { close(); anchor.focus(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  } });
  fill(box, items.filter(Boolean).map((one) => h("button", {
    type: "button", role: one.checked === undefined ? "menuitem" : "menuitemradio", "aria-checked": one.checked === undefined ? null : String(one.checked),
    onclick: () => { close(); anchor.focus(); one.run(); },
  }, h("span", {}, one.icon || "", one.text), one.key && h("kbd", {}, one.key))));
  box.anchor = anchor;
  document.body.append(box);
  const place = anchor.getBoundingClientRect(), own = box.getBoundingClientRect();
  box.style.top = Math.max(8, Math.min(place.bottom + 4, innerHeight - own.height - 8)) + "px";
  box.style.left = Math.max(8, Math.min(place.right - own.width, innerWidth - own.width - 8)) + "px";
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  box.querySelector("button").focus();
}
