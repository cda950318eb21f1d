// Files: how those of a message are shown, and how one is sent with a reply. What is ours is saved or shown as a
// picture, what stands elsewhere is a link that a person may follow, and only if it is https.
import { csrf, newKey, path } from "./api.js";
import { button, h, name } from "./dom.js";
import { t } from "./words.js";

const OURS = "/api/v1/media/";
const PICTURE = /^image\/(png|jpeg|gif|webp)$/;
export const ACCEPTED = "image/png,image/jpeg,image/gif,image/webp,image/heic,application/pdf,video/mp4,video/quicktime,text/plain,.txt,.log,.csv";

const KIB = 1024;
export function size(bytes) {
  if (!(bytes >= 0)) return "";
  return bytes < KIB ? bytes + " B" : bytes < KIB * KIB ? Math.round(bytes / KIB) + " KB" : (bytes / KIB / KIB).toFixed(1) + " MB";
}

// Characters that turn or hide what is written beside them do not belong into a name.
const tidy = (text) => text.replace(/[\u0000-\u001f\u007f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, "").slice(0, 120);

// What an address of ours tells; null: it is none.
function ours(url) {
  if (typeof url !== "string" || !url.startsWith(OURS)) return null;
  const parsed = new URL(url, location.href);
  if (parsed.origin !== location.origin || !parsed.pathname.startsWith(OURS)) return null;
  return { href: parsed.href, name: tidy(parsed.searchParams.get("name") || ""), bytes: Number(parsed.searchParams.get("bytes")) };
}

export const list = (files) => h("ul", { class: "files", "aria-label": t("attachments") }, files.map((file) => h("li", { class: "file" }, show(file))));

function show({ url, content_type: type }) {
  const own = ours(url);
  if (own) {
    const label = own.name || t("file");
    const link = h("a", { href: own.href, download: label }, h("span", { "aria-hidden": "true" }, "▤ "), name(label), " ", h("span", { class: "faint" }, size(own.bytes)));
    if (!PICTURE.test(type || "")) return link;
    const picture = h("img", { src: own.href, alt: "", loading: "lazy", decoding: "async", onerror: () => picture.remove() });
    return [picture, link];
  }
  const label = [h("span", { "aria-hidden": "true" }, "▤ "), t("file"), " ", h("span", { class: "faint" }, type || "?")];
  let safe = null;
  try {
    const parsed = new URL(url);
    if (parsed.protocol === "https:") safe = parsed;
  } catch { /* not an address */ }
  if (!safe) return h("span", { class: "faint" }, ...label, " ", t("file.unsafe"));
  return h("a", { href: safe.href, target: "_blank", rel: "noopener noreferrer", title: t("file.outside") }, ...label, " ", h("span", { class: "faint" }, safe.host));
}

// The text that stands for files where only text is read, as the server writes it.
export const caption = (files) => files.map((file) => ours(file.url)).filter(Boolean).map((one) => "[" + one.name + "]").join(" ");

// ---- sending

const REFUSED = { file_too_long: "file.too.long", file_kind: "file.kind", files_enough: "file.enough", no_files: "file.not.here", no_room: "file.no.room", file_slow: "file.failed", file_broken: "file.failed" };

// Puts a file on the shelf; answers what the server kept, or throws {code, text}. A connection that breaks is tried once
// more; under the same key the file is kept once.
function put(id, file, moved, key = newKey(), more = 1) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest(); // fetch tells no progress
    request.open("POST", "/api/v1" + path(id, "files"));
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", "application/octet-stream");
    request.setRequestHeader("idempotency-key", key);
    request.setRequestHeader("x-file-name", encodeURIComponent(file.name.slice(-200)));
    if (csrf()) request.setRequestHeader("x-csrf-token", csrf());
    request.upload.onprogress = (event) => event.lengthComputable && moved(event.loaded / event.total);
    request.onload = () => {
      let told = {};
      try { told = JSON.parse(request.responseText); } catch { /* not ours: a proxy's page */ }
      if (request.status === 201) done(told);
      else failed({ status: request.status, code: told.code, detail: told.detail, text: REFUSED[told.code] && t(REFUSED[told.code]) });
    };
    const lost = () => failed({ code: "offline", text: t("file.failed") });
    request.onerror = () => (more > 0 ? setTimeout(() => put(id, file, moved, key, more - 1).then(done, failed), 1500) : lost());
    request.ontimeout = request.onabort = lost;
    request.timeout = 180000;
    request.send(file);
  });
}

const held = new Map(); // conversation → what goes with the next reply: [{file, kept, part}]
const changed = new Set();
export const onHeld = (work) => changed.add(work);
const tell = (id) => { for (const work of changed) work(id); };

export const holds = (id) => held.get(id) || [];
export const uploading = (id) => holds(id).some((one) => !one.kept);

export function hold(id, files, refused) {
  for (const file of files) {
    const one = { file, kept: null, part: 0 };
    held.set(id, [...holds(id), one]);
    put(id, file, (part) => { one.part = part; tell(id); }).then((kept) => { one.kept = kept; tell(id); }, (problem) => { drop(id, one); refused(problem, file); });
  }
  tell(id);
}

export function drop(id, one) {
  const left = holds(id).filter((other) => other !== one);
  if (left.length) held.set(id, left); else held.delete(id);
  tell(id);
}

// Takes what is there, for a reply that leaves; `give` puts it back when the reply was refused.
export function takeAll(id) {
  const all = holds(id).filter((one) => one.kept);
  held.delete(id);
  tell(id);
  return all;
}
export function give(id, all) {
  if (!all.length) return;
  held.set(id, [...all, ...holds(id)]);
  tell(id);
}
export const forgetHeld = () => held.clear();

export const row = (id) => holds(id).map((one) => h("li", { class: "chip held" }, name(tidy(one.file.name)), " ",
  h("span", { class: "faint" }, one.kept ? size(one.file.size) : Math.round(one.part * 100) + " %"),
  button("×", () => drop(id, one), { class: "icon", "aria-label": t("file.remove", { name: tidy(one.file.name) }) })));
