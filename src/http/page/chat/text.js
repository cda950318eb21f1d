// What anybody wrote, put on the page as text and nothing else: no HTML, no tricks with the direction of writing,
// and links only to what they say they lead to.

// Overrides and embeddings turn the order of what stands beside them; whoever needs them is served by dir=auto.
const TURNING = /[\u202A-\u202E\u2066-\u2069]/g;
// Control characters but tab and newline, and characters that take no room but tell words apart that look alike.
const UNSEEN = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200B\u2060\uFEFF\u{E0000}-\u{E007F}]/gu;

export const clean = (text) => String(text ?? "").replace(/\r\n?/g, "\n").replace(TURNING, "").replace(UNSEEN, "");

// One line, for names and labels.
export const oneLine = (text) => clean(text).replace(/\s+/g, " ").trim();

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u200E\u200F\u061C]+/gi;
const HREF_CHARS_MAX = 2048;

// The address that `text` names, if it can be linked: http or https, nobody's name before the host, and shown as
// what it is (a host that is not written in Latin letters is shown in its true, encoded form).
export function address(text) {
  if (text.length > HREF_CHARS_MAX) return null;
  let url;
  try { url = new URL(text); } catch { return null; }
  if ((url.protocol !== "http:" && url.protocol !== "https:") || url.username || url.password || !url.hostname) return null;
  // eslint-disable-next-line no-control-regex
  return { href: url.href, shown: /^[\x21-\x7E]+$/.test(text) ? text : url.href };
}

// Sentences end right behind addresses, and addresses stand in brackets.
function trimmed(found) {
  let end = found.length;
  while (end > 0) {
    const last = found[end - 1];
    const opened = found.slice(0, end).split("(").length, shut = found.slice(0, end).split(")").length;
    if (".,;:!?…»”’]}".includes(last) || (last === ")" && shut > opened)) end -= 1;
    else break;
  }
  return found.slice(0, end);
}

// Puts `text` into `element`, in place of what was there.
export function fill(element, text) {
  const plain = clean(text), parts = [];
  let from = 0;
  for (const match of plain.matchAll(ADDRESS)) {
    const found = trimmed(match[0]), link = address(found);
    if (!link) continue;
    parts.push(plain.slice(from, match.index), anchor(link));
    from = match.index + found.length;
  }
  parts.push(plain.slice(from));
  element.replaceChildren(...parts.filter((part) => part !== ""));
}

function anchor({ href, shown }) {
  const link = document.createElement("a");
  link.href = href;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow ugc";
  link.dir = "ltr";
  link.textContent = shown;
  return link;
}
