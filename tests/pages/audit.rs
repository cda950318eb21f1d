//! What on a page cannot be read or has no name.

/// Shows what has less contrast than WCAG AA asks of ordinary text (4.5 to 1), and what has no name for a screen reader.
pub const AUDIT: &str = r##"(() => {
  const faults = [];
  const numbers = (color) => { const found = color.match(/[\d.]+/g).map(Number); return found.length < 4 ? [...found, 1] : found; };
  const light = ([r, g, b]) => { const one = (c) => { c /= 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; }; return .2126 * one(r) + .7152 * one(g) + .0722 * one(b); };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const backOf = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) { const back = numbers(getComputedStyle(at).backgroundColor); if (back[3] > 0) layers.push(back); if (back[3] === 1) break; }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length || element.closest("[aria-hidden=true], .unseen, :disabled")) continue;
    const style = getComputedStyle(element);
    let clear = 1;
    for (let at = element; at; at = at.parentElement) clear *= Number(getComputedStyle(at).opacity);
    const back = backOf(element), ink = numbers(style.color);
    ink[3] *= clear;
    const [a, b] = [light(over(ink, back)), light(back)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faults.push(ratio.toFixed(2) + " " + element.tagName + "." + element.className + ": " + walker.currentNode.textContent.trim().slice(0, 40));
  }
  for (const one of document.querySelectorAll("button, input, select, textarea, a, [role=listbox], [role=log]")) {
    if (!one.getClientRects().length) continue;
    const name = one.getAttribute("aria-label") || one.innerText?.trim() || (one.labels && one.labels.length && one.labels[0].innerText) || one.title;
    if (!name) faults.push("no name: " + one.outerHTML.slice(0, 120));
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the window: " + document.documentElement.scrollWidth);
  for (const one of document.querySelectorAll("#thread, #list, .lists, .side, .composer, .banner, dialog, .menu, .popup"))
    if (one.getClientRects().length && one.scrollWidth > one.clientWidth + 1) faults.push("wider than its place: " + (one.id || one.className) + " " + one.scrollWidth + " > " + one.clientWidth);
  for (const one of document.querySelectorAll("[id]")) if (document.querySelectorAll("#" + CSS.escape(one.id)).length > 1) faults.push("twice: #" + one.id);
  return faults;
})()"##;
