// What is remembered in this browser: who the visitor is, what was not stored yet, what was seen. Kept under our own
// origin, where scripts of a page that embeds us cannot read it. Without storage (some private modes) it lasts as long
// as the page.

export function memory(channel) {
  const prefix = "segue.chat." + channel, fallback = new Map();
  const read = (name) => {
    try { return localStorage.getItem(prefix + name) ?? fallback.get(name) ?? null; } catch { return fallback.get(name) ?? null; }
  };
  const parsed = (text, otherwise) => {
    try { return text === null ? otherwise : JSON.parse(text) ?? otherwise; } catch { return otherwise; }
  };
  return {
    get: (name, otherwise) => parsed(read(name), otherwise),
    set(name, value) {
      const text = JSON.stringify(value);
      fallback.set(name, text);
      try { localStorage.setItem(prefix + name, text); } catch { /* full, or not allowed */ }
    },
    drop(name) {
      fallback.delete(name);
      try { localStorage.removeItem(prefix + name); } catch { /* not allowed */ }
    },
    // What stands under names that begin like this.
    all(start) {
      let names = [];
      try { names = Object.keys(localStorage).filter((key) => key.startsWith(prefix + start)).map((key) => key.slice(prefix.length)); } catch { /* not allowed */ }
      const both = new Set([...names, ...[...fallback.keys()].filter((name) => name.startsWith(start))]);
      return [...both].map((name) => parsed(read(name), null)).filter((value) => value !== null);
    },
    // Another tab has changed what stands under `name`.
    changed(name, heard) {
      addEventListener("storage", (event) => event.key === prefix + name && heard(parsed(event.newValue, null)));
    },
  };
}
