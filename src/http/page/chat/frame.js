// The page inside a frame of another site: opened, closed and counted by messages of that site's page, and of no other.
// Nothing of the conversation is ever told to it.

export function frame(origin) {
  const parent = window.parent;
  const heard = { opened() {}, closed() {}, shown() {}, focused() {}, blurred() {} };
  const tell = (type, more) => parent.postMessage({ segue: type, ...more }, origin);
  addEventListener("message", (event) => {
    if (event.source !== parent || event.origin !== origin) return;
    if (Object.hasOwn(heard, event.data?.segue)) heard[event.data.segue]();
  });
  return {
    on(type, act) { heard[type] = act; },
    ready: () => tell("ready"),
    close: () => tell("close"),
    unread: (count) => tell("unread", { count }),
  };
}

// Whether we are framed by somebody, and by whom: the widget says it in the address. A page that lies there is not
// heard, because its messages come from another origin.
export function framedBy() {
  const origin = new URLSearchParams(location.search).get("origin");
  if (window.parent === window || !/^https?:\/\/[^/?#\s]+$/.test(origin || "")) return null;
  return origin;
}

// Tab stays within the page, as within any dialog.
export function trap(root) {
  const stops = () => [...root.querySelectorAll("a[href], button, input, textarea, [tabindex='0']")]
    .filter((one) => !one.disabled && one.type !== "file" && one.tabIndex >= 0 && one.getClientRects().length);
  addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const all = stops(), first = all[0], last = all.at(-1), at = document.activeElement;
    if (!first) return;
    if (event.shiftKey ? at === first || at === document.body : at === last) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  });
}

// The screen's keyboard covers part of the page: the rest is what we have.
export function keepAboveKeyboard() {
  const seen = window.visualViewport;
  if (!seen) return;
  const fit = () => {
    document.documentElement.style.setProperty("--height", `${seen.height}px`);
    document.documentElement.style.setProperty("--top", `${seen.offsetTop}px`);
  };
  seen.addEventListener("resize", fit);
  seen.addEventListener("scroll", fit);
  fit();
}
